"""What a venue tells once it is open: until then its feed is silent, and says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from perpbook.engine.ports import DirectFeed, Ear, Feed
from perpbook.model.message import Message, Stale
from perpbook.venues.joined import each


@dataclass(frozen=True, slots=True)
class Awaited:
    """A `DirectFeed` that begins when it is opened."""

    venue: str
    feed: Feed
    clock: Callable[[], int]
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell(self, accounts: Sequence[str], symbols: Sequence[str], ear: Ear) -> None:
        """Everything about these accounts and contracts, for ever."""
        async for silence in self._silence():
            await ear.put(silence)
        if isinstance(self.feed, DirectFeed):
            await self.feed.tell(accounts, symbols, ear)
        else:
            await each(self.feed.messages(accounts, symbols), ear.put)

    async def messages(self, accounts: Sequence[str], symbols: Sequence[str]) -> AsyncIterator[Message]:
        """The same without an ear."""
        async for silence in self._silence():
            yield silence
        async for message in self.feed.messages(accounts, symbols):
            yield message

    async def _silence(self) -> AsyncIterator[Message]:
        if self.opened.is_set():
            return
        yield Stale(venue=self.venue, stream="feed", received_ns=self.clock())
        await self.opened.wait()
        yield Stale(venue=self.venue, stream="feed", received_ns=self.clock(), fresh=True)
