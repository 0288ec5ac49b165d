"""The map: how often every account lives, over correlation, the size of moves, and the size of the book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from perpbook.engine.drilled import Cell, SurvivalMap
from perpbook.errors import InputError
from perpbook.runs.drill import ALONE, DrillAsked, Tell, nothing, plan_drill

BLENDS = (-0.5, 0.0, 0.5, 1.0)
SHOCKS = (0.5, 1.0, 1.5, 2.0, 3.0)


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
    from perpbook.engine.drill import scales_survived

    if asked.kind in ("bootstrap", "filtered", "vine", *ALONE):
        raise InputError(f"{asked.kind} paths have no correlation to vary: choose --kind copula, student or normal")
    if chance * asked.paths < 10:
        raise InputError(
            f"{asked.paths:,} futures do not tell a chance of {chance:g}: ask for {round(10 / chance):,} or more"
        )
    cells: list[Cell] = []
    notes: tuple[str, ...] = ()
    for shock in shocks:
        for blend in blends:
            tell("drawing", len(cells), len(shocks) * len(blends))
            plan = plan_drill(replace(asked, shock=shock, blend=blend, playbook=None))
            worst = np.sort(scales_survived(plan.drill).min(axis=1))
            cells.append(
                Cell(
                    blend=blend,
                    shock=shock,
                    lives=float((worst > 1.0).mean()),
                    scale=float(worst[int(chance * asked.paths)]),
                )
            )
            notes = plan.notes
    return SurvivalMap(
        paths=asked.paths,
        chance=chance,
        kind=asked.kind,
        blends=tuple(blends),
        shocks=tuple(shocks),
        cells=tuple(cells),
        notes=notes,
    )
