"""One account of a simulated venue while it runs: cash, positions, orders, and what margin they need.

Requirements are those of `margin.requirement`, kept as lines in the price and drawn anew when a size changes; so a test of margin
is a few products. Linear contracts only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perpbook.margin.requirement import Requirement, requirement_of
from perpbook.model.account import Account, Balance, MarginMode, Position
from perpbook.model.order import Fill, OrderReport, OrderRequest, OrderState, RejectReason
from perpbook.simulation.happened import Settled
from perpbook.terms.terms import ContractTerms, Trigger

DECIMALS = 12
"""Sizes are kept to so many, so that sums of whole lots are whole lots."""

DUST = 1e-12
"""A size smaller than this share of what was traded is none."""


@dataclass(slots=True, kw_only=True)
class Placed:
    """An order and what became of it. `left` base units > 0 that may still trade; `number` is its turn at the venue."""

    request: OrderRequest
    symbol: str
    number: int
    left: float
    at_ns: int
    state: OrderState = OrderState.OPEN
    filled: float = 0.0
    spent: float = 0.0
    expires_ns: int | None = None
    reason: RejectReason | None = None
    why: str = ""

    @property
    def is_buy(self) -> bool:
        """Buys, else sells."""
        return self.request.quantity > 0.0

    def trade(self, quantity: float, price: float) -> None:
        """A part of it has traded."""
        self.spent += quantity * price
        self.filled = round(self.filled + quantity, DECIMALS)
        self.left = round(self.left - abs(quantity), DECIMALS)
        if self.left <= DUST * abs(self.request.quantity):
            self.left, self.filled, self.state = 0.0, self.request.quantity, OrderState.FILLED

    def report(self) -> OrderReport:
        """What the venue says of it."""
        return OrderReport(
            client_id=self.request.client_id,
            account=self.request.account,
            venue=self.request.venue,
            symbol=self.symbol,
            state=self.state,
            filled=self.filled,
            average_price=abs(self.spent / self.filled) if self.filled else None,
            at_ns=self.at_ns,
            reason=self.reason,
            why=self.why,
        )


@dataclass(slots=True, kw_only=True)
class Holding:
    """A position: `quantity` signed, 0 for none. `lines` : (slope, offset) of the maintenance margin in the price."""

    symbol: str
    terms: ContractTerms
    mode: MarginMode
    quantity: float = 0.0
    entry_price: float = 0.0
    leverage: float | None = None
    tags: tuple[str, ...] = ()
    lines: tuple[tuple[float, float], ...] = ()

    def rule(self, quantity: float, price: float, open_interest: float) -> Requirement:
        """The margin rules of the position, were it this large. `open_interest` in quote."""
        position = Position(
            symbol=self.symbol, quantity=quantity, entry_price=self.entry_price or price, leverage=self.leverage
        )
        return requirement_of(position, self.terms, mode=self.mode, price=price, ratio=1.0, open_interest=open_interest)

    def draw(self) -> None:
        """Draw the lines for today's size."""
        if self.quantity == 0.0:
            self.lines = ()
            return
        self.redraw(self.entry_price)

    def redraw(self, price: float) -> None:
        """Draw them at a price: only a fee to close that depends on the initial margin moves with it."""
        rule = self.rule(self.quantity, price, 0.0)
        slope, offset = rule.notional_slope, rule.notional_offset
        self.lines = tuple(
            (
                rate * slope - (off if rule.in_coin else 0.0) + rule.curve_slope,
                rate * offset - (0.0 if rule.in_coin else off),
            )
            for rate, off in zip(rule.rates, rule.deductions, strict=True)
        )

    def maintenance(self, price: float) -> float:
        """Maintenance margin, quote."""
        if self.terms.close_fee is not None and self.leverage is None and self.quantity != 0.0:
            self.redraw(price)
        lines = self.lines
        if len(lines) == 1:
            return lines[0][0] * price + lines[0][1]
        return max([slope * price + offset for slope, offset in lines], default=0.0)

    def initial(self, quantity: float, price: float, open_interest: float) -> float:
        """Initial margin of this much of it, quote."""
        if quantity == 0.0:
            return 0.0
        rule = self.rule(quantity, price, open_interest)
        return (rule.notional_slope * price + rule.notional_offset) * rule.initial_margin_fraction

    def trade(self, quantity: float, price: float) -> float:
        """Change the position at a price; the profit that closing a part of it realised, quote."""
        before, gain = self.quantity, 0.0
        after = round(before + quantity, DECIMALS)
        if before * quantity < 0.0:
            closed = min(abs(before), abs(quantity))
            gain = (closed if before > 0.0 else -closed) * (price - self.entry_price)
            if after * before < 0.0:
                self.entry_price = price
        else:
            self.entry_price = (before * self.entry_price + quantity * price) / after
        if abs(after) <= DUST * max(abs(before), abs(quantity)):
            after = 0.0
        self.quantity = after
        self.draw()
        return gain


@dataclass(slots=True, kw_only=True)
class Bucket:
    """An account. `cash` : the settle coin in it; `pledged` : what its other coins, `coins`, count for, settle coin, fixed.
    `cool_until_ns` : no partial liquidation before; `cancel_at` : the dead man's switch by symbol, "" for all."""

    opened: Account
    cash: float
    pledged: float
    coins: tuple[Balance, ...]
    holdings: dict[str, Holding] = field(default_factory=dict)
    orders: dict[str, Placed] = field(default_factory=dict)
    resting: dict[str, Placed] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    cool_until_ns: int = 0
    cancel_at: dict[str, int] = field(default_factory=dict)
    triggers: dict[int, int] = field(default_factory=dict)

    def held(self, symbol: str) -> float:
        """The position in a contract, signed; 0 for none."""
        holding = self.holdings.get(symbol)
        return holding.quantity if holding else 0.0

    def profit(self, marks: Mapping[str, float]) -> float:
        """Unrealised profit, settle coin."""
        total = 0.0
        for symbol, held in self.holdings.items():
            if held.quantity != 0.0:
                total += held.quantity * (marks[symbol] - held.entry_price)
        return total

    def equity(self, marks: Mapping[str, float]) -> float:
        """What it is worth to the venue, settle coin."""
        return self.cash + self.pledged + self.profit(marks)

    def maintenance(self, marks: Mapping[str, float]) -> float:
        """Maintenance margin of every position, settle coin."""
        total = 0.0
        for symbol, held in self.holdings.items():
            if held.quantity != 0.0:
                total += held.maintenance(marks[symbol])
        return total

    def waiting(self, symbol: str) -> tuple[float, float]:
        """What resting orders that may open risk would buy and sell of a contract, both > 0."""
        buys = sells = 0.0
        for order in self.resting.values():
            if order.symbol == symbol and not order.request.reduce_only:
                if order.is_buy:
                    buys += order.left
                else:
                    sells += order.left
        return buys, sells

    def liquidation_price(self, symbol: str, marks: Mapping[str, float], surplus: float) -> float | None:
        """The price of a contract at which the account dies, every other price frozen: below the mark for a long, above for a
        short. None when no positive price does it. `surplus` : equity less maintenance now.

        Surplus is the least of some lines in the price, so the safe prices are an interval, bounded where a line is 0.
        """
        held, mark = self.holdings[symbol], marks[symbol]
        rest = surplus - held.quantity * mark + held.maintenance(mark)
        ends = [
            ((offset - rest) / (held.quantity - slope), held.quantity - slope)
            for slope, offset in held.lines
            if held.quantity != slope
        ]
        if held.quantity > 0.0:
            found = max((price for price, tilt in ends if tilt > 0.0), default=0.0)
        else:
            found = min((price for price, tilt in ends if tilt < 0.0), default=0.0)
        return found if found > 0.0 else None


def is_dead(equity: float, maintenance: float, trigger: Trigger) -> bool:
    """Whether an account is liquidated, by its venue's strictness. Without positions it never is."""
    return maintenance > 0.0 and (equity < maintenance or (trigger is Trigger.AT_OR_BELOW and equity <= maintenance))
