"""Two regimes of the premium, normal and crowded, each with a level and a noise of its own (`kernels.switching`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.kernels.switching import expected_states, filter_states
from perpbook.kernels.types import Floats, Integers

FIRST_ROUNDS, ROUNDS = 25, 6
"""Rounds of expectation and maximisation for a first fit, and for one that starts from the fit before."""

LEAST_NOISE = 0.05
"""Of the series' own standard deviation: no regime is so quiet that it holds a single value."""

LEAST_STAY, MOST_STAY = 0.5, 0.9995


@dataclass(frozen=True, slots=True, kw_only=True)
class Regimes:
    """Laws in force (k, 7), see `kernels.switching`; `which` (n,) the one of each row; `crowded` (n,) its chance so far."""

    laws: Floats
    which: Integers
    crowded: Floats

    def in_force(self, rows: Integers) -> Floats:
        """(7, rows) the laws of some rows, a row each of `intercept_0` and so on."""
        return np.ascontiguousarray(self.laws[self.which[rows]].T)


def regimes_of(values: Floats, at: Integers, window: int) -> Regimes:
    """Regimes of a series (n,) without holes, fitted at rows `at` to the `window` rows before, each from the fit before."""
    laws: list[Floats] = []
    for row in at:
        part = np.ascontiguousarray(values[max(int(row) + 1 - window, 0) : int(row) + 1])
        laws.append(fitted(part, laws[-1] if laws else None))
    made = np.array(laws)
    which = np.maximum(np.searchsorted(at, np.arange(values.size), side="right") - 1, 0)
    crowded = np.empty(values.size)
    filter_states(values, made, which.astype(np.float64), crowded)
    return Regimes(laws=made, which=which, crowded=crowded)


def fitted(values: Floats, before: Floats | None = None) -> Floats:
    """The law (7,) that expectation and maximisation reach on a series, from the law before or from a plain guess."""
    law = guessed(values) if before is None else before
    filtered, sums = np.empty(values.size), np.empty((2, 8))
    least = LEAST_NOISE * float(np.std(values)) + 1e-9
    for _ in range(FIRST_ROUNDS if before is None else ROUNDS):
        expected_states(values, law, filtered, sums)
        law = maximised(law, sums, least)
    return law


def guessed(values: Floats) -> Floats:
    """A start: half fades in a step, and the crowded state is three times as loud."""
    loud = float(np.std(values)) + 1e-9
    middle = float(np.median(values))
    return np.array([0.5 * middle, 0.5 * float(np.mean(values)), 0.5, 0.4 * loud, 1.2 * loud, 0.97, 0.9])


def maximised(law: Floats, sums: Floats, least: float) -> Floats:
    """The law that expected states make most likely; the crowded state is the louder one."""
    weight, y, x, xx, xy, yy = (np.maximum(sums[:, 0], 1e-9), *(sums[:, k] for k in range(1, 6)))
    inner_xx, inner_xy = xx - x * x / weight, xy - x * y / weight
    noise = law[3:5]
    phi = float((inner_xy / noise**2).sum() / max(float((inner_xx / noise**2).sum()), 1e-30))
    phi = min(max(phi, -0.5), 0.995)
    intercept = (y - phi * x) / weight
    square = yy + phi * phi * xx + weight * intercept**2 - 2.0 * (phi * xy + intercept * (y - phi * x))
    noise = np.maximum(np.sqrt(np.maximum(square / weight, 0.0)), least)
    stay = np.clip(np.diag(sums[:, 6:]) / np.maximum(sums[:, 6:].sum(axis=1), 1e-9), LEAST_STAY, MOST_STAY)
    if noise[0] > noise[1]:
        intercept, noise, stay = intercept[::-1], noise[::-1], stay[::-1]
    return np.array([*intercept, phi, *noise, *stay])
