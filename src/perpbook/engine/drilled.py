"""What a drill found: the same futures under the playbook and without it, and how large the book could have been."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from perpbook.engine.drill import Drill, Futures, replay_path
from perpbook.engine.outcome import Outcome
from perpbook.kernels.drill import END, FIRST
from perpbook.kernels.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """A drill done. `under` is None without a playbook. `scales` (P, A): see `engine.drill.scales_survived`.

    facts : what was drilled, in words and figures. notes : what stands in for what. not_modelled : what no path knows of.
    """

    drill: Drill
    accounts: tuple[str, ...]
    under: Futures | None
    without: Futures
    scales: Floats
    facts: Mapping[str, Any]
    notes: tuple[str, ...]
    not_modelled: tuple[str, ...]
    result_hash: str

    @property
    def main(self) -> Futures:
        """Under the playbook where there is one."""
        return self.under or self.without

    def worst(self, count: int = 3) -> list[int]:
        """Numbers of the paths that end with least, without the playbook."""
        order = np.lexsort((self.without.figures[:, FIRST], self.without.figures[:, END]))
        return [int(path) for path in order[:count]]

    def replay(self, path: int) -> Outcome:
        """One path, tick by tick, under the playbook where there is one."""
        return replay_path(self.drill, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One combination: the share of futures in which every account lives at the size held now, and the largest common scale
    at which at most `chance` of futures lose one."""

    blend: float
    shock: float
    lives: float
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalMap:
    """Cells by shock, then by blend. `chance` is what `scale` allows."""

    paths: int
    chance: float
    kind: str
    blends: tuple[float, ...]
    shocks: tuple[float, ...]
    cells: tuple[Cell, ...]
    notes: tuple[str, ...]
