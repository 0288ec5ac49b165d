"""Drift v2's funding: the rate of an hour, and the average of a day. Units as in `terms.drift`.

Source: drift-labs/protocol-v2 @ 0ae3e3b1, programs/drift/src (controller/funding.rs:156-260, math/stats.rs). A rate is an
absolute amount of quote per base, 10^-9: not a fraction of the price.
"""

from __future__ import annotations

from perpbook.terms.drift import divided

OFFSET, BUFFER, PERIODS_A_DAY = 5_000, 10**3, 24


def funding_rate(mark_average: int, oracle_average: int, divisor: int) -> int:
    """What an hour costs a long per base (> 0) before the venue's own pool caps it, rounded towards zero.

    The averages' distance and 1/5000 of the oracle's, within oracle / `divisor` (33 for tiers A and B, 20 for C, else 10).
    """
    spread = mark_average - oracle_average + abs(oracle_average) // OFFSET
    limit = abs(oracle_average) // divisor
    return divided(max(-limit, min(limit, spread)) * BUFFER, PERIODS_A_DAY)


def new_average(rate: int, last_average: int, seconds: int, period: int) -> int:
    """A venue's rolling average after `seconds` at `rate`, with its bias of one unit (math/stats.rs)."""
    rest = max(1, period - seconds)
    if seconds == 0:
        return last_average
    new, old = rate * seconds, last_average * rest
    bias = (old > new) - (old < new) if rest > 1 else 0
    average = divided(new + old, seconds + rest)
    return average if average == 0 and bias < 0 else average + bias
