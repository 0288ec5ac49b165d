"""How each model has forecast a contract, beside the last value, and how often its intervals held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.funding.candidates import LAST, MODELS
from perpbook.funding.intervals import CROWDED, Intervals, intervals
from perpbook.funding.walk_forward import Walk
from perpbook.kernels.types import Floats

TRUSTED = "trusted"
"""The model that was trusted at each origin, on what was known by then: what `forecast` gives when none is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelScore:
    """Errors of sums over a horizon, fractions of notional: mean absolute, root mean square, and both over the last value's."""

    model: str
    mean_absolute: float
    root_mean_square: float
    absolute_ratio: float
    square_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How often intervals held: of all forecasts, of those in the normal and in the crowded regime (None: there were none).

    `pinball` is the mean pinball loss of the two bounds, `width` the mean width, both fractions of notional.
    """

    level: float
    held: float
    normal: float | None
    crowded: float | None
    crowded_share: float
    forecasts: int
    pinball: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """One contract and horizon. `now` is the model trusted at its last settlement; `winner` has the smallest mean absolute error
    of all, over the whole history, which nobody knew beforehand. `first_ns`, `last_ns` origins, `outcomes` of them scored.
    `simulated`: no market ever traded at these rates."""

    venue: str
    symbol: str
    horizon_ns: int
    first_ns: int
    last_ns: int
    outcomes: int
    winner: str
    now: str
    models: tuple[ModelScore, ...]
    trusted: ModelScore
    coverage: Coverage | None
    coverage_of_last: Coverage | None
    simulated: bool = False


def scores_of(walk: Walk, *, level: float = 0.9, who: tuple[str, str] = ("", "")) -> Scores | None:
    """The scores of a walk, of the origins at which every model spoke and the outcome is known; None without any."""
    missed = walk.predicted - walk.realised
    scored = np.isfinite(missed).all(axis=0)
    if not scored.any():
        return None
    models = tuple(_score(name, missed[row, scored], missed[0, scored]) for row, name in enumerate(MODELS))
    trusted = _score(TRUSTED, (walk.trusted - walk.realised)[scored], missed[MODELS.index(LAST), scored])
    return Scores(
        venue=who[0], symbol=who[1], horizon_ns=walk.horizon_ns, first_ns=int(walk.origin_ns[0]),
        last_ns=int(walk.origin_ns[-1]), outcomes=int(scored.sum()),
        winner=min(models, key=lambda one: one.mean_absolute).model, now=MODELS[int(walk.chosen[-1])], models=models,
        trusted=trusted, coverage=coverage_of(walk, walk.trusted, level),
        coverage_of_last=coverage_of(walk, walk.predicted[MODELS.index(LAST)], level),
    )  # fmt: skip


def _score(model: str, missed: Floats, by_last: Floats) -> ModelScore:
    absolute, square = float(np.abs(missed).mean()), float(np.sqrt(np.mean(missed**2)))
    last, last_square = float(np.abs(by_last).mean()), float(np.sqrt(np.mean(by_last**2)))
    return ModelScore(
        model=model, mean_absolute=absolute, root_mean_square=square,
        absolute_ratio=absolute / last if last > 0 else 1.0, square_ratio=square / last_square if last_square > 0 else 1.0,
    )  # fmt: skip


def coverage_of(walk: Walk, predicted: Floats, level: float) -> Coverage | None:
    """How often the adaptive intervals of some forecasts held; None while there were none."""
    drawn = intervals(walk, predicted, level)
    held = drawn.held(walk.realised)
    told = np.isfinite(held)
    if not told.any():
        return None
    crowded = walk.crowded > CROWDED
    return Coverage(
        level=level, held=float(held[told].mean()), normal=_mean(held[told & ~crowded]), crowded=_mean(held[told & crowded]),
        crowded_share=float(crowded[told].mean()), forecasts=int(told.sum()),
        pinball=float(np.mean(pinball(drawn, walk.realised)[told])), width=float(np.mean((drawn.high - drawn.low)[told])),
    )  # fmt: skip


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if values.size else None


def pinball(drawn: Intervals, outcome: Floats) -> Floats:
    """(n,) the pinball loss of both bounds, a half each: at quantile a it costs a per unit below the outcome, 1 - a above."""
    total: Floats = np.zeros(outcome.size)
    for bound, quantile in ((drawn.low, 0.5 * (1.0 - drawn.level)), (drawn.high, 0.5 * (1.0 + drawn.level))):
        over = outcome - bound
        total = total + 0.5 * np.maximum(quantile * over, (quantile - 1.0) * over)
    return total
