"""The stress grid: every account's equity and requirement in every lane, a lane being a scenario, a path or a bar.

Prices are (columns, lanes), lanes contiguous. A position is added to its account for a block of lanes at a time by an
inner kernel that sees only contiguous slices and has no branch, so the compiler turns it into vector instructions; the
block (`WIDTH` lanes) stays in the nearest cache.

Tiers are a maximum of lines, and lines in order of slope are active in that order as the price rises. So a block needs
only the lines between the one that holds at its lowest price and the one that holds at its highest: one or two of
eight, as a rule. Lines within `CLOSE` of those are kept too, so that rounding cannot make the choice show in the result.
"""

from __future__ import annotations

import numpy as np

from perpbook.kernels.jit import kernel
from perpbook.kernels.types import Floats, Lines

WIDTH = 1024
"""Lanes per block: 8 kB an array."""

CLOSE = 1e-9
"""Relative to the requirement: lines nearer than this at a block's edge are not ruled out."""


@kernel
def add_equity(equity: Floats, price: Floats, delta: float) -> None:
    """Add a coin, or a position that needs no margin. All slices (width,)."""
    for w in range(equity.size):
        equity[w] += delta * price[w]


@kernel
def add_line(equity: Floats, need: Floats, price: Floats, delta: float, slope: Floats, offset: Floats) -> None:
    """Add a position with one tier."""
    a, b = slope[0], offset[0]
    for w in range(equity.size):
        p = price[w]
        equity[w] += delta * p
        need[w] += a * p + b


@kernel
def add_lines_2(equity: Floats, need: Floats, price: Floats, delta: float, slope: Floats, offset: Floats) -> None:
    """Add a position with two tiers."""
    a0, a1, b0, b1 = slope[0], slope[1], offset[0], offset[1]
    for w in range(equity.size):
        p = price[w]
        equity[w] += delta * p
        need[w] += max(a0 * p + b0, a1 * p + b1)


@kernel
def add_lines_3(equity: Floats, need: Floats, price: Floats, delta: float, slope: Floats, offset: Floats) -> None:
    """Add a position with three tiers."""
    a0, a1, a2, b0, b1, b2 = slope[0], slope[1], slope[2], offset[0], offset[1], offset[2]
    for w in range(equity.size):
        p = price[w]
        equity[w] += delta * p
        need[w] += max(max(a0 * p + b0, a1 * p + b1), a2 * p + b2)


@kernel
def raise_by_line(top: Floats, price: Floats, slope: float, offset: float) -> None:
    """Raise `top` to one more tier's requirement."""
    for w in range(top.size):
        top[w] = max(top[w], slope * price[w] + offset)


@kernel
def add_many(
    equity: Floats, need: Floats, top: Floats, price: Floats, delta: float, slope: Floats, offset: Floats
) -> None:
    """Add a position with any number of tiers, through the scratch row `top`."""
    add_equity(equity, price, delta)
    top[:] = slope[0] * price + offset[0]
    for k in range(1, slope.size):
        raise_by_line(top, price, slope[k], offset[k])
    need += top


@kernel
def add_reciprocal(need: Floats, price: Floats, reciprocal: float) -> None:
    """Add a requirement that grows as the price falls."""
    for w in range(need.size):
        need[w] += reciprocal / price[w]


@kernel
def price_bounds(price: Floats) -> tuple[float, float]:
    """The lowest and highest price of a block, eight lanes abreast."""
    low, high = np.full(8, np.inf), np.full(8, -np.inf)
    whole = price.size - price.size % 8
    for left in range(0, whole, 8):
        for lane in range(8):
            low[lane] = min(low[lane], price[left + lane])
            high[lane] = max(high[lane], price[left + lane])
    for w in range(whole, price.size):
        low[0] = min(low[0], price[w])
        high[0] = max(high[0], price[w])
    return low.min(), high.max()


@kernel
def active_lines(slope: Floats, offset: Floats, pieces: int, low: float, high: float) -> tuple[int, int]:
    """First and last line that can be the maximum at any price from low to high. Lines in order of slope."""
    top = slope[0] * low + offset[0]
    for k in range(1, pieces):
        top = max(top, slope[k] * low + offset[k])
    first = 0
    while slope[first] * low + offset[first] < top - CLOSE * abs(top):
        first += 1
    top = slope[0] * high + offset[0]
    for k in range(1, pieces):
        top = max(top, slope[k] * high + offset[k])
    last = pieces - 1
    while slope[last] * high + offset[last] < top - CLOSE * abs(top):
        last -= 1
    return first, last + 1


@kernel
def add_item(
    lines: Lines, i: int, price: Floats, bounds: tuple[float, float], equity: Floats, need: Floats, top: Floats
) -> None:
    """Add item i to its account's rows for one block of lanes whose prices lie within `bounds`."""
    if lines.pieces[i] == 0:
        add_equity(equity, price, lines.delta[i])
        return
    first, last = active_lines(lines.slope[i], lines.offset[i], lines.pieces[i], bounds[0], bounds[1])
    slope, offset, delta = lines.slope[i, first:last], lines.offset[i, first:last], lines.delta[i]
    if last - first == 1:
        add_line(equity, need, price, delta, slope, offset)
    elif last - first == 2:
        add_lines_2(equity, need, price, delta, slope, offset)
    elif last - first == 3:
        add_lines_3(equity, need, price, delta, slope, offset)
    else:
        add_many(equity, need, top, price, delta, slope, offset)
    if lines.reciprocal[i] > 0.0:
        add_reciprocal(need, price, lines.reciprocal[i])


@kernel
def stress_grid(lines: Lines, prices: Floats, equity: Floats, maintenance: Floats) -> None:
    """Write every account's equity and maintenance margin in every lane, dollars.

    lines : from `in_order_of_slope`.  prices : (columns, lanes), C-contiguous.
    equity, maintenance : (accounts, lanes), C-contiguous, overwritten.
    """
    columns, lanes = prices.shape
    top = np.empty(WIDTH)
    low, high = np.empty(columns), np.empty(columns)
    for left in range(0, lanes, WIDTH):
        right = min(left + WIDTH, lanes)
        for c in range(columns):
            low[c], high[c] = price_bounds(prices[c, left:right])
        for a in range(lines.cash.size):
            own, need = equity[a, left:right], maintenance[a, left:right]
            own[:] = lines.cash[a]
            need[:] = 0.0
            for i in range(lines.start[a], lines.start[a + 1]):
                c = lines.column[i]
                add_item(lines, i, prices[c, left:right], (low[c], high[c]), own, need, top[: right - left])


def in_order_of_slope(lines: Lines) -> Lines:
    """`lines` with every item's own lines sorted by slope, as the grid needs them; unused ones come last."""
    used = np.arange(lines.slope.shape[1])[None, :] < lines.pieces[:, None]
    order = np.lexsort((lines.offset, np.where(used, lines.slope, np.inf)), axis=1)
    return lines._replace(
        slope=np.ascontiguousarray(np.take_along_axis(lines.slope, order, axis=1)),
        offset=np.ascontiguousarray(np.take_along_axis(lines.offset, order, axis=1)),
    )
