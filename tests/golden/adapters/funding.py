"""Risk sets of funding and of growth: AR(1) sums in closed form, fair prices of perpetuals, and Kelly's shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perpbook.funding.autoregression import AutoRegression
from perpbook.funding.fair_price import FairSetting, fair_price
from perpbook.sizing import kelly
from tests.golden.registry import adapter

Values = Mapping[str, Any]


@adapter("risk", "ar1_funding_closed_form", needs={"phi", "mu", "sigma", "f0", "h"}, gives={"mean", "cum_sd"})
def closed_form(given: Values) -> Values:
    law = AutoRegression(level=given["mu"], persistence=given["phi"], noise=given["sigma"])
    start, steps = given["f0"], given["h"]
    return {
        "mean": law.mean(start, steps),
        "sd": law.deviation(steps),
        "p_negative_at_h": law.chance_negative(start, steps),
        "cum_mean": law.sum_mean(start, steps),
        "cum_sd": law.sum_deviation(steps),
        "half_life": law.half_life(),
    }


@adapter("risk", "kelly", needs={"mu", "sigma", "r"}, gives={"f_star", "growth"})
def of_an_asset(given: Values) -> Values:
    setting = given["mu"], given["sigma"], given["r"]
    share = kelly.growth_optimal_share(*setting)
    return {
        "f_star": share,
        "growth": kelly.growth(share, *setting),
        "half_kelly_growth": kelly.growth(0.5 * share, *setting),
    }


@adapter("risk", "kelly", needs={"p", "b"}, gives={"f_star", "growth"})
def of_a_bet(given: Values) -> Values:
    share = kelly.bet_share(given["p"], given["b"])
    return {"f_star": share, "growth": kelly.bet_growth(share, given["p"], given["b"])}


@adapter("risk", "perp_price_ahj", needs={"payoff", "funding_on", "dt", "spot", "kappa", "iota"}, gives={"price"})
def perpetual(given: Values) -> Values:
    setting = FairSetting(
        rate=given["r"], asset_yield=given["q"], premium_rate=given["kappa"], interest=given["iota"],
        step_years=given["dt"], inverse=given["payoff"] == "inverse", on_current=given["funding_on"] == "current",
    )  # fmt: skip
    return {"price": fair_price(given["spot"], setting)}
