"""An event loop that never sleeps: it looks for messages itself, and rehearses while there are none.

What a message needs of memory leaves the processor's caches within some hundred microseconds; a price that is gone through once
more, without effect, keeps it at hand. So both the time to be woken and the time to fetch are saved, for one busy core.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from perpbook.engine.ports import Teller

LOOKS = 8
"""Looks for messages in a turn of the loop, which costs as much as several."""


class Spin:
    """Call it once in a running loop. tellers : asked in a ring; more may come.  goes_on : whether to go on.  is_idle : whether
    there is nothing to do."""

    def __init__(self, tellers: Sequence[Teller], goes_on: Callable[[], bool], is_idle: Callable[[], bool]) -> None:
        self._tellers, self._goes_on, self._is_idle = tellers, goes_on, is_idle
        self._turns = 0

    def __call__(self) -> None:
        """Begin."""
        self._again = asyncio.get_running_loop().call_soon
        self._turn()

    def _turn(self) -> None:
        self._turns += 1
        tellers = self._tellers
        if not self._goes_on():
            return
        if tellers and self._is_idle():
            tellers[self._turns % len(tellers)].rehearse()
        for _ in range(LOOKS):
            for teller in tellers:
                teller.listen()
        self._again(self._turn)
