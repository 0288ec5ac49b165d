"""Whether losses exceed a quantile as often as it says: Kupiec's test of the proportion of failures (1995)."""

from __future__ import annotations

import math

FEWEST = 20
"""Trials under which the test says nothing: with 5 % expected, one failure more or less would decide."""


def kupiec_p(failures: int, trials: int, chance: float) -> float | None:
    """The p-value that `failures` of `trials` come from `chance`: chi-squared, one degree of freedom; None of too few trials."""
    if trials < FEWEST:
        return None
    share = failures / trials

    def likelihood(p: float) -> float:
        parts = [(failures, p), (trials - failures, 1.0 - p)]
        return sum(count * math.log(of) for count, of in parts if count)

    ratio = max(0.0, -2.0 * (likelihood(chance) - likelihood(share)))
    return math.erfc(math.sqrt(ratio / 2.0))
