"""A move through time as a few points: straight between two of them, a jump where two share their moment.

Before the first point nothing has moved, so a first point that is not 0 is a jump there; after the last the move stays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from perpbook.kernels.types import Floats, Integers

Knots = tuple[tuple[int, float], ...]
"""(nanoseconds from the storm's beginning, fraction moved by then), in order of time."""


def gap(at_ns: int, move: float) -> Knots:
    """All of it at one instant."""
    return ((at_ns, move),)


def straight(at_ns: int, move: float, over_ns: int) -> Knots:
    """At an even pace; where it stops it stays."""
    return ((at_ns, 0.0), (at_ns + over_ns, move))


def there_and_back(at_ns: int, move: float, over_ns: int, back: tuple[int, float]) -> Knots:
    """A V: to the move and back. back : how long the way back takes, and the share of the move it takes back."""
    bottom = at_ns + over_ns
    first = ((at_ns, 0.0), (bottom, move)) if over_ns else ((at_ns, move),)
    return (*first, (bottom + back[0], move * (1.0 - back[1])))


def stairs(at_ns: int, steps: Sequence[tuple[int, float]]) -> Knots:
    """From level to level: each stays until the next."""
    out: list[tuple[int, float]] = []
    for after, level in steps:
        if out and out[-1][1] != level:
            out.append((at_ns + after, out[-1][1]))
        out.append((at_ns + after, level))
    return tuple(out)


def shifted(knots: Knots, by_ns: int) -> Knots:
    """The same, later."""
    return tuple((when + by_ns, move) for when, move in knots)


def complaint(knots: Knots, lowest: float = -1.0) -> str | None:
    """What is wrong with points, None when nothing is: order, numbers, and that no price falls to nothing."""
    if not knots:
        return "has no point"
    times = [when for when, _ in knots]
    if times[0] < 0 or any(a > b for a, b in pairwise(times)):
        return "has points out of order"
    if any(a == b == c for a, b, c in zip(times, times[1:], times[2:], strict=False)):
        return "has more than two points at one moment"
    moves = [move for _, move in knots]
    if not all(math.isfinite(move) for move in moves):
        return "has a move that is no number"
    if min(moves) <= lowest:
        return f"falls by {-min(moves):.0%}: no price falls to nothing or below; a fall of 15 % is -0.15"
    return None


def moved_by(knots: Knots, at_ns: Integers) -> tuple[Floats, Floats]:
    """The fraction moved just before, and from, each moment on."""
    times = np.array([when for when, _ in knots], dtype=np.int64)
    moves = np.array([move for _, move in knots])
    return _between(times, moves, at_ns, "left"), _between(times, moves, at_ns, "right")


def _between(times: Integers, moves: Floats, at_ns: Integers, side: str) -> Floats:
    after: NDArray[np.intp] = np.searchsorted(times, at_ns, side="left" if side == "left" else "right")
    first, last = np.clip(after - 1, 0, times.size - 1), np.clip(after, 0, times.size - 1)
    length = np.maximum(times[last] - times[first], 1)
    share = np.clip((at_ns - times[first]) / length, 0.0, 1.0)
    out: Floats = moves[first] + share * (moves[last] - moves[first])
    out[after == 0] = 0.0
    return out
