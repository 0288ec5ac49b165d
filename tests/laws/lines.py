"""Books as the kernels see them, drawn at random: no terms, no names, every shape of lines."""

from __future__ import annotations

from itertools import chain, pairwise

import numpy as np
from hypothesis import strategies as st

from perpbook.kernels.types import Lines
from tests.laws.strategies import between, magnitudes


@st.composite
def random_lines(draw: st.DrawFn, *, columns: int = 3) -> Lines:
    """Any book as the kernels see it: accounts of zero to five items, items of zero to six lines, coins among them."""
    counts = draw(st.lists(st.integers(0, 5), min_size=1, max_size=4))
    total = sum(counts)
    pieces = [draw(st.integers(0, 6)) for _ in range(total)]
    slope, offset = np.zeros((total, 6)), np.zeros((total, 6))
    for row, count in enumerate(pieces):
        rates = sorted(draw(magnitudes(0.01, 30.0)) for _ in range(count))
        knots = sorted(draw(magnitudes(10.0, 1e4)) for _ in range(count))
        for k in range(count):
            slope[row, k] = rates[k]
            offset[row, k] = offset[row, k - 1] - knots[k] * (rates[k] - rates[k - 1]) if k else 0.0
    column = [sorted(draw(st.integers(0, columns - 1)) for _ in range(count)) for count in counts]
    return Lines(
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        column=np.array(list(chain.from_iterable(column)), dtype=np.int64),
        delta=np.array([draw(between(-100.0, 100.0)) for _ in range(total)]),
        slope=slope,
        offset=offset,
        pieces=np.array(pieces, dtype=np.int64),
        reciprocal=np.array([draw(st.sampled_from((0.0, 50.0))) if count else 0.0 for count in pieces]),
        cash=np.array([draw(between(-1e4, 1e5)) for _ in counts]),
    )


def breakpoints(lines: Lines) -> list[float]:
    """Prices at which some item goes from one line to the next."""
    found = []
    for row, count in enumerate(lines.pieces):
        for k, m in pairwise(range(count)):
            rise = lines.slope[row, m] - lines.slope[row, k]
            if rise > 0:
                found.append(float((lines.offset[row, k] - lines.offset[row, m]) / rise))
    return [price for price in found if price > 0]
