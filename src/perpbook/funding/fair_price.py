"""What a perpetual is worth against spot when funding never pays a riskless profit.

Source: Ackerer, Hugonnier and Jermann, "Perpetual Futures Pricing" (arXiv 2310.11771). A long receives f_{t+1} - f_t less the
funding premium_rate (f_t - x_t) + interest x_t of a step; spot grows by g = exp((r - q) dt) in expectation. With f = phi x,

    phi (g - 1) = premium_rate (phi - 1) + interest            funding on the spot before the step
    phi (g - 1) = g (premium_rate (phi - 1) + interest)        funding on the spot after it
    phi (r - q) = premium_rate (phi - 1) + interest            paid all the time, rates a year

An inverse contract is a linear one on 1 / x seen from the coin, with r and q exchanged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from perpbook.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class FairSetting:
    """`rate` r of the quote currency and `asset_yield` q of the coin, a year, continuous. `premium_rate` and `interest` are what
    a step pays of the premium and on top, of a year where `step_years` is 0. `on_current`: funding is on the spot after the step.
    """

    rate: float
    asset_yield: float
    premium_rate: float
    interest: float
    step_years: float
    inverse: bool = False
    on_current: bool = False


def fair_price(spot: float, setting: FairSetting) -> float:
    """The price at which neither side has a riskless profit, quote per base.

    Raises
    ------
    InputError : spot grows as fast as funding pulls back, so no price does it.
    """
    drift = setting.asset_yield - setting.rate if setting.inverse else setting.rate - setting.asset_yield
    excess, weight = drift, 1.0
    if setting.step_years > 0.0:
        excess = math.expm1(drift * setting.step_years)
        weight = 1.0 + excess if setting.on_current else 1.0
    pull = weight * setting.premium_rate - excess
    if abs(pull) < 1e-15:
        raise InputError("funding pulls back exactly as fast as spot grows: no price is free of a riskless profit")
    ratio = weight * (setting.premium_rate - setting.interest) / pull
    return spot / ratio if setting.inverse else spot * ratio
