"""A trader's own table of target exposures: a CSV or Parquet file, or a polars frame, onto the bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.errors import InputError, Problem
from perpbook.files.read import read_text
from perpbook.model.bars import Bars, Integers
from perpbook.model.units import DAY_NS, from_datetime, from_iso, to_iso
from perpbook.strategies.legs import nearest, nearest_leg
from perpbook.strategies.table import Leg, TargetTable

if TYPE_CHECKING:
    import polars as pl

MILLISECOND_NS = 1_000_000
LONG = ("time", "account", "symbol", "exposure")
SHAPES = (
    'columns are "time", "account", "symbol", "exposure" with a row for each target, or "time" and one "account:symbol" '
    "for each leg"
)
MOST_TOLD = 20


@dataclass(slots=True, kw_only=True)
class Complaints:
    """What is wrong in one file. `first` is the line of its first row of figures."""

    file: str
    first: int
    found: list[Problem] = field(default_factory=list)

    def add(self, message: str, hint: str, row: int | None = None, key: str | None = None) -> None:
        """One more; `row` counts from 0."""
        line = None if row is None else row + self.first
        self.found.append(Problem(file=self.file, message=message, hint=hint, line=line, key=key))

    def stop(self) -> None:
        """Raise if anything is wrong, the first ones told."""
        if self.found:
            more = len(self.found) - MOST_TOLD
            left = f" ({more} more are not shown)" if more > 0 else ""
            raise InputError(f"the targets cannot be used{left}", self.found[:MOST_TOLD])


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Targets as they were written: `at` (m,) rows of `times_ns`, `leg` (m,), `exposure` (m,), `row` (m,) in the file."""

    row: Integers
    leg: Integers
    exposure: np.ndarray[Any, np.dtype[np.float64]]


def read_targets(source: Path | str | pl.DataFrame, bars: Bars, legs_known: Sequence[Leg]) -> TargetTable:
    """The targets of a file (.csv, .parquet) or a frame, on the bars at whose close they are decided.

    A time is ISO 8601 text (UTC unless it says otherwise), a date, or whole milliseconds since 1970; it belongs to the
    first bar that closes at or after it. An exposure is a signed share of book equity. Either a row for each target
    (time, account, symbol, exposure) or a row for each time with a column `account:symbol` for each leg, where an empty
    cell leaves that leg alone. Legs come in the order of `legs_known`; those without a target are left out.

    Raises
    ------
    InputError : with every Problem found: file, row, time, and what to write instead.
    """
    frame, wrong = _frame(source)
    if "time" not in frame.columns:
        wrong.add(f'there is no column "time": it has {", ".join(frame.columns) or "none"}', SHAPES)
    if frame.height == 0:
        wrong.add("there are no targets", "give at least one row under the heading")
    wrong.stop()
    times_ns = _times(frame["time"].to_list(), wrong)
    wrong.stop()
    if set(LONG) <= set(frame.columns):
        cells = _long(frame, legs_known, wrong)
    else:
        _once(times_ns, wrong)
        cells = _wide(frame, legs_known, wrong)
    _in_order(times_ns, cells, legs_known, wrong)
    wrong.stop()
    bar = _bars_of(times_ns, bars, wrong)
    wrong.stop()
    return _table(bar, cells, legs_known)


def _frame(source: Path | str | pl.DataFrame) -> tuple[pl.DataFrame, Complaints]:
    """A frame with its columns as written (CSV: all text), and the place for what is wrong with it."""
    import polars as pl

    if isinstance(source, pl.DataFrame):
        return source, Complaints(file="the frame of targets", first=1)
    path = Path(source)
    wrong = Complaints(file=str(path), first=2 if path.suffix.lower() == ".csv" else 1)
    if path.is_dir():
        wrong.add("is a folder, not a file of targets", "name the file inside it")
    elif not path.exists():
        wrong.add("there is no such file", "check the path")
    elif path.suffix.lower() not in (".csv", ".parquet"):
        wrong.add("is neither .csv nor .parquet", "save the targets as one of them")
    wrong.stop()
    try:
        return (_csv(path, wrong) if path.suffix.lower() == ".csv" else pl.read_parquet(path)), wrong
    except (pl.exceptions.PolarsError, OSError) as error:
        wrong.add(f"cannot be read: {str(error).splitlines()[0]}", "check how it was written")
        wrong.stop()
        raise


def _csv(path: Path, wrong: Complaints) -> pl.DataFrame:
    import polars as pl

    text = read_text(path, "targets")
    if isinstance(text, Problem):
        wrong.found.append(text)
    elif not text.strip():
        wrong.add("is empty", SHAPES)
    wrong.stop()
    out = pl.read_csv(str(text).encode(), infer_schema=False)
    return out.rename({name: name.strip() for name in out.columns})


def _times(written: list[Any], wrong: Complaints) -> Integers:
    """Nanoseconds of every row, 0 where it is no time."""
    out, last, last_ns = np.zeros(len(written), dtype=np.int64), None, 0
    for row, value in enumerate(written):
        if row == 0 or value != last:
            found = _time(value)
            if found is None:
                wrong.add(f"the time is {value!r}", "write 2024-01-31T08:00:00 (UTC) or milliseconds since 1970", row)
                found = 0
            last, last_ns = value, found
        out[row] = last_ns
    return out


def _time(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, datetime):
        return from_datetime(value)
    if isinstance(value, date):
        return from_datetime(datetime(value.year, value.month, value.day))
    if isinstance(value, int) or (isinstance(value, str) and value.strip().lstrip("-").isdecimal() and len(value) > 8):
        milliseconds = int(value)
        return milliseconds * MILLISECOND_NS if abs(milliseconds) < 9_000_000_000_000 else None
    try:
        return from_iso(value.strip()) if isinstance(value, str) else None
    except ValueError:
        return None


def _long(frame: pl.DataFrame, legs: Sequence[Leg], wrong: Complaints) -> Cells:
    """A target in every row."""
    for name in frame.columns:
        if name not in LONG:
            wrong.add(f'there is a column "{name}" that means nothing here', SHAPES, key=name)
    numbers = {(leg.account, leg.symbol): number for number, leg in enumerate(legs)}
    pairs = list(zip(frame["account"].to_list(), frame["symbol"].to_list(), strict=True))
    told: set[tuple[Any, Any]] = set()
    leg = np.zeros(len(pairs), dtype=np.int64)
    for row, (account, symbol) in enumerate(pairs):
        number = numbers.get((account, symbol))
        if number is None and (account, symbol) not in told:
            told.add((account, symbol))
            _unknown(account, symbol, legs, wrong, row)
        leg[row] = -1 if number is None else number
    exposure = _exposures(frame, "exposure", wrong, empty=False)
    return Cells(row=np.arange(leg.size), leg=leg, exposure=exposure)


def _unknown(account: Any, symbol: Any, legs: Sequence[Leg], wrong: Complaints, row: int) -> None:
    accounts = list(dict.fromkeys(leg.account for leg in legs))
    if account not in accounts:
        wrong.add(f'there is no account "{account}"', nearest(str(account), accounts), row, "account")
    else:
        symbols = [leg.symbol for leg in legs if leg.account == account]
        wrong.add(f'account "{account}" has no symbol "{symbol}"', nearest(str(symbol), symbols), row, "symbol")


def _wide(frame: pl.DataFrame, legs: Sequence[Leg], wrong: Complaints) -> Cells:
    """A leg in every column; empty cells are no targets."""
    numbers = {leg.name: number for number, leg in enumerate(legs)}
    row, leg, exposure = [], [], []
    columns = [name for name in frame.columns if name != "time"]
    if not columns:
        wrong.add("no column is a leg's", SHAPES)
    for name in columns:
        if name not in numbers:
            wrong.add(f'there is no leg "{name}"', nearest_leg(name, legs), key=name)
            continue
        found = _exposures(frame, name, wrong, empty=True)
        there = np.flatnonzero(~np.isnan(found))
        row.append(there)
        leg.append(np.full(there.size, numbers[name], dtype=np.int64))
        exposure.append(found[there])
    wrong.stop()
    return Cells(row=np.concatenate(row), leg=np.concatenate(leg), exposure=np.concatenate(exposure))


def _exposures(
    frame: pl.DataFrame, name: str, wrong: Complaints, *, empty: bool
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A column as finite numbers; an empty cell is NaN where `empty` is allowed."""
    import polars as pl

    column = frame[name]
    words = column.dtype == pl.String
    text = column.str.strip_chars() if words else column
    blank = text.is_null() | (text == "") if words else text.is_null()
    nothing = pl.Series(name, [None] * frame.height, dtype=pl.Float64)
    number = text.cast(pl.Float64, strict=False) if words or column.dtype.is_numeric() else nothing
    out = number.fill_null(np.nan).to_numpy().astype(np.float64)
    bad = ~np.isfinite(out) & ~(blank.to_numpy() & empty)
    hint = "write a share of book equity, as in 0.25" + (
        ", or leave the cell empty to leave the leg alone" if empty else ", or leave the row out to leave the leg alone"
    )
    for row in np.flatnonzero(bad)[: MOST_TOLD + 1].tolist():
        wrong.add(f"the exposure at {frame['time'][row]} is {column[row]!r}", hint, row, name)
    return out


def _once(times_ns: Integers, wrong: Complaints) -> None:
    """A row for each time."""
    for row in (np.flatnonzero(np.diff(times_ns) == 0)[:MOST_TOLD] + 1).tolist():
        wrong.add(f"the time {to_iso(int(times_ns[row]))} is there twice", "leave one of the rows", row, "time")


def _in_order(times_ns: Integers, cells: Cells, legs: Sequence[Leg], wrong: Complaints) -> None:
    """Times rise; each leg has one target at a time."""
    for row in (np.flatnonzero(np.diff(times_ns) < 0)[:1] + 1).tolist():
        wrong.add(
            f"the time {to_iso(int(times_ns[row]))} comes after {to_iso(int(times_ns[row - 1]))}", "sort the rows by time",
            row, "time",
        )  # fmt: skip
    order = np.lexsort((cells.row, cells.leg, times_ns[cells.row]))
    at, leg = times_ns[cells.row][order], cells.leg[order]
    again = np.flatnonzero((np.diff(at) == 0) & (np.diff(leg) == 0) & (leg[1:] >= 0))
    for place in again[:MOST_TOLD].tolist():
        row, name = int(cells.row[order][place + 1]), legs[int(leg[place])].name
        wrong.add(f"{name} has two targets at {to_iso(int(at[place]))}", "leave one of them", row, "time")


def _bars_of(times_ns: Integers, bars: Bars, wrong: Complaints) -> Integers:
    """The bar at whose close each time is decided: the first that closes at or after it."""
    first_ns, end_ns = int(bars.open_ns[0]), int(bars.open_ns[-1]) + bars.bar_ns
    span = f"the bars are from {to_iso(first_ns)} to {to_iso(end_ns)}"
    outside = np.flatnonzero((times_ns < first_ns) | (times_ns > end_ns))
    if outside.size:
        row, at = int(outside[0]), int(times_ns[outside[0]])
        seconds = ": milliseconds are wanted, these look like seconds" if 0 < at < 100 * DAY_NS < first_ns else ""
        wrong.add(
            f"{outside.size} row(s) are outside the bars, the first at {to_iso(at)}{seconds}",
            f"{span}: choose other dates for the run, or leave those rows out", row, "time",
        )  # fmt: skip
        return np.zeros(times_ns.size, dtype=np.int64)
    bar = np.maximum(-((first_ns + bars.bar_ns - times_ns) // bars.bar_ns), 0)
    shared = np.flatnonzero((np.diff(bar) == 0) & (np.diff(times_ns) != 0))
    if shared.size:
        row = int(shared[0]) + 1
        close = to_iso(int(bars.open_ns[bar[row]]) + bars.bar_ns)
        wrong.add(
            f"{to_iso(int(times_ns[row - 1]))} and {to_iso(int(times_ns[row]))} both fall to the bar that closes at {close}",
            "a target is decided at a bar's close: leave one of them, or run on finer bars", row, "time",
        )  # fmt: skip
    out: Integers = bar.astype(np.int64)
    return out


def _table(bar: Integers, cells: Cells, legs: Sequence[Leg]) -> TargetTable:
    """Rows by bar, columns by the legs that have a target."""
    used = np.unique(cells.leg)
    decided = np.unique(bar[cells.row])
    exposure = np.full((decided.size, used.size), np.nan)
    exposure[np.searchsorted(decided, bar[cells.row]), np.searchsorted(used, cells.leg)] = cells.exposure
    return TargetTable(bar=decided, legs=tuple(legs[number] for number in used.tolist()), exposure=exposure)
