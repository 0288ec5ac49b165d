"""Partial liquidation: what a venue closes first, and how much must go before an account is safe again.

u is the share of the position that is kept. Closing at the price now pays `penalty`, a fraction of the notional closed.
"""

from __future__ import annotations

from typing import Any

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
def item_need(held: Holdings, i: int, u: float) -> Any:
    """Maintenance margin of share u of item i at today's price, dollars."""
    price = held.price[i]
    if held.pieces[i] == 0:
        return 0.0
    notional = held.notional_slope[i] * price + held.notional_offset[i]
    worth = price if held.in_coin[i] else 1.0
    need = u * held.rate[i, 0] * notional - held.deduction[i, 0] * worth
    for tier in range(1, held.pieces[i]):
        need = max(need, u * held.rate[i, tier] * notional - held.deduction[i, tier] * worth)
    return need + u * u * (held.curve_slope[i] * price + held.curve_reciprocal[i] / price)


@kernel
def surplus_beside(held: Holdings, a: int, i: int, buffer: float) -> Any:
    """Equity of account a less (1 + buffer) x the margin of every item but i, at today's prices, dollars."""
    value = held.cash[a]
    for k in range(held.start[a], held.start[a + 1]):
        if not held.scalable[k]:
            value += held.delta[k] * held.price[k]
        if k != i:
            value -= (1.0 + buffer) * item_need(held, k, 1.0)
    return value


@kernel
def surplus_kept(held: Holdings, i: int, beside: float, buffer: float, penalty: float, u: float) -> Any:
    """The account's surplus, dollars, with share u of item i kept; `beside` is `surplus_beside`."""
    notional = held.notional_slope[i] * held.price[i] + held.notional_offset[i]
    return beside - (1.0 - u) * penalty * notional - (1.0 + buffer) * item_need(held, i, u)


@kernel
def best_share(held: Holdings, i: int, beside: float, buffer: float, penalty: float) -> float:
    """The share of item i at which the account's surplus is largest, by thirds: it is concave in the share."""
    low, high = 0.0, 1.0
    for _ in range(60):
        third = (high - low) / 3.0
        left = surplus_kept(held, i, beside, buffer, penalty, low + third)
        if left < surplus_kept(held, i, beside, buffer, penalty, high - third):
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
    beside = surplus_beside(held, a, i, buffer)
    if surplus_kept(held, i, beside, buffer, penalty, 1.0) >= 0.0:
        return 0.0
    kept = 0.0
    if surplus_kept(held, i, beside, buffer, penalty, 0.0) < 0.0:
        kept = best_share(held, i, beside, buffer, penalty)
    if surplus_kept(held, i, beside, buffer, penalty, kept) < 0.0:
        return 1.0
    gone = 1.0
    for _ in range(60):
        middle = 0.5 * (kept + gone)
        if surplus_kept(held, i, beside, buffer, penalty, middle) >= 0.0:
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
