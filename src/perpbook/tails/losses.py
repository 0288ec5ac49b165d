"""Expected shortfall of one series and side by five methods, each with its interval and the tail points it stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import chain

import numpy as np

from perpbook.errors import InputError
from perpbook.model.bars import Floats
from perpbook.tails.bootstrap import Resampling, draw_weights, estimate_of
from perpbook.tails.estimate import LEAST_POINTS, Estimate, Side, insufficient, unsaid
from perpbook.tails.null import check_level
from perpbook.tails.pareto import PeaksOver, peaks_shortfall
from perpbook.tails.returns import JointReturns
from perpbook.tails.shortfall import (
    WorstRows,
    cornish_fisher_is_valid,
    cornish_fisher_tail,
    normal_shortfall,
    student_tail,
)
from perpbook.tails.student import fit_student_moves

LEAST_PEAKS = 50
"""Fewer losses beyond the threshold fit no Pareto distribution worth the name."""


class Method(StrEnum):
    """How the shortfall is estimated."""

    NORMAL = "normal"
    STUDENT = "student"
    CORNISH_FISHER = "cornish-fisher"
    HISTORICAL = "historical"
    PEAKS = "peaks over threshold"


LEAST: Mapping[Method, int] = {one: LEAST_PEAKS if one is Method.PEAKS else LEAST_POINTS for one in Method}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """Losses of one series over one bar, as positive log returns: `value_at_risk` and mean beyond it.

    `side` LOWER is a long position's loss, UPPER a short's. `fitted` are the method's parameters.
    """

    series: str
    side: Side
    method: Method
    value_at_risk: Estimate
    expected: Estimate
    fitted: Mapping[str, float] = field(default_factory=dict)


def shortfalls(
    returns: JointReturns, name: str, level: float, resampling: Resampling, rng: np.random.Generator
) -> tuple[Shortfall, ...]:
    """All methods on both sides of one series.

    Raises
    ------
    InputError : no such series, a level that is none, too few rows.
    """
    check_level(level)
    moves = returns.values[returns.index(name)]
    if not moves.std() > 0.0:
        raise InputError(f"{name} does not move: it has no losses")
    samples = [
        _Sample(side=side, losses=losses, level=level, resampling=resampling)
        for side, losses in ((Side.LOWER, -moves), (Side.UPPER, moves))
    ]
    wanted = [(sample, method) for sample in samples for method in Method if sample.points(method) >= LEAST[method]]
    gathered: dict[tuple[Side, Method], list[Figures]] = {(sample.side, method): [] for sample, method in wanted}
    for weights in chain([np.ones((1, moves.size))], draw_weights(moves.size, resampling, rng)):
        for sample, method in wanted:
            gathered[sample.side, method].append(METHODS[method](sample, weights))
    return tuple(
        _told(name, sample, method, gathered.get((sample.side, method), [])) for sample in samples for method in Method
    )


@dataclass(frozen=True, kw_only=True)
class _Sample:
    """One side's losses (n,), and what is asked of them."""

    side: Side
    losses: Floats
    level: float
    resampling: Resampling

    @property
    def peak_share(self) -> float:
        """The share of rows beyond the threshold: a tenth, or twice the level where that is more."""
        return max(0.10, 2.0 * self.level)

    @cached_property
    def peaks(self) -> PeaksOver:
        """Losses beyond the threshold."""
        return PeaksOver(self.losses, float(np.quantile(self.losses, 1.0 - self.peak_share)))

    @cached_property
    def worst(self) -> WorstRows:
        """Losses in order."""
        return WorstRows(self.losses, self.level)

    def points(self, method: Method) -> int:
        """Tail rows that a method stands on."""
        return int((self.peak_share if method is Method.PEAKS else self.level) * self.losses.size)


Figures = tuple[Floats, Floats, dict[str, Floats]]
"""Value at risk, expected shortfall and parameters, per draw."""


def _told(name: str, sample: _Sample, method: Method, figures: list[Figures]) -> Shortfall:
    level, points = sample.level, sample.points(method)
    if not figures:
        nothing = insufficient(points, level, least=LEAST[method])
        return Shortfall(series=name, side=sample.side, method=method, value_at_risk=nothing, expected=nothing)
    edge, mean = (np.concatenate([one[k] for one in figures]) for k in (0, 1))
    fitted = {key: float(value[0]) for key, value in figures[0][2].items()}
    if np.isnan(mean[0]):
        nothing = unsaid(points, level, _why_not(fitted))
        return Shortfall(
            series=name, side=sample.side, method=method, value_at_risk=nothing, expected=nothing, fitted=fitted
        )
    return Shortfall(
        series=name,
        side=sample.side,
        method=method,
        value_at_risk=estimate_of(float(edge[0]), edge[1:], points, sample.resampling, level=level),
        expected=_finite(mean, points, sample),
        fitted=fitted,
    )


def _why_not(fitted: Mapping[str, float]) -> str:
    return (
        f"outside its domain: at skew {fitted['skew']:.2f} and excess kurtosis {fitted['excess_kurtosis']:.1f} "
        "the expansion is no distribution"
    )


def _finite(mean: Floats, points: int, sample: _Sample) -> Estimate:
    if np.isinf(mean[0]):
        return unsaid(points, sample.level, "infinite: the fitted tail is so heavy that it has no mean")
    return estimate_of(float(mean[0]), mean[1:], points, sample.resampling, level=sample.level)


def _normal(sample: _Sample, weights: Floats) -> Figures:
    centre, spread, _, _ = standardised_moments(sample.losses, weights)
    edge, mean = normal_shortfall(sample.level)
    return centre + spread * edge, centre + spread * mean, {"volatility": spread}


def _student(sample: _Sample, weights: Floats) -> Figures:
    fit = fit_student_moves(sample.losses, weights)
    edge, mean = student_tail(sample.level, fit.nu)
    return fit.centre + fit.scale * edge, fit.centre + fit.scale * mean, {"nu": fit.nu, "scale": fit.scale}


def _cornish_fisher(sample: _Sample, weights: Floats) -> Figures:
    """Draws outside the domain give no number."""
    centre, spread, skew, kurtosis = standardised_moments(sample.losses, weights)
    edge, mean = cornish_fisher_tail(sample.level, -skew, kurtosis)
    valid = np.array([cornish_fisher_is_valid(float(s), float(k)) for s, k in zip(skew, kurtosis, strict=True)])
    edge, mean = (np.where(valid, centre + spread * one, np.nan) for one in (edge, mean))
    return edge, mean, {"skew": -skew, "excess_kurtosis": kurtosis}


def _historical(sample: _Sample, weights: Floats) -> Figures:
    edge, mean = sample.worst.mean(weights)
    return edge, mean, {}


def _peaks(sample: _Sample, weights: Floats) -> Figures:
    fit = sample.peaks.fit(weights)
    edge, mean = peaks_shortfall(fit, sample.level)
    ends = {"threshold": np.full_like(fit.shape, fit.threshold)}
    return edge, mean, {"shape": fit.shape, "scale": fit.scale, **ends}


METHODS: Mapping[Method, Callable[[_Sample, Floats], Figures]] = {
    Method.NORMAL: _normal,
    Method.STUDENT: _student,
    Method.CORNISH_FISHER: _cornish_fisher,
    Method.HISTORICAL: _historical,
    Method.PEAKS: _peaks,
}


def standardised_moments(values: Floats, weights: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """(mean, standard deviation, skew, excess kurtosis) of values (n,) for each row of weights (draws, n)."""
    centre, usual = values.mean(), values.std()
    z = (values - centre) / usual
    powers = weights @ np.stack([z, z**2, z**3, z**4], axis=1) / weights.sum(axis=1, keepdims=True)
    m1, m2, m3, m4 = powers.T
    variance = m2 - m1**2
    skew = (m3 - 3.0 * m1 * m2 + 2.0 * m1**3) / variance**1.5
    kurtosis = (m4 - 4.0 * m1 * m3 + 6.0 * m1**2 * m2 - 3.0 * m1**4) / variance**2 - 3.0
    return centre + usual * m1, usual * np.sqrt(variance), skew, kurtosis
