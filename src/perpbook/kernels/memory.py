"""What a rule remembers from one instant to the next."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.jit import part
from perpbook.kernels.types import Floats, Integers

DAY_NS = 86_400_000_000_000

MONDAY = 3
"""Day 0 of the epoch was a Thursday: weeks begin on Monday, 00:00 UTC."""

FOREVER = 2**62
"""Halted until somebody re-arms by hand."""


class Memory(NamedTuple):
    """Changed by `decide`, `roll` and `forget` alone.

    day, week : (1,) numbers of the UTC day and week, -1 unknown.  day_start, week_start : (1,) book equity when they
    began, NaN unknown.  halted_until_ns : (1,), 0 when never, FOREVER until somebody re-arms.  By position (n,):
    steps_taken of the profit ladder, quiet_until_ns, funding_cut_day the UTC day it was last cut for its funding, or -1.
    """

    day: Integers
    week: Integers
    day_start: Floats
    week_start: Floats
    halted_until_ns: Integers
    steps_taken: Integers
    quiet_until_ns: Integers
    funding_cut_day: Integers


@part
def roll(memory: Memory, now_ns: int, equity: float) -> None:
    """Begin a new day or week when `now_ns` is in another one: `equity` is what it starts with."""
    day = now_ns // DAY_NS
    if day != memory.day[0]:
        memory.day[0], memory.day_start[0] = day, equity
    week = (day + MONDAY) // 7
    if week != memory.week[0]:
        memory.week[0], memory.week_start[0] = week, equity


@part
def forget(memory: Memory, i: int) -> None:
    """Position i was closed or turned over: its ladder starts again."""
    memory.steps_taken[i] = 0


@part
def next_day_ns(now_ns: int) -> int:
    """When the next UTC day begins."""
    return (now_ns // DAY_NS + 1) * DAY_NS


@part
def next_week_ns(now_ns: int) -> int:
    """When the next Monday begins, UTC."""
    week = (now_ns // DAY_NS + MONDAY) // 7
    return ((week + 1) * 7 - MONDAY) * DAY_NS


def empty_memory(positions: int) -> Memory:
    """Nothing is known yet."""
    return Memory(
        day=np.full(1, -1, dtype=np.int64),
        week=np.full(1, -1, dtype=np.int64),
        day_start=np.full(1, np.nan),
        week_start=np.full(1, np.nan),
        halted_until_ns=np.zeros(1, dtype=np.int64),
        steps_taken=np.zeros(positions, dtype=np.int64),
        quiet_until_ns=np.zeros(positions, dtype=np.int64),
        funding_cut_day=np.full(positions, -1, dtype=np.int64),
    )


def memory_of_one_look(positions: int, steps: int) -> Memory:
    """What a single look knows of the past: nothing. No start of a day, and no step of the ladder counts as open."""
    memory = empty_memory(positions)
    memory.steps_taken[:] = steps
    return memory
