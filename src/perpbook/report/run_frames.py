"""A run's curves, events and attribution as data frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from perpbook.engine.outcome import ACCOUNT_KINDS, ROW_KINDS, Outcome
from perpbook.model.event import EventKind


def curve_frame(outcome: Outcome) -> pl.DataFrame:
    """Equity at every close: `time_ns`, `time`, one column an account, `outside` accounts, and the whole `book`."""
    bars, ended = outcome.bars, outcome.ended
    closes = bars.open_ns[:ended] + bars.bar_ns
    columns: dict[str, np.ndarray] = {"time_ns": closes}
    columns |= {
        account.id: outcome.curve[number, :ended] for number, account in enumerate(outcome.arrangement.accounts)
    }
    columns |= {"outside": outcome.outside[:ended], "book": outcome.equity}
    frame = pl.DataFrame(columns)
    return frame.insert_column(1, pl.Series("time", closes).cast(pl.Datetime("ns", "UTC")))


def events_frame(outcome: Outcome) -> pl.DataFrame:
    """Everything that happened, in order; `cash` in `asset`, received > 0."""
    names = (
        "tick",
        "time_ns",
        "account",
        "symbol",
        "quantity",
        "price",
        "cash",
        "asset",
        "reason",
        "measured",
        "limit",
    )
    events = list(outcome.events())
    columns = {name: [getattr(event, name) for event in events] for name in names}
    kinds = pl.Series("kind", [event.kind.value for event in events], dtype=pl.String)
    return pl.DataFrame(columns, strict=False).insert_column(2, kinds)


def read_funding(events: Path) -> list[dict[str, Any]]:
    """The settlements among kept events, in order: `time_ns`, `account`, `symbol`, `price`, `cash` in `asset`."""
    names = ("time_ns", "account", "symbol", "price", "cash", "asset")
    return pl.read_parquet(events).filter(pl.col("kind") == EventKind.FUNDING.value).select(names).to_dicts()


def read_curve(curve: Path) -> tuple[np.ndarray, np.ndarray]:
    """Times of closes, ns UTC, and the whole book's equity at them, of a kept curve."""
    frame = pl.read_parquet(curve, columns=["time_ns", "book"])
    return frame["time_ns"].to_numpy(), frame["book"].to_numpy()


def attribution_frame(outcome: Outcome) -> pl.DataFrame:
    """Dollars by account, contract (or coin) and kind, received > 0; accounts' own flows have no contract."""
    out: list[dict[str, object]] = []
    accounts = outcome.arrangement.accounts
    for number, row in enumerate(outcome.arrangement.rows):
        amounts = {name: float(outcome.totals[number, kind]) for name, kind in ROW_KINDS.items()}
        out.append({"account": accounts[row.account].id, "symbol": row.symbol, **amounts})
    for number, account in enumerate(accounts):
        amounts = {name: float(outcome.moved[number, kind]) for name, kind in ACCOUNT_KINDS.items()}
        if any(amounts.values()):
            out.append({"account": account.id, "symbol": None, **amounts})
    return pl.DataFrame(out, infer_schema_length=None).fill_null(0.0)


def sampled(count: int, most: int) -> np.ndarray:
    """At most so many of 0..count-1, evenly, the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))
