"""Runs with options beside them, on prices and a smile of our own making."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from perpbook.engine.backtest import Journey
from perpbook.engine.overlaid import Standing, overlaid, stand
from perpbook.hedging.candidates import Trading
from perpbook.hedging.holding import Along, Held, Level, Priced, hold
from perpbook.model.bars import Bars
from perpbook.model.units import from_iso
from perpbook.options.legs import OptionLeg
from perpbook.options.revalue import VolatilityRule
from perpbook.options.surface import Smile, Surface
from perpbook.options.svi import Svi
from perpbook.runs.options import chart
from tests.unit.option_rows import chain

STILL = VolatilityRule(with_spot=0.0)


def flat(volatility: float, spot: float = 100.0) -> Surface:
    """One volatility for every strike and time, forwards at the spot."""
    years = 30.0 / 365.0
    svi = Svi(a=volatility**2 * years, b=0.0, rho=0.0, m=0.0, sigma=0.1)
    smile = Smile(
        expiry_ns=from_iso("2030-01-01"), years=years, forward=spot, svi=svi, points=9, error=0.0, worst=0.0,
        butterfly=1.0, calendar=1.0,
    )  # fmt: skip
    return Surface(base="BTC", as_of_ns=0, spot=spot, smiles=(smile,))


@cache
def smiling() -> Surface:
    """A surface with wings and a term structure."""
    return chart(chain())


def moments_of(bars: Bars) -> NDArray[np.int64]:
    return np.concatenate([bars.open_ns[:1], bars.open_ns + bars.bar_ns])


def along_of(
    bars: Bars, surface: Surface, *, rule: VolatilityRule = STILL, roll: bool = False, spread: float | None = 0.08
) -> Along:
    """The way options on BTC are held along the first column of some bars, at the surface's own level."""
    spot = np.concatenate([bars.open[0, :1], bars.close[0]])
    level = Level(times=np.ones(spot.size), anchor=np.full(spot.size, spot[0]))
    priced = Priced(spot=spot, surface=surface, level=level, venue="deribit", quotes={})
    return Along(
        moments_ns=moments_of(bars), coins={"BTC": priced}, trading=Trading(spread=spread), rule=rule, roll=roll
    )


def put(coins: float, over: float = 0.95, days: float = 5.0) -> OptionLeg:
    return OptionLeg(base="BTC", is_call=False, coins=coins, strike_over_spot=over, days=days)


def call(coins: float, over: float = 1.05, days: float = 5.0) -> OptionLeg:
    return OptionLeg(base="BTC", is_call=True, coins=coins, strike_over_spot=over, days=days)


def standing_of(legs: Sequence[OptionLeg], along: Along, payer: str = "main") -> tuple[tuple[Held, ...], Standing]:
    held = hold(legs, along)
    return held, stand(held, along.moments_ns.size, payer)


def with_options(journey: Journey, legs: Sequence[OptionLeg], surface: Surface, *, roll: bool = False) -> Journey:
    """A journey with options bought at its first open."""
    return overlaid(journey, standing_of(legs, along_of(journey.bars, surface, roll=roll))[1])


def with_level(along: Along, times: NDArray[np.float64]) -> Along:
    """The same way with another level of volatility."""
    priced = along.coins["BTC"]
    return replace(along, coins={"BTC": replace(priced, level=replace(priced.level, times=times))})
