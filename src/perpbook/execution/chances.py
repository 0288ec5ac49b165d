"""How likely each account is liquidated within a time, from volatilities alone.

An account dies most likely along the direction in which its loss is most likely: relative moves -C x / s, s = sqrt(x' C x),
with x its dollars of exposure by price and C the covariance of a year. The loss is followed by W = -x' log(p / p0) / s, a
Brownian motion of variance 1 a year with drift x' diag(C) / 2 s; where the account dies on that way (`kernels.liquidation`) is
a value of W, and the chance is that W gets there (`scenario.passage`). Of one asset that is the exact first passage of its
liquidation price. Both directions are added up, which is at most too much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.liquidation import LEAST, death_along
from perpbook.kernels.margin import account_margins, lines_at
from perpbook.kernels.types import Floats, Lines
from perpbook.margin.arrays import BookArrays
from perpbook.model.market import STABLECOINS
from perpbook.scenario.passage import first_passage

YEAR_SECONDS = 365.0 * 86_400.0

FARTHEST = 38.0
"""Standard deviations beyond which a chance is nothing in floats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swings:
    """How prices move: a year's volatility by asset, `other` for those not named (None: refused), and one correlation between any
    two assets. Prices themselves have no drift."""

    volatility: Mapping[str, float] = field(default_factory=dict)
    other: float | None = None
    correlation: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (*self.volatility.items(), ("other assets", self.other)):
            if value is not None and not 0.0 < value < math.inf:
                raise InputError(
                    f"the volatility of {name} is {value:g}: write a year's as a fraction above 0, like 0.6"
                )
        if not 0.0 <= self.correlation <= 1.0:
            raise InputError(f"the correlation is {self.correlation:g}: it lies between 0 and 1")

    def of(self, asset: str) -> float:
        """A year's volatility; of a stablecoin none unless it is named.

        Raises
        ------
        InputError : it is not known.
        """
        found = self.volatility.get(asset, 0.0 if asset in STABLECOINS else self.other)
        if found is None:
            raise InputError(f"the volatility of {asset} is not known: give it, like --volatility {asset}=0.6")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier:
    """Where an account dies on one side. `at`: standard deviations of a year that its loss W is at then, < 0 where it dies of
    what is a gain; `drift` of W a year; `spread` dollars of one standard deviation."""

    at: float
    drift: float
    spread: float

    def chance(self, seconds: float) -> float:
        """That it is reached within a time."""
        if seconds <= 0.0:
            return 0.0
        return first_passage(1.0, math.exp(self.at), self.drift + 0.5, 1.0, seconds / YEAR_SECONDS)


DEAD = (Barrier(at=0.0, drift=0.0, spread=1.0),)
"""An account that may be liquidated as it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loss:
    """How an account most likely loses. moves : (columns,) relative, of one standard deviation; dollars : (columns,) exposures;
    spread : a year's standard deviation in dollars; drift : of W."""

    moves: Floats
    dollars: Floats
    spread: float
    drift: float

    def barrier(self, lines: Lines, account: int, prices: Floats, side: float) -> Barrier | None:
        """Where the account dies on the way of a loss (`side` 1) or of a gain (-1)."""
        along = death_along(lines, account, prices, side * self.moves * prices)
        if math.isnan(along):
            return None
        logs = np.log(np.maximum(1.0 + side * along * self.moves, LEAST))
        at = -float(self.dollars @ logs) / self.spread
        at = at if at * side > 0.0 else side * along
        return Barrier(at=at, drift=self.drift, spread=self.spread) if abs(at) < FARTHEST else None


def barriers_of(arrays: BookArrays, swings: Swings) -> dict[str, tuple[Barrier, ...]]:
    """Where every account dies, at most twice: () for never.

    Raises
    ------
    InputError : a volatility is not known.
    """
    lines, count = lines_at(arrays.held), len(arrays.accounts)
    equity, maintenance = np.empty(count), np.empty(count)
    account_margins(lines, arrays.prices, equity, maintenance)
    out: dict[str, tuple[Barrier, ...]] = {}
    for number, account in enumerate(arrays.accounts):
        rows = range(int(arrays.held.start[number]), int(arrays.held.start[number + 1]))
        loss = _likely_loss(arrays, rows, swings)
        if not any(arrays.items[row].position and arrays.items[row].delta for row in rows):
            out[account.id] = ()
        elif equity[number] < maintenance[number]:
            out[account.id] = DEAD
        else:
            sides = [loss.barrier(lines, number, arrays.prices, side) for side in (1.0, -1.0)] if loss else []
            out[account.id] = tuple(side for side in sides if side is not None)
    return out


def liquidation_chances(arrays: BookArrays, swings: Swings, seconds: float) -> dict[str, float]:
    """The chance of each account's liquidation within a time, by id; see the module for what it takes for granted."""
    found = barriers_of(arrays, swings)
    return {name: min(1.0, sum(one.chance(seconds) for one in sides)) for name, sides in found.items()}


def _likely_loss(arrays: BookArrays, rows: range, swings: Swings) -> _Loss | None:
    """None where nothing moves the account."""
    dollars = np.zeros(arrays.prices.size)
    for row in rows:
        dollars[arrays.items[row].column] += arrays.items[row].delta * arrays.prices[arrays.items[row].column]
    held = [column for column in range(dollars.size) if dollars[column] != 0.0]
    names = [arrays.columns[column].asset for column in held]
    sigma = np.array([swings.of(name) for name in names])
    alike = np.array([[1.0 if one == other else swings.correlation for other in names] for one in names])
    if not held:
        return None
    pull = (alike * np.outer(sigma, sigma)) @ dollars[held]
    spread = math.sqrt(max(float(dollars[held] @ pull), 0.0))
    if spread <= 1e-12 * float(np.abs(dollars[held]) @ sigma):
        return None
    moves = np.zeros(dollars.size)
    moves[held] = -pull / spread
    return _Loss(moves=moves, dollars=dollars, spread=spread, drift=float(dollars[held] @ sigma**2) / (2.0 * spread))
