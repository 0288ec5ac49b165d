"""One account as kernel holdings, for cases given as bare numbers instead of a book."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.kernels.liquidation import liquidation_prices
from perpbook.kernels.margin import account_margin, lines_at
from perpbook.kernels.types import Holdings


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearPosition:
    """A linear position: signed coins, price now, and marginal tiers as (rate, deduction) rows, lowest first."""

    size: float
    price: float
    tiers: Sequence[tuple[float, float]]


def holdings(equity: float, positions: Sequence[LinearPosition]) -> Holdings:
    """One account that holds the positions, each in a price column of its own; `equity` includes their profit."""
    count = len(positions)
    widest = max((len(one.tiers) for one in positions), default=1)
    rate, deduction = np.zeros((count, widest)), np.zeros((count, widest))
    for row, one in enumerate(positions):
        for column, (fraction, taken_off) in enumerate(one.tiers):
            rate[row, column], deduction[row, column] = fraction, taken_off
    return Holdings(
        start=np.array([0, count], dtype=np.int64),
        column=np.arange(count, dtype=np.int64),
        price=np.array([one.price for one in positions], dtype=np.float64),
        delta=np.array([one.size for one in positions], dtype=np.float64),
        rate=rate,
        deduction=deduction,
        pieces=np.array([len(one.tiers) for one in positions], dtype=np.int64),
        notional_slope=np.array([abs(one.size) for one in positions], dtype=np.float64),
        notional_offset=np.zeros(count),
        in_coin=np.zeros(count, dtype=np.uint8),
        curve_slope=np.zeros(count),
        curve_reciprocal=np.zeros(count),
        close_cost=np.zeros(count),
        scalable=np.ones(count, dtype=np.uint8),
        cash=np.array([equity], dtype=np.float64),
    )


def margin(equity: float, positions: Sequence[LinearPosition]) -> tuple[float, float]:
    """The kernels' equity and maintenance margin at the prices now."""
    held = holdings(equity, positions)
    now, needed = account_margin(lines_at(held), 0, held.price)
    return float(now), float(needed)


def liquidation_price(equity: float, position: LinearPosition) -> float | None:
    """The kernels' liquidation price on the side that hurts the position, None for none."""
    held = holdings(equity, [position])
    out = np.empty((1, 2))
    liquidation_prices(lines_at(held), held.price, out)
    price = float(out[0, 0 if position.size > 0 else 1])
    return None if math.isnan(price) else price
