"""Limit prices in Hyperliquid's steps give no more away than they were meant to, and no step more than need be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perpbook.venues.dialect import Hyperliquid

PRICES = st.floats(1e-4, 2e5, allow_nan=False)


def stepped(quantity: float, limit: float, decimals: int) -> float:
    return Hyperliquid().price({"info": {"szDecimals": decimals}}, quantity, limit)


@given(PRICES, st.integers(0, 5), st.sampled_from([1.0, -1.0]))
def test_a_price_is_a_step_that_gives_no_more_away(limit: float, decimals: int, side: float) -> None:
    price = stepped(side, limit, decimals)
    assert price <= limit * (1 + 1e-9) if side > 0 else price >= limit * (1 - 1e-9)
    text = f"{price:.12f}".rstrip("0")
    whole, _, part = text.partition(".")
    assert len(part) <= 6 - decimals
    assert not part or len((whole + part).lstrip("0")) <= 5


@given(st.integers(10_000, 99_999), st.integers(0, 2), st.sampled_from([1.0, -1.0]))
def test_a_price_that_is_a_step_stays(figures: int, decimals: int, side: float) -> None:
    for price in (figures / 10**2, float(figures), figures * 3.0):
        assert stepped(side, float(round(price, 2)), decimals) == round(price, 2)
