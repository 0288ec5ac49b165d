"""Tiered maintenance margin: from holdings to lines, and what an account holds and needs at given prices.

Notation as in `kernels.types`; u is a scale on an item's size, 1 = as held.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from perpbook.kernels.jit import kernel, lean
from perpbook.kernels.types import Floats, Holdings, Lines


@kernel
def draw_lines(held: Holdings, scale: Floats, lines: Lines) -> None:
    """Fill `lines` with the book at `scale` (n,), closing what is cut at the price now and paying its cost.

    u < 1 pays `close_cost` on the part closed, u > 1 the same rate on the part opened. Coins ignore their scale.
    """
    for a in range(held.cash.size):
        cash = held.cash[a]
        for i in range(held.start[a], held.start[a + 1]):
            if not held.scalable[i]:
                lines.delta[i] = held.delta[i]
                lines.reciprocal[i] = 0.0
                continue
            u = scale[i]
            lines.delta[i] = u * held.delta[i]
            lines.reciprocal[i] = u * u * held.curve_reciprocal[i]
            cash -= u * held.delta[i] * held.price[i] + abs(1.0 - u) * held.close_cost[i]
            for k in range(held.pieces[i]):
                fixed = held.deduction[i, k]
                slope = u * held.rate[i, k] * held.notional_slope[i] + u * u * held.curve_slope[i]
                offset = u * held.rate[i, k] * held.notional_offset[i]
                if held.in_coin[i]:
                    lines.slope[i, k], lines.offset[i, k] = slope - fixed, offset
                else:
                    lines.slope[i, k], lines.offset[i, k] = slope, offset - fixed
        lines.cash[a] = cash


@lean
def requirement(lines: Lines, i: int, price: float) -> Any:
    """Maintenance margin of item i at a price, dollars (a float; NumPy types its elements as Any).

    Lines stand in order of slope and each is the largest somewhere, so they rise to the largest and fall after it.
    """
    if lines.pieces[i] == 0:
        return 0.0
    need = lines.slope[i, 0] * price + lines.offset[i, 0]
    for k in range(1, lines.pieces[i]):
        other = lines.slope[i, k] * price + lines.offset[i, k]
        if other < need:
            break
        need = other
    if lines.reciprocal[i] > 0.0:
        need += lines.reciprocal[i] / price
    return need


@lean
def account_margin(lines: Lines, a: int, prices: Floats) -> tuple[float, float]:
    """Equity and maintenance margin of account a at prices (columns,), dollars."""
    equity, maintenance = lines.cash[a], 0.0
    for i in range(lines.start[a], lines.start[a + 1]):
        price = prices[lines.column[i]]
        equity += lines.delta[i] * price
        maintenance += requirement(lines, i, price)
    return equity, maintenance


@lean
def account_margins(lines: Lines, prices: Floats, equity: Floats, maintenance: Floats) -> None:
    """Write every account's equity and maintenance margin, both (accounts,), dollars."""
    for a in range(lines.cash.size):
        equity[a], maintenance[a] = account_margin(lines, a, prices)


def empty_lines(held: Holdings) -> Lines:
    """Room for `draw_lines`: the index arrays are shared with `held`, the numbers are its own."""
    return Lines(
        start=held.start,
        column=held.column,
        delta=np.empty_like(held.delta),
        slope=np.zeros_like(held.rate),
        offset=np.zeros_like(held.rate),
        pieces=held.pieces,
        reciprocal=np.empty_like(held.delta),
        cash=np.empty_like(held.cash),
    )


def lines_at(held: Holdings, scale: Floats | None = None) -> Lines:
    """The book as lines, at `scale` (n,) or as held."""
    lines = empty_lines(held)
    draw_lines(held, np.ones_like(held.delta) if scale is None else scale, lines)
    return lines
