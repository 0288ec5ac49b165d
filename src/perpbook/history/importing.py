"""Files into the lake: every series of every file checked, named by the spacing of its own rows, and stored."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from perpbook.errors import InputError, Problem
from perpbook.history.lake import PRICED, Lake, Origin, SeriesId
from perpbook.history.recognise import SUFFIXES, Naming, Table, problem, read_table
from perpbook.history.widths import MILLISECOND_NS, word_of
from perpbook.model.units import DAY_NS, HOUR_NS, to_iso

INTERVALS_HOURS = (1.0, 2.0, 4.0, 8.0)
MOST_PROBLEMS = 5
FEW_ROWS = 10
SYMBOL = re.compile(r"[\w.]+-[\w.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFile:
    """What became of one file. `skipped` says why nothing was taken from it."""

    path: Path
    kind: str | None
    rows: int = 0
    series: int = 0
    added: int = 0
    replaced: int = 0
    remarks: tuple[str, ...] = ()
    skipped: str | None = None


def files_of(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files named, and those inside the folders named.

    Raises
    ------
    InputError : a path does not exist, or a folder holds nothing that can be read.
    """
    out: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(one for one in path.rglob("*") if one.suffix in SUFFIXES and one.is_file())
            if not found:
                raise problem(path, "holds no Parquet, CSV or Feather file", "name a folder that does")
            out.extend(found)
        elif path.exists():
            out.append(path)
        else:
            raise problem(path, "there is no such file", "check the path")
    return tuple(dict.fromkeys(out))


def import_file(path: Path, lake: Lake, naming: Naming, now_ns: int) -> ImportedFile:
    """Store every series of a file.

    Raises
    ------
    InputError : the file is broken, or holds a price that is none; nothing of it is stored.
    """
    table = read_table(path, naming)
    if isinstance(table, str):
        return ImportedFile(path=path, kind=None, skipped=table)
    check_numbers(table)
    credits = tuple(table.rows["src"].unique().sort().to_list()) if "src" in table.rows.columns else ()
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    keys = [name for name in ("venue", "symbol", "tf") if name in table.rows.columns]
    parts = table.rows.partition_by(keys, as_dict=True, maintain_order=True)
    usual = usual_spacing_ns([part["ts"].to_numpy() for part in parts.values()])
    added = replaced = 0
    said: list[str] = []
    for key, part in parts.items():
        series, rows, remark = named_series(table, (str(key[0]), str(key[1])), part, usual)
        said += remark
        origin = Origin(
            where=path.name, sha256=sha256, imported_ns=now_ns, rows=rows.height, credits=credits, remarks=tuple(remark)
        )
        stored = lake.store(series, rows, origin, simulated=naming.simulated)
        added += stored.added
        replaced += stored.replaced
    return ImportedFile(
        path=path, kind=table.kind, rows=table.rows.height, series=len(parts), added=added, replaced=replaced,
        remarks=tuple(said),
    )  # fmt: skip


def import_files(
    paths: Sequence[Path], lake: Lake, naming: Naming, *, now_ns: int, tell: Callable[[str, int, int], None]
) -> tuple[ImportedFile, ...]:
    """Every file in turn; what was stored before a bad file stays.

    Raises
    ------
    InputError : a file is broken, or no file holds anything the lake keeps.
    """
    files = files_of(paths)
    out = []
    for number, path in enumerate(files):
        tell(path.name, number, len(files))
        out.append(import_file(path, lake, naming, now_ns))
    if all(one.skipped for one in out):
        raise problem(out[0].path, out[0].skipped or "", "the lake keeps candles, marks, funding, open interest, gas")
    return tuple(out)


def named_series(
    table: Table, whose: tuple[str, str], rows: pl.DataFrame, usual: int | None
) -> tuple[SeriesId, pl.DataFrame, list[str]]:
    """The series of some rows: its width is how far apart most of its rows are, whatever the file is called.

    One of too few rows to tell has the width that is `usual` in its file.
    """
    if not SYMBOL.fullmatch(whose[1]):
        raise problem(table.path, f'"{whose[1]}" is not a symbol of the lake', "write BASE-QUOTE, as in BTC-USDT")
    remarks: list[str] = []
    spacing = usual_spacing_ns([rows["ts"].to_numpy()]) if rows.height >= FEW_ROWS else usual
    if table.kind == "funding":
        width = None
        if "interval_hours" not in rows.columns:
            rows = rows.with_columns(pl.Series("interval_hours", intervals_of(rows["ts"].to_numpy())))
            remarks.append(f"{whose[1]}: intervals are told by how far apart the settlements are")
    else:
        width = spacing
        if width is None or DAY_NS % width:
            raise problem(
                table.path, f"{whose[0]} {whose[1]}: rows are not one bar width apart", "split it by bar width"
            )
        remarks += _mislabelled(table, whose[1], rows, width)
    series = SeriesId(kind=table.kind, venue=whose[0], symbol=whose[1], bar_ns=width)
    return series, rows.drop([name for name in ("src", "tf", "venue", "symbol") if name in rows.columns]), remarks


def usual_spacing_ns(times: Sequence[np.ndarray]) -> int | None:
    """The commonest distance between rows of the same series, ns; None when there is none."""
    steps = np.concatenate([_steps(ts) for ts in times])
    if steps.size == 0:
        return None
    if 2 * np.count_nonzero(steps == steps[0]) > steps.size:
        return int(steps[0]) * MILLISECOND_NS
    values, counts = np.unique(steps, return_counts=True)
    return int(values[counts.argmax()]) * MILLISECOND_NS


def _steps(ts: np.ndarray) -> np.ndarray:
    """Distances between moments, each taken once; most files are in order."""
    steps = np.diff(ts)
    return steps if (steps > 0).all() else np.diff(np.unique(ts))


def intervals_of(ts: np.ndarray) -> np.ndarray:
    """Hours each settlement covers: the distance to the one before, to the nearest of 1, 2, 4 and 8.

    The first, and one after a hole, have the interval of the next.
    """
    order = np.argsort(ts, kind="stable")
    hours = np.diff(ts[order].astype(np.float64)) * MILLISECOND_NS / HOUR_NS
    known = np.array(INTERVALS_HOURS)
    nearest = known[np.abs(hours[:, None] - known[None, :]).argmin(axis=1)] if hours.size else np.empty(0)
    nearest[hours > known[-1] * 1.5] = np.nan
    out = np.concatenate([[np.nan], nearest])
    for number in range(out.size - 2, -1, -1):
        if np.isnan(out[number]):
            out[number] = out[number + 1]
    out[np.isnan(out)] = known[-1]
    back = np.empty_like(out)
    back[order] = out
    return back


def check_numbers(table: Table) -> None:
    """Refuse a price, rate or quantity that is no number, and a price that is not above zero.

    Raises
    ------
    InputError : naming file, row and time of the first few.
    """
    columns = {"funding": ("rate",), "open_interest": ("oi_base",), "gas": ("gwei",), "closes": ("close",)}
    problems: list[Problem] = []
    for name in columns.get(table.kind, ("open", "high", "low", "close")):
        value = pl.col(name)
        wrong = value.is_null() | ~value.is_finite()
        if table.kind in PRICED or table.kind == "closes":
            wrong = wrong | (value <= 0)
        elif table.kind == "gas":
            wrong = wrong | (value < 0)
        for row in table.rows.select(wrong.fill_null(True).arg_true()).to_series().head(MOST_PROBLEMS).to_list():
            problems.append(_bad_number(table, name, row))
    if problems:
        raise InputError("cannot import", tuple(problems[:MOST_PROBLEMS]))


def _bad_number(table: Table, name: str, row: int) -> Problem:
    at = to_iso(table.rows["ts"][row] * MILLISECOND_NS)
    whose = f"{table.rows['venue'][row]} {table.rows['symbol'][row]}"
    return Problem(
        file=str(table.path),
        line=row + (2 if table.path.suffix == ".csv" else 1),
        key=name,
        message=f"row {row + 1} ({whose}, {at}) is not a {'price' if table.kind in PRICED else 'number'} to reckon with",
        value=str(table.rows[name][row]),
        hint="mend or leave out the row: a missing bar is known to be missing, a wrong one is not",
    )


def _mislabelled(table: Table, symbol: str, rows: pl.DataFrame, width: int) -> list[str]:
    words = rows["tf"].unique().to_list() if "tf" in rows.columns else []
    return [
        f"{symbol}: labelled {word}, but its rows are {word_of(width)} apart"
        for word in words
        if word != word_of(width)
    ]
