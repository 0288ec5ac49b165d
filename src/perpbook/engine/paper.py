"""The paper venue: a simulated one that goes with the clock, behind the same port as a live one. Nothing leaves the machine.

Its market is a path of prices at a speed. As time passes the venue settles funding, fills, and liquidates as a real one would.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from perpbook.engine.ports import Capabilities
from perpbook.model.account import Account
from perpbook.model.message import (
    AccountSeen,
    BookSeen,
    FillSeen,
    FundingPayment,
    FundingSeen,
    MarkSeen,
    Message,
    OrderSeen,
    RatesSeen,
    SettledRate,
)
from perpbook.model.order import Fill, OrderReport, OrderRequest
from perpbook.model.units import DAY_NS
from perpbook.simulation.exchange import Exchange
from perpbook.simulation.market import Path
from perpbook.simulation.order_rules import order_rules

Payments = Mapping[str, tuple[FundingPayment, ...]]
"""What accounts received and paid of funding, oldest first."""

Keep = Callable[[tuple[Account, ...], Payments], object]

KEPT_NS = 60 * DAY_NS
"""How long an account's funding is kept."""

STEP_S = 0.1
"""How often the market moves, seconds of the clock."""


@dataclass(slots=True)
class Market:
    """A path that goes with a clock. speed : 60 is a minute of the path a second; offset : venue time less the clock's."""

    exchange: Exchange
    path: Path
    speed: float
    clock: Callable[[], int]
    began_ns: int
    done_ns: int = -1

    def catch_up(self) -> int:
        """Move the venue to where the clock says; its time then, on the clock's own scale."""
        now = self.clock()
        until = self.path.time_at(max(now - self.began_ns, 0), self.speed)
        for step in self.path.between(self.done_ns, until):
            self.exchange.advance(self._ours(step.at_ns), step.prices, step.books)
            self.done_ns = step.at_ns
        if now > self.exchange.now_ns:
            self.exchange.advance(now)
        return self.exchange.now_ns

    def _ours(self, path_ns: int) -> int:
        """When a step of the path is, by the clock."""
        at = self.began_ns + int((path_ns - self.path.start_ns) / self.speed)
        return max(at, self.exchange.now_ns)


class PaperVenue:
    """A simulated venue as the guard's port and feed."""

    def __init__(self, market: Market, keep: Keep | None = None, paid: Payments | None = None) -> None:
        """keep : is handed every account, with its funding of some days, after an order, and at the end. paid : funding of
        before."""
        self.name, self._paid = market.exchange.name, paid or {}
        self._market, self._keep = market, keep
        self.capabilities = capabilities_of(self.name)
        market.catch_up()

    @property
    def exchange(self) -> Exchange:
        """The venue behind it."""
        return self._market.exchange

    async def account(self, account: str) -> AccountSeen:
        """An account now."""
        now = self._market.catch_up()
        return AccountSeen(account=self.exchange.account(account), at_ns=now, received_ns=now)

    async def book(self, symbol: str) -> BookSeen:
        """A book now."""
        now = self._market.catch_up()
        return replace(self.exchange.book(symbol), at_ns=now, received_ns=now)

    async def place(self, request: OrderRequest) -> OrderReport:
        """An order, at once."""
        report = self.exchange.place(request, self._market.catch_up())
        self._save()
        return report

    async def cancel(self, account: str, symbol: str, client_id: str) -> OrderReport:
        """Take an order back."""
        return self.exchange.cancel(account, symbol, client_id, self._market.catch_up())

    async def set_timer(self, account: str, symbol: str, wait_ns: int) -> str:
        """The simulated venue's own timer."""
        now = self._market.catch_up()
        return self.exchange.schedule_cancel(account, now + wait_ns if wait_ns else None, now, symbol or None)

    async def order(self, account: str, symbol: str, client_id: str) -> OrderReport:
        """What became of an order."""
        self._market.catch_up()
        return self.exchange.order(account, symbol, client_id)

    async def open_orders(self, account: str) -> tuple[OrderReport, ...]:
        """Orders that rest."""
        self._market.catch_up()
        return self.exchange.open_orders(account)

    async def fills(self, account: str, since_ns: int) -> tuple[Fill, ...]:
        """Trades from a time on."""
        self._market.catch_up()
        return self.exchange.fills(account, since_ns)

    async def funding(self, account: str, since_ns: int) -> FundingSeen:
        """What an account received and paid, here and before."""
        now = self._market.catch_up()
        payments = tuple(one for one in self._payments(account) if one.at_ns >= since_ns)
        return FundingSeen(
            venue=self.name, account=account, payments=payments, since_ns=since_ns, at_ns=now, received_ns=now
        )

    async def rates(self, symbol: str, since_ns: int) -> RatesSeen:
        """What was settled since the venue began."""
        now = self._market.catch_up()
        rates = tuple(SettledRate(at_ns=at, rate=rate) for at, rate in self.exchange.rates(symbol, since_ns))
        return RatesSeen(venue=self.name, symbol=symbol, rates=rates, since_ns=since_ns, at_ns=now, received_ns=now)

    def _payments(self, account: str) -> tuple[FundingPayment, ...]:
        now = tuple(
            FundingPayment(symbol=one.symbol, dollars=one.cash, at_ns=one.at_ns, rate=one.rate, quantity=one.quantity)
            for one in self.exchange.settled(account)
        )
        return (*self._paid.get(account, ()), *now)

    async def close(self) -> None:
        """Keep how accounts stand."""
        self._market.catch_up()
        self._save()

    def _save(self) -> None:
        if self._keep is not None:
            since = self.exchange.now_ns - KEPT_NS
            paid = {name: tuple(p for p in self._payments(name) if p.at_ns >= since) for name in self.exchange.accounts}
            self._keep(tuple(self.exchange.account(name) for name in self.exchange.accounts), paid)

    async def messages(self, accounts: Sequence[str], symbols: Sequence[str]) -> AsyncIterator[Message]:
        """What happens at the venue, as the clock goes on; books before the prices that something is wanted by."""
        for symbol in symbols:
            yield self._mark(symbol)
            yield await self.book(symbol)
        while True:
            now = self._market.catch_up()
            for one in sorted(self.exchange.drain(), key=lambda one: not isinstance(one.what, BookSeen)):
                message = heard(one.what, now)
                if message is not None and of_interest(message, accounts, symbols):
                    yield message
            await asyncio.sleep(STEP_S)

    def _mark(self, symbol: str) -> MarkSeen:
        now, prices = self._market.catch_up(), self.exchange.prices(symbol)
        return MarkSeen(
            venue=self.name, symbol=symbol, at_ns=now, received_ns=now, mark_price=prices.mark,
            oracle_price=prices.oracle, index_price=prices.index, funding_rate=prices.funding_rate,
            open_interest=prices.open_interest,
        )  # fmt: skip


def capabilities_of(venue: str) -> Capabilities:
    """What the simulated venue of a name can do."""
    rules = order_rules(venue)
    return Capabilities(
        places_orders=True, streams_books=True, streams_account=True, self_expiring=False,
        dead_man=rules.dead_man is not None, dead_man_by_symbol=rules.dead_man is not None and rules.dead_man.by_symbol,
        finds_by_client_id=True, client_id_letters=32, rests_reduce_only=rules.reduce_only_rests,
    )  # fmt: skip


def heard(what: object, now_ns: int) -> MarkSeen | BookSeen | AccountSeen | OrderSeen | FillSeen | None:
    """What a client hears of something that happened, received now; None for what venues do not tell."""
    if isinstance(what, MarkSeen | BookSeen | AccountSeen | OrderSeen | FillSeen):
        return replace(what, received_ns=now_ns)
    return None


def of_interest(
    message: MarkSeen | BookSeen | AccountSeen | OrderSeen | FillSeen, accounts: Sequence[str], symbols: Sequence[str]
) -> bool:
    """Whether a message is about one of these contracts or accounts."""
    match message:
        case MarkSeen() | BookSeen():
            return message.symbol in symbols
        case AccountSeen():
            return message.account.id in accounts
        case OrderSeen():
            return message.report.account in accounts
        case FillSeen():
            return message.fill.account in accounts
