"""Two feeds of a venue as one: what streams tell, and what only asking tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from perpbook.engine.ports import DirectFeed, Ear, Feed, Teller
from perpbook.guard.calm import Calm
from perpbook.model.message import BookSeen, MarkSeen, Message, Stale

ROOM = 256
"""Messages that may wait; then whoever tells waits."""


PRICES = ("mark_price", "oracle_price", "index_price", "funding_rate", "open_interest")


@dataclass(slots=True)
class Whole:
    """Prices made whole: what a message does not say is as it was last told, until the stream is stale."""

    _marks: dict[str, MarkSeen] = field(default_factory=dict)

    def __call__(self, message: Message) -> Message:
        """The message, and for prices what was told before beside it, as of the newest of both."""
        if isinstance(message, Stale) and not message.fresh:
            self._marks.clear()
        if not isinstance(message, MarkSeen):
            return message
        before = self._marks.get(message.symbol, message)
        missing = [name for name in PRICES if getattr(message, name) is None and getattr(before, name) is not None]
        whole = message
        if missing or before.at_ns > message.at_ns:
            told = {name: getattr(before, name) for name in missing}
            whole = replace(message, at_ns=max(before.at_ns, message.at_ns), **told)
        self._marks[message.symbol] = whole
        return whole


@dataclass(frozen=True, slots=True)
class Through:
    """An `Ear` that makes prices whole before another takes them."""

    ear: Ear
    whole: Whole

    @property
    def ready(self) -> bool:
        """Whether the next would be taken at once."""
        return self.ear.ready

    def take(self, message: Message) -> None:
        """Take a message."""
        self.ear.take(message if type(message) is BookSeen else self.whole(message))

    async def put(self, message: Message) -> None:
        """Take one in its turn."""
        await self.ear.put(self.whole(message))

    def rehearse(self, message: Message) -> None:
        """Go through one once more, as it came."""
        self.ear.rehearse(message)

    @property
    def calm(self) -> Calm:
        """Its own."""
        return self.ear.calm

    def know(self, book: BookSeen) -> None:
        """Hand it on."""
        self.ear.know(book)

    def meet(self, teller: Teller) -> None:
        """Hand it on."""
        self.ear.meet(teller)


@dataclass(frozen=True, slots=True)
class Joined:
    """A `DirectFeed`, as prompt as its prices are. prices : asked for contracts alone.  accounts : asked for accounts alone.
    When one fails, so does the whole."""

    prices: Feed
    accounts: Feed

    async def tell(self, accounts: Sequence[str], symbols: Sequence[str], ear: Ear) -> None:
        """The same into an ear: prices at once, accounts in their turn."""
        through = Through(ear, Whole())
        feed, asked = self.prices, ((), symbols)
        prices = (
            feed.tell(*asked, through) if isinstance(feed, DirectFeed) else each(feed.messages(*asked), through.put)
        )
        told = each(self.accounts.messages(accounts, ()), through.put)
        tasks = [asyncio.create_task(prices), asyncio.create_task(told)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def messages(self, accounts: Sequence[str], symbols: Sequence[str]) -> AsyncIterator[Message]:
        """Everything about these accounts and contracts, for ever."""
        whole = Whole()
        feeds = [self.prices.messages((), symbols), self.accounts.messages(accounts, ())]
        async with aclosing(merged(feeds)) as both:
            async for message in both:
                yield whole(message)


async def each(feed: AsyncIterator[Message], take: Callable[[Message], Awaitable[None]]) -> None:
    """Have every message of a feed taken; it is closed with whoever takes."""
    try:
        async for message in feed:
            await take(message)
    finally:
        if isinstance(feed, AsyncGenerator):
            await feed.aclose()


async def merged(feeds: Sequence[AsyncIterator[Message]]) -> AsyncGenerator[Message, None]:
    """What several tell, as it comes, for ever; when one fails, or ends, so does the whole."""
    queue: asyncio.Queue[Message | None] = asyncio.Queue(ROOM)

    async def pump(feed: AsyncIterator[Message]) -> None:
        try:
            await each(feed, queue.put)
        finally:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)

    tasks = [asyncio.create_task(pump(feed)) for feed in feeds]
    try:
        while (message := await queue.get()) is not None:
            yield message
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
