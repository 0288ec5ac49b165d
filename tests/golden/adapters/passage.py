"""Risk sets of paths: barriers touched, and prices that jump."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from perpbook.scenario.jump_diffusion import JumpMarket, european
from perpbook.scenario.passage import first_passage, first_passage_checked, first_passage_corrected
from tests.golden.registry import adapter

Values = Mapping[str, Any]


def setting(given: Values) -> tuple[float, float, float, float, float]:
    return given["S"], given["B"], given["mu"], given["vol"], given["T"]


@adapter("risk", "first_passage_gbm", needs={"S", "B", "mu", "vol", "T"}, gives={"prob"})
def continuous(given: Values) -> Values:
    return {"prob": first_passage(*setting(given))}


@adapter("risk", "first_passage_discrete", needs={"S", "B", "mu", "vol", "T", "n_checks"})
def discrete(given: Values) -> Values:
    return {
        "prob_discrete": first_passage_checked(*setting(given), given["n_checks"]),
        "prob_continuous": first_passage(*setting(given)),
        "prob_bgk_corrected": first_passage_corrected(*setting(given), given["n_checks"]),
    }


@adapter("risk", "merton76_haug", needs={"type", "strike", "spot", "jump_intensity", "jump_vol"}, gives={"price"})
def jumps(given: Values) -> Values:
    market = JumpMarket(
        spot=given["spot"],
        rate=given["r"],
        dividend=given["q"],
        volatility=given["diffusion_vol"],
        intensity=given["jump_intensity"],
        spread=given["jump_vol"],
    )
    return {"price": european(market, given["strike"], given["T"], call=given["type"] == "call")}


@adapter("risk", "one_touch_haug", needs={"kind", "knock_in", "barrier", "spot", "cash"}, gives={"price"})
def one_touch(given: Values) -> Values:
    """Cash once the barrier is touched: the chance of a touch, discounted from the end, or from the touch itself, which is the
    chance under another drift (Girsanov)."""
    spot, barrier, rate, volatility, years = (given[name] for name in ("spot", "barrier", "r", "vol", "T"))
    inside = barrier >= spot if given["type"] == "put" else barrier <= spot
    if given["kind"] == "cash_at_expiry":
        touched = first_passage(spot, barrier, rate - given["q"], volatility, years)
        share = touched if given["knock_in"] else 1.0 - touched
        return {"price": given["cash"] * math.exp(-rate * years) * share}
    if inside:
        return {"price": given["cash"]}
    drift = rate - given["q"] - 0.5 * volatility**2
    other = math.copysign(math.sqrt(drift**2 + 2.0 * rate * volatility**2), barrier - spot)
    weight = math.exp((drift - other) * math.log(barrier / spot) / volatility**2)
    return {
        "price": given["cash"] * weight * first_passage(spot, barrier, other + 0.5 * volatility**2, volatility, years)
    }
