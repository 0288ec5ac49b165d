"""Tables of results on disk: Parquet in, Parquet out, columns as NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from perpbook.errors import InputError


def write_table(path: Path, columns: Mapping[str, NDArray[Any]]) -> None:
    """Write columns of one length, put in place whole."""
    waiting = path.with_suffix(".tmp")
    pl.DataFrame(dict(columns)).write_parquet(waiting)
    waiting.replace(path)


def read_tables(paths: Sequence[Path]) -> dict[str, NDArray[Any]]:
    """The columns of several files of one shape, one after the other.

    Raises
    ------
    InputError : a file cannot be read.
    """
    try:
        rows = pl.concat([pl.read_parquet(path) for path in paths])
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{paths[0].parent}: a table there cannot be read: {error}") from error
    return {name: np.asarray(rows[name].to_numpy()) for name in rows.columns}
