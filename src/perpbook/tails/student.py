"""Student's t fitted to one series' moves by likelihood, for one sample and for a thousand resamples of it alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import gammaln

from perpbook.errors import InputError
from perpbook.model.bars import Floats
from perpbook.tails.pareto import between, peak_offset

NUS = np.geomspace(1.05, 120.0, 40)
SCALES = np.geomspace(0.2, 4.0, 80)
BINS = 500
EDGES = np.geomspace(1e-3, 1e4, BINS)
"""Distances are in units of the median distance, in bins a thirtieth apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentMoves:
    """`centre`, `scale` and `nu`, one of each per draw (draws,). The centre is the mean; the others maximise likelihood."""

    centre: Floats
    scale: Floats
    nu: Floats


def fit_student_moves(moves: Floats, weights: Floats) -> StudentMoves:
    """Fit moves (n,) once for each row of weights (draws, n), on distances from their mean in narrow bins.

    Raises
    ------
    InputError : half of the moves or more are zero, so that they have no scale.
    """
    distance = np.abs(moves - moves.mean())
    usual = float(np.median(distance))
    if not usual > 0.0:
        raise InputError("half of the moves or more are the same: they have no scale to fit")
    held = np.minimum(np.searchsorted(EDGES, distance / usual), BINS - 1)
    counts = np.stack([np.bincount(held, weights=row, minlength=BINS) for row in weights])
    likelihood = (counts / counts.sum(axis=1, keepdims=True) @ _table()).reshape(-1, SCALES.size)
    at = np.clip(np.argmax(likelihood, axis=1), 1, SCALES.size - 2)
    step = peak_offset(likelihood, at)
    best = between(likelihood, at, step).reshape(-1, NUS.size)
    width = np.interp(at + step, np.arange(SCALES.size), np.log(SCALES)).reshape(-1, NUS.size)
    at = np.clip(np.argmax(best, axis=1), 1, NUS.size - 2)
    step = peak_offset(best, at)
    return StudentMoves(
        centre=weights @ moves / weights.sum(axis=1),
        scale=usual * np.exp(between(width, at, step)),
        nu=np.exp(np.interp(at + step, np.arange(NUS.size), np.log(NUS))),
    )


@lru_cache(maxsize=1)
def _table() -> Floats:
    """(bins, nu x scale) the log density of a move in each bin, its middle standing for it."""
    middle = np.concatenate([[0.0], np.sqrt(EDGES[1:] * EDGES[:-1])])
    out = np.empty((BINS, NUS.size, SCALES.size))
    for column, nu in enumerate(NUS.tolist()):
        constant = gammaln(0.5 * (nu + 1.0)) - gammaln(0.5 * nu) - 0.5 * np.log(nu * np.pi)
        z = middle[:, None] / SCALES[None, :]
        out[:, column] = constant - 0.5 * (nu + 1.0) * np.log1p(z * z / nu) - np.log(SCALES)
    return out.reshape(BINS, -1)
