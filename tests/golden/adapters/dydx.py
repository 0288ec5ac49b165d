"""dYdX: the exact integer chain of `perpbook.terms.dydx*`; what has a float twin is held against the kernels too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perpbook.terms.dydx import (
    MILLION,
    Holding,
    LiquidityTier,
    MarginState,
    OraclePrice,
    compare_risk,
    holding_of,
)
from perpbook.terms.dydx_fees import FeeTier, Volumes, charged_ppm, fee_tier
from perpbook.terms.dydx_funding import (
    Level,
    PremiumVote,
    funding_index_delta,
    funding_rate_ppm,
    largest_rate_ppm,
    mean_premium_ppm,
    samples_expected,
    settled_quote_quantums,
    settlement_ppm,
)
from perpbook.terms.dydx_liquidation import (
    Subaccount,
    bankruptcy_price,
    dollars_per_coin,
    fill_quote_quantums,
    fillable_price,
    insurance_fund_delta,
    liquidatable_notional,
)
from tests.golden.one_account import LinearPosition, liquidation_price, margin
from tests.golden.registry import adapter

Values = Mapping[str, Any]


@adapter("dydx", "docs", needs={"equity", "size", "price", "mmf"}, gives={"liquidation_price"})
def docs_liquidation_price(given: Values) -> Values:
    equity = given["equity"] - (given.get("other_mmr") or 0)
    position = LinearPosition(size=given["size"], price=given["price"], tiers=[(given["mmf"], 0.0)])
    return {"liquidation_price": liquidation_price(equity, position)}


@adapter("dydx", "fees", needs={"taker_notional", "maker_notional", "global_notional", "tiers"})
def fees(given: Values) -> Values:
    tiers = [
        FeeTier(
            taker_ppm=one["taker"],
            maker_ppm=one["maker"],
            volume=one.get("vol") or 0,
            total_share_ppm=one.get("total_share") or 0,
            maker_share_ppm=one.get("mk_share") or 0,
        )
        for one in given["tiers"]
    ]
    volumes = Volumes(taker=given["taker_notional"], maker=given["maker_notional"], everyone=given["global_notional"])
    tier = fee_tier(tiers, volumes, vault=bool(given.get("is_vault")))
    charge, discount = given.get("market_charge_ppm"), given.get("staking_discount_ppm") or 0
    return {
        f"{side}_fee_ppm": charged_ppm(
            rate, market_charge_ppm=MILLION if charge is None else charge, staking_discount_ppm=discount
        )
        for side, rate in (("taker", tier.taker_ppm), ("maker", tier.maker_ppm))
    }


@adapter("dydx", "funding", needs={"clamp_factor_ppm", "initial_margin_ppm", "maintenance_fraction_ppm"})
def funding_clamp(given: Values) -> Values:
    return {"max_abs_funding_ppm_8h": largest_rate_ppm(_tier(given), given["clamp_factor_ppm"])}


@adapter("dydx", "funding", needs={"atomic_resolution", "price", "exponent", "funding_rate_8h_ppm", "seconds_elapsed"})
def funding_index(given: Values) -> Values:
    return {
        "funding_index_delta": funding_index_delta(
            _oracle(given), given["funding_rate_8h_ppm"], given["seconds_elapsed"]
        )
    }


@adapter("dydx", "funding", needs={"sample_premium_ppm", "sample_count", "sample_seconds", "tick_seconds", "price"})
def funding_tick(given: Values) -> Values:
    expected = samples_expected(tick_seconds=given["tick_seconds"], sample_seconds=given["sample_seconds"])
    premium = mean_premium_ppm([given["sample_premium_ppm"]] * given["sample_count"], expected)
    largest = largest_rate_ppm(_tier(given), given["funding_rate_clamp_factor_ppm"])
    rate = funding_rate_ppm(premium, given.get("default_funding_ppm") or 0, largest)
    return {
        "funding_rate_8h_ppm": rate,
        "funding_index_delta": funding_index_delta(_oracle(given), rate, given["tick_seconds"]),
    }


@adapter("dydx", "funding", needs={"bids", "asks", "index_price"})
def premium_vote(given: Values) -> Values:
    vote = PremiumVote(
        conversion_exponent=given["quantum_conversion_exponent"],
        impact_notional=given["impact_notional_quote_quantums"],
        largest_ppm=given["max_abs_premium_vote_ppm"],
    )
    oracle = OraclePrice(
        atomic_resolution=given["base_atomic_resolution"],
        price=given["index_price"],
        exponent=given["index_exponent"],
    )
    return {"premium_ppm": vote.premium_ppm(_levels(given["bids"]), _levels(given["asks"]), oracle)}


@adapter("dydx", "funding", needs={"perp_funding_index", "position_funding_index", "base_quantums"})
def settlement(given: Values) -> Values:
    due = settlement_ppm(
        given["perp_funding_index"] or 0, given["position_funding_index"] or 0, given["base_quantums"] or 0
    )
    return {"net_settlement_ppm": due, "quote_quantums_floor": settled_quote_quantums([due])}


@adapter("dydx", "liquidation", needs={"net_collateral", "mmr"}, gives={"is_liquidatable"})
def liquidatable_state(given: Values) -> Values:
    return {"is_liquidatable": _state(given).liquidatable}


@adapter("dydx", "liquidation", needs={"usdc_quote_quantums", "positions"}, gives={"is_liquidatable"})
def liquidatable_account(given: Values) -> Values:
    account = _account(given)
    _check_kernels(account)
    return {"is_liquidatable": account.state.liquidatable}


@adapter("dydx", "liquidation", needs={"usdc_quote_quantums", "positions", "perpetual_id", "delta_base_quantums"})
def bankruptcy(given: Values) -> Values:
    delta = given["delta_base_quantums"]
    return {"bankruptcy_price_quote_quantums": bankruptcy_price(_account(given), given["perpetual_id"], delta)}


@adapter(
    "dydx",
    "liquidation",
    needs={
        "usdc_quote_quantums",
        "positions",
        "perpetual_id",
        "bankruptcy_adjustment_ppm",
        "spread_to_maintenance_margin_ratio_ppm",
    },
)
def fillable(given: Values) -> Values:
    account = _account(given)
    price = fillable_price(
        account,
        given["perpetual_id"],
        bankruptcy_adjustment_ppm=given["bankruptcy_adjustment_ppm"],
        spread_to_maintenance_ppm=given["spread_to_maintenance_margin_ratio_ppm"],
    )
    resolution = holding_of(account.holdings, given["perpetual_id"]).oracle.atomic_resolution
    return {
        "fillable_price_quote_quantums_per_base_quantum": [price.numerator, price.denominator],
        "fillable_price_usd": float(dollars_per_coin(price, resolution)),
    }


@adapter("dydx", "liquidation", needs={"usdc_quote_quantums", "positions", "fill_base_quantums", "fill_subticks"})
def insurance_fund(given: Values) -> Values:
    size = given["fill_base_quantums"]
    delta = insurance_fund_delta(
        _account(given),
        given["perpetual_id"],
        delta=size if given["is_buy"] else -size,
        quote_quantums=fill_quote_quantums(given["fill_subticks"], size, given["quantum_conversion_exponent"]),
        max_fee_ppm=given["max_liquidation_fee_ppm"],
    )
    return {"insurance_fund_delta": delta}


@adapter("dydx", "liquidation", needs={"positions", "min_position_notional_liquidated"})
def partial_liquidation(given: Values) -> Values:
    least, most = liquidatable_notional(
        _holding(given["positions"][0], {"liquidity_tier": {"initial_margin_ppm": MILLION}, **given}),
        minimum=given["min_position_notional_liquidated"],
        largest_portion_ppm=given["max_position_portion_liquidated_ppm"],
    )
    return {"min_notional": least, "max_notional": most}


@adapter("dydx", "liquidation", needs={"first", "second"}, gives={"cmp"})
def risk_comparison(given: Values) -> Values:
    return {"cmp": compare_risk(_state(given["first"]), _state(given["second"])), "meaning": "1: first riskier"}


@adapter("dydx", "margin", needs={"base_quantums", "atomic_resolution", "price", "exponent"}, gives={"net_notional"})
def net_notional(given: Values) -> Values:
    return {"net_notional": _oracle(given).net_notional(given["base_quantums"])}


@adapter("dydx", "margin", needs={"base_quantums", "price", "liquidity_tier"})
def margin_requirements(given: Values) -> Values:
    state = _holding(given, given).state
    return {"imr": state.initial, "mmr": state.maintenance, "net_notional": state.net_collateral}


@adapter("dydx", "margin", needs={"notional_quote_quantums", "liquidity_tier"})
def initial_margin(given: Values) -> Values:
    tier, notional = _tier(given["liquidity_tier"]), given["notional_quote_quantums"]
    open_notional = given.get("open_interest_notional") or 0
    return {
        "imr": tier.initial_margin(notional, open_notional, given.get("custom_imf_ppm") or 0),
        "mmr": tier.maintenance_margin(notional),
    }


@adapter("dydx", "margin", needs={"liquidity_tier"}, gives={"effective_imf_ppm"})
def effective_fraction(given: Values) -> Values:
    return {
        "effective_imf_ppm": _tier(given["liquidity_tier"]).effective_initial_margin_ppm(
            given.get("open_interest_notional") or 0, given.get("custom_imf_ppm") or 0
        )
    }


def _tier(given: Values) -> LiquidityTier:
    return LiquidityTier(
        initial_margin_ppm=given["initial_margin_ppm"],
        maintenance_fraction_ppm=given.get("maintenance_fraction_ppm") or 0,
        open_interest_lower_cap=given.get("open_interest_lower_cap") or 0,
        open_interest_upper_cap=given.get("open_interest_upper_cap") or 0,
    )


def _oracle(given: Values) -> OraclePrice:
    return OraclePrice(atomic_resolution=given["atomic_resolution"], price=given["price"], exponent=given["exponent"])


def _levels(given: Any) -> list[Level]:
    return [Level(one["subticks"], one["base_quantums"]) for one in given or ()]


def _state(given: Values) -> MarginState:
    return MarginState(
        net_collateral=given.get("net_collateral") or 0,
        initial=given.get("imr") or 0,
        maintenance=given.get("mmr") or 0,
    )


def _holding(position: Values, given: Values) -> Holding:
    return Holding(
        perpetual_id=position.get("perpetual_id") or 0,
        base_quantums=position["base_quantums"],
        oracle=_oracle(position),
        tier=_tier(position.get("liquidity_tier") or given["liquidity_tier"]),
        open_interest=position.get("open_interest_base_quantums") or 0,
        chosen_ppm=position.get("custom_imf_ppm") or 0,
    )


def _account(given: Values) -> Subaccount:
    return Subaccount(
        quote_quantums=given["usdc_quote_quantums"] or 0,
        holdings=[_holding(one, given) for one in given["positions"] or ()],
    )


def _check_kernels(account: Subaccount) -> None:
    """The float kernels must agree with the chain to the quantum it rounds to."""
    exact = account.state
    positions = [
        LinearPosition(
            size=one.base_quantums,
            price=float(one.oracle.price * 10.0**one.oracle.quote_places),
            tiers=[(one.tier.initial_margin_ppm * one.tier.maintenance_fraction_ppm / MILLION**2, 0.0)],
        )
        for one in account.holdings
    ]
    equity = account.quote_quantums + sum(one.size * one.price for one in positions)
    net, maintenance = margin(equity, positions)
    room = 3 * len(positions) + 1e-9 * (abs(exact.net_collateral) + exact.maintenance)
    if abs(net - exact.net_collateral) > room or abs(maintenance - exact.maintenance) > room:
        raise ArithmeticError(
            f"the kernels say {net:g} of {maintenance:g}, the chain {exact.net_collateral} of {exact.maintenance}"
        )
