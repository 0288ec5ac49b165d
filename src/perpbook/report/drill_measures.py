"""A drill in figures: how often what dies, with intervals, when, what is left, and how much smaller the book must be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from perpbook.engine.drill import Futures
from perpbook.engine.drilled import Drilled
from perpbook.kernels import drill as at
from perpbook.kernels.types import Floats
from perpbook.report.drill_tolls import Tolls, tolls_of

Z = 1.959963984540054
"""Of a 95 % interval."""

TAIL = 0.025
"""The worst share of futures that expected shortfall is the mean of."""

FEWEST = 20
"""Fewer futures than this in a tail, and its mean is not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """How often something happened: `count` of `paths`, and a 95 % interval (Wilson, 1927)."""

    count: int
    paths: int

    @property
    def share(self) -> float:
        """The estimate."""
        return self.count / self.paths

    @property
    def interval(self) -> tuple[float, float]:
        """Low and high."""
        n, p = self.paths, self.share
        middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z / (1 + Z * Z / n) * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        low = middle - half if self.count else 0.0
        return low, middle + half if self.count < n else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDeaths:
    """One account: chance to be liquidated, to be the first, median hours until it is (None when it never is), and, where it is
    known after how many hours money sent at the start arrives, the chance to be liquidated in a step that begins before."""

    account: str
    dies: Chance
    first: Chance
    median_hours: float | None
    arrives_hours: float | None = None
    too_late: Chance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillMeasures:
    """One side of a drill. Dollars; `shortfall` is the mean loss of the worst 2.5 % of futures (None when they are too few),
    `funding` received, `costs` fees and slippage paid, `trims` those of rules, `orphan` the mean exposure left without its
    other leg where any was, for `orphan_hours` on average, `tolls` what happened beside prices."""

    paths: int
    start: float
    dies: Chance
    accounts: tuple[AccountDeaths, ...]
    mean: float
    median: float
    worst: float
    shortfall: float | None
    tail_paths: int
    drawdown: float
    funding: float
    costs: float
    trims: float
    penalties: float
    orphans: Chance
    orphan: float
    orphan_hours: float
    rules: tuple[tuple[str, int, int], ...]
    tolls: Tolls


def measures_of(
    futures: Futures,
    accounts: tuple[str, ...],
    hours: float,
    reasons: dict[int, str],
    arrives: Mapping[str, float] = MappingProxyType({}),
) -> DrillMeasures:
    """The figures of one side; `hours` is a step's length, `arrives` by account the hours that money takes to it."""
    figures, paths = futures.figures, futures.figures.shape[0]
    end, alone = figures[:, at.END], figures[:, at.ORPHAN] > 0.0
    tail = int(TAIL * paths)
    return DrillMeasures(
        paths=paths,
        start=futures.start,
        dies=Chance(count=int((figures[:, at.FIRST] < futures.steps).sum()), paths=paths),
        accounts=tuple(
            _account(futures, number, name, hours, arrives.get(name)) for number, name in enumerate(accounts)
        ),
        mean=float(end.mean()),
        median=float(np.median(end)),
        worst=float(end.min()),
        shortfall=float(futures.start - np.sort(end)[:tail].mean()) if tail >= FEWEST else None,
        tail_paths=tail,
        drawdown=float(figures[:, at.DEEPEST].mean()),
        funding=float(figures[:, at.FUNDING].mean()),
        costs=float(figures[:, at.COSTS].mean()),
        trims=float(figures[:, at.TRIM_COSTS].mean()),
        penalties=float(figures[:, at.PENALTIES].mean()),
        orphans=Chance(count=int(alone.sum()), paths=paths),
        orphan=float(figures[alone, at.ORPHAN].mean()) if alone.any() else 0.0,
        orphan_hours=float(figures[alone, at.ORPHAN_BARS].mean()) * hours if alone.any() else 0.0,
        rules=tuple(
            (reasons.get(code, str(code)), int(orders), int(hit))
            for code, (orders, hit) in enumerate(futures.rules)
            if orders
        ),
        tolls=tolls_of(futures, accounts),
    )


def _account(futures: Futures, number: int, name: str, hours: float, arrives: float | None) -> AccountDeaths:
    paths, when = futures.died.shape[0], futures.died[:, number]
    dead = when < futures.steps
    first = dead & (futures.figures[:, at.WHO] == number)
    return AccountDeaths(
        account=name,
        dies=Chance(count=int(dead.sum()), paths=paths),
        first=Chance(count=int(first.sum()), paths=paths),
        median_hours=float(np.median(when[dead]) + 1.0) * hours if dead.any() else None,
        arrives_hours=arrives,
        too_late=None if arrives is None else Chance(count=int((dead & (when * hours < arrives)).sum()), paths=paths),
    )


QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def fan_quantiles(futures: Futures) -> Floats:
    """(7, T) quantiles of book equity at every step, dollars, to the width of a bin (half a percent of the start)."""
    below = np.cumsum(futures.fan, axis=1) / futures.fan.sum(axis=1, keepdims=True)
    return np.array([[_within(row, level) / futures.scale for row in below] for level in QUANTILES])


def _within(below: Floats, level: float) -> float:
    """Where in bins a level is reached, evenly inside the bin. `below` (b,) is the share up to the end of each."""
    at = int(np.searchsorted(below, level))
    before = float(below[at - 1]) if at else 0.0
    return at + (level - before) / (float(below[at]) - before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The largest common scale on every position at which at most `chance` of futures lose an account, and its interval
    from order statistics. `scale` above 1 says that the book could be larger; 64 is the most that is looked at."""

    chance: float
    scale: float
    low: float
    high: float


def largest_size(drilled: Drilled, chance: float) -> Size:
    """Read it off the scales that each future survives, without rules: what the book itself can bear."""
    worst = np.sort(drilled.scales.min(axis=1))
    paths = worst.size
    rank = math.floor(chance * paths)
    half = Z * math.sqrt(paths * chance * (1.0 - chance))

    def of(place: float) -> float:
        return float(worst[min(max(int(place), 0), paths - 1)])

    return Size(chance=chance, scale=of(rank), low=of(math.floor(rank - half)), high=of(math.ceil(rank + half)))


def survival_by_scale(drilled: Drilled, sizes: Floats) -> Floats:
    """(k,) share of futures in which no account dies at each common scale, without rules."""
    worst = np.sort(drilled.scales.min(axis=1))
    out: Floats = 1.0 - np.searchsorted(worst, sizes, side="left") / worst.size
    return out
