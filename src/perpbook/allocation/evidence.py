"""What weights were worth out of sample, beside equal ones and those held, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.model.units import DAY_NS
from perpbook.tails.bootstrap import Resampling, draw_weights, estimate_of
from perpbook.tails.estimate import Estimate
from perpbook.tails.shortfall import WorstRows, historical_shortfall

YEAR_DAYS = 365.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Weights of one kind out of sample. `shortfall` the mean of the worst rows of a bar, as a loss; `volatility` and `mean` of a
    year (365 days). `less` : by how much the chosen weights' shortfall is below this one's (> 0: they lose less)."""

    name: str
    shortfall: Estimate
    volatility: float
    mean: float
    less: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The history weights stand on, and how each kind did out of sample, the chosen one first."""

    scheme: str
    sleeve: str
    rows: int
    tested: int
    bar_ns: int
    start: str
    end: str
    level: float
    source: str
    simulated: bool
    tracks: tuple[Track, ...]
    notes: tuple[str, ...]


def tracks_of(
    chosen: str,
    earned: Mapping[str, Floats],
    level: float,
    bar_ns: int,
    resampling: Resampling,
    rng: np.random.Generator,
) -> tuple[Track, ...]:
    """Every kind on the same rows, resampled together in blocks. earned (rows,) simple returns by name."""
    draws = {name: [np.array([historical_shortfall(-one, level)[1]])] for name, one in earned.items()}
    worst = {name: WorstRows(-one, level) for name, one in earned.items()}
    rows = next(iter(earned.values())).size
    for weights in draw_weights(rows, resampling, rng):
        for name in earned:
            draws[name].append(worst[name].mean(weights)[1])
    drawn = {name: np.concatenate(parts) for name, parts in draws.items()}
    points, bars = int(level * rows), YEAR_DAYS * DAY_NS / bar_ns
    out = []
    for name, one in earned.items():
        gain = drawn[name] - drawn[chosen]
        less = None if name == chosen else estimate_of(float(gain[0]), gain[1:], points, resampling, level=level)
        out.append(
            Track(
                name=name, shortfall=estimate_of(float(drawn[name][0]), drawn[name][1:], points, resampling, level=level),
                volatility=float(one.std() * np.sqrt(bars)), mean=float(one.mean() * bars), less=less,
            )
        )  # fmt: skip
    return tuple(out)
