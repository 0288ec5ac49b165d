"""Adaptive conformal inference: a quantile of past errors whose level is moved by whether it held.

Source: Gibbs and Candes, "Adaptive Conformal Inference Under Distribution Shift", NeurIPS 2021. Errors become known with a
delay, so a level is moved only by forecasts whose outcome is there.
"""

from __future__ import annotations

import math

from perpbook.kernels.jit import heavy
from perpbook.kernels.types import Floats, Integers


@heavy
def keep_sorted(room: Floats, count: int, value: float) -> None:
    """Put a value in its place among the first `count` of `room`, which rise."""
    place = count
    while place > 0 and room[place - 1] > value:
        room[place] = room[place - 1]
        place -= 1
    room[place] = value


@heavy
def drop_sorted(room: Floats, count: int, value: float) -> None:
    """Take a value that is there out of the first `count` of `room`."""
    place = 0
    while room[place] != value:
        place += 1
    for i in range(place, count - 1):
        room[i] = room[i + 1]


@heavy
def moved_level(level: float, error: float, bound: float, miss: float, pace: float) -> float:
    """The level after an outcome: lower when the bound was exceeded, higher when it held; as it was without a bound."""
    if math.isnan(bound):
        return level
    return min(max(level + pace * (miss - (1.0 if error > bound else 0.0)), 0.0), 0.5)


@heavy
def adaptive_quantiles(
    errors: Floats, known: Integers, miss: float, pace: float, window: int, least: int, room: Floats, out: Floats
) -> None:
    """Write a bound (n,) for each forecast that its error should exceed with chance `miss`; NaN while too few are known.

    errors : (n,) outcome less forecast, in any unit; NaN where there is none.  known : (n,) how many of the first
    errors are known when forecast t is made, rising, at most t.  pace : how far a surprise moves the level.  window : of
    the latest errors known, at least `least`.  room : (window + 1,) scratch.
    """
    level, held, oldest, count = miss, 0, 0, 0
    for t in range(errors.size):
        while held < known[t]:
            if not math.isnan(errors[held]):
                level = moved_level(level, errors[held], out[held], miss, pace)
                keep_sorted(room, count, errors[held])
                count += 1
            if count > window:
                while math.isnan(errors[oldest]):
                    oldest += 1
                drop_sorted(room, count, errors[oldest])
                oldest += 1
                count -= 1
            held += 1
        out[t] = math.nan
        if count >= least:
            out[t] = room[min(math.ceil((1.0 - level) * (count + 1)), count) - 1]
