"""Futures of a book with an overlay and without: what each takes at most, and where it ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.kernels.types import Floats

WORST = 0.05
"""The share of futures whose mean is told: of a few hundred, 2.5 % would be a handful."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FuturesWith:
    """P futures. Dollars: `deepest` (P, 2) the largest loss since the start at any close, `ended` (P, 2) the loss at the end,
    both without and with the overlay; `died` futures in which an account was liquidated, which no overlay changes while no rule
    acts. `ruled` : the same futures under the playbook."""

    deepest: Floats
    ended: Floats
    died: int
    kind: str
    horizon_hours: float
    simulated: bool
    ruled: Ruled | None = None

    @property
    def paths(self) -> int:
        """How many futures."""
        return int(self.deepest.shape[0])

    def beyond(self, limit: float) -> tuple[int, int]:
        """Futures that lose more than a limit at some close, without and with."""
        without, with_it = (self.deepest > limit).sum(axis=0).tolist()
        return without, with_it

    def worst_mean(self) -> tuple[float, float]:
        """Mean loss at the end of the worst twentieth, without and with."""
        count = max(int(np.ceil(WORST * self.paths)), 1)
        without, with_it = np.sort(self.ended, axis=0)[-count:].mean(axis=0).tolist()
        return without, with_it

    def mean(self) -> tuple[float, float]:
        """Mean loss at the end, without and with."""
        without, with_it = self.ended.mean(axis=0).tolist()
        return without, with_it


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """The futures once more under a playbook whose rules see the options. In `acted` futures a rule gave an order, in `died` an
    account was liquidated, both without and with the overlay."""

    playbook: str
    losses: FuturesWith
    acted: tuple[int, int]
    died: tuple[int, int]
