"""When to refill and up to where: formulas by hand, and cheapest where a balance is tried out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.treasury.bands import Flow, band_of, economic_quantity, miller_orr

positive = st.floats(1e-3, 1e6)


def test_miller_orr_by_hand() -> None:
    """K = 50, variance 1,000^2, h = 0.1 a year: (3 x 50 x 1e6 x 365 / 0.4)^(1/3) = 5153.6."""
    flow = Flow(variance=1e6, fixed=50.0, holding=0.1 / 365.0)
    assert miller_orr(flow) == pytest.approx((0.75 * 50.0 * 1e6 * 3_650.0) ** (1 / 3), rel=1e-12)
    assert miller_orr(flow) == pytest.approx(5_153.6, abs=0.1)
    band = band_of(2_000.0, flow)
    assert (band.least, band.refill) == (2_000.0, 2_000.0)
    assert band.back - 2_000.0 == pytest.approx((band.most - 2_000.0) / 3.0)


def test_the_economic_quantity_by_hand() -> None:
    """K = 20, 500 dollars a day, h = 0.0002: sqrt(2 x 20 x 500 / 0.0002) = 10,000."""
    flow = Flow(outflow=500.0, fixed=20.0, holding=0.0002)
    assert economic_quantity(flow) == pytest.approx(10_000.0)
    assert band_of(1_000.0, flow).refill == pytest.approx(11_000.0)
    assert band_of(1_000.0, Flow(least=25_000.0, holding=1.0)).refill == 26_000.0


@given(st.floats(0.0, 1e6), positive, positive, positive, st.floats(0.0, 1e4))
def test_a_band_stands_in_order_and_scales_with_money(
    reserve: float, outflow: float, deviation: float, fixed: float, least: float
) -> None:
    flow = Flow(outflow=outflow, variance=deviation**2, fixed=fixed, least=least, holding=0.0003)
    band = band_of(reserve, flow)
    assert band.least == reserve and band.least <= band.refill <= band.back <= band.most
    twice = Flow(
        outflow=2.0 * outflow, variance=4.0 * deviation**2, fixed=2.0 * fixed, least=2.0 * least, holding=0.0003
    )
    assert band_of(2.0 * reserve, twice).most == pytest.approx(2.0 * band.most, rel=1e-9)


def cost_of(z: float, moves: np.ndarray, fixed: float, holding: float) -> float:
    """Dollars a day of a balance that is brought back to `z` whenever it comes to 0 or 3 z."""
    balance, transfers, idle = z, 0, 0.0
    for move in moves:
        balance += move
        if balance <= 0.0 or balance >= 3.0 * z:
            balance, transfers = z, transfers + 1
        idle += balance
    return (fixed * transfers + holding * idle) / moves.size


def test_no_other_band_is_much_cheaper_for_a_balance_that_wanders() -> None:
    fixed, holding, step = 100.0, 0.001, 100.0
    flow = Flow(variance=step**2, fixed=fixed, holding=holding)
    moves = step * np.random.default_rng(7).choice([-1.0, 1.0], size=60_000)
    z = round(miller_orr(flow) / step) * step
    costs = {
        times: cost_of(max(step, round(z * times / step) * step), moves, fixed, holding)
        for times in (0.4, 0.7, 1.0, 1.5, 2.5)
    }
    assert costs[1.0] <= 1.03 * min(costs.values())
    assert costs[0.4] > 1.2 * costs[1.0] and costs[2.5] > 1.2 * costs[1.0]
    expected = fixed * step**2 / (2.0 * z**2) + holding * 4.0 * z / 3.0
    assert costs[1.0] == pytest.approx(expected, rel=0.1)
