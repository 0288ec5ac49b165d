"""An AR(1) whose level and noise depend on a hidden state of two, normal (0) and crowded (1): the Hamilton filter.

Source: Hamilton, Econometrica 57 (1989), and Journal of Econometrics 45 (1990) for the expectations that fit it.
Notation: y_t = intercept_s + persistence y_{t-1} + noise_s e_t, e standard normal, s the state at t; `law` holds
(intercept_0, intercept_1, persistence, noise_0, noise_1, stay_0, stay_1), stay_s the chance of remaining in s.
"""

from __future__ import annotations

import math

from perpbook.kernels.jit import heavy
from perpbook.kernels.types import Floats

INTERCEPT, PERSISTENCE, NOISE, STAY = 0, 2, 3, 5


@heavy
def filter_step(law: Floats, before: float, value: float, crowded: float) -> tuple[float, float]:
    """The chance of the crowded state after a value, from `crowded` the one before it, and the value's density."""
    ahead = crowded * law[STAY + 1] + (1.0 - crowded) * (1.0 - law[STAY])
    calm_off = (value - law[INTERCEPT] - law[PERSISTENCE] * before) / law[NOISE]
    wild_off = (value - law[INTERCEPT + 1] - law[PERSISTENCE] * before) / law[NOISE + 1]
    calm = (1.0 - ahead) * math.exp(-0.5 * min(calm_off * calm_off, 1400.0)) / law[NOISE]
    wild = ahead * math.exp(-0.5 * min(wild_off * wild_off, 1400.0)) / law[NOISE + 1]
    total = calm + wild
    if total <= 0.0:
        return ahead, 1e-300
    return wild / total, total


@heavy
def filter_states(values: Floats, laws: Floats, which: Floats, out: Floats) -> None:
    """Write the chance (n,) of the crowded state given `values` (n,) so far, under the law `laws[which[t]]` in force at t."""
    crowded = 0.5
    out[0] = crowded
    for t in range(1, values.size):
        crowded, _ = filter_step(laws[int(which[t])], values[t - 1], values[t], crowded)
        out[t] = crowded


@heavy
def expected_states(values: Floats, law: Floats, filtered: Floats, sums: Floats) -> float:
    """Write what the two states are expected to hold of `values` (n,), and hand back their log likelihood.

    filtered : (n,) room for the filter.  sums : (2, 6) by state: weight, of y, of its predecessor x, of xx, xy, yy;
    then (2, 2) of expected moves from state to state, in columns 6 and 7.
    """
    sums[:] = 0.0
    likelihood = 0.0
    filtered[0] = (1.0 - law[STAY]) / max(2.0 - law[STAY] - law[STAY + 1], 1e-9)
    for t in range(1, values.size):
        filtered[t], density = filter_step(law, values[t - 1], values[t], filtered[t - 1])
        likelihood += math.log(density)
    later = filtered[values.size - 1]
    for t in range(values.size - 1, 0, -1):
        x, y = values[t - 1], values[t]
        for state in range(2):
            weight = later if state == 1 else 1.0 - later
            sums[state, 0] += weight
            sums[state, 1] += weight * y
            sums[state, 2] += weight * x
            sums[state, 3] += weight * x * x
            sums[state, 4] += weight * x * y
            sums[state, 5] += weight * y * y
        wild = filtered[t - 1]
        to_wild = wild * law[STAY + 1] + (1.0 - wild) * (1.0 - law[STAY])
        up = later / max(to_wild, 1e-12)
        down = (1.0 - later) / max(1.0 - to_wild, 1e-12)
        stayed, left = wild * law[STAY + 1] * up, wild * (1.0 - law[STAY + 1]) * down
        sums[0, 6] += (1.0 - wild) * law[STAY] * down
        sums[0, 7] += (1.0 - wild) * (1.0 - law[STAY]) * up
        sums[1, 6] += left
        sums[1, 7] += stayed
        later = stayed + left
    return likelihood
