"""Puts beside a long through crashes that were: recorded prices and funding, a recorded chain, a recorded volatility index.

Needs the folder of real history (PERPBOOK_DATA); skipped, with the reason printed, where it is not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from perpbook.engine.overlaid import Overlaid
from perpbook.engine.result import BacktestResult
from perpbook.history.lake import Lake
from perpbook.model.units import from_iso
from perpbook.report.run_measures import Measures, measures_of
from perpbook.report.run_overlay import moments_of, sums_of
from perpbook.runs.asked import asked_from
from perpbook.runs.backtest import run_backtest
from tests.unit.history_lakes import put, real_data

WINDOWS = {"2022-11-01": "2022-12-15", "2021-05-01": "2021-06-15"}
ENTRY = {"2022-11-01": 20_480.0, "2021-05-01": 57_700.0}
COINS = {"2022-11-01": 10.0, "2021-05-01": 3.0}

BOOK = """
schema = "book/1"
as_of = "{start}T00:00:00Z"
[[accounts]]
id = "main"
venue = "binance"
collateral = {{ USDT = 100000.0 }}
[[accounts.positions]]
symbol = "BTCUSDT"
quantity = {coins}
entry_price = {entry}
"""
RULES = 'schema_version = 1\nname = "stop"\n[guardrails]\ndaily_drawdown = 0.17\n'
PUTS = """
schema = "overlay/1"
[[legs]]
coin = "BTC"
kind = "put"
strike_over_spot = 0.95
days = 30
coins = {coins}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two crashes of Binance's bitcoin perpetual with their funding, and a book for each."""
    data, folder = real_data(), tmp_path_factory.mktemp("overlay")
    lake, inside = Lake(folder / "lake"), pl.lit(False)
    for start, end in WINDOWS.items():
        inside |= pl.col("ts").is_between(from_iso(start) // 10**6, from_iso(end) // 10**6, closed="left")
        words = {"start": start, "coins": COINS[start], "entry": ENTRY[start]}
        (folder / f"{start}.toml").write_text(BOOK.format(**words))
        (folder / f"puts-{start}.toml").write_text(PUTS.format(**words))
    (folder / "rules.toml").write_text(RULES)
    mine = inside & (pl.col("venue") == "binance") & (pl.col("symbol") == "BTC-USDT")
    bars = pl.scan_parquet(data / "candles/binance_perp_1h.parquet").filter(mine).sort("ts").collect()
    put(lake, bars.select("ts", "open", "high", "low", "close", "volume"))
    paid = pl.scan_parquet(data / "funding/funding.parquet").filter(mine).sort("ts").collect()
    put(lake, paid.select("ts", "rate", "interval_hours"), kind="funding")
    return folder


def run(place: Path, start: str, **more: Any) -> tuple[BacktestResult, Overlaid]:
    """The run with puts, and what they did."""
    options = real_data() / "options"
    asked = {
        "book": place / f"{start}.toml", "playbook": place / "rules.toml", "lake": place / "lake", "start": start,
        "end": WINDOWS[start], "overlay": place / f"puts-{start}.toml", "chain": options / "deribit_chain_2026-08.parquet",
        "option_spread": 0.08, "borrow_smile": True, "volatility_index": options / "deribit_dvol_1d.parquet",
    }  # fmt: skip
    found = run_backtest(asked_from({**asked, **more}))
    assert found.overlay is not None
    return found, found.overlay


def measured(found: BacktestResult, overlay: Overlaid) -> tuple[Measures, Measures]:
    """With puts and without."""
    return measures_of(found.main), measures_of(overlay.without)


def test_a_drawdown_stop_flattens_the_book_of_november_2022_and_with_puts_it_does_not(place: Path) -> None:
    found, overlay = run(place, "2022-11-01")
    ours, bare = measured(found, overlay)
    assert bare.rules == {"guardrails.daily_drawdown": 1} and ours.rules == {}
    left = [one.held(0, np.array([one.ended - 1]))[0] for one in (found.main, overlay.without)]
    assert left == [10.0, 0.0]
    assert ours.end > bare.end and (ours.worst_day or 0.0) > (bare.worst_day or 0.0)


@pytest.mark.parametrize("start", WINDOWS)
@pytest.mark.parametrize("sticky", ["delta", "strike"])
def test_puts_bought_lower_the_worst_loss_of_a_crash_that_was(place: Path, start: str, sticky: str) -> None:
    found, overlay = run(place, start, no_playbook=True, sticky=sticky)
    ours, bare = measured(found, overlay)
    assert ours.least > bare.least and ours.drawdown < bare.drawdown
    held = overlay.standing.held[0]
    last = found.main.bars.close[0, held.last - 1]
    assert held.worth[-1] == pytest.approx(COINS[start] * max(held.option.strike - last, 0.0), abs=1e-6)


def test_the_same_puts_cost_by_the_index_of_their_day(place: Path) -> None:
    two = [run(place, "2021-05-01", no_playbook=True, **more) for more in ({}, {"volatility_index": None})]
    paid = [sums_of(overlay, moments_of(found))["premiums"] for found, overlay in two]
    assert paid[0] > 3.0 * paid[1]


def test_puts_bought_again_every_month_are_told_by_what_they_cost_a_day(place: Path) -> None:
    found, overlay = run(place, "2022-11-01", roll=True, no_playbook=True)
    sums = sums_of(overlay, moments_of(found))
    assert len(overlay.standing.held) == 2 and sums["days"] == pytest.approx(44.0)
    assert sums["carry_day"] < 0.0 < sums["cost"] < 0.1 * sums["premiums"]
