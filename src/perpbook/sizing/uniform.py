"""The largest uniform scale that keeps every limit: the plain answer, and the yardstick for the cheapest one."""

from __future__ import annotations

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.sizing.limits import Limits, MarginLimits, worst_shortfall

SLACK = 1e-9
"""Relative to book size: what counts as holding a limit exactly."""


def uniform_sizes(limits: Limits, scale: float) -> Floats:
    """Every position at `scale`, or at its own upper bound when that is lower."""
    return np.minimum(scale, limits.upper)


def largest_uniform(limits: Limits, laid: MarginLimits, dollars: float) -> float | None:
    """The largest scale in [0, 1] at which all limits hold, or None when not even an empty book holds them.

    Each limit is concave in u and holds for the empty book, so the good scales are one interval from 0 as long as no
    single position's bound is lower than the scale; where one is, the answer is checked and, if it fails, None.
    """
    tolerance = SLACK * max(dollars, 1.0)

    def holds(scale: float) -> bool:
        return worst_shortfall(limits, laid, uniform_sizes(limits, scale)) <= tolerance

    if holds(1.0):
        return 1.0
    if not holds(0.0):
        return None
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
