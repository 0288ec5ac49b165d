"""A chain of options from a Parquet table: ts, underlying, instrument, mark_iv (percent), underlying_price, open_interest, and
bid and ask where there are any. Times are milliseconds UTC; a moment is a minute, and the last row of an
option in it is the one that counts."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from perpbook.errors import InputError
from perpbook.model.units import SECOND_NS, to_iso
from perpbook.options.chain import Origin, RawQuote

NEEDED = ("ts", "instrument", "mark_iv", "underlying_price")
MINUTE_MS = 60_000
MILLISECOND_NS = SECOND_NS // 1_000


def read_option_table(path: Path, at_ns: int | None = None) -> tuple[list[RawQuote], Origin, tuple[str, ...]]:
    """The rows of one moment: the last at or before `at_ns`, the last of all when None; and what to say about that.

    Raises
    ------
    InputError : the file is not such a table, or has nothing so early.
    """
    try:
        table = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}") from error
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise InputError(
            f"{path} has no column {', '.join(missing)}: a chain has {', '.join(NEEDED)}, and bid and ask if known"
        )
    moments = table["ts"].unique().sort().to_list()
    early = [one for one in moments if at_ns is None or one * MILLISECOND_NS <= at_ns]
    if not early:
        raise InputError(f"{path} begins at {to_iso(moments[0] * MILLISECOND_NS)}: choose a later --at")
    chosen = early[-1]
    ts = pl.col("ts")
    near = table.filter((ts <= chosen) & (ts > chosen - MINUTE_MS))
    rows = near.filter(ts == ts.max().over("instrument"))
    venues = rows["venue"].unique().to_list() if "venue" in rows.columns else ["deribit"]
    if len(venues) != 1:
        raise InputError(f"{path} holds chains of {', '.join(sorted(venues))} at once: split it by venue")
    told: tuple[str, ...] = ()
    apart = 1 + sum(later - one >= MINUTE_MS for one, later in pairwise(moments))
    if apart > 1:
        told = (f"{path.name} holds {apart} moments: that of {to_iso(chosen * MILLISECOND_NS)} is read",)
    origin = Origin(venue=venues[0], as_of_ns=chosen * MILLISECOND_NS, source=path.name)
    return [_raw(row) for row in rows.iter_rows(named=True)], origin, told


def _raw(row: dict[str, Any]) -> RawQuote:
    volatility = row["mark_iv"]
    return RawQuote(
        name=row["instrument"],
        bid=row.get("bid"),
        ask=row.get("ask"),
        bid_quantity=row.get("bid_quantity"),
        ask_quantity=row.get("ask_quantity"),
        mark_volatility=None if volatility is None else volatility / 100.0,
        open_interest=row.get("open_interest"),
        underlying=row["underlying_price"],
    )
