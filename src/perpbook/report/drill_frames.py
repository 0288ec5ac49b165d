"""A drill's futures as frames: one row per path and side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perpbook.engine.drill import Futures
from perpbook.engine.drilled import Drilled
from perpbook.kernels.toll import BARE, DEBT, KEPT, TAKEN

if TYPE_CHECKING:
    import polars

COLUMNS = (
    "end_equity", "least_equity", "deepest_drawdown", "first_death_step", "first_account", "liquidations", "rule_orders",
    "fills", "funding", "fees_and_slippage", "of_which_rules", "penalties", "orphan_exposure", "orphan_steps",
)  # fmt: skip
"""Names of `kernels.drill`'s columns, in their order."""


TOLLS = {DEBT: "debt", TAKEN: "taken_exposure", BARE: "taken_alone", KEPT: "kept_by_venue"}


def futures_frame(drilled: Drilled) -> polars.DataFrame:
    """`path`, `side` ("playbook" or "alone"), `scale` the path survives without rules, every measure, and by account the step
    of its first liquidation (the horizon for none), its end equity and its tolls (`kernels.toll`)."""
    import polars

    sides = [("playbook", drilled.under), ("alone", drilled.without)]
    frames = [_frame(name, side, drilled) for name, side in sides if side is not None]
    return polars.concat(frames)


def _frame(name: str, side: Futures, drilled: Drilled) -> polars.DataFrame:
    import polars

    paths = side.figures.shape[0]
    columns: dict[str, object] = {
        "path": np.arange(paths),
        "side": [name] * paths,
        "scale": drilled.scales.min(axis=1),
        **{title: side.figures[:, number] for number, title in enumerate(COLUMNS)},
    }
    for number, account in enumerate(drilled.accounts):
        columns[f"death_step:{account}"] = side.died[:, number]
        columns[f"end_equity:{account}"] = side.ends[:, number]
        for toll, title in TOLLS.items():
            columns[f"{title}:{account}"] = side.tolls[:, number, toll]
    return polars.DataFrame(columns)
