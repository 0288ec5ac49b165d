"""Hyperliquid: liquidation prices and maintenance through the kernels, the rest by `perpbook.terms.hyperliquid*`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from perpbook.terms.hyperliquid import (
    FeeMarket,
    FeeRates,
    OpenOrder,
    isolated_margin,
    legacy_liquidation_price,
    maintenance_margin_fraction,
    margin_used,
    withdrawable,
)
from perpbook.terms.hyperliquid_funding import (
    HOURLY_CAP,
    FundingRule,
    builder_market_premium,
    impact_premium,
)
from tests.golden.one_account import LinearPosition, liquidation_price, margin
from tests.golden.registry import adapter

Values = Mapping[str, Any]


@adapter("hyperliquid", "fees", needs={"px", "sz", "base_rate"})
def fees(given: Values) -> Values:
    rates = FeeRates(
        base=given["base_rate"],
        referral_discount=given.get("referral_discount") or 0,
        builder=given.get("builder_rate") or 0,
    )
    market = FeeMarket(
        deployer_scale=given.get("deployer_fee_scale"),
        growth=bool(given.get("growth_mode")),
        aligned_quote=bool(given.get("aligned_quote")),
    )
    paid = rates.fill_fee(given["px"], given["sz"], market)
    return {"fee": paid.fee, "builder_fee": paid.builder_fee}


@adapter("hyperliquid", "funding", needs={"premium"}, gives={"funding_rate_hourly"})
def hourly_rate(given: Values) -> Values:
    return {"funding_rate_hourly": _rule(given).rate(given["premium"])}


@adapter("hyperliquid", "funding", needs={"impact_bid", "impact_ask", "oracle"})
def premium(given: Values) -> Values:
    measure = builder_market_premium if given.get("hip3") else impact_premium
    value = measure(given["impact_bid"], given["impact_ask"], given["oracle"])
    rule = _rule(given)
    return {"premium": value, "funding_rate_8h": rule.rate_8h(value), "funding_rate_hourly": rule.rate(value)}


@adapter("hyperliquid", "legacy", needs={"premium", "divisor"}, gives={"funding_rate"})
def legacy_rate(given: Values) -> Values:
    return {"funding_rate": _rule({"clamp": None, **given}).rate(given["premium"])}


@adapter("hyperliquid", "legacy", needs={"signed_size", "position_value", "cross_account_value", "maintenance_rate"})
def legacy_price(given: Values) -> Values:
    size = given["signed_size"]
    price = legacy_liquidation_price(
        abs(given["position_value"] / size),
        size,
        given["cross_account_value"],
        abs(given["total_ntl_pos"]) * given["maintenance_rate"],
    )
    return {"liquidation_price": price}


def cross_price(given: Values) -> Values:
    """The position's price with the account's other requirements taken as spent."""
    position = _position(given)
    own = margin(0.0, [position])[1]
    others = given["cross_maintenance_margin_used"] - own
    return {"liquidation_price": liquidation_price(given["cross_account_value"] - others, position)}


CROSS = {
    "cross_account_value",
    "cross_maintenance_margin_used",
    "signed_size",
    "position_value",
    "max_leverage",
}
for _topic in ("liquidation", "unexplained"):
    adapter("hyperliquid", _topic, needs=CROSS)(cross_price)


@adapter("hyperliquid", "liquidation", needs={"entry_price", "signed_size", "isolated_margin", "max_leverage"})
def isolated_price(given: Values) -> Values:
    mark = given.get("mark_price") or given["entry_price"]
    position = _linear(given["signed_size"], mark, given["max_leverage"])
    return {"liquidation_price": liquidation_price(given["isolated_margin"], position)}


@adapter("hyperliquid", "liquidation", needs={"signed_size", "isolated_raw_usd", "max_leverage"})
def isolated_raw_price(given: Values) -> Values:
    size, mark = given["signed_size"], abs(given["isolated_raw_usd"] / given["signed_size"])
    equity = isolated_margin(given["isolated_raw_usd"], size * mark)
    return {"liquidation_price": liquidation_price(equity, _linear(size, mark, given["max_leverage"]))}


@adapter("hyperliquid", "margin", needs={"positions"})
def account_margins(given: Values) -> Values:
    positions = [
        LinearPosition(
            size=1.0,
            price=abs(one["position_value"]),
            tiers=[(maintenance_margin_fraction(one["asset_max_leverage"]), 0.0)],
        )
        for one in given["positions"]
    ]
    used = {
        f"margin_used_{one['coin'].lower()}": margin_used(abs(one["position_value"]), one["user_leverage"])
        for one in given["positions"]
    }
    return {**used, "cross_maintenance_margin_used": margin(0.0, positions)[1]}


@adapter("hyperliquid", "margin", needs={"total_ntl_pos", "max_leverage"})
def one_position_margins(given: Values) -> Values:
    notional = abs(given["total_ntl_pos"])
    out = {"cross_maintenance_margin_used": margin(0.0, [_linear(1.0, notional, given["max_leverage"])])[1]}
    if given.get("user_leverage"):
        out["margin_used"] = margin_used(notional, given["user_leverage"])
    return out


@adapter("hyperliquid", "margin", needs={"position_value", "user_leverage"}, gives={"margin_used"})
def position_margin(given: Values) -> Values:
    return {"margin_used": margin_used(abs(given["position_value"]), given["user_leverage"])}


@adapter("hyperliquid", "margin", needs={"signed_size", "isolated_raw_usd", "position_value"}, gives={"margin_used"})
def isolated_equity(given: Values) -> Values:
    value = math.copysign(given["position_value"], given["signed_size"])
    return {"margin_used": isolated_margin(given["isolated_raw_usd"], value)}


@adapter("hyperliquid", "margin", needs={"cross_account_value", "cross_margin_used"}, gives={"withdrawable"})
def cross_withdrawable(given: Values) -> Values:
    return {"withdrawable": _withdrawable(given, given["cross_account_value"], given["cross_margin_used"])}


@adapter("hyperliquid", "margin", needs={"account_value", "total_margin_used"}, gives={"withdrawable"})
def account_withdrawable(given: Values) -> Values:
    return {"withdrawable": _withdrawable(given, given["account_value"], given["total_margin_used"])}


def _withdrawable(given: Values, value: float, used: float) -> float:
    orders = [
        OpenOrder(size=one["size"], limit_price=one["limit_price"], leverage=one["leverage"])
        for one in given.get("open_orders") or ()
    ]
    return withdrawable(value, used, given.get("total_ntl_pos") or 0.0, orders)


def _rule(given: Values) -> FundingRule:
    divisor = given.get("divisor") or 8
    known = {name: given[name] for name in ("clamp", "interest_rate_8h") if name in given}
    interest = known.pop("interest_rate_8h", None)
    if interest is not None:
        known["interest_8h"] = interest
    return FundingRule(divisor=divisor, cap=HOURLY_CAP * 8 / divisor, **known)


def _position(given: Values) -> LinearPosition:
    size = given["signed_size"]
    return _linear(size, abs(given["position_value"] / size), given["max_leverage"])


def _linear(size: float, price: float, max_leverage: float) -> LinearPosition:
    return LinearPosition(size=size, price=price, tiers=[(maintenance_margin_fraction(max_leverage), 0.0)])
