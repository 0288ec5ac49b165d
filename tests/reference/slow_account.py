"""One account with static positions, bar by bar in decimals: funding, margin at the bar's worst and at its close, death.

The order inside a bar is the one the project promises: settlements on the bar's open; margin at the adverse ends, then at
the close; a venue that finds an account short acts at the prices at which it found it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tests.reference.recorded_history import Series
from tests.reference.venue_rules import NOTHING, ONE, VenueRules

Prices = Mapping[str, Decimal]


@dataclass(slots=True, kw_only=True)
class Held:
    """A position: signed coins, entry price, and the trader's leverage where the venue's margin asks for it."""

    quantity: Decimal
    entry: Decimal
    leverage: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What a venue closed: signed change in coins at a price, in a bar; the account's equity and need just before."""

    bar: int
    symbol: str
    change: Decimal
    price: Decimal
    backstop: bool
    equity: Decimal
    need: Decimal


@dataclass(slots=True, kw_only=True)
class Story:
    """Equity and funding received so far at every close; what was closed; where the rest of the money went (paid > 0)."""

    equity: list[Decimal] = field(default_factory=list)
    funding: list[Decimal] = field(default_factory=list)
    settlements: list[tuple[int, str, Decimal]] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)
    penalties: Decimal = NOTHING
    fees: Decimal = NOTHING
    seized: Decimal = NOTHING
    insured: Decimal = NOTHING


@dataclass(slots=True, kw_only=True)
class SlowAccount:
    """A cross account of linear contracts, in dollars."""

    rules: VenueRules
    wallet: Decimal
    held: dict[str, Held]
    story: Story = field(default_factory=Story)

    def equity(self, prices: Prices) -> Decimal:
        profit = (one.quantity * (prices[symbol] - one.entry) for symbol, one in self.held.items())
        return self.wallet + sum(profit, NOTHING)

    def need_of(self, symbol: str, prices: Prices) -> Decimal:
        one = self.held[symbol]
        return self.rules.contracts[symbol].maintenance(one.quantity, prices[symbol], one.leverage)

    def need(self, prices: Prices) -> Decimal:
        return sum((self.need_of(symbol, prices) for symbol in self.held), NOTHING)

    def is_dead(self, prices: Prices) -> bool:
        equity, need = self.equity(prices), self.need(prices)
        return bool(self.held) and (equity < need or (self.rules.at_or_below and equity == need))

    def settle(self, bar: int, symbol: str, price: Decimal, rate: Decimal) -> Decimal:
        """Pay one settlement; dollars received."""
        if symbol not in self.held:
            return NOTHING
        paid = -self.held[symbol].quantity * price * rate
        self.wallet += paid
        self.story.settlements.append((bar, symbol, paid))
        return paid

    def liquidate(self, bar: int, prices: Prices) -> None:
        """The venue's procedure, at the prices at which it found the account short."""
        short = self.equity(prices) < self.rules.backstop * self.need(prices)
        if short or self.rules.manner == "whole":
            while self.held:
                self._close(bar, self._neediest(prices), ONE, prices, backstop=short)
        else:
            self._by_parts(bar, prices)
        if not self.held:
            self._end(lost=short or self.rules.remainder_lost)

    def _neediest(self, prices: Prices) -> str:
        return max(self.held, key=lambda name: self.need_of(name, prices))

    def _by_parts(self, bar: int, prices: Prices) -> None:
        """Largest requirement first. A fifth of a large position at once; what is short after the cooldown goes in full."""
        cooling = False
        while self.is_dead(prices):
            symbol = self._neediest(prices)
            notional = abs(self.held[symbol].quantity) * prices[symbol]
            part = self.rules.manner == "fraction" and not cooling and notional > self.rules.fraction_above
            self._close(bar, symbol, self.rules.fraction if part else ONE, prices, backstop=False)
            cooling = True

    def _close(self, bar: int, symbol: str, share: Decimal, prices: Prices, *, backstop: bool) -> None:
        """Profit is realised; the venue's penalty, or where it sends orders to its book the taker's fee, is paid."""
        one, price = self.held[symbol], prices[symbol]
        change = -one.quantity * share
        to_book = self.rules.manner == "fraction" and not backstop
        penalty, fee = self.rules.penalty * abs(change) * price, self.rules.taker * abs(change) * price * to_book
        before, need = self.equity(prices), self.need(prices)
        self.wallet += -change * (price - one.entry) - penalty - fee
        self.story.penalties += penalty
        self.story.fees += fee
        self.story.closed.append(
            Closed(bar=bar, symbol=symbol, change=change, price=price, backstop=backstop, equity=before, need=need)
        )
        one.quantity += change
        if share == ONE:
            del self.held[symbol]

    def _end(self, *, lost: bool) -> None:
        """The venue keeps what is left when `lost`; its fund pays what is owed."""
        if self.wallet < 0:
            self.story.insured -= self.wallet
            self.wallet = NOTHING
        elif lost:
            self.story.seized += self.wallet
            self.wallet = NOTHING


def live(account: SlowAccount, history: Mapping[str, Series], *, adverse: bool = True) -> Story:
    """Go through every bar. With `adverse` margin is tested at the worst end of each bar too."""
    story, received = account.story, NOTHING
    bars = len(next(iter(history.values())).close)
    for bar in range(bars):
        for symbol, series in history.items():
            for rate in series.settled.get(bar, ()):
                received += account.settle(bar, symbol, series.open[bar], rate)
        closes = {symbol: series.close[bar] for symbol, series in history.items()}
        for prices in (_worst(account, history, bar), closes) if adverse else (closes,):
            if account.is_dead(prices):
                account.liquidate(bar, prices)
        story.equity.append(account.equity(closes))
        story.funding.append(received)
    return story


def _worst(account: SlowAccount, history: Mapping[str, Series], bar: int) -> dict[str, Decimal]:
    """The low of what is held long, the high of what is held short."""
    ends = {}
    for symbol, one in account.held.items():
        series = history[symbol]
        ends[symbol] = series.low[bar] if one.quantity > 0 else series.high[bar]
    return ends
