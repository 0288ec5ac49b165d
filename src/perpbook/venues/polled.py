"""A live venue as a feed by asking: accounts, prices and books again and again, and Stale where too long nothing was told.

For what no stream gives. It knows nothing between two looks: what happens within `every` seconds is seen at the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from perpbook.errors import VenueUnavailable
from perpbook.model.message import Message, Stale
from perpbook.venues.rest import LiveVenue

PATIENCE = 4.0
"""After how many looks without an answer what was told is not known any more."""


@dataclass(slots=True)
class Pulse:
    """When something was last told, and whether it is said to be stale."""

    told_ns: int
    stale: bool = False


@dataclass(slots=True)
class Polled:
    """A `Feed`. every : seconds between two looks at accounts and prices; each book is looked at as often."""

    venue: LiveVenue
    every: float
    clock: Callable[[], int]
    _pulses: dict[str, Pulse] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.every > 0.0, "a look takes place after some time"

    async def messages(self, accounts: Sequence[str], symbols: Sequence[str]) -> AsyncIterator[Message]:
        """Everything about these accounts and contracts, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            for told in await asyncio.gather(*(self._look(*one) for one in self._looks(accounts, symbols))):
                for message in told:
                    yield message
            await asyncio.sleep(max(0.01, began + self.every - loop.time()))

    def _looks(self, accounts: Sequence[str], symbols: Sequence[str]) -> Iterable[tuple[str, str]]:
        if symbols:
            yield "marks", ",".join(symbols)
        yield from (("book", symbol) for symbol in symbols)
        yield from (("account", account) for account in accounts)

    async def _look(self, kind: str, name: str) -> list[Message]:
        stream = kind if kind == "marks" else f"{kind}:{name}"
        pulse = self._pulses.setdefault(stream, Pulse(self.clock()))
        try:
            found = await self._ask(kind, name)
        except VenueUnavailable:
            return self._silent(stream, pulse)
        pulse.told_ns = self.clock()
        if pulse.stale:
            pulse.stale = False
            return [Stale(venue=self.venue.name, stream=stream, received_ns=pulse.told_ns, fresh=True), *found]
        return found

    async def _ask(self, kind: str, name: str) -> list[Message]:
        if kind == "marks":
            wanted = [one for one in name.split(",") if one]
            found = await self.venue.marks(wanted)
            if {one.symbol for one in found} < set(wanted):
                raise VenueUnavailable(f"{self.venue.name} gives no price of some contracts")
            return list(found)
        return [await (self.venue.book(name) if kind == "book" else self.venue.account(name))]

    def _silent(self, stream: str, pulse: Pulse) -> list[Message]:
        now = self.clock()
        if pulse.stale or now - pulse.told_ns <= PATIENCE * self.every * 1e9:
            return []
        pulse.stale = True
        return [Stale(venue=self.venue.name, stream=stream, received_ns=now)]
