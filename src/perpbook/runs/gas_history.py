"""Base fees of a window of the trader's own, from the gas history of the lake, in the place of those of the facts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perpbook.errors import InputError, MissingData
from perpbook.model.units import to_iso

if TYPE_CHECKING:
    from perpbook.history.lake import Held, Lake
    from perpbook.treasury.facts import Facts, Layer

POINTS = {"p10": 0.1, "p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}


def with_lake_gas(facts: Facts, folder: Path, since_ns: int | None, until_ns: int | None) -> Facts:
    """Facts whose base fees are those of the lake from `since_ns` to before `until_ns` (None: as far as it goes), on every layer
    of which it has some; a point that the rows are too few for is left out.

    Raises
    ------
    InputError : the window is empty. MissingData : the lake has no gas in it.
    """
    from perpbook.history.lake import Lake

    if since_ns is not None and until_ns is not None and until_ns <= since_ns:
        raise InputError("--gas-until is not after --gas-since: write the earlier time first")
    lake, layers = Lake(folder), dict(facts.layers)
    found = [_read(lake, layer, since_ns, until_ns) for layer in facts.layers.values() if layer.gas is not None]
    told = [one for one in found if one is not None]
    if not told:
        raise MissingData(
            f"the lake {folder} has no gas of any layer in that window: import some with `perpbook data import FILE --kind gas`"
        )
    return replace(facts, layers=layers | {one.id: one for one in told})


def _read(lake: Lake, layer: Layer, since_ns: int | None, until_ns: int | None) -> Layer | None:
    """The layer with the fees of its narrowest series that has rows in the window; None for none."""
    from perpbook.history.gas import fee_series

    assert layer.gas is not None
    for held in fee_series(lake, layer.id):
        rows = lake.read(held, start_ns=since_ns, end_ns=until_ns)
        values = rows["gwei"].drop_nulls().to_numpy()
        if values.size:
            highest = rows["gwei_max"].max() if "gwei_max" in rows.columns else None
            gwei = {
                name: float(np.quantile(values, at)) for name, at in POINTS.items() if values.size * (1.0 - at) >= 1.0
            }
            gwei["max"] = max(float(values.max()), float(highest) if isinstance(highest, float) else 0.0)
            own = (*layer.witness.own, *(f"gas.gwei.{name}" for name in gwei))
            gas = replace(layer.gas, gwei=gwei, window=_window(held, rows["ts"].min(), rows["ts"].max()))
            return replace(layer, gas=gas, witness=replace(layer.witness, own=tuple(dict.fromkeys(own))))
    return None


def _window(held: Held, first: object, last: object) -> str:
    """The window in words, with the width of its rows."""
    assert isinstance(first, int) and isinstance(last, int)
    start, end = (to_iso(moment * 1_000_000)[:10] for moment in (first, last))
    return f"{start}..{end}, {held.id.bar} of the lake"
