"""A drill's futures as Parquet, one row per path and side, and back; the fan's counts apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.engine.drill import Futures
from perpbook.engine.parts import Part
from perpbook.errors import InputError
from perpbook.kernels.drill import BINS
from perpbook.kernels.toll import BARE, DEBT, KEPT, TAKEN

if TYPE_CHECKING:
    import polars

COLUMNS = (
    "end_equity", "least_equity", "deepest_drawdown", "first_death_step", "first_account", "liquidations", "rule_orders",
    "fills", "funding", "fees_and_slippage", "of_which_rules", "penalties", "orphan_exposure", "orphan_steps",
)  # fmt: skip
"""Names of `kernels.drill`'s columns, in their order."""

FUTURES, FAN = "futures.parquet", "fan.parquet"

TOLLS = {DEBT: "debt", TAKEN: "taken_exposure", BARE: "taken_alone", KEPT: "kept_by_venue"}
"""Names of `kernels.toll`'s places."""


def futures_frame(part: Part, accounts: Sequence[str]) -> polars.DataFrame:
    """`path`, `side` ("playbook" or "alone"), `scale` the path survives without rules, every measure, and by account the step
    of its first liquidation (the horizon for none), its end equity, the scale it survives and its tolls (`kernels.toll`)."""
    import polars

    return polars.concat([_frame(name, side, part, accounts) for name, side in sides_of_part(part)])


def sides_of_part(part: Part) -> list[tuple[str, Futures]]:
    """The sides that were run, by name."""
    sides = [("playbook", part.under), ("alone", part.without)]
    return [(name, side) for name, side in sides if side is not None]


def _frame(name: str, side: Futures, part: Part, accounts: Sequence[str]) -> polars.DataFrame:
    import polars

    columns: dict[str, object] = {
        "path": np.arange(part.first, part.first + part.paths),
        "side": [name] * part.paths,
        "scale": part.scales.min(axis=1),
        **{title: side.figures[:, number] for number, title in enumerate(COLUMNS)},
    }
    for number, account in enumerate(accounts):
        columns[f"death_step:{account}"] = side.died[:, number]
        columns[f"end_equity:{account}"] = side.ends[:, number]
        columns[f"scale:{account}"] = part.scales[:, number]
        for toll, title in TOLLS.items():
            columns[f"{title}:{account}"] = side.tolls[:, number, toll]
    return polars.DataFrame(columns)


def fan_frame(part: Part) -> polars.DataFrame:
    """`side`, `step`, `bin` and how many paths stood there, where any did."""
    import polars

    frames = []
    for name, side in sides_of_part(part):
        step, place = np.nonzero(side.fan)
        frames.append(
            polars.DataFrame({"side": [name] * step.size, "step": step, "bin": place, "count": side.fan[step, place]})
        )
    return polars.concat(frames)


def write_part(part: Part, accounts: Sequence[str], paths: tuple[Path, Path]) -> None:
    """Write futures and fan to two files; OSError when they cannot be."""
    futures_frame(part, accounts).write_parquet(paths[0])
    fan_frame(part).write_parquet(paths[1])


def sides_told(part: Part) -> dict[str, dict[str, Any]]:
    """What of each side is not in the frames, as plain data."""
    return {
        name: {"scale": side.scale, "start": side.start, "steps": side.steps, "rules": side.rules.tolist()}
        for name, side in sides_of_part(part)
    }


def read_part(paths: tuple[Path, Path], sides: Mapping[str, Mapping[str, Any]], accounts: Sequence[str]) -> Part:
    """What `write_part` and `sides_told` kept.

    Raises
    ------
    InputError : a file is missing, or no such table.
    """
    import polars

    try:
        futures, fan = polars.read_parquet(paths[0]), polars.read_parquet(paths[1])
        read = {name: _side(name, futures, fan, one, accounts) for name, one in sides.items()}
        alone = futures.filter(polars.col("side") == "alone")
        scales = alone.select([f"scale:{account}" for account in accounts]).to_numpy()
        first = int(alone["path"][0])
    except (OSError, polars.exceptions.PolarsError, KeyError, IndexError) as error:
        raise InputError(
            f"{paths[0].parent}: what is kept there cannot be read: {error}; run the drill again"
        ) from error
    return Part(first=first, under=read.get("playbook"), without=read["alone"], scales=np.ascontiguousarray(scales))


def _side(
    name: str, futures: polars.DataFrame, fan: polars.DataFrame, told: Mapping[str, Any], accounts: Sequence[str]
) -> Futures:
    import polars

    mine, counts = futures.filter(polars.col("side") == name), fan.filter(polars.col("side") == name)
    grid = np.zeros((told["steps"], BINS), dtype=np.int64)
    grid[counts["step"].to_numpy(), counts["bin"].to_numpy()] = counts["count"].to_numpy()

    def columns(names: list[str]) -> Any:
        return np.ascontiguousarray(mine.select(names).to_numpy())

    return Futures(
        figures=columns(list(COLUMNS)),
        died=columns([f"death_step:{account}" for account in accounts]),
        ends=columns([f"end_equity:{account}" for account in accounts]),
        tolls=np.ascontiguousarray(
            np.stack([columns([f"{title}:{account}" for title in TOLLS.values()]) for account in accounts], axis=1)
        ),
        fan=grid,
        rules=np.array(told["rules"], dtype=np.int64),
        scale=told["scale"],
        start=told["start"],
        steps=told["steps"],
    )
