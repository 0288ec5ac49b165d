"""One simulated venue while it is served: time passes, requests act, faults strike, and what happened waits to be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from perpbook.dialects.pace import Pace
from perpbook.dialects.traded import Tally, Traded
from perpbook.errors import OutcomeUnknown
from perpbook.model.account import Account
from perpbook.model.market import Depth
from perpbook.model.message import AccountSeen, BookSeen, FillSeen, Message, OrderSeen, Stale
from perpbook.model.order import OrderReport, OrderRequest
from perpbook.model.units import SECOND_NS
from perpbook.simulation.exchange import Exchange
from perpbook.simulation.faults import FaultKind, Faults, garbled
from perpbook.simulation.faulty import FaultyExchange
from perpbook.simulation.happened import Happening, Liquidated, Settled
from perpbook.simulation.market import Path, Prices
from perpbook.terms.find import find_contract
from perpbook.terms.terms import ContractTerms

RETELL_NS = SECOND_NS // 2
"""So often (wall) marks, books and accounts are told again where nothing moves: a silent stream is a broken one."""

KEPT_BOOKS = 1024
"""Changes of books that are kept to be told late."""

Told = Message | Settled | Liquidated
"""What a stream may say."""


class Hanging(Exception):
    """The request has acted, and is never answered."""


class BrokenOnPurpose(Exception):
    """The request is answered with a 500."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A settlement: `rate` fraction per interval, `price` the oracle's then."""

    at_ns: int
    rate: float
    price: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An order the venue has heard of. `number` its own; `placed_ns` when it came."""

    number: int
    request: OrderRequest
    report: OrderReport
    placed_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a book differs from the one told before it (`since`): levels with their size now, 0 for gone."""

    since: int
    levels: Depth


class ServedVenue:
    """See the module. `past` : settlements before the start, by native symbol, oldest first. `draw` : uniforms in [0, 1)."""

    def __init__(
        self,
        exchange: Exchange,
        path: Path,
        pace: Pace,
        faults: Faults,
        draw: Callable[[], float],
        past: Mapping[str, Sequence[Rate]],
    ) -> None:
        self.truth = exchange
        self.pace = pace
        self.faults = faults
        self.draw = draw
        self.rates = {symbol: list(past.get(symbol, ())) for symbol in exchange.symbols}
        self.trades: dict[str, list[Traded]] = {account: [] for account in exchange.accounts}
        self.liquidated: list[Liquidated] = []
        self.is_dark = False
        self._wire = FaultyExchange(exchange, replace(faults, malformed=0.0), draw)
        self._path = path
        self._prices: dict[str, Prices] = dict(path.steps[0].prices)
        self._books: dict[str, Depth] = dict(path.steps[0].books)
        self._told_ns = pace.wall_ns
        self._outbox: list[Told] = []
        self._arriving: tuple[str, str] | None = None
        self._orders: dict[str, dict[str, int]] = {account: {} for account in exchange.accounts}
        self._numbers: dict[int, tuple[str, str]] = {}
        self._tally = Tally()
        self._last_books = {symbol: exchange.book(symbol) for symbol in exchange.symbols}
        self._changes: dict[tuple[str, int], Change] = {}
        self._nameless = 0
        self._garbled = 0
        for account in exchange.accounts:
            names = {
                one.symbol: self.contract(one.symbol).contract.symbol for one in exchange.account(account).positions
            }
            self._tally.open(exchange.account(account), names)

    @property
    def clock_ns(self) -> int:
        """The time that the venue says it is: its own, wrong by the skew."""
        return self.truth.now_ns + self.faults.skew_ns

    def follow(self, path: Path) -> None:
        """Another market from now on."""
        self.catch_up()
        self._path = path

    def contract(self, symbol: str) -> ContractTerms:
        """A contract's terms."""
        return find_contract(self.truth.terms, symbol)

    def is_near(self, stamp_ns: int, before_ns: int, after_ns: int) -> bool:
        """Whether a client's stamp is of now: by the wall's clock, or by the venue's, which runs ahead at speed."""
        clocks = (self.pace.wall_ns + self.faults.skew_ns, self.clock_ns)
        return any(now - before_ns <= stamp_ns <= now + after_ns for now in clocks)

    def family(self, account: str) -> tuple[Account, ...]:
        """An account and the isolated positions that hang on it, as they truly are."""
        return tuple(self.truth.account(name) for name in self.names(account))

    def names(self, account: str) -> tuple[str, ...]:
        """Its name, then those of the isolated positions that hang on it."""
        hang = [name for name in self.truth.accounts if self.truth.account(name).parent == account]
        return (account, *hang)

    def at_home(self, account: str, symbol: str) -> str:
        """The bucket of an account that a contract trades in: the isolated one that holds it, else the account itself."""
        for one in self.family(account)[1:]:
            if any(self.contract(held.symbol).contract.symbol == symbol for held in one.positions):
                return one.id
        return account

    def catch_up(self) -> None:
        """Let time pass up to now, step by step; a standing market is told again from time to time."""
        now = max(self.pace.now_ns, self.truth.now_ns)
        for step in self._path.between(self.truth.now_ns, now):
            self._prices.update(step.prices)
            self._books = dict(step.books)
            self._advance(step.at_ns, step.prices, step.books)
            self._told_ns = self.pace.wall_ns
        if self.pace.wall_ns - self._told_ns >= RETELL_NS:
            self._told_ns = self.pace.wall_ns
            self._advance(now, self._prices, self._books)
            if self._wire.is_connected:
                self._outbox += [self._account_seen(account) for account in self.truth.accounts]
        elif now > self.truth.now_ns:
            self._advance(now, {}, {})
        self.collect()

    def beat(self) -> bool:
        """Catch up, and let the line break or heal; True when it has just broken and clients are cut off."""
        self.catch_up()
        told = [one for one in self._wire.step(self.truth.now_ns) if isinstance(one, Stale)]
        if told:
            self.is_dark = not told[0].fresh
        self.collect()
        return self.is_dark and bool(told)

    def drain(self) -> tuple[Told, ...]:
        """What is to be told since the last call, in order of arrival."""
        out = tuple(self._outbox)
        self._outbox.clear()
        return out

    def place(self, request: OrderRequest, expires_ns: int | None = None) -> OrderReport:
        """An order; a refusal is a report.

        Raises
        ------
        BrokenOnPurpose, Hanging : a fault.
        """
        self.catch_up()
        self._arriving = (request.account, request.client_id)
        try:
            return self._wire.place(request, self.truth.now_ns, expires_ns)
        except OutcomeUnknown:
            raise self._struck() from None
        finally:
            self.collect()
            self._arriving = None

    def cancel(self, account: str, symbol: str, client_id: str) -> OrderReport:
        """Take an order back; raises as `place` does."""
        self.catch_up()
        try:
            return self._wire.cancel(account, symbol, client_id, self.truth.now_ns)
        except OutcomeUnknown:
            raise self._struck() from None
        finally:
            self.collect()

    def seen(self, account: str) -> tuple[AccountSeen, ...]:
        """The family as a read shows it: as it is, or through a fault as it was.

        Raises
        ------
        VenueUnavailable : a fault.
        """
        self.catch_up()
        return tuple(self._wire.account(name, self.truth.now_ns) for name in self.names(account))

    def book(self, symbol: str) -> BookSeen:
        """A book as a read shows it; raises as `seen`."""
        self.catch_up()
        return self._wire.book(symbol, self.truth.now_ns)

    def known(self, account: str) -> tuple[Known, ...]:
        """Orders of a family, oldest first; raises as `seen`."""
        self.catch_up()
        self._wire.open_orders(account, self.truth.now_ns)
        out = [self.order(name, client) for name in self.names(account) for client in self._orders[name]]
        return tuple(sorted((one for one in out if one is not None), key=lambda one: one.number))

    def order(self, account: str, client_id: str) -> Known | None:
        """One order by the client's id, None for one never heard of."""
        request, number = self.truth.request(account, client_id), self.truth.number(account, client_id)
        if request is None or number is None:
            return None
        report = self.truth.order(account, request.symbol, client_id)
        skewed = replace(report, at_ns=report.at_ns + self.faults.skew_ns)
        placed = self._orders[account].get(client_id, report.at_ns) + self.faults.skew_ns
        return Known(number=number, request=request, report=skewed, placed_ns=placed)

    def find(self, account: str, number: int | None = None, client_id: str | None = None) -> Known | None:
        """An order of a family, by the venue's number or the client's id."""
        if client_id is not None:
            found = [self.order(name, client_id) for name in self.names(account)]
            return next((one for one in found if one is not None), None)
        owner = self._numbers.get(number if number is not None else -1)
        if owner is None or owner[0] not in self.names(account):
            return None
        return self.order(*owner)

    def change(self, symbol: str, sequence: int) -> Change | None:
        """How a book that was told differs from the one before."""
        return self._changes.get((symbol, sequence))

    def nameless(self) -> str:
        """A client id for an order that came without one."""
        self._nameless += 1
        return f"nameless-{self._nameless}"

    def wire_text(self, text: str) -> str:
        """A message as it leaves, garbled where that fault strikes."""
        if self.faults.malformed > 0.0 and self.draw() < self.faults.malformed:
            self._garbled += 1
            return garbled(text, self.draw())
        return text

    def faults_struck(self) -> dict[str, int]:
        """How often each fault has struck."""
        counts = Counter(one.kind.value for one in self._wire.struck)
        counts[FaultKind.MALFORMED.value] += self._garbled
        return {name: count for name, count in sorted(counts.items()) if count}

    def _struck(self) -> Exception:
        return Hanging() if self._wire.struck[-1].kind is FaultKind.HANG else BrokenOnPurpose()

    def _account_seen(self, account: str) -> AccountSeen:
        return AccountSeen(account=self.truth.account(account), at_ns=self.clock_ns, received_ns=self.truth.now_ns)

    def _advance(self, to_ns: int, prices: Mapping[str, Prices], books: Mapping[str, Depth]) -> None:
        interval = self.truth.terms.funding.interval_ns
        crossed = to_ns // interval - self.truth.now_ns // interval
        self.truth.advance(to_ns, prices, books)
        for number in range(crossed):
            at = (to_ns // interval - (crossed - 1 - number)) * interval
            for symbol, rows in self.rates.items():
                now = self.truth.prices(symbol)
                rows.append(Rate(at_ns=at, rate=now.funding_rate or 0.0, price=now.oracle or now.mark))

    def collect(self) -> None:
        """After a request that acted on `truth` itself: learn what happened, and queue what gets through."""
        messages = self._wire.drain(self.truth.now_ns)
        for one in self._wire.happened:
            self._learn(one.what)
        self._wire.happened.clear()
        self._outbox += messages

    def _learn(self, what: Happening) -> None:
        match what:
            case BookSeen():
                self._compare(what)
            case OrderSeen():
                self._remember(what.report)
            case FillSeen():
                fill = what.fill
                taker = fill.client_id == "" or (fill.account, fill.client_id) == self._arriving
                self.trades[fill.account].append(self._tally.trade(fill, is_taker=taker))
            case Settled():
                self._say(what)
            case Liquidated():
                self.liquidated.append(what)
                self._say(what)
            case _:
                return

    def _say(self, what: Settled | Liquidated) -> None:
        if self._wire.is_connected:
            self._outbox.append(what)

    def _remember(self, report: OrderReport) -> None:
        self._orders[report.account].setdefault(report.client_id, report.at_ns)
        number = self.truth.number(report.account, report.client_id)
        if number is not None:
            self._numbers[number] = (report.account, report.client_id)

    def _compare(self, seen: BookSeen) -> None:
        before = self._last_books[seen.symbol]
        levels = Depth(
            bids=changed(before.depth.bids, seen.depth.bids), asks=changed(before.depth.asks, seen.depth.asks)
        )
        self._changes[seen.symbol, seen.sequence] = Change(since=before.sequence, levels=levels)
        self._last_books[seen.symbol] = seen
        while len(self._changes) > KEPT_BOOKS:
            self._changes.pop(next(iter(self._changes)))


Levels = tuple[tuple[float, float], ...]


def changed(before: Levels, after: Levels) -> Levels:
    """Levels whose size is another than before, 0 for those that are gone."""
    old, new = dict(before), dict(after)
    gone = tuple((price, 0.0) for price in old if price not in new)
    return gone + tuple((price, size) for price, size in after if old.get(price) != size)
