"""Journeys written by hand: one line per contract, closes given, opens at the close before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perpbook.engine.backtest import Journey
from perpbook.model.account import Account
from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.book import Book
from perpbook.model.units import from_iso
from perpbook.playbook.load import parse_playbook
from perpbook.terms.load import load_terms

HOUR_NS = 3_600_000_000_000
START = from_iso("2026-06-09T12:00:00Z")


def journey_of(
    accounts: Sequence[Account],
    closes: Mapping[tuple[str, str], Sequence[float]],
    *,
    playbook: str = "",
    betas: Mapping[str, float] | None = None,
    rates: Sequence[float] = (),
    holes: Mapping[tuple[str, str], Sequence[int]] | None = None,
) -> Journey:
    """Hourly bars from noon; `rates` are settled in every contract at the opens of bars 1, 2, ..."""
    close = np.array(list(closes.values()), dtype=np.float64)
    opens = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    stale = np.zeros(close.shape, dtype=np.uint8)
    for column, key in enumerate(closes):
        for bar in (holes or {}).get(key, ()):
            assert close[column, bar] == opens[column, bar], "a bar that is not there repeats the last close"
            stale[column, bar] = 1
    open_ns = START + HOUR_NS * np.arange(close.shape[1], dtype=np.int64)
    times = START + HOUR_NS * np.arange(1, len(rates) + 1, dtype=np.int64)
    funding = Settlements(
        times_ns=times, rates=np.array(rates, dtype=np.float64), interval_ns=np.full(times.size, HOUR_NS, np.int64)
    )
    bars = Bars(
        bar_ns=HOUR_NS, open_ns=open_ns, series=tuple(SeriesKey(venue=venue, symbol=symbol) for venue, symbol in closes),
        open=opens, high=np.maximum(opens, close), low=np.minimum(opens, close), close=close, stale=stale,
        settlements=(funding,) * len(closes), simulated=True,
    )  # fmt: skip
    return Journey(
        book=Book(as_of_ns=START, source="by hand", accounts=tuple(accounts)),
        terms={venue: load_terms(venue) for venue in dict.fromkeys([one.venue for one in accounts])},
        bars=bars,
        playbook=parse_playbook(f"schema_version = 1\n{playbook}", "by hand") if playbook else None,
        betas=betas or {},
    )
