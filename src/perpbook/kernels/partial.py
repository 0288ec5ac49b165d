"""Partial liquidation: what a venue closes first, and how much must go before an account is safe again.

u is the share of the position that is kept. Closing at the price now pays `penalty`, a fraction of the notional closed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from perpbook.kernels.jit import kernel
from perpbook.kernels.types import Floats, Holdings


@kernel
def first_closed(notional: float, fraction: float, above: float, least: float) -> float:
    """Notional that a venue's procedure closes at once: all of it up to `above`, beyond that `fraction` of it, but not
    less than `least`. A venue without partial liquidation has `fraction` 1."""
    if notional <= above:
        return notional
    return min(notional, max(fraction * notional, least))


@kernel
def surplus_kept(held: Holdings, a: int, i: int, buffer: float, penalty: float, u: float) -> Any:
    """Equity - (1 + buffer) maintenance margin of account a at today's prices with share u of item i kept, dollars."""
    value, need = held.cash[a], 0.0
    for k in range(held.start[a], held.start[a + 1]):
        price, share = held.price[k], (u if k == i else 1.0)
        value += held.delta[k] * price
        if held.pieces[k] == 0:
            continue
        notional = held.notional_slope[k] * price + held.notional_offset[k]
        worth = price if held.in_coin[k] else 1.0
        asked = -np.inf
        for tier in range(held.pieces[k]):
            asked = max(asked, share * held.rate[k, tier] * notional - held.deduction[k, tier] * worth)
        curve = held.curve_slope[k] * price + held.curve_reciprocal[k] / price
        need += asked + share * share * curve
        if k == i:
            value -= (1.0 - u) * penalty * notional
    return value - (1.0 + buffer) * need


@kernel
def best_share(held: Holdings, a: int, i: int, buffer: float, penalty: float) -> float:
    """The share of item i at which the account's surplus is largest, by thirds: it is concave in the share."""
    low, high = 0.0, 1.0
    for _ in range(60):
        third = (high - low) / 3.0
        left = surplus_kept(held, a, i, buffer, penalty, low + third)
        if left < surplus_kept(held, a, i, buffer, penalty, high - third):
            low += third
        else:
            high -= third
    return 0.5 * (low + high)


@kernel
def share_to_close(held: Holdings, a: int, i: int, buffer: float, penalty: float) -> float:
    """The smallest share of item i to close at today's prices that leaves account a its margin and `buffer` of it.

    0 when it is safe already, 1 when no share is enough. Surplus is concave in the share kept, so from a safe share up to
    all of it there is one root, found by halving.
    """
    if surplus_kept(held, a, i, buffer, penalty, 1.0) >= 0.0:
        return 0.0
    kept = 0.0 if surplus_kept(held, a, i, buffer, penalty, 0.0) >= 0.0 else best_share(held, a, i, buffer, penalty)
    if surplus_kept(held, a, i, buffer, penalty, kept) < 0.0:
        return 1.0
    gone = 1.0
    for _ in range(60):
        middle = 0.5 * (kept + gone)
        if surplus_kept(held, a, i, buffer, penalty, middle) >= 0.0:
            kept = middle
        else:
            gone = middle
    return 1.0 - kept


@kernel
def shares_to_close(held: Holdings, buffer: float, penalties: Floats, out: Floats) -> None:
    """Write `share_to_close` of every item, each on its own; 0 for coins. penalties, out : (n,)."""
    for a in range(held.cash.size):
        for i in range(held.start[a], held.start[a + 1]):
            out[i] = share_to_close(held, a, i, buffer, penalties[i]) if held.scalable[i] else 0.0
