"""The stress grid: every account's equity and requirement in every lane, a lane being a scenario, a path or a bar.

Prices are (columns, lanes), lanes contiguous. A block of `WIDTH` lanes stays in the second cache while its accounts are
added up by inner kernels that see only contiguous slices and have no branch, so the compiler turns them into vector
instructions. Memory is the limit, so several items are added in one pass: fewer stores, and more rows read at a time.

Tiers are a maximum of lines, and lines in order of slope are active in that order as the price rises. So a block needs
only the lines between the one that holds at its lowest price and the one that holds at its highest: one or two of
eight, as a rule. Lines within `CLOSE` of those are kept too, so that rounding cannot make the choice show in the result.
"""

from __future__ import annotations

import numpy as np

from perpbook.kernels.jit import kernel, part
from perpbook.kernels.types import Floats, Integers, Lines

WIDTH = 4096
"""Lanes per block: 32 kB a row."""

CLOSE = 1e-9
"""Relative to the requirement: lines nearer than this at a block's edge are not ruled out."""


@part
def add_one(out: Floats, weight: float, p: Floats) -> None:
    """Add weight x price. All slices (width,)."""
    for w in range(out.size):
        out[w] += weight * p[w]


@part
def add_four(out: Floats, weights: Floats, p: Floats, q: Floats, r: Floats, s: Floats) -> None:
    """Add four rows of prices, each by its weight, in one pass."""
    a, b, c, d = weights[0], weights[1], weights[2], weights[3]
    for w in range(out.size):
        out[w] += (a * p[w] + b * q[w]) + (c * r[w] + d * s[w])


@part
def add_weighted(out: Floats, weights: Floats, rows: Integers, count: int, prices: Floats, first: int) -> None:
    """Add lanes `first` on of the first `count` rows of `prices` named in `rows`, each by its weight."""
    whole, last = count - count % 4, first + out.size
    for k in range(0, whole, 4):
        add_four(
            out, weights[k : k + 4], prices[rows[k], first:last], prices[rows[k + 1], first:last],
            prices[rows[k + 2], first:last], prices[rows[k + 3], first:last],
        )  # fmt: skip
    for k in range(whole, count):
        add_one(out, weights[k], prices[rows[k], first:last])


@part
def add_four_in_order(out: Floats, weights: Floats, p: Floats, q: Floats, r: Floats, s: Floats) -> None:
    """Add four weighted rows in one pass, rounded as if one were added after the other."""
    a, b, c, d = weights[0], weights[1], weights[2], weights[3]
    for w in range(out.size):
        out[w] = (((out[w] + a * p[w]) + b * q[w]) + c * r[w]) + d * s[w]


@part
def add_in_order(out: Floats, weights: Floats, rows: Integers, count: int, table: Floats) -> None:
    """Add the first `count` rows of `table` (n, lanes) named in `rows`, each by its weight, one after the other."""
    whole, lanes = count - count % 4, out.size
    for k in range(0, whole, 4):
        add_four_in_order(
            out, weights[k : k + 4], table[rows[k], :lanes], table[rows[k + 1], :lanes], table[rows[k + 2], :lanes],
            table[rows[k + 3], :lanes],
        )  # fmt: skip
    for k in range(whole, count):
        add_one(out, weights[k], table[rows[k], :lanes])


@kernel
def add_larger(out: Floats, p: Floats, slope: Floats, offset: Floats) -> None:
    """Add the requirement of an item with two active lines."""
    a, b, c, d = slope[0], slope[1], offset[0], offset[1]
    for w in range(out.size):
        out[w] += max(a * p[w] + c, b * p[w] + d)


@kernel
def raise_by_line(top: Floats, p: Floats, slope: float, offset: float) -> None:
    """Raise `top` to one more line."""
    for w in range(top.size):
        top[w] = max(top[w], slope * p[w] + offset)


@kernel
def add_largest(out: Floats, top: Floats, p: Floats, slope: Floats, offset: Floats) -> None:
    """Add the requirement of an item with any number of active lines, through the scratch row `top`."""
    top[:] = slope[0] * p + offset[0]
    for k in range(1, slope.size):
        raise_by_line(top, p, slope[k], offset[k])
    out += top


@kernel
def add_reciprocal(out: Floats, p: Floats, reciprocal: float) -> None:
    """Add a requirement that grows as the price falls."""
    for w in range(out.size):
        out[w] += reciprocal / p[w]


@part
def price_bounds(price: Floats) -> tuple[float, float]:
    """The lowest and highest of a row: eight independent pairs, written out so that they stay in registers."""
    p = price[0]
    l0, l1, l2, l3, l4, l5, l6, l7 = p, p, p, p, p, p, p, p
    h0, h1, h2, h3, h4, h5, h6, h7 = p, p, p, p, p, p, p, p
    whole = price.size - price.size % 8
    for w in range(0, whole, 8):
        a, b, c, d = price[w], price[w + 1], price[w + 2], price[w + 3]
        e, f, g, h = price[w + 4], price[w + 5], price[w + 6], price[w + 7]
        l0, l1, l2, l3 = min(l0, a), min(l1, b), min(l2, c), min(l3, d)
        l4, l5, l6, l7 = min(l4, e), min(l5, f), min(l6, g), min(l7, h)
        h0, h1, h2, h3 = max(h0, a), max(h1, b), max(h2, c), max(h3, d)
        h4, h5, h6, h7 = max(h4, e), max(h5, f), max(h6, g), max(h7, h)
    for w in range(whole, price.size):
        l0, h0 = min(l0, price[w]), max(h0, price[w])
    low = min(min(min(l0, l1), min(l2, l3)), min(min(l4, l5), min(l6, l7)))
    high = max(max(max(h0, h1), max(h2, h3)), max(max(h4, h5), max(h6, h7)))
    return low, high


@part
def lowest(row: Floats) -> float:
    """The lowest of a row."""
    p = row[0]
    l0, l1, l2, l3, l4, l5, l6, l7 = p, p, p, p, p, p, p, p
    whole = row.size - row.size % 8
    for w in range(0, whole, 8):
        l0, l1, l2, l3 = min(l0, row[w]), min(l1, row[w + 1]), min(l2, row[w + 2]), min(l3, row[w + 3])
        l4, l5, l6, l7 = min(l4, row[w + 4]), min(l5, row[w + 5]), min(l6, row[w + 6]), min(l7, row[w + 7])
    for w in range(whole, row.size):
        l0 = min(l0, row[w])
    return min(min(min(l0, l1), min(l2, l3)), min(min(l4, l5), min(l6, l7)))


@part
def highest(row: Floats) -> float:
    """The highest of a row."""
    p = row[0]
    h0, h1, h2, h3, h4, h5, h6, h7 = p, p, p, p, p, p, p, p
    whole = row.size - row.size % 8
    for w in range(0, whole, 8):
        h0, h1, h2, h3 = max(h0, row[w]), max(h1, row[w + 1]), max(h2, row[w + 2]), max(h3, row[w + 3])
        h4, h5, h6, h7 = max(h4, row[w + 4]), max(h5, row[w + 5]), max(h6, row[w + 6]), max(h7, row[w + 7])
    for w in range(whole, row.size):
        h0 = max(h0, row[w])
    return max(max(max(h0, h1), max(h2, h3)), max(max(h4, h5), max(h6, h7)))


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
def add_requirements(lines: Lines, a: int, block: Floats, bounds: Floats, need: Floats, scratch: Floats) -> None:
    """Add up account a's requirement in one block of lanes; `bounds` (columns, 2), `scratch` (width,)."""
    first_item, last_item = lines.start[a], lines.start[a + 1]
    weights, rows = np.empty(last_item - first_item), np.empty(last_item - first_item, dtype=np.int64)
    single, constant = 0, 0.0
    for i in range(first_item, last_item):
        if lines.pieces[i] == 0:
            continue
        c = lines.column[i]
        first, last = active_lines(lines.slope[i], lines.offset[i], lines.pieces[i], bounds[c, 0], bounds[c, 1])
        if last - first == 1:
            weights[single], rows[single] = lines.slope[i, first], c
            constant += lines.offset[i, first]
            single += 1
        elif last - first == 2:
            add_larger(need, block[c], lines.slope[i, first:last], lines.offset[i, first:last])
        else:
            add_largest(need, scratch, block[c], lines.slope[i, first:last], lines.offset[i, first:last])
        if lines.reciprocal[i] > 0.0:
            add_reciprocal(need, block[c], lines.reciprocal[i])
    need += constant
    add_weighted(need, weights, rows, single, block, 0)


@kernel
def stress_grid(lines: Lines, prices: Floats, equity: Floats, maintenance: Floats) -> None:
    """Write every account's equity and maintenance margin in every lane, dollars.

    lines : from `in_order_of_slope`.  prices : (columns, lanes), C-contiguous.
    equity, maintenance : (accounts, lanes), C-contiguous, overwritten.
    """
    columns, lanes = prices.shape
    scratch = np.empty(WIDTH)
    bounds = np.empty((columns, 2))
    for left in range(0, lanes, WIDTH):
        right = min(left + WIDTH, lanes)
        block = prices[:, left:right]
        for c in range(columns):
            bounds[c, 0], bounds[c, 1] = price_bounds(block[c])
        for a in range(lines.cash.size):
            first, last = lines.start[a], lines.start[a + 1]
            own, need = equity[a, left:right], maintenance[a, left:right]
            own[:], need[:] = lines.cash[a], 0.0
            add_weighted(own, lines.delta[first:last], lines.column[first:last], last - first, prices, left)
            add_requirements(lines, a, block, bounds, need, scratch[: right - left])


def in_order_of_slope(lines: Lines) -> Lines:
    """`lines` with every item's own lines sorted by slope, as the grid needs them; unused ones come last."""
    used = np.arange(lines.slope.shape[1])[None, :] < lines.pieces[:, None]
    order = np.lexsort((lines.offset, np.where(used, lines.slope, np.inf)), axis=1)
    return lines._replace(
        slope=np.ascontiguousarray(np.take_along_axis(lines.slope, order, axis=1)),
        offset=np.ascontiguousarray(np.take_along_axis(lines.offset, order, axis=1)),
    )
