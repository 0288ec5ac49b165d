"""Adaptive conformal inference: a quantile of past errors whose level is moved by whether it held.

Source: Gibbs and Candes, "Adaptive Conformal Inference Under Distribution Shift", NeurIPS 2021. Errors become known with a
delay, so a level is moved only by forecasts whose outcome is there.
"""

from __future__ import annotations

import math

from perpbook.kernels.jit import kernel
from perpbook.kernels.types import Floats, Integers


@kernel
def adaptive_quantiles(
    errors: Floats, known: Integers, miss: float, pace: float, window: int, least: int, room: Floats, out: Floats
) -> None:
    """Write a bound (n,) for each forecast that its error should exceed with chance `miss`; NaN while too few are known.

    errors : (n,) outcome less forecast, in any unit; NaN where there is none.  known : (n,) how many of the first
    errors are known when forecast t is made, rising, at most t.  pace : how far a surprise moves the level.  window : of
    the latest errors known, at least `least`.  room : (window + 1,) scratch.
    """
    level, held, first, count = miss, 0, 0, 0
    for t in range(errors.size):
        while held < known[t]:
            error = errors[held]
            if not math.isnan(error):
                bound = out[held]
                if not math.isnan(bound):
                    level += pace * (miss - (1.0 if error > bound else 0.0))
                    level = min(max(level, 0.0), 0.5)
                place = count
                while place > 0 and room[place - 1] > error:
                    room[place] = room[place - 1]
                    place -= 1
                room[place] = error
                count += 1
                while count > window:
                    while math.isnan(errors[first]):
                        first += 1
                    old = 0
                    while room[old] != errors[first]:
                        old += 1
                    for i in range(old, count - 1):
                        room[i] = room[i + 1]
                    count -= 1
                    first += 1
            held += 1
        if count < least:
            out[t] = math.nan
        else:
            out[t] = room[min(math.ceil((1.0 - level) * (count + 1)), count) - 1]
