"""What venues close first, and how much must go before an account is safe again."""

from __future__ import annotations

import numpy as np
import pytest

from perpbook.kernels.partial import first_closed, share_to_close, surplus_beside, surplus_kept
from perpbook.kernels.types import Holdings


def book(cash: float, rates: list[float], deductions: list[float], size: float = 100.0) -> Holdings:
    """One long of `size` coins at 100 dollars, whose unrealised profit is in `cash`."""
    zero = np.zeros(1)
    return Holdings(
        start=np.array([0, 1]), column=np.array([0]), price=np.array([100.0]), delta=np.array([size]),
        rate=np.array([rates]), deduction=np.array([deductions]), pieces=np.array([len(rates)]),
        notional_slope=np.array([size]), notional_offset=zero, in_coin=np.zeros(1, dtype=np.uint8),
        curve_slope=zero, curve_reciprocal=zero, close_cost=zero, scalable=np.ones(1, dtype=np.uint8),
        cash=np.array([cash]),
    )  # fmt: skip


def test_hyperliquid_closes_a_fifth_of_a_large_position_and_all_of_a_small_one() -> None:
    """Positions above 100,000 USDC: 20 % first (hyperliquid.gitbook.io, liquidations)."""
    assert first_closed(500_000.0, 0.2, 100_000.0, 0.0) == 100_000.0
    assert first_closed(80_000.0, 0.2, 100_000.0, 0.0) == 80_000.0


def test_dydx_closes_the_larger_of_a_thousand_and_a_tenth() -> None:
    """Per block min 1,000 USDC, 10 % of the position (v4-chain protocol/testing/genesis.sh)."""
    assert first_closed(50_000.0, 0.1, 1_000.0, 1_000.0) == 5_000.0
    assert first_closed(4_000.0, 0.1, 1_000.0, 1_000.0) == 1_000.0
    assert first_closed(600.0, 0.1, 1_000.0, 1_000.0) == 600.0


def test_the_share_to_close_leaves_exactly_the_margin() -> None:
    """400 of equity against 5 % of 10,000: 8,000 may stay, so a fifth goes."""
    held = book(400.0, [0.05], [0.0])
    assert share_to_close(held, 0, 0, 0.0, 0.0) == pytest.approx(0.2, rel=1e-12)
    assert surplus_kept(held, 0, surplus_beside(held, 0, 0, 0.0), 0.0, 0.0, 0.8) == pytest.approx(0.0, abs=1e-9)


def test_a_penalty_makes_more_of_it_go() -> None:
    """400 - 0.01 x = 0.05 (10,000 - x)."""
    assert share_to_close(book(400.0, [0.05], [0.0]), 0, 0, 0.0, 0.01) == pytest.approx(0.25, rel=1e-12)


def test_a_penalty_above_the_margin_it_frees_takes_everything() -> None:
    assert share_to_close(book(400.0, [0.05], [0.0]), 0, 0, 0.0, 0.06) == 1.0


def test_higher_tiers_free_more_margin_than_lower_ones() -> None:
    """10 % above 5,000: margin 250 + 500; 600 of equity carries 8,500."""
    assert share_to_close(book(600.0, [0.05, 0.1], [0.0, 250.0]), 0, 0, 0.0, 0.0) == pytest.approx(0.15, rel=1e-12)


def test_a_safe_account_closes_nothing_and_a_ruined_one_everything() -> None:
    assert share_to_close(book(501.0, [0.05], [0.0]), 0, 0, 0.0, 0.0) == 0.0
    assert share_to_close(book(-1.0, [0.05], [0.0]), 0, 0, 0.0, 0.0) == 1.0
