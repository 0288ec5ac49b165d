"""Rows of dollars plus weighted rows of prices along a stretch of bars: where such a sum first falls to nothing.

A sum is `scale x row + constant + sum of weight x price`. Over the stretch's range of a price a concave function of it lies above
its chord, so concave terms enter as chords: the sum is then a bound from below. `LOWEST` bounds it over the whole stretch.
"""

from __future__ import annotations

from typing import NamedTuple

from perpbook.kernels.jit import inlined, part
from perpbook.kernels.lanes import add_weighted, lowest
from perpbook.kernels.types import Floats, Integers

HAIR = 1e-9
"""Relative: nearer to a limit than this counts as over it, so that rounding never hides a rule."""

FIRST, CALM, LOOKS = range(3)
"""Places in `Sum.span`: the stretch's first bar, how many of its bars are known to pass without anything, and how many questions
its ranges did not settle."""

CONSTANT, LOWEST, SIZE = range(3)
"""Places in `Sum.figures`: what a sum adds whatever the prices, the least it can come to, the dollars in it."""


class Sum(NamedTuple):
    """A stretch of bars, and a row of dollars plus weighted prices along it. span : (3,) see above.  bounds : (C, 2) the
    range of each price.  weights, columns : (2n or more,) its terms.  figures : (3,) see above.  still : (n, 2) surplus of an
    account's groups of rows at both ends of their price.  sums : (lanes,) scratch."""

    span: Integers
    bounds: Floats
    weights: Floats
    columns: Integers
    figures: Floats
    still: Floats
    sums: Floats


@part
def first_at_most(row: Floats, limit: float) -> int:
    """The first place of a row at which it is at most `limit`; its size for none."""
    if row.size == 0 or lowest(row) > limit:
        return row.size
    t = 0
    while t < row.size and row[t] > limit:
        t += 1
    return t


@inlined
def begin(sum: Sum, least: float) -> None:
    """A new sum; `least` is the least that its row of dollars comes to."""
    sum.figures[CONSTANT], sum.figures[LOWEST], sum.figures[SIZE] = 0.0, least, 0.0


@inlined
def add_chord(sum: Sum, k: int, c: int, at_low: float, at_high: float) -> float:
    """Add the chord of a concave function of column c's price, as the sum's term k, between its values at the ends of the
    price's range; its slope is given back."""
    low, high = sum.bounds[c, 0], sum.bounds[c, 1]
    slope = (at_high - at_low) / (high - low) if high > low else 0.0
    sum.weights[k], sum.columns[k] = slope, c
    sum.figures[CONSTANT] += at_low - slope * low
    sum.figures[LOWEST] += min(at_low, at_high)
    return slope


@inlined
def add_line(sum: Sum, k: int, c: int, weight: float, constant: float) -> None:
    """Add `weight` times column c's price, and a constant, as the sum's term k."""
    sum.weights[k], sum.columns[k] = weight, c
    one, other = weight * sum.bounds[c, 0], weight * sum.bounds[c, 1]
    sum.figures[CONSTANT] += constant
    sum.figures[LOWEST] += min(one, other) + constant
    sum.figures[SIZE] += max(abs(one), abs(other))


@inlined
def keep_above(sum: Sum, row: Floats, scale: float, terms: int, closes: Floats) -> None:
    """Shorten the calm to the bars in which scale x row and the sum's terms stand above nothing."""
    if sum.figures[LOWEST] <= HAIR * sum.figures[SIZE]:
        look_at_bars(sum, row, scale, terms, closes)


@part
def look_at_bars(sum: Sum, row: Floats, scale: float, terms: int, closes: Floats) -> None:
    """`keep_above`, bar by bar, where the range alone does not settle it."""
    sum.span[LOOKS] += 1
    sums = sum.sums[: sum.span[CALM]]
    scale_row(row, scale, sum.figures[CONSTANT], sums)
    add_weighted(sums, sum.weights, sum.columns, terms, closes, sum.span[FIRST])
    sum.span[CALM] = first_at_most(sums, HAIR * sum.figures[SIZE])


@part
def scale_row(row: Floats, scale: float, constant: float, out: Floats) -> None:
    """Write scale x row + constant."""
    for t in range(out.size):
        out[t] = scale * row[t] + constant


@inlined
def size_of(delta: Floats, high: float) -> float:
    """Dollars of what rows of one column hold, by which rounding is judged."""
    total = 0.0
    for i in range(delta.size):
        total += abs(delta[i]) * high
    return total


@part
def clear_row(out: Floats) -> None:
    """Write nothing into a row."""
    for t in range(out.size):
        out[t] = 0.0


@part
def gains_of(row: Floats) -> float:
    """The sum of what is above nothing in a row, by four sums that do not wait for each other."""
    first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
    whole = row.size - row.size % 4
    for t in range(0, whole, 4):
        first, second = first + max(row[t], 0.0), second + max(row[t + 1], 0.0)
        third, fourth = third + max(row[t + 2], 0.0), fourth + max(row[t + 3], 0.0)
    for t in range(whole, row.size):
        first += max(row[t], 0.0)
    return (first + second) + (third + fourth)
