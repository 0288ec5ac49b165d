"""The largest uniform scale that keeps every limit: the plain answer, and the yardstick for the cheapest one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.sizing.limits import Limits, MarginLimits, worst_shortfall
from perpbook.sizing.tiers import breaks

SLACK = 1e-9
"""Relative to book size: what counts as holding a limit exactly."""

HALVINGS = 60


def uniform_sizes(limits: Limits, scale: float) -> Floats:
    """Every position at `scale`, or at its own upper bound when that is lower."""
    return np.minimum(scale, limits.upper)


def largest_uniform(limits: Limits, laid: MarginLimits, dollars: float) -> float | None:
    """The largest scale in [0, 1] at which all limits hold, or None when not even an empty book holds them.

    Between two scales where whole-position tiers change, each limit is concave in the scale, and read by those tiers it
    holds for the empty book; so the good scales there begin at the lower end or not at all. Where a position's own bound
    is lower than the scale that is only nearly so, and the answer is one that was checked.
    """
    tolerance = SLACK * max(dollars, 1.0)

    def holds(scale: float) -> bool:
        return worst_shortfall(limits, laid, uniform_sizes(limits, scale)) <= tolerance

    for low, high in reversed(list(pairwise(breaks(limits.steps)))):
        if holds(high):
            return high
        just_above = low + 1e-9 * (high - low) if low > 0.0 else 0.0
        if holds(just_above):
            return _last_good(holds, just_above, high)
    return None


def _last_good(holds: Callable[[float], bool], good: float, bad: float) -> float:
    for _ in range(HALVINGS):
        middle = 0.5 * (good + bad)
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return good
