"""Compiling every kernel once, on a book of one position, so that later starts find them in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from perpbook.kernels import (
    conformal,
    depth,
    funding,
    glimpse,
    lanes,
    liquidation,
    margin,
    notional,
    partial,
    premium,
    scale,
    switching,
)
from perpbook.kernels.types import Holdings


def smallest_book() -> Holdings:
    """One account with one position of one base unit at a price of one dollar."""
    one, zero = np.ones(1), np.zeros(1)
    return Holdings(
        start=np.array([0, 1]), column=np.array([0]), price=one, delta=one,
        rate=np.full((1, 1), 0.01), deduction=np.zeros((1, 1)), pieces=np.array([1]),
        notional_slope=one, notional_offset=zero, in_coin=np.zeros(1, dtype=np.uint8),
        curve_slope=zero, curve_reciprocal=zero, close_cost=zero,
        scalable=np.ones(1, dtype=np.uint8), cash=zero,
    )  # fmt: skip


def steps() -> Iterator[tuple[str, Callable[[], object]]]:
    """What there is to compile, by name; each step is a call that compiles it."""
    held, one = smallest_book(), np.ones(1)
    lines = margin.lines_at(held)
    out, pair, flag = np.empty(1), np.empty((1, 2)), np.zeros(1, dtype=np.uint8)
    grid = np.empty((1, 1))
    yield "notional", lambda: notional.notionals(one, one, flag, out)
    yield "profit", lambda: notional.unrealized_pnls(one, one, one, flag, out)
    yield "margin", lambda: margin.account_margins(lines, one, np.empty(1), np.empty(1))
    yield "liquidation prices", lambda: liquidation.liquidation_prices(lines, one, pair)
    yield "bankruptcy prices", lambda: liquidation.bankruptcy_prices(lines, one, one, out)
    yield "partial liquidation", lambda: partial.shares_to_close(held, 0.0, one, out)
    yield "joint moves", lambda: liquidation.joint_moves(lines, one, one, pair)
    yield "deaths", lambda: liquidation.first_deaths(lines, one, np.zeros((1, 1)), grid)
    yield (
        "stress grid",
        lambda: lanes.stress_grid(lanes.in_order_of_slope(lines), np.ones((1, 8)), np.empty((1, 8)), np.empty((1, 8))),
    )
    yield "largest size", lambda: scale.largest_scales(held, np.ones((1, 1)), 0.0, np.empty(1))
    yield "funding", lambda: funding.funding_payments(one, one, one, flag, out)
    limits, calm = np.zeros(3, dtype=np.int64), np.zeros((1, 4), dtype=np.int64)
    yield "glimpse", lambda: glimpse.glimpse(b"", b"", limits, 0, calm, 0)
    yield "depth", lambda: depth.walk(one, one, 1.0)
    yield from of_forecasts()


def of_forecasts() -> Iterator[tuple[str, Callable[[], object]]]:
    """What forecasts of funding run."""
    two, whole = np.array([0.0, 1.0]), np.array([0, 1])
    law = np.array([0.0, 0.0, 0.5, 1.0, 2.0, 0.9, 0.9])
    half, ones = np.full(2, 0.5), np.ones(2)
    yield "premium", lambda: premium.premium_filter(two, 0.0, 0.5, half, half, ones, np.empty(2), np.empty((2, 2)))
    yield "regimes", lambda: switching.expected_states(two, law, np.empty(2), np.empty((2, 8)))
    yield "states", lambda: switching.filter_states(two, law[None], np.zeros(2), np.empty(2))
    yield (
        "intervals",
        lambda: conformal.adaptive_quantiles(two, whole, 0.1, 0.05, 2, 1, np.empty(3), np.empty(2)),
    )
