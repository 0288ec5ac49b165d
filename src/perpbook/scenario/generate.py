"""Made-up markets: regimes of volatility, jumps, one market factor, and funding that follows the premium.

Nothing here is fitted to a market. The figures are round ones of the size crypto shows, and whoever stores the result
marks it as simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perpbook.model.units import DAY_NS, HOUR_NS

if TYPE_CHECKING:
    from numpy.random import Generator

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

YEAR_NS = 365 * DAY_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """A mood of the market: yearly volatility, how long it lasts on average, and how many jumps a year it has."""

    volatility: float
    mean_days: float
    jumps_per_year: float


CALM = Regime(volatility=0.45, mean_days=20.0, jumps_per_year=4.0)
BUSY = Regime(volatility=0.80, mean_days=10.0, jumps_per_year=20.0)
PANIC = Regime(volatility=1.80, mean_days=2.0, jumps_per_year=150.0)
REGIMES = (CALM, BUSY, PANIC)
NEXT_REGIME = np.array([[0.0, 0.9, 0.1], [0.8, 0.0, 0.2], [0.2, 0.8, 0.0]])
"""Where each regime goes when it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One asset of a made-up market. `beta` is to the market factor; `own` is the share of its variance that is its own."""

    base: str
    price: float
    beta: float = 1.0
    own: float = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to make: assets, bars from `start_ns`, the mean size of a jump (log), and the venue's funding rule."""

    assets: tuple[Asset, ...]
    start_ns: int
    bar_ns: int
    count: int
    jump_size: float = 0.03
    funding_ns: int = 8 * HOUR_NS
    interest: float = 1e-4
    clamp: float = 5e-4
    cap: float = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Bars of one asset (B,), and its funding: `funding_ns` times and `rates` per interval (> 0: longs pay)."""

    base: str
    open_ns: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    funding_ns: Integers
    rates: Floats


def generate(plan: Plan, chance: Generator) -> tuple[Made, ...]:
    """Bars and funding of every asset; the same plan and the same state of `chance` make the same bars."""
    regimes = regimes_of(plan, chance)
    factor = chance.standard_normal(plan.count)
    common = _jumps(plan, regimes, chance)
    open_ns = plan.start_ns + np.arange(plan.count, dtype=np.int64) * plan.bar_ns
    return tuple(_asset(plan, one, (regimes, factor, common, open_ns), chance) for one in plan.assets)


def regimes_of(plan: Plan, chance: Generator) -> Integers:
    """Which regime each bar is in."""
    out = np.empty(plan.count, dtype=np.int64)
    at, now = 0, 0
    while at < plan.count:
        lasts = max(1, int(chance.exponential(REGIMES[now].mean_days) * DAY_NS / plan.bar_ns))
        out[at : at + lasts] = now
        at += lasts
        now = int(chance.choice(len(REGIMES), p=NEXT_REGIME[now]))
    return out


def _of_regimes(values: Sequence[float], regimes: Integers) -> Floats:
    return np.array(values)[regimes]


def _jumps(plan: Plan, regimes: Integers, chance: Generator) -> Floats:
    """Log jumps of the market, more down than up."""
    rate = _of_regimes([one.jumps_per_year for one in REGIMES], regimes) * plan.bar_ns / YEAR_NS
    happens = chance.uniform(size=plan.count) < rate
    size = chance.exponential(plan.jump_size, plan.count)
    down = chance.uniform(size=plan.count) < 0.65
    return np.where(happens, np.where(down, -size, size), 0.0)


def _asset(plan: Plan, asset: Asset, market: tuple[Integers, Floats, Floats, Integers], chance: Generator) -> Made:
    regimes, factor, jumps, open_ns = market
    scale = _of_regimes([one.volatility for one in REGIMES], regimes) * np.sqrt(plan.bar_ns / YEAR_NS)
    own = chance.standard_normal(plan.count)
    shocks = asset.beta * (np.sqrt(1 - asset.own) * factor + np.sqrt(asset.own) * own)
    moves = scale * shocks + asset.beta * jumps - 0.5 * (asset.beta * scale) ** 2
    log_close = np.log(asset.price) + np.cumsum(moves)
    close = np.exp(log_close)
    opened = np.concatenate([[asset.price], close[:-1]])
    high, low = _extremes(np.log(opened), log_close, asset.beta * scale, chance)
    volume = 1e8 / asset.price * plan.bar_ns / DAY_NS * np.exp(2.0 * np.abs(shocks) + 0.3 * own)
    funding_ns, rates = _funding(plan, open_ns, moves, chance)
    return Made(
        base=asset.base, open_ns=open_ns, open=opened, high=high, low=low, close=close, volume=volume,
        funding_ns=funding_ns, rates=rates,
    )  # fmt: skip


def _extremes(start: Floats, end: Floats, scale: Floats, chance: Generator) -> tuple[Floats, Floats]:
    """Highest and lowest of a bar, drawn from the exact law of a Brownian bridge's maximum and minimum, each alone."""
    half = (start + end) / 2
    spread = ((end - start) / 2) ** 2
    up = np.sqrt(spread - 0.5 * scale**2 * np.log(chance.uniform(1e-12, 1.0, start.size)))
    down = np.sqrt(spread - 0.5 * scale**2 * np.log(chance.uniform(1e-12, 1.0, start.size)))
    opened, closed = np.exp(start), np.exp(end)
    high = np.maximum(np.exp(half + up), np.maximum(opened, closed))
    return high, np.minimum(np.exp(half - down), np.minimum(opened, closed))


def _funding(plan: Plan, open_ns: Integers, moves: Floats, chance: Generator) -> tuple[Integers, Floats]:
    """Funding that follows a premium: the premium chases the last days' trend and forgets in about a day.

    Per interval, rate = premium + clamp(interest - premium, +-clamp), within +-cap: the rule most venues publish.
    """
    first = -(-plan.start_ns // plan.funding_ns) * plan.funding_ns
    end = plan.start_ns + plan.count * plan.bar_ns
    times = np.arange(first, end, plan.funding_ns, dtype=np.int64)
    path = np.concatenate([[0.0], np.cumsum(moves)])
    now = np.clip((times - plan.start_ns) // plan.bar_ns, 0, plan.count)
    before = np.clip((times - 3 * DAY_NS - plan.start_ns) // plan.bar_ns, 0, plan.count)
    noise = chance.standard_normal(times.size) * 1e-4
    kept = float(np.exp(-plan.funding_ns / DAY_NS))
    premium, premiums = 0.0, np.empty(times.size)
    for number, pull in enumerate(0.01 * (path[now] - path[before]) + noise):
        premium = kept * premium + (1 - kept) * pull
        premiums[number] = premium
    rates = premiums + np.clip(plan.interest - premiums, -plan.clamp, plan.clamp)
    return times, np.clip(rates * plan.funding_ns / (8 * HOUR_NS), -plan.cap, plan.cap)


DESK = tuple(
    Asset(base=base, price=price, beta=beta, own=own)
    for base, price, beta, own in (
        ("BTC", 60_000.0, 0.9, 0.1), ("ETH", 3_000.0, 1.1, 0.2), ("SOL", 150.0, 1.5, 0.35), ("XRP", 0.6, 1.2, 0.4),
        ("DOGE", 0.15, 1.5, 0.4), ("ADA", 0.5, 1.3, 0.35), ("AVAX", 30.0, 1.4, 0.35), ("LINK", 15.0, 1.3, 0.35),
        ("LTC", 80.0, 1.1, 0.3), ("BNB", 550.0, 1.0, 0.3),
    )
)  # fmt: skip
"""Ten assets at round prices."""
