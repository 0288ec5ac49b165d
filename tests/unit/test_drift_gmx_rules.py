"""Rules of Drift and GMX that no carried figure reaches: strict orders, ties, thin pools, one-sided markets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from perpbook.errors import TermsError
from perpbook.terms import gmx
from perpbook.terms.drift import WEIGHT, PerpMarket, PerpPosition, Role, profit_weight
from perpbook.terms.drift_account import Fill, SpotPosition, Tally
from perpbook.terms.drift_funding import funding_rate, new_average
from perpbook.terms.drift_liquidation import ALL_TOKENS, Side, asset_for_liability, liability_to_cover

SOL, DOLLAR = 10**9, 10**6
MARKET = PerpMarket(initial_ratio=1_000, maintenance_ratio=500)


def sol(tokens: int, **more: Any) -> SpotPosition:
    shared: dict[str, Any] = {
        "low": 95 * DOLLAR,
        "high": 100 * DOLLAR,
        "asset_weight": 8_000,
        "liability_weight": 12_000,
    }
    return SpotPosition(tokens=tokens * SOL, decimals=9, **{**shared, **more})


def test_spot_orders_are_made_at_the_higher_price_on_both_sides() -> None:
    assert sol(10, bids=SOL).filled(SOL) == Fill(1_050 * DOLLAR, 840 * DOLLAR, -100 * DOLLAR)
    assert sol(10, asks=-SOL).filled(-SOL) == Fill(850 * DOLLAR, 680 * DOLLAR, 100 * DOLLAR)


def test_the_users_own_ratio_has_no_part_in_choosing_the_worse_side() -> None:
    both = sol(1, low=100 * DOLLAR, asset_weight=5_000, bids=2 * SOL, asks=-6 * SOL)
    assert both.worst_fill(0) == both.worst_fill(5_000) == Fill(300 * DOLLAR, 150 * DOLLAR, -200 * DOLLAR)
    assert both.worst_fill(9_000) == Fill(300 * DOLLAR, 30 * DOLLAR, -200 * DOLLAR)


def test_equal_sides_count_as_the_asks() -> None:
    whole = {"low": 100 * DOLLAR, "asset_weight": WEIGHT, "liability_weight": WEIGHT}
    assert sol(5, bids=SOL, asks=-SOL, **whole).worst_fill(0).cash == 100 * DOLLAR
    assert PerpPosition(market=MARKET, base=0, price=DOLLAR, bids=SOL, asks=-SOL).worst_case() == -SOL


def test_a_debt_of_a_fraction_of_a_unit_weighs_a_whole_one() -> None:
    dust = SpotPosition(tokens=-1, decimals=9, low=DOLLAR, high=DOLLAR, asset_weight=8_000, liability_weight=12_000)
    assert dust.value() == -1
    assert SpotPosition(tokens=1, decimals=9, low=1, high=1, asset_weight=1, liability_weight=1).value() == 0


def test_a_prediction_market_counts_the_side_that_risks_more_money() -> None:
    market = PerpMarket(initial_ratio=WEIGHT, maintenance_ratio=9_999, max_price=DOLLAR)
    held = PerpPosition(market=market, base=0, price=200_000, bids=3 * SOL, asks=-2 * SOL)
    assert (held.worst_case(), held.liability()) == (-2 * SOL, 1_600_000)


@pytest.mark.parametrize(
    ("role", "counted"), [(Role.INITIAL, 100 * DOLLAR), (Role.FILL, 500 * DOLLAR), (Role.MAINTENANCE, 900 * DOLLAR)]
)
def test_profit_is_weighted_when_opening_and_filling_and_capped_when_opening(role: Role, counted: int) -> None:
    market = PerpMarket(initial_ratio=1_000, maintenance_ratio=500, profit_weight=5_000, kept_profit_weight=9_000)
    held = PerpPosition(market=market, base=SOL, price=1_000 * DOLLAR)
    assert held.weighted_profit(role) == counted
    assert PerpPosition(market=market, base=-SOL, price=1_000 * DOLLAR).weighted_profit(role) == -1_000 * DOLLAR
    assert profit_weight(-1, 1_000, 5_000) == WEIGHT


def test_a_price_below_zero_is_worth_nothing() -> None:
    held = PerpPosition(market=MARKET, base=SOL, price=-DOLLAR, quote=-DOLLAR)
    assert (held.liability(), held.profit()) == (0, -DOLLAR)


def test_the_buffer_weighs_liabilities_and_losses_not_orders() -> None:
    tally = Tally(buffer=1_000)
    tally.perp(
        PerpPosition(market=MARKET, base=SOL, price=100 * DOLLAR, quote=-110 * DOLLAR, orders=1),
        Role.INITIAL,
        0,
        10_000,
    )
    assert (tally.requirement, tally.requirement_plus_buffer) == (10_010_000, 20_010_000)
    assert (tally.collateral, tally.collateral_plus_buffer) == (-10 * DOLLAR, -11 * DOLLAR)


def test_funding_is_clamped_by_tier_and_averages_towards_the_rate() -> None:
    assert funding_rate(60 * DOLLAR, 49 * DOLLAR, 33) == 1_484_848 * 1_000 // 24
    assert funding_rate(40 * DOLLAR, 49 * DOLLAR, 33) == -(1_484_848 * 1_000 // 24)
    assert funding_rate(49 * DOLLAR, 49 * DOLLAR, 10) == 9_800 * 1_000 // 24
    assert new_average(240, 240, 3_600, 86_400) == 241  # the bias follows the heavier term, not the larger rate
    assert new_average(500, 240, 0, 86_400) == 240
    assert new_average(500, 240, 86_400, 86_400) == 499


def test_a_fee_larger_than_the_margin_freed_takes_everything() -> None:
    liability = Side(multiplier=10**6, weight=12_000, decimals=9, price=100 * DOLLAR)
    assert liability_to_cover(10 * DOLLAR, Side(multiplier=10**6, weight=11_900), liability, 10_000) == ALL_TOKENS


def test_dust_is_taken_too_by_the_programs_own_scale() -> None:
    debt = Side(multiplier=10**6, decimals=6, price=DOLLAR)
    assert asset_for_liability(10_900_000, Side(multiplier=10**6), 10 * DOLLAR, debt) == 10_900_000
    assert asset_for_liability(11_000_000, Side(multiplier=10**6), 10 * DOLLAR, debt) == 10_000_000
    held = SOL // 10 + 1_000
    assert (
        asset_for_liability(held, Side(multiplier=10**6, decimals=9, price=100 * DOLLAR), 10 * DOLLAR, debt)
        == SOL // 10
    )


def test_gmx_pays_no_funding_while_a_side_is_empty() -> None:
    one = Decimal(1)
    for long, short in ((200_000, 0), (0, 200_000), (0, 0)):
        interest = gmx.OpenInterest(long=Decimal(long), short=Decimal(short))
        assert gmx.static_funding(interest, Decimal("1e-10"), one, Decimal(3_600)) == 0


def test_gmx_decreases_are_priced_on_the_entry() -> None:
    size, impact, price, entry = (Decimal(value) for value in (5_000, -1_000, 2_000, 2_000))
    assert gmx.decrease_price(size, impact, price, entry, is_long=True) == 1_600
    assert gmx.decrease_price(size, impact, price, Decimal(1_000), is_long=True) == 1_800
    assert gmx.decrease_price(size, impact, price, entry, is_long=False) == 2_400
    assert gmx.increase_price(size, impact, price, is_long=True) == 2_500
    assert gmx.increase_price(Decimal(0), Decimal(0), price, is_long=False) == price
    with pytest.raises(TermsError, match="larger than the order"):
        gmx.increase_price(size, Decimal(-5_000), price, is_long=True)
    with pytest.raises(TermsError, match="larger than the order"):
        gmx.decrease_price(size, Decimal(-5_001), price, entry, is_long=True)


def test_gmx_borrowing_needs_a_pool() -> None:
    one = Decimal(1)
    assert gmx.borrowing_factor(Decimal(0), Decimal(0), one, one, one) == 0
    with pytest.raises(TermsError, match="above 0"):
        gmx.borrowing_factor(one, Decimal(0), one, one, one)


@pytest.mark.parametrize(("collateral", "dead"), [(33_999, True), (34_000, False)])
@pytest.mark.parametrize("impact", [0, 500])
def test_impact_in_ones_favour_keeps_no_gmx_position_alive(collateral: int, impact: int, dead: bool) -> None:
    long = gmx.Holding(size=Decimal(200_000), tokens=Decimal(40), collateral=Decimal(collateral), is_long=True)
    terms = gmx.LiquidationTerms(minimum=Decimal(1), factor=Decimal("0.01"))
    assert gmx.is_liquidatable(long, Decimal(4_200), fees=Decimal(0), impact=Decimal(impact), terms=terms) is dead


@pytest.mark.parametrize(("largest", "dead"), [(None, True), ("0.001", False), ("0.02", True)])
def test_impact_against_counts_up_to_the_largest(largest: str | None, dead: bool) -> None:
    short = gmx.Holding(size=Decimal(200_000), tokens=Decimal(40), collateral=Decimal(35_000), is_long=False)
    terms = gmx.LiquidationTerms(
        minimum=Decimal(1), factor=Decimal("0.01"), largest_impact=None if largest is None else Decimal(largest)
    )
    price = Decimal(5_800)
    assert gmx.is_liquidatable(short, price, fees=Decimal(100), impact=Decimal(-4_000), terms=terms) is dead
