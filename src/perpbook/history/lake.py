"""The lake on disk: one Parquet file per kind, venue, symbol and bar width, with its provenance inside the file."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from perpbook.errors import DataError, InputError
from perpbook.history.widths import MILLISECOND_NS, bar_of, word_of

KINDS = ("candles", "candles_spot", "mark", "closes", "funding", "open_interest", "gas")
"""candles: perpetuals' trades. candles_spot: spot trades. closes: a daily close and nothing else. gas: `gwei` paid."""

PRICED = ("candles", "candles_spot", "mark")
SETTLED = "settlement"
"""The bar of a series whose rows come when they come."""

LABEL = "perpbook"
NAME = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SeriesId:
    """Which series: `symbol` is BASE-QUOTE; `bar_ns` is None for settlements."""

    kind: str
    venue: str
    symbol: str
    bar_ns: int | None

    @property
    def bar(self) -> str:
        """The width in words."""
        return SETTLED if self.bar_ns is None else word_of(self.bar_ns)

    def __str__(self) -> str:
        return f"{self.kind} {self.venue} {self.symbol} {self.bar}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where rows came from: a file's name or an exchange's address, the hash of its bytes, and when."""

    where: str
    sha256: str
    imported_ns: int
    rows: int
    credits: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One series in the lake. `first_ms` and `last_ms` are the first and last bar's open; `content` hashes the rows."""

    id: SeriesId
    path: Path
    rows: int
    first_ms: int
    last_ms: int
    simulated: bool
    content: str
    origins: tuple[Origin, ...]

    @property
    def first_ns(self) -> int:
        """Open of the first bar, or the first settlement."""
        return self.first_ms * MILLISECOND_NS

    @property
    def end_ns(self) -> int:
        """End of the last bar; of settlements, just after the last."""
        return self.last_ms * MILLISECOND_NS + (self.id.bar_ns or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What storing rows did: rows that are new, rows that took the place of different ones."""

    held: Held
    added: int
    replaced: int


class Lake:
    """A folder of series."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path_of(self, series: SeriesId) -> Path:
        """Where a series is kept."""
        for name in (series.venue, series.symbol):
            if not NAME.fullmatch(name):
                raise InputError(f'"{name}" cannot name a series: letters, digits, "-", "_" and "." only')
        return (
            self.root
            / series.kind
            / f"venue={series.venue}"
            / f"symbol={series.symbol}"
            / f"bar={series.bar}"
            / "part.parquet"
        )

    def held(self, kind: str = "*", venue: str = "*", symbol: str = "*") -> tuple[Held, ...]:
        """Every series that is there, in order."""
        found = self.root.glob(f"{kind}/venue={venue}/symbol={symbol}/bar=*/part.parquet")
        return tuple(
            sorted(
                (_held(path) for path in found),
                key=lambda one: (one.id.kind, one.id.venue, one.id.symbol, one.id.bar_ns or 0),
            )
        )

    def find(self, series: SeriesId) -> Held | None:
        """One series, when it is there."""
        path = self.path_of(series)
        return _held(path) if path.is_file() else None

    def read(
        self,
        held: Held,
        columns: Sequence[str] | None = None,
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> pl.DataFrame:
        """Rows with start_ns <= time < end_ns, in the order of the file."""
        try:
            rows = pl.scan_parquet(held.path)
            if start_ns is not None and start_ns > held.first_ns:
                rows = rows.filter(pl.col("ts") >= -(-start_ns // MILLISECOND_NS))
            if end_ns is not None and end_ns < held.end_ns:
                rows = rows.filter(pl.col("ts") < -(-end_ns // MILLISECOND_NS))
            return (rows.select(columns) if columns else rows).collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise unreadable(held.path, error) from None

    def refuse_mixing(self, series: SeriesId, *, simulated: bool) -> Held | None:
        """The series as it is there, if it is; InputError when it is real and the new rows are not, or the reverse."""
        old = self.find(series)
        if old is not None and old.simulated != simulated:
            new, there = ("simulated", "real") if simulated else ("real", "simulated")
            raise InputError(
                f"{series}: the lake holds {there} rows and the new ones are {new}; they are never mixed: use another lake "
                "(--lake, or PERPBOOK_DATA_LAKE)"
            )
        return old

    def store(self, series: SeriesId, rows: pl.DataFrame, origin: Origin, *, simulated: bool = False) -> Stored:
        """Keep rows; a row of the same time gives way to the newer one.

        Raises
        ------
        InputError : simulated rows would be mixed with real ones.
        """
        old = self.refuse_mixing(series, simulated=simulated)
        origins: tuple[Origin, ...] = (origin,)
        merged, replaced, before = rows, 0, 0
        if old is not None:
            merged, replaced = _merge(self.read(old), rows)
            before = old.rows
            origins = (
                *(one for one in old.origins if one.sha256 != origin.sha256 or one.where != origin.where),
                origin,
            )
        path = self.path_of(series)
        _write(path, series, merged, simulated, origins)
        return Stored(held=_held(path), added=merged.height - before, replaced=replaced)


def unreadable(path: Path, error: Exception) -> DataError:
    """The error of a Parquet file that is broken."""
    return DataError(f"{path}: cannot be read ({str(error).splitlines()[0][:120]}): remove it and import it again")


def content_of(rows: pl.DataFrame) -> str:
    """A hash of the rows, whatever file they came in."""
    digest = hashlib.sha256()
    for name in sorted(rows.columns):
        digest.update(name.encode())
        digest.update(rows[name].to_numpy().tobytes())
    return digest.hexdigest()


def _merge(old: pl.DataFrame, new: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    kept = old.join(new.select("ts"), on="ts", how="anti")
    shared = [name for name in old.columns if name in new.columns and name != "ts"]
    pairs = old.join(new, on="ts", how="inner", suffix="_new")
    differ = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_new")) for name in shared)
    replaced = pairs.filter(differ).height if shared else 0
    return pl.concat([kept, new], how="diagonal_relaxed").sort("ts", maintain_order=True), replaced


def _write(path: Path, series: SeriesId, rows: pl.DataFrame, simulated: bool, origins: Sequence[Origin]) -> None:
    label = {
        "schema": "lake/1",
        "kind": series.kind,
        "venue": series.venue,
        "symbol": series.symbol,
        "bar": series.bar,
        "rows": rows.height,
        "first": rows["ts"].min(),
        "last": rows["ts"].max(),
        "simulated": simulated,
        "content": content_of(rows),
        "origins": [asdict(one) for one in origins],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".writing")
    rows.write_parquet(fresh, compression="zstd", metadata={LABEL: json.dumps(label)})
    os.replace(fresh, path)


def _held(path: Path) -> Held:
    try:
        label = pl.read_parquet_metadata(path).get(LABEL)
        return _from_label(path, json.loads(label)) if label else _unlabelled(path)
    except (pl.exceptions.PolarsError, OSError, ValueError, KeyError) as error:
        raise unreadable(path, error) from None


def _from_label(path: Path, label: Mapping[str, Any]) -> Held:
    return Held(
        id=_id(label["kind"], label["venue"], label["symbol"], label["bar"]),
        path=path,
        rows=label["rows"],
        first_ms=label["first"],
        last_ms=label["last"],
        simulated=label["simulated"],
        content=label["content"],
        origins=tuple(_origins(label["origins"])),
    )


def _origins(found: Sequence[Mapping[str, Any]]) -> Iterator[Origin]:
    for one in found:
        yield Origin(**{**one, "credits": tuple(one["credits"]), "remarks": tuple(one["remarks"])})


def _unlabelled(path: Path) -> Held:
    """A file somebody put there by hand: named by its folders, of unknown origin."""
    kind, venue, symbol, bar = (part.rsplit("=", 1)[-1] for part in path.parts[-5:-1])
    rows = pl.read_parquet(path)
    first, last = rows["ts"].min(), rows["ts"].max()
    if not isinstance(first, int) or not isinstance(last, int):
        raise ValueError("no rows with a whole-number ts in milliseconds")
    return Held(
        id=_id(kind, venue, symbol, bar),
        path=path,
        rows=rows.height,
        first_ms=first,
        last_ms=last,
        simulated=False,
        content=content_of(rows),
        origins=(),
    )


def _id(kind: str, venue: str, symbol: str, bar: str) -> SeriesId:
    return SeriesId(kind=kind, venue=venue, symbol=symbol, bar_ns=None if bar == SETTLED else bar_of(bar))
