"""Stress grid: a million scenarios by twenty positions with eight margin tiers on four accounts, one core.

The baseline is the fastest vectorised NumPy version known to us of the same work: tiers as a maximum of lines, in
chunks that stay in cache, in place. The floor is reading the price matrix once, summed by the same compiler.
"""

from __future__ import annotations

import numpy as np

from benchmarks.document import median, paired, publish, seconds
from perpbook.kernels.jit import kernel
from perpbook.kernels.lanes import in_order_of_slope, stress_grid
from perpbook.kernels.margin import lines_at
from perpbook.kernels.types import Floats, Holdings, Lines

SCENARIOS, POSITIONS, ACCOUNTS = 1_000_000, 20, 4
FLOORS = np.array([0, 5e4, 2.5e5, 1e6, 5e6, 2e7, 5e7, 1e8])
RATES = np.array([0.004, 0.005, 0.01, 0.025, 0.05, 0.1, 0.125, 0.15])


def example() -> tuple[Lines, Floats]:
    """A seeded book as lines, and prices (positions, scenarios)."""
    chance = np.random.default_rng(1)
    deductions = np.concatenate([[0.0], np.cumsum(FLOORS[1:] * np.diff(RATES))])
    quantity = chance.normal(size=POSITIONS) * 3_000
    zeros = np.zeros(POSITIONS)
    held = Holdings(
        start=np.arange(0, POSITIONS + 1, POSITIONS // ACCOUNTS),
        column=np.arange(POSITIONS),
        price=np.full(POSITIONS, 100.0),
        delta=quantity,
        rate=np.tile(RATES, (POSITIONS, 1)),
        deduction=np.tile(deductions, (POSITIONS, 1)),
        pieces=np.full(POSITIONS, RATES.size),
        notional_slope=np.abs(quantity),
        notional_offset=zeros,
        in_coin=np.zeros(POSITIONS, dtype=np.uint8),
        curve_slope=zeros,
        curve_reciprocal=zeros,
        close_cost=zeros,
        scalable=np.ones(POSITIONS, dtype=np.uint8),
        cash=np.full(ACCOUNTS, 4e5),
    )
    prices = 100 * np.exp(chance.normal(size=(POSITIONS, SCENARIOS)) * 0.1)
    return in_order_of_slope(lines_at(held)), prices


def numpy_grid(lines: Lines, prices: Floats, equity: Floats, maintenance: Floats, chunk: int = 4_096) -> None:
    """The same grid in NumPy: chunked, in place, tiers as a maximum of lines."""
    top, line = np.empty(chunk), np.empty(chunk)
    for left in range(0, prices.shape[1], chunk):
        right = min(left + chunk, prices.shape[1])
        best, other = top[: right - left], line[: right - left]
        for a in range(lines.cash.size):
            own, need = equity[a, left:right], maintenance[a, left:right]
            own.fill(lines.cash[a])
            need.fill(0.0)
            for i in range(lines.start[a], lines.start[a + 1]):
                price = prices[lines.column[i], left:right]
                np.multiply(price, lines.delta[i], out=other)
                own += other
                np.multiply(price, lines.slope[i, 0], out=best)
                best += lines.offset[i, 0]
                for k in range(1, lines.pieces[i]):
                    np.multiply(price, lines.slope[i, k], out=other)
                    other += lines.offset[i, k]
                    np.maximum(best, other, out=best)
                need += best


@kernel
def read_all(prices: Floats, out: Floats) -> None:
    """Read the matrix: eight independent sums a row, so that memory and not addition is the limit."""
    for row in range(prices.shape[0]):
        for left in range(0, prices.shape[1] - 7, 8):
            for lane in range(8):
                out[lane] += prices[row, left + lane]


def main() -> None:
    """Measure and print."""
    lines, prices = example()
    equity, maintenance = np.empty((ACCOUNTS, SCENARIOS)), np.empty((ACCOUNTS, SCENARIOS))
    check = np.empty_like(equity), np.empty_like(maintenance)
    ours, theirs = paired(
        lambda: stress_grid(lines, prices, equity, maintenance), lambda: numpy_grid(lines, prices, *check)
    )
    assert np.allclose(equity, check[0], rtol=1e-12) and np.allclose(maintenance, check[1], rtol=1e-12)
    lanes = np.zeros(8)
    floor = seconds(lambda: read_all(prices, lanes))
    work = SCENARIOS * POSITIONS / 1e6
    publish(
        {
            "name": "stress_grid",
            "unit": "M position-scenarios/s",
            "value": work / median(ours),
            "baseline": {"name": "NumPy, chunked, in place", "value": work / median(theirs)},
            "floor": {"name": "read the prices once", "value": work / median(floor)},
            "ratio": median(theirs) / median(ours),
        },
        ("numpy", "numba", "perpbook"),
    )


if __name__ == "__main__":
    main()
