"""Peaks over a threshold: a generalised Pareto distribution fitted to losses beyond it, and the shortfall it implies.

Balkema and de Haan 1974, Pickands 1975; likelihood profiled on shape / scale as in Davison 1984. Everything is written for
weighted rows, so that a thousand resamples cost one product of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.model.bars import Floats
from perpbook.tails.null import check_level

LEAST_SHAPE = -0.5
"""Below it the likelihood has no proper maximum (Smith 1985)."""

LEAST_DIFFERENT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """Losses beyond `threshold`, a share `share` of all: `shape` xi and `scale` sigma of one fit per draw (draws,)."""

    threshold: float
    share: Floats
    shape: Floats
    scale: Floats


class PeaksOver:
    """Losses (n,) beyond a threshold, laid ready to be fitted for any weights of the rows."""

    def __init__(self, losses: Floats, threshold: float) -> None:
        self._rows = np.flatnonzero(losses > threshold)
        over = losses[self._rows] - threshold
        different = np.unique(over).size
        if different < LEAST_DIFFERENT:
            raise InputError(f"{different} different losses beyond {threshold:g} make no fit: lower the threshold")
        self._threshold, self._ratio = threshold, _ratios(over)
        self._log = np.log1p(over[:, None] * self._ratio[None, :])

    def fit(self, weights: Floats) -> Peaks:
        """One fit for each row of weights (draws, n)."""
        weight = weights[:, self._rows]
        inside = weight.sum(axis=1)
        ratio = self._ratio
        shape = weight @ self._log / inside[:, None]
        with np.errstate(invalid="ignore"):
            likelihood = np.where(shape > LEAST_SHAPE, -np.log(shape / ratio) - shape - 1.0, -np.inf)
        at = np.clip(np.argmax(likelihood, axis=1), 1, ratio.size - 2)
        step = peak_offset(likelihood, at)
        best = between(np.broadcast_to(ratio, shape.shape), at, step)
        found = between(shape, at, step)
        share = inside / weights.sum(axis=1)
        return Peaks(threshold=self._threshold, share=share, shape=found, scale=found / best)


def fit_peaks(losses: Floats, threshold: float) -> Peaks:
    """The fit of the losses (n,) beyond a threshold, every row once.

    Raises
    ------
    InputError : fewer than ten different losses lie beyond the threshold.
    """
    return PeaksOver(losses, threshold).fit(np.ones((1, losses.size)))


def _ratios(over: Floats) -> Floats:
    """Shape over scale, tried from just above its lower end, -1 / the largest, through 0 to very heavy tails."""
    falling = -np.linspace(0.98, 0.02, 25) / over.max()
    return np.concatenate([falling, np.geomspace(0.02 / over.max(), 100.0 / np.median(over), 150)])


def peak_offset(values: Floats, at: Floats) -> Floats:
    """Where between its neighbours each row's highest value lies, as steps from column `at`: a parabola's top."""
    rows = np.arange(len(values))
    left, middle, right = (values[rows, at + shift] for shift in (-1, 0, 1))
    bend = left - 2.0 * middle + right
    with np.errstate(divide="ignore", invalid="ignore"):
        step = 0.5 * (left - right) / bend
    out: Floats = np.where(np.isfinite(step) & (bend < 0.0), np.clip(step, -1.0, 1.0), 0.0)
    return out


def between(values: Floats, at: Floats, step: Floats) -> Floats:
    """The parabola through each row's three values around column `at`, `step` columns beside it."""
    rows = np.arange(len(values))
    left, middle, right = (values[rows, at + shift] for shift in (-1, 0, 1))
    out: Floats = middle + 0.5 * step * (right - left) + 0.5 * step * step * (left - 2.0 * middle + right)
    return out


def peaks_shortfall(peaks: Peaks, level: float) -> tuple[Floats, Floats]:
    """(value at risk, expected shortfall) at a level not above the threshold's share; infinite where the shape is 1 or more.

    Draws in which fewer losses than `level` lie beyond the threshold give no number.
    """
    check_level(level)
    shape, scale = peaks.shape, peaks.scale
    with np.errstate(divide="ignore", invalid="ignore"):
        grown = np.where(
            np.abs(shape) > 1e-9, ((level / peaks.share) ** -shape - 1.0) / shape, -np.log(level / peaks.share)
        )
        edge = peaks.threshold + scale * grown
        mean = np.where(shape < 1.0, (edge + scale - shape * peaks.threshold) / (1.0 - shape), np.inf)
    known = peaks.share >= level
    return np.where(known, edge, np.nan), np.where(known, mean, np.nan)
