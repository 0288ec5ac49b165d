"""Alerts on their way to people, beside the loop: a sink that is slow or fails holds up nothing, and what is too much pushes out
the oldest."""

from __future__ import annotations

import asyncio
from collections import deque

from perpbook.engine.ports import Sink
from perpbook.errors import PerpbookError
from perpbook.model.alert import Alert


class Telling:
    """One sink's. room : alerts that may wait.  patience : seconds until one counts as lost.  lost : how many never got there."""

    def __init__(self, sink: Sink, *, room: int, patience: float) -> None:
        self._sink, self._patience = sink, patience
        self._waiting: deque[Alert] = deque(maxlen=room)
        self._come = asyncio.Event()
        self.lost = 0

    def put(self, alert: Alert) -> None:
        """Let one be told; never waits."""
        self.lost += len(self._waiting) == self._waiting.maxlen
        self._waiting.append(alert)
        self._come.set()

    async def speak(self) -> None:
        """Tell what comes, for ever."""
        while True:
            await self._come.wait()
            self._come.clear()
            await self.speak_out()

    async def speak_out(self) -> None:
        """Tell what waits."""
        while self._waiting:
            try:
                async with asyncio.timeout(self._patience):
                    await self._sink.tell(self._waiting.popleft())
            except (PerpbookError, OSError, TimeoutError):
                self.lost += 1
