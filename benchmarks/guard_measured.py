"""The guard that `guard_latency` measures: the shell, the core, the judge and the watch of `guard run`, over twenty positions.

What a venue would answer is held in memory, and so is the journal: neither is asked while messages come.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from perpbook.engine.live import Shell
from perpbook.engine.live_world import Pace, World
from perpbook.engine.ports import Capabilities, Feed, Venue
from perpbook.guard.desk import Desk
from perpbook.guard.guard import Guard
from perpbook.guard.inputs import Line
from perpbook.guard.signals import Signals
from perpbook.guard.watch import Watch
from perpbook.model.account import Account, Balance, Position
from perpbook.model.alert import Alert
from perpbook.model.book import Book
from perpbook.model.effect import Effect
from perpbook.model.market import Depth, Market, Quote, Snapshot
from perpbook.model.message import AccountSeen, BookSeen, MarkSeen, Message, Wake
from perpbook.model.order import Fill, OrderReport, OrderRequest
from perpbook.model.record import Record
from perpbook.playbook.load import parse_playbook
from perpbook.runs.guard_decide import Judge
from perpbook.runs.guard_settings import settings_of
from perpbook.terms.load import load_terms
from perpbook.venues.joined import Joined

VENUE, COIN, MIDDLE = "hyperliquid", "BTC", 90_008.0
PLAYBOOK = """
schema_version = 1
[leverage.account]
gross = 6
effective = 9
[survival]
kinds = ["joint", "beta"]
[guardrails]
position_loss = 0.1
"""


NONE = Capabilities(
    places_orders=False, streams_books=False, streams_account=False, dead_man=False, self_expiring=False,
    finds_by_client_id=False, client_id_letters=32,
)  # fmt: skip


@dataclass(slots=True)
class Held:
    """A venue port that shows one account and takes no order."""

    shown: Account
    name: str = VENUE
    capabilities: Capabilities = NONE

    async def account(self, account: str) -> AccountSeen:
        now_ns = time.time_ns()
        return AccountSeen(account=self.shown, at_ns=now_ns, received_ns=now_ns)

    async def book(self, symbol: str) -> BookSeen:
        now_ns = time.time_ns()
        depth = Depth(bids=((99.5, 1e4),), asks=((100.5, 1e4),))
        return BookSeen(venue=VENUE, symbol=symbol, depth=depth, at_ns=now_ns, received_ns=now_ns)

    async def place(self, request: OrderRequest) -> OrderReport:
        raise NotImplementedError

    async def cancel(self, account: str, symbol: str, client_id: str) -> OrderReport:
        raise NotImplementedError

    async def order(self, account: str, symbol: str, client_id: str) -> OrderReport:
        raise NotImplementedError

    async def set_timer(self, account: str, symbol: str, wait_ns: int) -> str:
        raise NotImplementedError

    async def open_orders(self, account: str) -> tuple[OrderReport, ...]:
        return ()

    async def fills(self, account: str, since_ns: int) -> tuple[Fill, ...]:
        return ()

    async def close(self) -> None: ...


@dataclass(slots=True)
class Memory:
    """A journal, a log of inputs, and who is told."""

    records: list[Record] = field(default_factory=list)
    told: list[Alert] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    run: Mapping[str, object] = field(default_factory=dict)

    def append(self, record: Record) -> int:
        self.records.append(record)
        return len(self.records)

    def read(self, after: int = 0) -> Iterable[tuple[int, Record]]:
        return enumerate(self.records[after:], after + 1)

    async def tell(self, alert: Alert) -> None:
        self.told.append(alert)

    def keep(self, line: Line) -> bool:
        self.lines.append(line)
        return True

    def fresh_page(self) -> bool:
        return False


class Silent:
    """A feed of accounts that says nothing: the guard asks the port."""

    async def messages(self, accounts: Sequence[str], symbols: Sequence[str]) -> AsyncIterator[Message]:
        await asyncio.Event().wait()
        yield Wake(received_ns=0)


class Timed(Guard):
    """Calls `after` once each message about the watched coin was decided on."""

    after: Callable[[Message], None]

    def skim(self, book: BookSeen) -> bool:
        passed = super().skim(book)
        if passed and book.symbol == COIN:
            self.after(book)
        return passed

    def receive(self, message: Message) -> list[Effect]:
        effects = super().receive(message)
        if isinstance(message, BookSeen | MarkSeen) and message.symbol == COIN:
            self.after(message)
        return effects


def guarded() -> tuple[Snapshot, tuple[str, ...]]:
    """A book of twenty positions in one account, and its contracts."""
    terms = load_terms(VENUE)
    symbols = [COIN, *[name for name in terms.contracts if name != COIN][:19]]
    positions = [Position(symbol=COIN, quantity=2.0, entry_price=89_000.0)]
    positions += [
        Position(symbol=name, quantity=(-1) ** k * 50.0, entry_price=101.0) for k, name in enumerate(symbols[1:])
    ]
    account = Account(
        id="one", venue=VENUE, collateral=(Balance(asset="USDC", amount=120_000.0),), positions=tuple(positions)
    )
    prices = {name: MIDDLE if name == COIN else 100.0 for name in symbols}
    quotes = {
        (VENUE, name): Quote(venue=VENUE, symbol=name, mark_price=price, oracle_price=price)
        for name, price in prices.items()
    }
    now_ns = time.time_ns()
    market = Market(as_of_ns=now_ns, source="benchmark", quotes=quotes)
    book = Book(as_of_ns=now_ns, source="benchmark", accounts=(account,))
    return Snapshot(book=book, market=market), tuple(symbols)


def shell_of(feed: Feed, after: Callable[[Message], None], *, spin: bool) -> Shell:
    """A guard of that book on a feed, wired as `guard run` does. `after` : called with what was decided on."""
    snapshot, symbols = guarded()
    terms = {VENUE: load_terms(VENUE)}
    playbook = parse_playbook(PLAYBOOK, "benchmark.toml")
    judge = Judge(base=snapshot, playbook=playbook, terms=terms, watch=Watch())
    guard = Timed(Desk(), settings_of(snapshot, playbook, terms, live=False), judge, judge.watch, Signals())
    guard.after = after
    memory = Memory()
    venues: dict[str, Venue] = {VENUE: Held(snapshot.book.accounts[0])}
    world = World(venues=venues, feeds={VENUE: Joined(feed, Silent())}, journal=memory, sink=memory, inputs=memory)
    for symbol in symbols:
        price = MIDDLE if symbol == COIN else 100.0
        now_ns = time.time_ns()
        guard.receive(
            MarkSeen(venue=VENUE, symbol=symbol, at_ns=now_ns, received_ns=now_ns, mark_price=price, oracle_price=price)
        )
    return Shell(guard, world, {VENUE: (COIN,)}, Pace(spin=spin))
