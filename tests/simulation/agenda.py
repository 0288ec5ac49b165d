"""What is to happen, in one order: time, then who goes first, then who was put down first."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from enum import IntEnum

Act = Callable[[], None]


class Turn(IntEnum):
    """Who goes first at one instant."""

    MARKET = 0
    REQUEST = 1
    STREAM = 2
    ANSWER = 3
    PEOPLE = 4
    CRASH = 5
    CLOCK = 6


class Agenda:
    """A queue of acts, ordered by (time_ns, turn, sequence)."""

    def __init__(self) -> None:
        self._acts: list[tuple[int, int, int, Act]] = []
        self._sequence = 0

    def at(self, time_ns: int, turn: Turn, act: Act) -> None:
        """Put an act down."""
        self._sequence += 1
        heapq.heappush(self._acts, (time_ns, turn, self._sequence, act))

    def next(self, until_ns: int) -> tuple[int, Act] | None:
        """The next act up to a time, taken off, with its time; None for none."""
        if not self._acts or self._acts[0][0] > until_ns:
            return None
        time_ns, _, _, act = heapq.heappop(self._acts)
        return time_ns, act
