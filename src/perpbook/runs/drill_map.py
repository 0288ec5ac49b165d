"""The map: how often every account lives, over correlation, the size of moves, and the size of the book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from perpbook.engine.drilled import Cell, SurvivalMap
from perpbook.errors import InputError
from perpbook.runs.drill import ALONE, DrillAsked, Tell, nothing, plan_drill
from perpbook.runs.storms import HAS_CORRELATION

if TYPE_CHECKING:
    from perpbook.engine.drill import Drill

BLENDS = (-0.5, 0.0, 0.5, 1.0)
SHOCKS = (0.5, 1.0, 1.5, 2.0, 3.0)
MAP_PATHS = 2_000
"""Futures in each cell of a map that goes with a drill, at most."""

SIZES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0)
"""Common scales on the positions held now: with cash left alone, leverage times these."""


def survival_map(
    asked: DrillAsked,
    *,
    chance: float = 0.01,
    blends: Sequence[float] = BLENDS,
    shocks: Sequence[float] = SHOCKS,
    tell: Tell = nothing,
) -> SurvivalMap:
    """Every combination, each from the same seed; the book alone, without rules.

    Raises
    ------
    InputError : paths without a correlation, or too few of them for the chance asked for.
    DataError : history is missing.
    """
    from perpbook.engine.moments import gross_leverage

    if asked.kind in ALONE or (asked.kind not in HAS_CORRELATION and any(blends)):
        raise InputError(f"{asked.kind} paths have no correlation to vary: choose --kind copula, student or normal")
    if chance * asked.paths < 10:
        raise InputError(
            f"{asked.paths:,} futures do not tell a chance of {chance:g}: ask for {round(10 / chance):,} or more"
        )
    cells: list[Cell] = []
    notes: tuple[str, ...] = ()
    leverage, facts = 0.0, {}
    for shock in shocks:
        for blend in blends:
            tell("drawing", len(cells), len(shocks) * len(blends))
            plan = plan_drill(replace(asked, shock=shock, blend=blend, playbook=None))
            cells.append(_cell(plan.drill, (blend, shock), chance))
            notes, leverage, facts = plan.notes, gross_leverage(plan.drill), plan.facts
    return SurvivalMap(
        paths=asked.paths,
        chance=chance,
        kind=asked.kind,
        blends=tuple(blends),
        shocks=tuple(shocks),
        sizes=SIZES,
        leverage=leverage,
        cells=tuple(cells),
        facts={name: value for name, value in facts.items() if name not in ("shock", "blend", "playbook")},
        notes=notes,
    )


def _cell(drill: Drill, where: tuple[float, float], chance: float) -> Cell:
    """One pass over the futures of a combination (blend, shock) tells every size."""
    from perpbook.engine.drill import scales_survived

    worst = np.sort(scales_survived(drill).min(axis=1))
    return Cell(
        blend=where[0],
        shock=where[1],
        lives=float((worst > 1.0).mean()),
        scale=float(worst[int(chance * drill.paths)]),
        by_size=tuple(float((worst >= size).mean()) for size in SIZES),
    )


def map_beside(asked: DrillAsked, *, paths: int, tell: Tell = nothing) -> SurvivalMap:
    """The map that goes with a drill: its own kind of paths, over correlation where they have one."""
    blends = BLENDS if asked.kind in HAS_CORRELATION else (0.0,)
    chance = max(0.01, 10 / paths)
    return survival_map(replace(asked, paths=paths), chance=chance, blends=blends, tell=tell)
