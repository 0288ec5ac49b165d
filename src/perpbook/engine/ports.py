"""What the loop needs of the world, as narrow as it uses it; adapters, the simulated venue and tests bring it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from perpbook.guard.calm import Calm
from perpbook.guard.inputs import Line
from perpbook.model.alert import Alert
from perpbook.model.message import AccountSeen, BookSeen, Message
from perpbook.model.order import Fill, OrderReport, OrderRequest
from perpbook.model.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a venue can do. `dead_man` : its own timer that cancels orders, protective stops as well; `dead_man_by_symbol` : one
    for each contract. `self_expiring` : orders end by themselves after some blocks. `client_id_letters` : how long an order's
    own id may be there. `rests_reduce_only` : an order that only makes smaller may rest."""

    places_orders: bool
    streams_books: bool
    streams_account: bool
    dead_man: bool
    self_expiring: bool
    finds_by_client_id: bool
    client_id_letters: int
    rests_reduce_only: bool = True
    dead_man_by_symbol: bool = False


class Venue(Protocol):
    """One venue, for the accounts it was opened with.

    Every method raises VenueUnavailable for a read that failed. `place` and `cancel` raise OutcomeUnknown when the request may
    have acted, and never send twice; a refusal is a report, not an error.
    """

    name: str
    capabilities: Capabilities

    async def account(self, account: str) -> AccountSeen:
        """Positions, collateral and orders of one account."""
        ...

    async def book(self, symbol: str) -> BookSeen:
        """What rests in a contract's book."""
        ...

    async def place(self, request: OrderRequest) -> OrderReport:
        """Send an order, once."""
        ...

    async def cancel(self, account: str, symbol: str, client_id: str) -> OrderReport:
        """Take an order back."""
        ...

    async def order(self, account: str, symbol: str, client_id: str) -> OrderReport:
        """What became of an order; ABSENT where the venue has never heard of it."""
        ...

    async def set_timer(self, account: str, symbol: str, wait_ns: int) -> str:
        """Let the venue cancel what rests in so long, 0 to take that off; its words of refusal, or "". symbol : "" for all."""
        ...

    async def open_orders(self, account: str) -> tuple[OrderReport, ...]:
        """Orders that rest."""
        ...

    async def fills(self, account: str, since_ns: int) -> tuple[Fill, ...]:
        """Trades from a time on, oldest first."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Feed(Protocol):
    """Messages of one venue as they come, for ever; reconnects by itself and says Stale in between."""

    def messages(self, accounts: Sequence[str], symbols: Sequence[str]) -> AsyncIterator[Message]:
        """Everything about these accounts and contracts."""
        ...


class Teller(Protocol):
    """Who tells an ear. None of it waits."""

    def pour(self) -> None:
        """Tell what was kept: called whenever the ear is ready again."""
        ...

    def catch_up(self) -> None:
        """Tell the newest of what was not told because it led to nothing: called before anything else is taken."""
        ...

    def listen(self) -> None:
        """Look whether something came, sooner than the loop would; called again and again by a loop that never sleeps."""
        ...

    def rehearse(self) -> None:
        """Have the ear rehearse: called now and then while there is nothing to do."""
        ...


class Ear(Protocol):
    """Who takes messages at once, in the call that brings them, with no queue and no task between."""

    @property
    def ready(self) -> bool:
        """Whether the next would be taken at once; until then whoever tells keeps the newest."""
        ...

    def take(self, message: Message) -> None:
        """Take a message; never raises, never waits. One that comes while the ear is not ready is taken in its turn."""
        ...

    async def put(self, message: Message) -> None:
        """As `take`, for what may wait until there is room."""
        ...

    @property
    def calm(self) -> Calm:
        """Until when a contract's books lead to nothing: who tells them need not then, until it is asked to catch up."""
        ...

    def know(self, book: BookSeen) -> None:
        """Know a book that led to nothing when it came."""
        ...

    def rehearse(self, message: Message) -> None:
        """Go through the newest message once more, so that the processor has at hand what the next one needs; nothing changes."""
        ...

    def meet(self, teller: Teller) -> None:
        """Know who tells."""
        ...


@runtime_checkable
class DirectFeed(Feed, Protocol):
    """A feed that tells an ear: what comes is decided on before the socket's callback returns."""

    async def tell(self, accounts: Sequence[str], symbols: Sequence[str], ear: Ear) -> None:
        """Everything about these accounts and contracts, for ever."""
        ...


class Journal(Protocol):
    """Where records go. `append` returns when the record would survive a power cut; its number counts from 1."""

    def append(self, record: Record) -> int:
        """Keep a record; its number."""
        ...

    def read(self, after: int = 0) -> Iterable[tuple[int, Record]]:
        """Records after a number, in order."""
        ...


class Inputs(Protocol):
    """Where what the guard is told is kept. run : what the guard was begun with, plain."""

    run: Mapping[str, object]

    def keep(self, line: Line) -> bool:
        """Take a line, without waiting; False where there is no room."""
        ...

    def fresh_page(self) -> bool:
        """Whether a place where a replay can begin is wanted."""
        ...


class Sink(Protocol):
    """Where alerts go: to channels, by severity."""

    async def tell(self, alert: Alert) -> None:
        """Take one alert; raises nothing that the guard should know."""
        ...
