"""What a drill found: the same futures under the playbook and without it, and how large the book could have been."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perpbook.engine.drill import Drill, Futures, replay_path
from perpbook.engine.outcome import Outcome
from perpbook.engine.standard import Standard
from perpbook.engine.treasured_futures import TreasuredFutures
from perpbook.kernels.drill import END, FIRST
from perpbook.kernels.types import Floats
from perpbook.treasury.gaps import RescueGaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """A drill done. `under` is None without a playbook. `scales` (P, A): see `engine.drill.scales_survived`.

    facts : what was drilled, in words and figures. notes : what stands in for what. not_modelled : what no path knows of.
    rescue : whether money comes in time.
    standard : what the usual metrics say. drill, replays : one that is read back from a folder has no drill to run again, and
    brings its worst paths as plain data. treasured : the same futures with a treasurer, None where none was asked for.
    """

    drill: Drill | None
    accounts: tuple[str, ...]
    under: Futures | None
    without: Futures
    scales: Floats
    facts: Mapping[str, Any]
    notes: tuple[str, ...]
    not_modelled: tuple[str, ...]
    result_hash: str
    rescue: RescueGaps
    standard: Standard | None = None
    replays: Sequence[Mapping[str, Any]] | None = None
    treasured: TreasuredFutures | None = None

    @property
    def main(self) -> Futures:
        """Under the playbook where there is one."""
        return self.under or self.without

    def worst(self, count: int = 3) -> list[int]:
        """Numbers of the paths that end with least, without the playbook."""
        order = np.lexsort((self.without.figures[:, FIRST], self.without.figures[:, END]))
        return [int(path) for path in order[:count]]

    def replay(self, path: int, *, alone: bool = False) -> Outcome:
        """One path, tick by tick, under the playbook where there is one; or left `alone`."""
        assert self.drill is not None, "a drill read back brings its replays"
        drill = replace(self.drill, journey=replace(self.drill.journey, playbook=None)) if alone else self.drill
        return replay_path(drill, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One combination: the share of futures in which every account lives at the size held now, the largest common scale at which
    at most `chance` of futures lose one, and the share that lives at each of the map's sizes."""

    blend: float
    shock: float
    lives: float
    scale: float
    by_size: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalMap:
    """Cells by shock, then by blend. `chance` is what `scale` allows. `sizes` multiply the positions held now, which are
    `leverage` times equity: notional of all accounts over the book's equity."""

    paths: int
    chance: float
    kind: str
    blends: tuple[float, ...]
    shocks: tuple[float, ...]
    sizes: tuple[float, ...]
    leverage: float
    cells: tuple[Cell, ...]
    facts: Mapping[str, Any]
    notes: tuple[str, ...]
