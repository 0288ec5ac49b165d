"""Risk sets of options, through the kernels and the seam that the overlay uses; and a textbook's examples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from perpbook.options import black
from perpbook.tails.shortfall import normal_shortfall
from tests.golden.registry import adapter

Values = Mapping[str, Any]


@adapter("risk", "black_european_haug", needs={"type", "strike", "forward", "df", "T", "vol"}, gives={"price"})
def european(given: Values) -> Values:
    call = given["type"] == "call"
    return {"price": black.prices(given["forward"], given["strike"], given["T"], given["vol"], call, given["df"])[0]}


@adapter("risk", "black_greeks_haug", needs={"type", "strike", "spot", "q", "r", "T", "vol"})
def greeks(given: Values) -> Values:
    found = black.spot_greeks(
        given["spot"], given["strike"], given["T"], given["vol"], rate=given["r"], dividend=given["q"],
        call=given["type"] == "call",
    )  # fmt: skip
    return {
        "price": found.price,
        "delta": found.delta,
        "elasticity": found.elasticity,
        "gamma": found.gamma,
        "vega": found.vega,
        "theta_per_day": found.theta / 365.0,
        "rho": found.rho,
        "div_rho": found.dividend_rho,
    }


@adapter(
    "risk",
    "black76_extremes_mpmath",
    needs={"F", "K", "T", "vol", "type", "df"},
    gives={"price"},
    observes={"price_str"},
)
def extremes(given: Values) -> Values:
    """The price; out of the money it must also imply its volatility to 1e-10."""
    call = given["type"] == "call"
    priced = black.prices(given["F"], given["K"], given["T"], given["vol"], call, given["df"])
    if call == (given["K"] >= given["F"]):
        implied = black.implied_volatilities(priced, given["F"], given["K"], given["T"], call, given["df"])[0]
        assert math.isclose(implied, given["vol"], rel_tol=0.0, abs_tol=1e-10), implied
    return {"price": priced[0], "price_str": float(priced[0])}


@adapter("risk", "hull_examples", needs={"model", "type", "S", "K", "r", "T", "vol"}, gives={"price"})
def hull_option(given: Values) -> Values:
    found = black.spot_greeks(
        given["S"], given["K"], given["T"], given["vol"], rate=given["r"], dividend=0.0, call=given["type"] == "call"
    )
    return {"price": found.price}


@adapter("risk", "hull_examples", needs={"model", "values", "daily_vol", "rho", "conf", "days"})
def hull_value_at_risk(given: Values) -> Values:
    """The quantile is the product's own, of normal losses; dollars add up by the given correlation."""
    deviations = [value * daily for value, daily in zip(given["values"], given["daily_vol"], strict=True)]
    variance = sum(one**2 for one in deviations)
    variance += 2.0 * given["rho"] * math.prod(deviations) if len(deviations) == 2 else 0.0
    at_risk = normal_shortfall(1.0 - given["conf"])[0] * math.sqrt(variance * given["days"])
    return {"sd_1d": math.sqrt(variance), "var_z233": at_risk, "var_z2326": at_risk}


@adapter(
    "risk",
    "hull_examples",
    needs={"model", "rho", "sigma_s", "sigma_f", "exposure", "contract"},
    gives={"h"},
    observes={"h"},
)
def hull_hedge(given: Values) -> Values:
    """The textbook's number of contracts is of its own ratio, which was made from figures with more digits than it prints."""
    contracts = given["h"] * given["exposure"] / given["contract"]
    return {"h": given["rho"] * given["sigma_s"] / given["sigma_f"], "contracts": contracts, "lots": round(contracts)}
