"""What a file of history holds: its table read, its kind told by its columns and its name, its times made one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from perpbook.errors import InputError, Problem

TIMES = ("ts", "time", "timestamp", "date", "datetime", "open_time", "funding_time", "unix")
SUFFIXES = (".parquet", ".csv", ".feather")
FREQTRADE = re.compile(
    r"(?P<base>[A-Za-z0-9]+)_(?P<quote>[A-Z0-9]+)(_(?P<settle>[A-Z0-9]+))?-(?P<bar>\w+?)(-(?P<type>\w+))?"
)
OTHERS = {"side", "strike", "mark", "mark_iv", "tier", "poolvalue"}
"""Columns of what the lake does not keep: trades and order books, options, tickers, margin tiers, pools."""

PRICES = {"open", "high", "low", "close"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What the user says of files whose columns and names do not: venue, symbol (BASE-QUOTE), kind."""

    venue: str | None = None
    symbol: str | None = None
    kind: str | None = None
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file as rows with `ts` (int64 ms), `venue` and `symbol` columns, and its kind."""

    path: Path
    kind: str
    rows: pl.DataFrame
    remarks: tuple[str, ...] = ()


def problem(path: Path, message: str, hint: str, row: int | None = None) -> InputError:
    """One thing wrong in one file of history."""
    return InputError("cannot import", (Problem(file=str(path), message=message, hint=hint, line=row),))


def read_table(path: Path, naming: Naming) -> Table | str:
    """The table of a file, or why it is of no use here.

    Raises
    ------
    InputError : the file is broken, or does not say whose prices it holds.
    """
    raw = _raw(path)
    raw = raw.rename({name: name.lower() for name in raw.columns})
    if raw.height == 0:
        raise problem(path, "has no rows", "check how it was written")
    kind = naming.kind or kind_of(path, raw)
    if kind is None:
        return f"no kind of series has the columns {', '.join(raw.columns[:6])}"
    if kind == "gas":
        raw = _gas(raw, naming.venue)
    elif kind == "closes" and "close" not in raw.columns:
        raw = _closes(raw)
    rows = _named(path, _timed(path, raw), naming)
    return Table(path=path, kind=kind, rows=_columns(path, kind, rows))


def kind_of(path: Path, rows: pl.DataFrame) -> str | None:
    """The lake's kind, told by columns first and then by the file's name."""
    columns, name = set(rows.columns), path.stem.lower()
    if columns & OTHERS:
        return None
    if "rate" in columns or "funding_rate" in columns or name.endswith("-funding_rate"):
        return "funding"
    if columns & {"oi_base", "open_interest"}:
        return "open_interest"
    if columns >= PRICES:
        if "mark" in name:
            return "mark"
        freq = FREQTRADE.fullmatch(path.stem)
        spot = "spot" in name or (freq is not None and freq["settle"] is None and path.suffix == ".feather")
        return "candles_spot" if spot else "candles"
    if columns & {"avg_gas_price_gwei", "basefee_gwei_median", "gwei"}:
        return "gas"
    return "closes" if columns & {"us_close_usd", "close"} else None


def _raw(path: Path) -> pl.DataFrame:
    if path.suffix not in SUFFIXES:
        raise problem(path, f'files that end in "{path.suffix}" are not read', "give Parquet, CSV or Feather")
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        if path.suffix == ".feather":
            return pl.read_ipc(path)
        return pl.read_csv(path, infer_schema_length=10_000, null_values=["", "NaN", "nan", "null"])
    except FileNotFoundError:
        raise problem(path, "there is no such file", "check the path") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        text = (str(error).splitlines() or ["empty"])[0][:160]
        raise problem(path, f"cannot be read: {text}", "check that it is what its name says") from None


def _timed(path: Path, rows: pl.DataFrame) -> pl.DataFrame:
    """`ts` in whole milliseconds: whole numbers by their size (s, ms, us, ns), dates and ISO texts as UTC."""
    name = next((one for one in TIMES if one in rows.columns), None)
    if name is None:
        raise problem(path, "has no column of times", f"name one of its columns {', '.join(TIMES[:5])}")
    column = rows[name]
    if column.dtype == pl.String:
        column = _parsed(path, column)
    if column.dtype.is_temporal():
        column = column.cast(pl.Datetime("ms")).dt.epoch("ms")
    if not column.dtype.is_numeric() or column.null_count():
        row = (column.is_null().arg_true().to_list() or [0])[0] + 1
        raise problem(path, f"row {row} has no time in {name}", "every row needs its time", row)
    whole = column.cast(pl.Int64)
    largest = int(whole.abs().max())  # type: ignore[arg-type]
    for below, multiply, divide in ((10**11, 1_000, 1), (10**14, 1, 1), (10**17, 1, 1_000), (2**63, 1, 1_000_000)):
        if largest < below:
            whole = whole * multiply // divide
            break
    rest = rows.drop(set(rows.columns) & set(TIMES))
    return rest.with_columns(whole.alias("ts"))


def _parsed(path: Path, texts: pl.Series) -> pl.Series:
    padded = (
        texts.str.replace(r"^(\d{4}-\d\d-\d\d)$", "${1}T00:00:00")
        .str.replace(r"(Z|\+00:?00)$", "")
        .str.replace("T", " ")
    )
    padded = padded.str.replace(r"^(\S+ \d\d:\d\d)$", "${1}:00")
    parsed = padded.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="ms", strict=False)
    wrong = (parsed.is_null()).arg_true().to_list()
    if wrong:
        row = wrong[0] + 1
        raise problem(path, f'row {row}: "{texts[wrong[0]]}" is not a time', "write 2022-11-08T00:00:00Z", row)
    return parsed


def _named(path: Path, rows: pl.DataFrame, naming: Naming) -> pl.DataFrame:
    """Venue and symbol: the columns, else what the user said, else what freqtrade's name says."""
    freq = FREQTRADE.fullmatch(path.stem)
    folder = path.parent.parent.name if path.parent.name == "futures" else path.parent.name
    guesses = {
        "venue": naming.venue or (folder if freq else None),
        "symbol": naming.symbol or (f"{freq['base']}-{freq['quote']}" if freq else None),
    }
    for name, guess in guesses.items():
        if name in rows.columns:
            continue
        if not guess:
            raise problem(path, f"does not say its {name}", f"add a column {name}, or give --{name}")
        rows = rows.with_columns(pl.lit(guess).alias(name))
    unnamed = rows.select(pl.col("venue").is_null() | pl.col("symbol").is_null()).to_series().arg_true().to_list()
    if unnamed:
        raise problem(path, f"row {unnamed[0] + 1} has no venue or symbol", "fill it in", unnamed[0] + 1)
    return rows


def _columns(path: Path, kind: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Only the columns the kind has, as float64."""
    if kind == "funding" and "rate" not in rows.columns:
        rows = rows.rename({"funding_rate" if "funding_rate" in rows.columns else "open": "rate"})
    if kind == "open_interest" and "oi_base" not in rows.columns:
        rows = rows.rename({"open_interest": "oi_base"})
    wanted = {
        "funding": (("rate",), ("interval_hours",)),
        "open_interest": (("oi_base",), ()),
        "gas": (("gwei",), ("gwei_min", "gwei_max", "eth_usd")),
        "closes": (("close",), ()),
        "mark": (("open", "high", "low", "close"), ()),
    }.get(kind, (("open", "high", "low", "close"), ("volume", "quote_volume", "trades")))
    missing = [name for name in wanted[0] if name not in rows.columns]
    if missing:
        raise problem(path, f"has no column {missing[0]}, which {kind} need", "name the columns in its first row")
    numbers = [name for name in (*wanted[0], *wanted[1]) if name in rows.columns]
    rest = [name for name in ("src", "tf") if name in rows.columns]
    try:
        return rows.select("ts", "venue", "symbol", *(pl.col(name).cast(pl.Float64) for name in numbers), *rest)
    except pl.exceptions.PolarsError as error:
        raise problem(
            path, f"holds text where a number belongs: {str(error).splitlines()[0]}", "mend the file"
        ) from None


def _gas(rows: pl.DataFrame, layer: str | None) -> pl.DataFrame:
    """A layer's gas price, Ethereum's where nothing names another: the mean paid per day, or the sampled base fee per hour."""
    known = {
        "avg_gas_price_gwei": "gwei",
        "basefee_gwei_median": "gwei",
        "basefee_gwei_min": "gwei_min",
        "basefee_gwei_max": "gwei_max",
    }
    rows = rows.rename({name: new for name, new in known.items() if name in rows.columns})
    if "unix" in rows.columns:
        rows = rows.drop([name for name in TIMES if name in rows.columns and name != "unix"])
    if "venue" not in rows.columns:
        rows = rows.with_columns(pl.lit(layer or "ethereum").alias("venue"), pl.lit("GAS-GWEI").alias("symbol"))
    return rows


def _closes(rows: pl.DataFrame) -> pl.DataFrame:
    """A table of the daily close on Coinbase ("us") and on Binance ("global"), side by side, as two series."""
    sides = [("us_close_usd", "coinbase"), ("global_close_usd", "binance")]
    parts = [
        rows.select("ts", "symbol", pl.col(name).alias("close"), pl.lit(venue).alias("venue")) for name, venue in sides
    ]
    symbol = pl.when(pl.col("symbol").str.contains("-")).then(pl.col("symbol")).otherwise(pl.col("symbol") + "-USD")
    return pl.concat(parts).drop_nulls("close").with_columns(symbol.alias("symbol"))
