"""How large a book may be: the root of surplus in a common scale on every position's size.

For fixed scenario prices, surplus as a function of the scale u is concave (tiers are convex in size, closing costs
too) and starts at the equity of the emptied account. So {u : the account survives} is one interval from 0, and the
largest u is its right end.
"""

from __future__ import annotations

import numpy as np

from perpbook.kernels.jit import kernel, lean
from perpbook.kernels.types import Floats, Holdings

LARGEST = 2.0**20
"""Scales beyond this count as unlimited."""


@lean
def surplus_at_scale(held: Holdings, a: int, prices: Floats, buffer: float, u: float) -> tuple[float, float]:
    """Equity - (1 + buffer) maintenance margin of account a at scenario `prices` (columns,), and its derivative in u."""
    value, rise = held.cash[a], 0.0
    weight = 1.0 + buffer
    for i in range(held.start[a], held.start[a + 1]):
        price = prices[held.column[i]]
        if not held.scalable[i]:
            value += held.delta[i] * price
            continue
        gain = held.delta[i] * (price - held.price[i])
        cost = held.close_cost[i]
        value += u * gain - abs(1.0 - u) * cost
        rise += gain + (cost if u < 1.0 else -cost)
        notional = held.notional_slope[i] * price + held.notional_offset[i]
        worth = price if held.in_coin[i] else 1.0
        need, slope = 0.0, 0.0
        for k in range(held.pieces[i]):
            other = u * held.rate[i, k] * notional - held.deduction[i, k] * worth
            if k == 0 or other > need:
                need, slope = other, held.rate[i, k] * notional
        curve = held.curve_slope[i] * price
        if held.curve_reciprocal[i] > 0.0:
            curve += held.curve_reciprocal[i] / price
        value -= weight * (need + u * u * curve)
        rise -= weight * (slope + 2.0 * u * curve)
    return value, rise


@lean
def largest_scale(held: Holdings, a: int, prices: Floats, buffer: float) -> float:
    """The largest scale at which account a survives the scenario `prices`; 0 when none does, inf when all do."""
    if surplus_at_scale(held, a, prices, buffer, 0.0)[0] < 0.0:
        return 0.0
    u = 1.0
    while surplus_at_scale(held, a, prices, buffer, u)[0] >= 0.0:
        u *= 2.0
        if u > LARGEST:
            return np.inf
    for _ in range(400):
        value, rise = surplus_at_scale(held, a, prices, buffer, u)
        if value >= 0.0 or rise >= 0.0:
            break
        step = -value / rise
        if abs(step) <= 1e-15 * u:
            break
        u += step
    return max(u, 0.0)


@kernel
def largest_scales(held: Holdings, prices: Floats, buffer: float, out: Floats) -> None:
    """Each account's largest scale over every scenario: prices (columns, scenarios), `out` (accounts,)."""
    for a in range(held.cash.size):
        best = np.inf
        for s in range(prices.shape[1]):
            best = min(best, largest_scale(held, a, np.ascontiguousarray(prices[:, s]), buffer))
        out[a] = best
