"""Two feeds of a venue as one: what streams tell, and what only asking tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from perpbook.engine.ports import Feed
from perpbook.model.message import Message

ROOM = 256
"""Messages that may wait; then whoever tells waits."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A `Feed`. prices : asked for contracts alone.  accounts : asked for accounts alone. When one fails, so does the whole."""

    prices: Feed
    accounts: Feed

    async def messages(self, accounts: Sequence[str], symbols: Sequence[str]) -> AsyncIterator[Message]:
        """Everything about these accounts and contracts, for ever."""
        queue: asyncio.Queue[Message | None] = asyncio.Queue(ROOM)

        async def pump(feed: AsyncIterator[Message]) -> None:
            try:
                async for message in feed:
                    await queue.put(message)
            finally:
                if queue.full():
                    queue.get_nowait()
                queue.put_nowait(None)

        tasks = [
            asyncio.create_task(pump(self.prices.messages((), symbols))),
            asyncio.create_task(pump(self.accounts.messages(accounts, ()))),
        ]
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
