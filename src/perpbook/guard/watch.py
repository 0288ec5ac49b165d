"""The watch: after each message, in constant time per held position, where the book stands, and whether to look at it whole.

A full look (`assess`, `decide`) leaves a range of prices in which its findings are proven to stay (`watch_range`). While every
held price is inside, and the look is not too old, nothing can have changed that a rule would say: the watch may cry wolf, never
miss. Between looks each price that moves changes the equity, the maintenance margin (tier lines, exactly) and the notional of
the accounts that hold it. Plain Python: for one price at a time that beats arrays.

Not followed price by price: contracts whose margin does not follow from lines in their own price alone (inverse ones,
whole-position tiers by notional, fees at the bankruptcy price without a leverage). Any move of theirs asks for a full look.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from perpbook.guard.watch_range import RATIO_LEVELS, Look, is_followed, proven_range, unproven_rules
from perpbook.margin.arrays import Item
from perpbook.model.account import Account
from perpbook.model.message import AccountSeen, FillSeen, MarkSeen, Message, Stale
from perpbook.model.units import SECOND_NS
from perpbook.terms.terms import PriceSource

AGAIN_NS = SECOND_NS // 4
"""Between two tries of a look that cannot be made."""


@dataclass(slots=True)
class Row:
    """One position under a price. delta : base units, signed.  lines : (slope, offset) of its maintenance margin, the largest
    holds.  size : its notional is size p."""

    account: int
    delta: float
    lines: tuple[tuple[float, float], ...]
    reciprocal: float
    size: float
    entry: float
    needs: float = 0.0

    def requirement(self, price: float) -> float:
        """Maintenance margin at a price, dollars."""
        need = max(slope * price + offset for slope, offset in self.lines) if self.lines else 0.0
        return need + self.reciprocal / price if self.reciprocal > 0.0 else need


@dataclass(slots=True)
class Price:
    """One contract's price and what hangs on it. low, high : while it stays between, findings stay.  oracle : which price of a
    message it is.  followed : False: any move asks for a look.  stands_in : a mark taken because no oracle price was known."""

    price: float
    oracle: bool
    followed: bool
    stands_in: bool
    low: float = 0.0
    high: float = 0.0
    rows: list[Row] = field(default_factory=list)


class Watch:
    """Call it with every message: True where a full look is due. Call `look` after each full look.

    latest_ns : the longest between two looks.  ratio_levels : maintenance over equity at which a look is due besides rules.
    """

    def __init__(
        self, *, latest_ns: int = 5 * SECOND_NS, ratio_levels: tuple[float, ...] = RATIO_LEVELS, floor: float = 1e-5
    ) -> None:
        self._latest_ns, self._levels, self._floor = latest_ns, ratio_levels, floor
        self._prices: dict[tuple[str, str], Price] = {}
        self._accounts: dict[str, Account] = {}
        self._numbers: dict[str, int] = {}
        self.until_ns = -1
        self.equities: list[float] = []
        self.maintenances: list[float] = []
        self.notionals: list[float] = []
        self.book_equity = 0.0
        self.reach = 0.0
        self.waits: tuple[str, ...] = ()

    def __call__(self, message: Message) -> bool:
        """Take a message; whether a full look is due."""
        if type(message) is MarkSeen:
            price = self._prices.get((message.venue, message.symbol))
            if price is not None:
                if price.stands_in and message.oracle_price is not None:
                    return True
                seen = message.oracle_price if price.oracle else message.mark_price
                if seen is not None and self.price(price, seen):
                    return True
        elif isinstance(message, AccountSeen):
            known = self._accounts.get(message.account.id)
            if known is None or not same(known, message.account):
                return True
        elif isinstance(message, Stale | FillSeen):
            return True
        return message.received_ns >= self.until_ns

    def held(self, venue: str, symbol: str) -> Price | None:
        """What hangs on a contract's price, None where nothing does."""
        return self._prices.get((venue, symbol))

    def price(self, held: Price, seen: float) -> bool:
        """A price was seen; whether it is where findings are not proven to stay."""
        if seen != held.price:
            self._move(held, seen)
        return not held.low <= seen <= held.high

    def wait(self, now_ns: int) -> None:
        """A full look could not be made, for want of a price: another is due soon, not at every message."""
        self.until_ns = max(self.until_ns, now_ns + AGAIN_NS)

    def look(self, look: Look) -> None:
        """A full look was made: begin anew from it."""
        arrays, measures = look.assessed.arrays, look.assessed.measures
        self._accounts = {account.id: account for account in arrays.accounts}
        self._numbers = {account.id: number for number, account in enumerate(arrays.accounts)}
        self.equities = [float(one) for one in measures.equity]
        self.maintenances = [float(one) for one in measures.maintenance]
        self.notionals = [float(one) for one in measures.gross]
        self.book_equity = look.assessed.assessment.book.equity
        self._prices = {}
        for row in arrays.positions():
            self._put(row, arrays.items[row], look)
        self.reach = proven_range(look, self._levels, self._floor)
        for price in self._prices.values():
            reach = self.reach if price.followed else 0.0
            price.low, price.high = price.price / (1.0 + reach), price.price * (1.0 + reach)
        self.waits = unproven_rules(look)
        self.until_ns = look.now_ns + self._latest_ns

    def equity(self, account: str) -> float:
        """Dollars an account holds now."""
        return self.equities[self._numbers[account]]

    def maintenance(self, account: str) -> float:
        """Dollars it must hold."""
        return self.maintenances[self._numbers[account]]

    def margin_ratio(self, account: str) -> float:
        """Maintenance margin over equity: liquidation at 1; inf without equity."""
        number = self._numbers[account]
        equity = self.equities[number]
        return self.maintenances[number] / equity if equity > 0.0 else float("inf")

    def gross_leverage(self) -> float:
        """Notional over the book's equity; inf without equity."""
        return sum(self.notionals) / self.book_equity if self.book_equity > 0.0 else float("inf")

    def losses(self, venue: str, symbol: str) -> list[tuple[str, float]]:
        """(account, dollars lost since entry, >= 0) of each position in a contract that is followed."""
        held = self._prices[venue, symbol]
        names = list(self._numbers)
        return [(names[row.account], max(-row.delta * (held.price - row.entry), 0.0)) for row in held.rows]

    def drawdown(self, start: float) -> float:
        """The share of `start` (> 0 dollars) that the book has lost, < 0 for a gain."""
        return 1.0 - self.book_equity / start

    def _move(self, held: Price, price: float) -> None:
        """Carry a price's move into what hangs on it."""
        step = price - held.price
        held.price = price
        if not held.followed:
            return
        equities, maintenances, notionals = self.equities, self.maintenances, self.notionals
        for row in held.rows:
            gain, needs = row.delta * step, row.requirement(price)
            equities[row.account] += gain
            maintenances[row.account] += needs - row.needs
            notionals[row.account] += row.size * step
            self.book_equity += gain
            row.needs = needs

    def _put(self, number: int, item: Item, look: Look) -> None:
        """One position under its contract's price."""
        arrays, lines = look.assessed.arrays, look.assessed.measures.lines
        assert item.position is not None and item.terms is not None
        venue = arrays.terms[item.account]
        key = (venue.venue, item.terms.contract.symbol)
        margined = venue.risk_price is PriceSource.ORACLE
        oracle = margined and item.quote is not None and item.quote.oracle_price is not None
        followed = is_followed(item)
        fresh = Price(price=item.mark, oracle=oracle, followed=followed, stands_in=margined and not oracle)
        held = self._prices.setdefault(key, fresh)
        held.followed = held.followed and followed
        pieces = int(lines.pieces[number])
        row = Row(
            account=item.account,
            delta=item.delta,
            lines=tuple((float(lines.slope[number, k]), float(lines.offset[number, k])) for k in range(pieces)),
            reciprocal=float(lines.reciprocal[number]),
            size=abs(item.position.quantity),
            entry=item.position.entry_price,
        )
        row.needs = row.requirement(item.mark)
        held.rows.append(row)


def same(one: Account, other: Account) -> bool:
    """Whether an account is held as it was: positions and money, whatever the venue reports beside."""
    return one.collateral == other.collateral and _held(one) == _held(other)


def _held(account: Account) -> list[tuple[str, float, float]]:
    """What is held of contracts; a position of nothing is none."""
    return [(one.symbol, one.quantity, one.entry_price) for one in account.positions if one.quantity]
