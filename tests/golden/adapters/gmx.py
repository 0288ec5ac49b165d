"""GMX cases: impact, borrowing, funding, liquidation, in exact decimals."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from perpbook.terms import gmx
from tests.golden.registry import adapter

ETH_DECIMALS = 18


def exact(value: Any) -> Decimal:
    """A number as the case writes it: "1e-7", 5000, "0.01/50000"."""
    if isinstance(value, str) and "/" in value:
        top, bottom = value.split("/")
        ratio = Fraction(top) / Fraction(bottom)
        return Decimal(ratio.numerator) / Decimal(ratio.denominator)
    return Decimal(str(value))


def interest(inputs: Mapping[str, Any]) -> gmx.OpenInterest:
    return gmx.OpenInterest(long=exact(inputs["long_oi_usd"]), short=exact(inputs["short_oi_usd"]))


@adapter("gmx", "price_impact", needs={"diff_usd", "exponent", "impact_factor"})
def potential(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"impact_usd": gmx.impact_of(*(exact(inputs[key]) for key in ("diff_usd", "impact_factor", "exponent")))}


@adapter("gmx", "price_impact", needs={"exponent", "factor", "initial_diff_usd", "next_diff_usd"})
def one_side(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    factor = exact(inputs["factor"])
    terms = gmx.ImpactTerms(positive=factor, negative=factor, exponent=exact(inputs["exponent"]))
    return {"price_impact_usd": terms.same_side(exact(inputs["initial_diff_usd"]), exact(inputs["next_diff_usd"]))}


@adapter(
    "gmx",
    "price_impact",
    needs={"impact_exponent", "index_price_usd", "long_delta_usd", "short_delta_usd", "long_oi_usd", "short_oi_usd"},
)
def position(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    before = interest(inputs)
    long, short = exact(inputs["long_delta_usd"]), exact(inputs["short_delta_usd"])
    after = gmx.OpenInterest(long=before.long + long, short=before.short + short)
    terms = gmx.ImpactTerms(
        positive=exact(inputs["positive_impact_factor"]),
        negative=exact(inputs["negative_impact_factor"]),
        exponent=exact(inputs["impact_exponent"]),
    )
    impact = gmx.price_impact(before, after, terms)
    delta, price = long or short, exact(inputs["index_price_usd"])
    if delta < 0:
        made_at = gmx.decrease_price(-delta, impact, price, entry=price, is_long=bool(long))
    else:
        made_at = gmx.increase_price(delta, impact, price, is_long=bool(long))
    return {"price_impact_usd": impact, "execution_price_usd": made_at}


def owed(inputs: Mapping[str, Any]) -> Decimal:
    return gmx.borrowing_factor(
        exact(inputs["reserved_usd"]),
        exact(inputs["pool_usd"]),
        exact(inputs["borrowing_factor_per_second"]),
        exact(inputs.get("exponent", 1)),
        exact(inputs["seconds"]),
    )


@adapter("gmx", "fees", needs={"borrowing_factor_per_second", "pool_usd", "reserved_usd", "seconds"})
def borrowing(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    factor = owed(inputs)
    out = {"cumulative_borrowing_factor": factor}
    if "position_size_usd" in inputs:
        out["borrowing_fee_usd"] = factor * exact(inputs["position_size_usd"])
    if "pool_value_usd" in inputs:
        out["pool_value_usd"] = exact(inputs["pool_value_usd"]) + factor * exact(inputs["reserved_usd"])
    return out


@adapter("gmx", "fees", needs={"pool_usd", "reserve_factor", "reserved_usd"})
def usage(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    keys = ("reserved_usd", "pool_usd", "reserve_factor")
    return {"usage_factor": gmx.usage_factor(*(exact(inputs[key]) for key in keys))}


@adapter("gmx", "funding", needs={"saved_funding_factor_per_second", "long_oi_usd", "short_oi_usd", "seconds"})
def adaptive(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    terms = gmx.AdaptiveFunding(
        increase=exact(inputs["funding_increase_factor_per_second"]),
        decrease=exact(inputs["funding_decrease_factor_per_second"]),
        stable_above=exact(inputs["threshold_stable"]),
        decrease_below=exact(inputs["threshold_decrease"]),
        largest=exact(inputs["max_funding_factor_per_second"]),
    )
    saved = exact(inputs["saved_funding_factor_per_second"])
    return {"next_saved_funding_factor_per_second": terms.following(saved, interest(inputs), exact(inputs["seconds"]))}


@adapter("gmx", "funding", needs={"eth_price", "exponent", "funding_factor", "long_oi_usd", "short_oi_usd", "seconds"})
def static(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    dollars = gmx.static_funding(
        interest(inputs), exact(inputs["funding_factor"]), exact(inputs["exponent"]), exact(inputs["seconds"])
    )
    tokens = dollars / exact(inputs["eth_price"])
    return {"funding_fee_usd": dollars, "funding_fee_eth": tokens, "claimable_eth": tokens}


@adapter("gmx", "funding", needs={"funding_usd", "payer_oi_usd", "eth_price"})
def per_size(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    funding, payers, price = (exact(inputs[key]) for key in ("funding_usd", "payer_oi_usd", "eth_price"))
    return {"amount_per_size_1e15": gmx.funding_amount_per_size(funding, payers, price, ETH_DECIMALS)}


@adapter(
    "gmx", "liquidation", needs={"collateral_tokens", "collateral_price_usd", "size_usd", "size_tokens", "is_long"}
)
def liquidation(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    holding = gmx.Holding(
        size=exact(inputs["size_usd"]),
        tokens=exact(inputs["size_tokens"]),
        collateral=exact(inputs["collateral_tokens"]) * exact(inputs["collateral_price_usd"]),
        is_long=inputs["is_long"],
    )
    dead = gmx.is_liquidatable(
        holding,
        exact(inputs["index_price_usd"]),
        fees=exact(inputs["fees_usd"]),
        impact=exact(inputs["price_impact_usd"]),
        terms=gmx.LiquidationTerms(
            minimum=exact(inputs["min_collateral_usd"]), factor=exact(inputs["min_collateral_factor"])
        ),
    )
    return {"is_liquidatable": dead}
