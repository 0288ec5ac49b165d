"""Laws of dYdX's integer chain and Hyperliquid's fees that no recorded figure states by itself."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.errors import TermsError
from perpbook.terms.dydx import Holding, LiquidityTier, MarginState, OraclePrice, compare_risk
from perpbook.terms.dydx_liquidation import Subaccount, bankruptcy_price, fillable_price, insurance_fund_delta
from perpbook.terms.hyperliquid import FeeMarket, FeeRates, OpenOrder, legacy_liquidation_price, withdrawable
from perpbook.terms.hyperliquid_funding import FundingRule, rule_at
from tests.golden.one_account import LinearPosition, margin

quick = settings(deadline=None, max_examples=100)
sizes = st.integers(-(10**12), 10**12)
states = st.builds(MarginState, net_collateral=st.integers(-50, 50), maintenance=st.integers(0, 50))
tiers = st.builds(
    LiquidityTier,
    initial_margin_ppm=st.integers(10_000, 1_000_000),
    maintenance_fraction_ppm=st.integers(300_000, 1_000_000),
    open_interest_lower_cap=st.integers(0, 10**13),
    open_interest_upper_cap=st.just(2 * 10**13),
)
holdings = st.builds(
    Holding,
    base_quantums=sizes.filter(bool),
    oracle=st.builds(
        OraclePrice, atomic_resolution=st.just(-9), price=st.integers(10**6, 10**10), exponent=st.just(-6)
    ),
    tier=tiers,
    open_interest=st.integers(0, 10**12),
)


@quick
@given(quote=st.integers(-(10**13), 10**13), held=st.lists(holdings, max_size=4))
def test_the_float_kernels_agree_with_the_chain_to_its_rounding(quote: int, held: list[Holding]) -> None:
    exact = Subaccount(quote_quantums=quote, holdings=held).state
    positions = [
        LinearPosition(
            size=float(one.base_quantums),
            price=one.oracle.price * 10.0**one.oracle.quote_places,
            tiers=[(one.tier.initial_margin_ppm * one.tier.maintenance_fraction_ppm / 1e12, 0.0)],
        )
        for one in held
    ]
    equity = quote + sum(one.size * one.price for one in positions)
    net, needed = margin(equity, positions)
    assert net == pytest.approx(exact.net_collateral, rel=1e-9, abs=len(held) + 1)
    assert needed == pytest.approx(exact.maintenance, rel=1e-9, abs=3 * len(held))


@quick
@given(tier=tiers, notional=st.integers(0, 10**13), low=st.integers(0, 3 * 10**13), more=st.integers(0, 10**13))
def test_open_interest_raises_initial_margin_and_never_above_the_notional(
    tier: LiquidityTier, notional: int, low: int, more: int
) -> None:
    before, after = tier.initial_margin(notional, low), tier.initial_margin(notional, low + more)
    assert tier.maintenance_margin(notional) <= before <= after <= notional


@quick
@given(states, states, states)
def test_risk_is_one_order_where_something_is_required(a: MarginState, b: MarginState, c: MarginState) -> None:
    assert compare_risk(a, b) == -compare_risk(b, a)
    if a.maintenance and b.maintenance and c.maintenance and compare_risk(a, b) >= 0 and compare_risk(b, c) >= 0:
        assert compare_risk(a, c) >= 0


@quick
@given(quote=st.integers(-(10**13), 10**13), held=holdings, part=st.integers(1, 1000))
def test_liquidation_prices_keep_their_order(quote: int, held: Holding, part: int) -> None:
    """A fillable price is never better than the oracle's, and a fill at bankruptcy leaves the fund nothing."""
    account = Subaccount(quote_quantums=quote, holdings=[held])
    if not account.state.liquidatable:
        return
    price = fillable_price(account, 0, bankruptcy_adjustment_ppm=1_000_000, spread_to_maintenance_ppm=100_000)
    oracle = Fraction(held.state.net_collateral, held.base_quantums)
    assert price <= oracle if held.base_quantums > 0 else price >= oracle
    delta = -held.base_quantums * part // 1000 or -held.base_quantums
    worth = bankruptcy_price(account, 0, delta)
    if (worth >= 0) == (delta < 0):
        assert insurance_fund_delta(account, 0, delta=delta, quote_quantums=abs(worth), max_fee_ppm=15_000) == 0


def test_a_liquidation_must_shrink_a_position_that_is_there() -> None:
    oracle = OraclePrice(atomic_resolution=-9, price=3 * 10**9, exponent=-6)
    tier = LiquidityTier(initial_margin_ppm=50_000, maintenance_fraction_ppm=600_000)
    account = Subaccount(quote_quantums=0, holdings=[Holding(base_quantums=10**9, oracle=oracle, tier=tier)])
    for perpetual, delta in [(0, 10**9), (0, -(10**9) - 1), (0, 0), (7, -1)]:
        with pytest.raises(TermsError):
            bankruptcy_price(account, perpetual, delta)


def test_hyperliquid_rebates_take_neither_discount_nor_deployer_scale() -> None:
    rates = FeeRates(base=-0.00003, referral_discount=0.04, maker=True)
    assert rates.fill_fee(100.0, 10.0, FeeMarket(deployer_scale=1.0)).fee == Decimal("-0.03")
    assert rates.fill_fee(100.0, 10.0, FeeMarket(aligned_quote=True)).fee == Decimal("-0.045")


def test_hyperliquid_keeps_a_tenth_of_notional_and_what_orders_reserve() -> None:
    assert withdrawable(100.0, 20.0, 500.0, [OpenOrder(size=-1.0, limit_price=30.0, leverage=3.0)]) == 40.0
    assert withdrawable(10.0, 20.0) == 0.0


def test_hyperliquid_legacy_price_is_none_when_a_long_cannot_die() -> None:
    assert legacy_liquidation_price(100.0, 1.0, 150.0, 5.0) is None
    assert legacy_liquidation_price(100.0, -1.0, 150.0, 5.0) == 245.0


def test_hyperliquid_funding_is_capped_and_unrecorded_days_are_refused() -> None:
    assert FundingRule().rate(1.0) == 0.04
    assert FundingRule().rate(-1.0) == -0.04
    for day in (1_675_209_600, 1_686_096_000):
        with pytest.raises(TermsError, match="no funding rule"):
            rule_at(day * 10**9)
