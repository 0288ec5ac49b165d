"""Drift cases: weights, accounts, liquidation sizes, funding average, in the program's integers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perpbook.terms import drift, drift_account, drift_funding, drift_liquidation
from perpbook.terms.drift_liquidation import Side
from tests.golden.registry import adapter

HOUR, DAY = 3_600, 86_400
CARRIED = Path(__file__).parents[1] / "cases" / "drift.json"
"""Where a case finds the inputs of the case it is built on."""

Values = Mapping[str, Any]


def perp(given: Values) -> drift.PerpPosition:
    """A position in the short words of account cases; its quote is set so that profit is `pnl`, 0 when left out."""
    base, price = given["base"], given["price"]
    quote = given.get("quote", given.get("pnl", 0) - drift.divided(base * price, drift.BASE))
    return drift.PerpPosition(
        market=drift.PerpMarket(initial_ratio=given["mi"], maintenance_ratio=given["mm"], imf=given.get("imf", 0)),
        base=base,
        price=price,
        quote=quote,
        bids=given.get("bids", 0),
        asks=given.get("asks", 0),
        orders=given.get("orders", 0),
        quote_price_low=given.get("qmin", drift.PRICE),
        quote_price_high=given.get("qmax", drift.PRICE),
    )


def spot(given: Values) -> drift_account.SpotPosition:
    price, average = given["price"], given.get("twap", given["price"])
    return drift_account.SpotPosition(
        tokens=given["tok"],
        decimals=given["dec"],
        low=min(price, average),
        high=max(price, average),
        asset_weight=given["aw"],
        liability_weight=given["lw"],
        is_quote=bool(given.get("quote")),
        bids=given.get("bids", 0),
        asks=given.get("asks", 0),
        orders=given.get("orders", 0),
    )


def tally(given: Values, buffer: int = 0) -> drift_account.Tally:
    role = drift.Role(given["margin_type"])
    custom = given.get("user_custom_margin_ratio", 0) if role is drift.Role.INITIAL else 0
    per_order = given.get("open_order_margin_requirement", 0)
    out = drift_account.Tally(buffer=buffer)
    for one in given["spot_positions"]:
        out.spot(spot(one), custom, per_order)
    for one in given["perp_positions"]:
        out.perp(perp(one), role, custom, per_order)
    return out


@adapter("drift", "margin", needs={"spot_positions", "perp_positions", "margin_type"})
def account(given: Values) -> Values:
    found = tally(given)
    return {"margin_requirement": found.requirement, "total_collateral": found.collateral}


@adapter("drift", "margin", needs={"cross", "isolated"})
def two_accounts(given: Values) -> Values:
    """The cross account and one isolated position, each with its own collateral."""
    buffer = given.get("margin_buffer", 0)
    cross, alone = tally(given["cross"], buffer), tally(given["isolated"], buffer)
    return {
        "cross_margin_requirement": cross.requirement,
        "cross_margin_requirement_plus_buffer": cross.requirement_plus_buffer,
        "cross_total_collateral": cross.collateral,
        "isolated_margin_requirement": alone.requirement,
        "isolated_margin_requirement_plus_buffer": alone.requirement_plus_buffer,
        "isolated_total_collateral": alone.collateral,
        "isolated_total_collateral_plus_buffer": alone.collateral_plus_buffer,
    }


@adapter("drift", "margin", needs={"same_as", "margin_buffer"})
def buffered(given: Values) -> Values:
    """The inputs of another case, with a buffer."""
    inputs = {one["id"]: one["inputs"] for one in json.loads(CARRIED.read_text(encoding="utf-8"))}
    return two_accounts({**inputs[given["same_as"]], "margin_buffer": given["margin_buffer"]})


@adapter(
    "drift", "margin", needs={"base_asset_amount", "quote_asset_amount", "oracle_price", "margin_type", "imf_factor"}
)
def position(given: Values) -> Values:
    role = drift.Role(given["margin_type"])
    market = drift.PerpMarket(
        initial_ratio=given["margin_ratio_initial"],
        maintenance_ratio=given["margin_ratio_maintenance"],
        imf=given["imf_factor"],
        profit_imf=given["unrealized_pnl_imf_factor"],
        profit_weight=given["unrealized_pnl_initial_asset_weight"],
    )
    held = drift.PerpPosition(
        market=market, base=given["base_asset_amount"], price=given["oracle_price"], quote=given["quote_asset_amount"]
    )
    return {"margin_requirement": held.requirement(role), "weighted_unrealized_pnl": held.weighted_profit(role)}


@adapter(
    "drift", "margin", needs={"base", "max_price", "oracle_price", "margin_ratio_initial", "margin_ratio_maintenance"}
)
def prediction(given: Values) -> Values:
    market = drift.PerpMarket(
        initial_ratio=given["margin_ratio_initial"],
        maintenance_ratio=given["margin_ratio_maintenance"],
        max_price=given["max_price"],
    )
    held = drift.PerpPosition(market=market, base=given["base"], price=given["oracle_price"])
    return {role.value: held.requirement(role) for role in (drift.Role.INITIAL, drift.Role.MAINTENANCE)}


@adapter("drift", "margin", needs={"initial_asset_weight", "scale_initial_asset_weight_start", "total_deposits_token"})
def scaled_weight(given: Values) -> Values:
    decimals = given["decimals"]
    weight = drift.scaled_initial_weight(
        given["initial_asset_weight"],
        given["scale_initial_asset_weight_start"],
        given["total_deposits_token"] * 10**decimals,
        given["oracle_price"],
        decimals,
    )
    return {"scaled_initial_asset_weight": weight}


@adapter(
    "drift", "margin", needs={"unrealized_pnl", "unrealized_pnl_imf_factor", "unrealized_pnl_initial_asset_weight"}
)
def profit_weight(given: Values) -> Values:
    keys = ("unrealized_pnl", "unrealized_pnl_imf_factor", "unrealized_pnl_initial_asset_weight")
    return {"weight": drift.profit_weight(*(given[key] for key in keys))}


@adapter("drift", "margin", needs={"kind", "size", "decimals", "imf_factor", "initial_weight", "maintenance_weight"})
def spot_weight(given: Values) -> Values:
    plain = drift.Role(given["margin_type"]).of(given["initial_weight"], given["maintenance_weight"])
    rule = drift.size_discount if given["kind"] == "asset" else drift.size_premium
    return {"weight": rule(drift.base_size(given["size"], given["decimals"]), given["imf_factor"], plain)}


@adapter("drift", "liquidation", needs={"margin_shortage", "margin_ratio", "liquidation_fee", "if_liquidation_fee"})
def size(given: Values) -> Values:
    amount = drift_liquidation.base_to_cover(
        given["margin_shortage"],
        given["margin_ratio"],
        (given["liquidation_fee"], given["if_liquidation_fee"]),
        given["oracle_price"],
        given["quote_oracle_price"],
    )
    return {"base_asset_amount": amount}


@adapter(
    "drift", "liquidation", needs={"margin_shortage", "base_asset_amount", "margin_ratio", "max_if_liquidation_fee"}
)
def fund_fee(given: Values) -> Values:
    fee = drift_liquidation.insurance_fee(
        given["margin_shortage"],
        given["base_asset_amount"],
        given["margin_ratio"],
        given["liquidator_fee"],
        (given["oracle_price"], given["quote_oracle_price"]),
        given["max_if_liquidation_fee"],
    )
    return {"if_fee": fee}


@adapter("drift", "liquidation", needs={"margin_shortage", "asset_weight", "liability_weight", "liability_price"})
def liability(given: Values) -> Values:
    transfer = drift_liquidation.liability_to_cover(
        given["margin_shortage"],
        Side(multiplier=given["asset_liquidation_multiplier"], weight=given["asset_weight"]),
        Side(
            multiplier=given["liability_liquidation_multiplier"],
            weight=given["liability_weight"],
            decimals=given["liability_decimals"],
            price=given["liability_price"],
        ),
        given["if_liquidation_fee"],
    )
    return {"liability_transfer": transfer}


@adapter("drift", "liquidation", needs={"asset_amount", "asset_decimals", "asset_price", "liability_transfer"})
def asset(given: Values) -> Values:
    taken = drift_liquidation.asset_for_liability(
        given["asset_amount"],
        Side(
            multiplier=given["asset_liquidation_multiplier"],
            decimals=given["asset_decimals"],
            price=given["asset_price"],
        ),
        given["liability_transfer"],
        Side(
            multiplier=given["liability_liquidation_multiplier"],
            decimals=given["liability_decimals"],
            price=given["liability_price"],
        ),
    )
    return {"asset_transfer": taken}


@adapter("drift", "funding", needs={"last_avg", "new"})
def day_average(given: Values) -> Values:
    """An hourly rate joins the average of a day."""
    return {"last_24h_avg_funding_rate": drift_funding.new_average(given["new"], given["last_avg"], HOUR, DAY)}


@adapter("drift", "funding", needs={"mark_price_twap", "oracle_price_twap", "divergence_divisor"})
def hourly_rate(given: Values) -> Values:
    keys = ("mark_price_twap", "oracle_price_twap", "divergence_divisor")
    return {"funding_rate": drift_funding.funding_rate(*(given[key] for key in keys))}
