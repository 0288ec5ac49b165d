"""What funding moves at a settlement, and which settlements a holding period meets.

Notation: q quantity (long > 0; base units if linear, quote units if inverse), p the price that the venue settles on,
r the rate of one interval (> 0: longs pay). Cash received is > 0, cash paid < 0, in the settle currency: linear
`-q p r` in quote, inverse `-(q / p) r` in coins.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perpbook.kernels.jit import kernel
from perpbook.kernels.types import Flags, Floats, Integers


@kernel
def funding_payments(
    quantities: Floats, reference_prices: Floats, funding_rates: Floats, inverse: Flags, out: Floats
) -> None:
    """Write the cash each position receives (> 0) or pays at one settlement. All (n,); prices > 0."""
    for i in range(quantities.size):
        if inverse[i]:
            out[i] = -quantities[i] / reference_prices[i] * funding_rates[i]
        else:
            out[i] = -quantities[i] * reference_prices[i] * funding_rates[i]


def settlement_times(opened_ns: int, closed_ns: int, interval_ns: int, late_ns: int = 0) -> Integers:
    """The boundaries of `interval_ns` that a holding meets: multiples of it in (opened - late, closed], ns UTC."""
    first = (opened_ns - late_ns) // interval_ns + 1
    return np.arange(first, closed_ns // interval_ns + 1, dtype=np.int64) * interval_ns


def settlements_crossed(times_ns: Integers, opened_ns: int, closed_ns: int, late_ns: int = 0) -> NDArray[np.bool_]:
    """Which settlements a holding meets: those in (opened - late, closed].

    A position held at a settlement's own instant takes part in it when it was opened before. `late_ns` is how long
    after a settlement the venue may still count a position as held at it.
    """
    met: NDArray[np.bool_] = (times_ns > opened_ns - late_ns) & (times_ns <= closed_ns)
    return met


def cash_over(payments: Floats, times_ns: Integers, opened_ns: int, closed_ns: int, late_ns: int = 0) -> float:
    """The sum of a position's `payments` (n,), one for each of `times_ns` (n,), over the settlements it meets."""
    return float(payments[settlements_crossed(times_ns, opened_ns, closed_ns, late_ns)].sum())
