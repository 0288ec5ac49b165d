"""How pairs of series fall and rise together: four measures per pair, each beside the Gaussian null and with its interval.

* tail dependence at a level, by ranks: the chance that one is in its worst 5 % given that the other is;
* exceedance correlation: of normal scores, where both are beyond the level (Longin and Solnik 2001);
* conditional correlation: of normal scores, where the first alone is beyond it (Boyer, Gibson and Loretan 1999);
* Student's copula: `nu` and the limit of tail dependence it implies.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
from scipy.special import ndtri

from perpbook.errors import InputError
from perpbook.model.bars import Floats
from perpbook.tails.bootstrap import Resampling, against_null, draw_weights, estimate_of
from perpbook.tails.copula import StudentFit, fit_student, ranks
from perpbook.tails.counts import Small, binned, edges_for, kendall_of, middles, tables, tail_dependence_of
from perpbook.tails.estimate import AgainstNull, Estimate, Side
from perpbook.tails.moments import Rows, moments_of
from perpbook.tails.null import check_level, null_conditional, null_dependence, null_exceedance, student_tail_dependence
from perpbook.tails.profile import Profile
from perpbook.tails.returns import JointReturns

LEVELS = (0.01, 0.025, 0.05, 0.10)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentCopula:
    """Student's copula with intervals. `gain`: log likelihood above the Gaussian copula's (rows taken as independent).
    `at_bound`: `nu` ran into the end of its range."""

    tau: Estimate
    rho: Estimate
    nu: Estimate
    tail_dependence: Estimate
    gain: float
    at_bound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTails:
    """Everything of one pair, at every level and side. `conditional` is given that `first` is in its tail."""

    first: str
    second: str
    filtered: bool
    rows: int
    student: StudentCopula
    dependence: tuple[AgainstNull, ...]
    exceedance: tuple[AgainstNull, ...]
    conditional: tuple[AgainstNull, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    levels: tuple[float, ...]
    edges: Floats

    def tails(self) -> list[tuple[Side, float, int]]:
        """(side, level, how many outermost cells it is)."""
        counts = [int(np.searchsorted(self.edges, level)) + 1 for level in self.levels]
        return [(side, level, count) for side in Side for level, count in zip(self.levels, counts, strict=True)]

    def inside(self, cells: Small, side: Side, count: int) -> Floats:
        """1 where a row's cell belongs to a tail."""
        found = cells < count if side is Side.LOWER else cells > self.edges.size - count
        return found.astype(np.float64)


def tail_dependence(x: Floats, y: Floats, count: int) -> float:
    """Share of the `count` lowest rows of one series (n,) that are among the `count` lowest of the other; ties by order."""
    if not 0 < count < x.size:
        raise InputError(f"a tail of {count} of {x.size} rows is none")
    low, other = (np.argsort(one, kind="stable")[:count] for one in (x, y))
    return float(np.intersect1d(low, other).size / count)


def exceedance_of(x: Floats, y: Floats, threshold: float) -> tuple[float, int]:
    """Correlation of two series (n,) where both are below `threshold` standard deviations from their means, and of how
    many rows; nan where they do not move."""
    z, w = ((one - one.mean()) / one.std() for one in (x, y))
    both = (z < threshold) & (w < threshold)
    found = moments_of(z[both], w[both], np.ones((1, int(both.sum()))))
    return float(found.correlation[0]), int(both.sum())


def pair_tails(
    returns: JointReturns, resampling: Resampling, rng: np.random.Generator, *, levels: tuple[float, ...] = LEVELS
) -> tuple[PairTails, ...]:
    """Every pair of the series, first by first.

    Raises
    ------
    InputError : one series alone, a level that is none, or too few rows for the blocks.
    """
    if len(returns.names) < 2:
        raise InputError(f"a tail is a matter of two series at least; there is {', '.join(returns.names) or 'none'}")
    for level in levels:
        check_level(level)
    grid = _Grid(levels=levels, edges=edges_for(returns.rows, levels))
    orders = np.argsort(returns.values, axis=1, kind="stable")
    pairs = list(combinations(range(len(returns.names)), 2))
    gathered = [_Gathering(returns, pair, grid) for pair in pairs]
    whole = [np.ones((1, returns.rows))]
    for weights in chain(whole, draw_weights(returns.rows, resampling, rng)):
        cells = binned(orders, weights, grid.edges)
        for (a, b), one in zip(pairs, gathered, strict=True):
            one.take(cells[a], cells[b], weights)
    return tuple(one.told(resampling) for one in gathered)


class _Gathering:
    """One pair's figures, the whole sample's first and then each draw's."""

    def __init__(self, returns: JointReturns, pair: tuple[int, int], grid: _Grid) -> None:
        self._returns, self._pair, self._grid = returns, pair, grid
        self._x, self._y = returns.values[list(pair)]
        self._fit: StudentFit = fit_student(self._x, self._y)
        self._x, self._y = ndtri(ranks(self._x)), ndtri(ranks(self._y))
        self._profile = Profile(middles(grid.edges), self._fit.rho)
        self._copula: list[Floats] = []
        self._figures: list[Floats] = []
        self._points: Floats = np.zeros((len(grid.tails()), 3))

    def take(self, first: Small, second: Small, weights: Floats) -> None:
        """Add a chunk of draws; the first chunk is the whole sample."""
        table = tables(first, second, weights, self._grid.edges.size + 1)
        tau = kendall_of(table)
        rho = np.sin(0.5 * np.pi * tau)
        self._copula.append(np.stack([tau, rho, self._profile.nus(table, rho)]))
        alone = table.sum(axis=2), table.sum(axis=1)
        figures = []
        for row, (side, _, count) in enumerate(self._grid.tails()):
            dependence = tail_dependence_of(table, alone, count, upper=side is Side.UPPER)
            near = self._near(side, count, first)
            inside = self._grid.inside(first[:, near], side, count) * weights[:, near]
            given = moments_of(self._x[near], self._y[near], inside)
            both = inside * self._grid.inside(second[:, near], side, count)
            exceeding = moments_of(self._x[near], self._y[near], both)
            figures.append(np.stack([dependence, exceeding.correlation, given.correlation]))
            if not self._figures:
                self._points[row] = given.weight[0], exceeding.weight[0], given.weight[0]
        self._figures.append(np.stack(figures))

    def _near(self, side: Side, count: int, cells: Small) -> Rows:
        """Rows of the first series that are in the tail in some draw."""
        found: Rows = np.flatnonzero(self._grid.inside(cells, side, count).any(axis=0))
        return found

    def told(self, resampling: Resampling) -> PairTails:
        """The figures with their intervals."""
        figures = np.concatenate(self._figures, axis=2)
        rho = np.concatenate(self._copula, axis=1)[1]
        groups: list[list[AgainstNull]] = [[], [], []]
        for row, (side, level, _) in enumerate(self._grid.tails()):
            nulls = [
                null_dependence(level, rho),
                null_exceedance(level, rho),
                null_conditional(level, rho),
            ]
            for kind in range(3):
                points = int(self._points[row, kind])
                groups[kind].append(against_null((side, level), figures[row, kind], nulls[kind], points, resampling))
        a, b = self._pair
        return PairTails(
            first=self._returns.names[a],
            second=self._returns.names[b],
            filtered=self._returns.filtered,
            rows=self._returns.rows,
            student=self._student(resampling),
            dependence=tuple(groups[0]),
            exceedance=tuple(groups[1]),
            conditional=tuple(groups[2]),
        )

    def _student(self, resampling: Resampling) -> StudentCopula:
        """Draws come from counts in cells: they are moved by what that differs from the fit on rows."""
        tau, _, nu = np.concatenate(self._copula, axis=1)
        fit, rows = self._fit, self._returns.rows
        taus = tau[1:] + (fit.tau - tau[0])
        rhos = np.sin(0.5 * np.pi * np.clip(taus, -1.0, 1.0))
        nus = nu[1:] * (fit.nu / nu[0])
        limits = np.array([student_tail_dependence(float(r), float(n)) for r, n in zip(rhos, nus, strict=True)])
        return StudentCopula(
            tau=estimate_of(fit.tau, taus, rows, resampling),
            rho=estimate_of(fit.rho, rhos, rows, resampling),
            nu=estimate_of(fit.nu, nus, rows, resampling),
            tail_dependence=estimate_of(fit.tail_dependence, limits, rows, resampling),
            gain=fit.gain,
            at_bound=fit.at_bound,
        )
