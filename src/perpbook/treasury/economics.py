"""How finely it pays to rebalance: the band in which exposure is left alone, as a layer's fees and latency have it.

Exposure to a coin leaves its target as a Brownian motion X, dollars, of `spread` v dollars a root year. Nothing is done while
|X| < `edge` b; at b it is traded back to `inside` a: a trade of d = b - a, which costs F + k d (F gas, k a fraction). What X
costs as a risk is q/2 X^2 a year, `price` q = (risk aversion / equity) sigma^2. With s = b + a a year costs, on average,

    q/2 ((s^2 + d^2) / 12 + v^2 L) + v^2 (F + k d) / (s d)

since a round from a to b lasts (b^2 - a^2) / v^2 and gathers (b^4 - a^4) / (6 v^2) of X^2 (Dynkin's formula), and an order that
takes L to be filled, counted as done when sent, leaves X = Y(t - L) + v (B(t) - B(t - L)) with independent parts. Of the two
laws that are known of its minimum each is one end:

* gas alone: a = 0, b = (12 F v^2 / q)^(1/4), the fourth root of fixed costs: R. Korn, "Portfolio optimisation with strictly
  positive transaction costs and impulse control", Finance and Stochastics 2 (1998); A. Altarovici, J. Muhle-Karbe and H. M.
  Soner, "Asymptotics for fixed transaction costs", Finance and Stochastics 19 (2015);
* proportional cost alone: a = b = (3 k v^2 / (2 q))^(1/3), the cube root of A. E. Whalley and P. Wilmott, "An asymptotic
  analysis of an optimal hedging model for option pricing with transaction costs", Mathematical Finance 7 (1997), and L. C. G.
  Rogers (see `kernels.rules.rebalance`); with v = E (1 - E/equity) sigma it is the band of K. Janecek and S. E. Shreve,
  "Asymptotic analysis for optimal investment and consumption with transaction costs", Finance and Stochastics 8 (2004).

Dollars, years, fractions; latency in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.kernels.types import Floats

YEAR_SECONDS = 365 * 86_400.0
DAYS = 365.0

MEDIAN, DEAR = "p50", "p99"
"""The percentiles of gas that are looked at."""

STILL = 1e-9
"""Exposure whose drift is smaller than this share of equity a root year stays where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How exposure to a coin leaves its target. dollars : held, signed; spread : dollars a root year; sigma : the coin's
    volatility a year; price : dollars a year for a squared dollar of exposure, twice."""

    asset: str
    dollars: float
    spread: float
    sigma: float
    price: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    """What a trade costs: gas in dollars each, `rate` of its size, seconds until it is filled (None: not known, none counted),
    and the least that is traded, dollars."""

    gas: float
    rate: float
    seconds: float | None = 0.0
    least: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What to do about one drift under one toll. Dollars of exposure either side of the target: `edge` where a trade falls due,
    `inside` where it ends. A year: `trades`, what they cost, what being off target costs. `off` : root mean square of the
    exposure off target, dollars. `waiting` : how far profit wanders, dollars, while one trade waits to be filled."""

    edge: float
    inside: float
    trades: float
    trading: float
    risk: float
    off: float
    waiting: float

    @property
    def size(self) -> float:
        """Dollars of one trade."""
        return self.edge - self.inside

    @property
    def cost(self) -> float:
        """Dollars a year, all told."""
        return self.trading + self.risk


def drifts_of(
    exposures: Mapping[str, float], names: Sequence[str], covariance: Floats, equity: float, aversion: float
) -> tuple[Drift, ...]:
    """How each coin's exposure leaves today's share of equity, which is its target.

    exposures : dollars, signed. covariance : (A, A) of `names`, a year. aversion : relative risk aversion, 1 for an investor who
    bets all that Kelly says, 2 for half of it. Coins whose exposure stays in step with equity are left out.
    """
    held = np.array([exposures[name] for name in names])
    out = []
    for number, name in enumerate(names):
        leaves = -held[number] / equity * held
        leaves[number] += held[number]
        spread = math.sqrt(max(float(leaves @ covariance @ leaves), 0.0))
        variance = float(covariance[number, number])
        if spread > STILL * equity:
            out.append(
                Drift(
                    asset=name, dollars=float(held[number]), spread=spread, sigma=math.sqrt(variance),
                    price=aversion / equity * variance,
                )
            )  # fmt: skip
    return tuple(out)


def best_band(drift: Drift, toll: Toll) -> Band:
    """The band of least cost: with A = 12 v^2 / q, s^3 = A (F/d + k) and s d^3 = A F, no trade below the least that there is."""
    ratio = 12.0 * drift.spread**2 / drift.price
    free, fixed, rate = ratio * toll.gas, toll.gas, toll.rate
    across = _root(free, ratio * rate)
    size = math.cbrt(free / across) if across > 0.0 else 0.0
    if size < toll.least:
        size = toll.least
        across = max(size, math.cbrt(ratio * (fixed / size + rate)))
    return band_at(drift, toll, 0.5 * (across + size), 0.5 * (across - size))


def _root(free: float, shared: float) -> float:
    """s > 0 of s^3 - (A F)^(2/3) s^(1/3) - A k = 0; free A F, shared A k. It is at most the sum of what each alone gives."""
    from scipy.optimize import brentq

    alone, together = math.pow(free, 0.25), math.cbrt(shared)
    if alone == 0.0 or together == 0.0:
        return alone + together
    scale = alone + together

    def over(one: float) -> float:
        return (
            math.pow(one, 3.0) - math.pow(alone / scale, 8.0 / 3.0) * math.cbrt(one) - math.pow(together / scale, 3.0)
        )

    low = max(alone, together) / scale
    return scale * (low if over(low) >= 0.0 else float(brentq(over, low, 1.0 + 1e-9, xtol=1e-14)))


def band_at(drift: Drift, toll: Toll, edge: float, inside: float) -> Band:
    """What any band does, best or not; edge > inside >= 0, or both equal where trades are as small as can be."""
    across, size, variance = edge + inside, edge - inside, drift.spread**2
    late = variance * (toll.seconds or 0.0) / YEAR_SECONDS
    square = (across**2 + size**2) / 12.0 + late
    trades = variance / (across * size) if across * size > 0.0 else math.inf
    by_size = variance * toll.rate / across if across > 0.0 else 0.0
    return Band(
        edge=edge,
        inside=inside,
        trades=trades,
        trading=(trades * toll.gas if toll.gas > 0.0 else 0.0) + by_size,
        risk=0.5 * drift.price * square,
        off=math.sqrt(square),
        waiting=drift.sigma * math.sqrt((toll.seconds or 0.0) / YEAR_SECONDS) * size,
    )


def best_interval(drift: Drift, toll: Toll) -> float:
    """Seconds between trades of one who trades by the clock, back to the target: the minimum over T years of
    (F + k v sqrt(2 T / pi)) / T + q v^2 T / 4; 0 where trading costs nothing."""
    variance, half = drift.spread**2, 0.25 * drift.price * drift.spread**2
    ends = [
        math.sqrt(toll.gas / half),
        (toll.rate * math.sqrt(2.0 * variance / math.pi) / (2.0 * half)) ** (2.0 / 3.0),
    ]
    if max(ends) == 0.0:
        return 0.0

    def cost(log_years: float) -> float:
        years = math.exp(log_years)
        return (toll.gas + toll.rate * math.sqrt(2.0 * variance * years / math.pi)) / years + half * years

    from scipy.optimize import minimize_scalar

    found = minimize_scalar(cost, bounds=(math.log(max(ends)) - 1.0, math.log(sum(ends)) + 1.0), method="bounded")
    return math.exp(float(found.x)) * YEAR_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """All coins under one toll, by the year: trades, dollars they cost, dollars that being off target costs, and `error`: how far
    a day's profit strays from the target's, dollars (one standard deviation), coins taken as independent."""

    bands: tuple[Band, ...]
    trades: float
    trading: float
    risk: float
    error: float

    @property
    def cost(self) -> float:
        """Dollars a year."""
        return self.trading + self.risk


def together(drifts: Sequence[Drift], toll: Toll) -> Together:
    """Every drift in its best band."""
    bands = tuple(best_band(one, toll) for one in drifts)
    return Together(
        bands=bands,
        trades=math.fsum(one.trades for one in bands),
        trading=math.fsum(one.trading for one in bands),
        risk=math.fsum(one.risk for one in bands),
        error=math.sqrt(math.fsum((of.sigma * band.off) ** 2 / DAYS for of, band in zip(drifts, bands, strict=True))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerToll:
    """One layer's fees and what they come to. tolls, found : by percentile of gas. every : seconds between trades of one
    who trades the first coin by the clock. ours : the book trades there. floor : what is not in the gas, "" for nothing."""

    id: str
    name: str
    kind: str
    ours: bool
    tolls: Mapping[str, Toll]
    found: Mapping[str, Together]
    every: Mapping[str, float]
    floor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Economics:
    """All layers whose gas is known, the finest last; `unknown` : layers without a figure, by what is said of their gas."""

    equity: float
    drifts: tuple[Drift, ...]
    layers: tuple[LayerToll, ...]
    unknown: Mapping[str, str]
    aversion: float
    simulated: bool
    moves: str
    notes: tuple[str, ...]


def costs_by_edge(drift: Drift, toll: Toll, edges: Floats) -> Floats:
    """(E,) dollars a year of bands that end at `edges` (E,), each trading back to where that costs least."""
    sizes = np.geomspace(1e-3, 1.0, 200)
    out = [
        min(band_at(drift, toll, edge, max(edge - size, 0.0)).cost for size in np.maximum(sizes * edge, toll.least))
        for edge in edges.tolist()
    ]
    return np.array(out)
