"""An event loop that never sleeps, and rehearses while it has nothing to do.

What a message needs of memory leaves the processor's caches within some hundred microseconds; a price that is gone through once
more, without effect, keeps it at hand. So both the time to be woken and the time to fetch are saved, for one busy core.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

TURNS = 32
"""Turns of the loop between two rehearsals: some hundred microseconds."""


class Spin:
    """Call it once in a running loop. goes_on : whether to go on.  is_idle : whether there is nothing to do.  rehearsals : one
    after another, in a ring."""

    def __init__(self, goes_on: Callable[[], bool], is_idle: Callable[[], bool]) -> None:
        self.rehearsals: deque[Callable[[], None]] = deque()
        self._goes_on, self._is_idle = goes_on, is_idle
        self._turns = 0

    def __call__(self) -> None:
        """Begin."""
        self._again = asyncio.get_running_loop().call_soon
        self._turn()

    def _turn(self) -> None:
        self._turns += 1
        if self._turns % TURNS == 0:
            if not self._goes_on():
                return
            if self.rehearsals and self._is_idle():
                self.rehearsals.rotate()
                self.rehearsals[0]()
        self._again(self._turn)
