"""10 to 15 March 2023 from recorded prices: a pair in ether with a treasurer and without, while USDC falls and a rollup halts.

Needs the folder of real history (PERPBOOK_DATA); skipped, with the reason printed, where it is not.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from perpbook.engine.result import BacktestResult
from perpbook.engine.treasured import Treasured, deaths_by_account
from perpbook.history.lake import Lake
from perpbook.model.units import HOUR_NS, from_iso
from perpbook.runs.asked import asked_from
from perpbook.runs.backtest import run_backtest
from tests.unit.history_lakes import put, real_data

PAGE = Path(__file__).parents[2] / "docs/treasury-time.md"
START, END = "2023-03-10", "2023-03-15"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book of the document, and Binance's ether in quarters of an hour with its funding."""
    data, folder = real_data(), tmp_path_factory.mktemp("usdc")
    (folder / "pair.toml").write_text(re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0])
    lake = Lake(folder / "lake")
    days = pl.col("ts").is_between(from_iso(START) // 10**6, from_iso(END) // 10**6, closed="left")
    mine = days & (pl.col("venue") == "binance") & (pl.col("symbol") == "ETH-USDT")
    bars = pl.scan_parquet(data / "candles/binance_perp_15m.parquet").filter(mine).sort("ts").collect()
    put(lake, bars.select("ts", "open", "high", "low", "close", "volume"), name="binance ETH-USDT", bar_ns=HOUR_NS // 4)
    paid = pl.scan_parquet(data / "funding/funding.parquet").filter(mine).sort("ts").collect()
    put(lake, paid.select("ts", "rate", "interval_hours"), kind="funding", name="binance ETH-USDT")
    return folder


def run(place: Path, *storms: str, **more: Any) -> tuple[BacktestResult, Treasured]:
    asked = {
        "book": place / "pair.toml", "no_playbook": True, "lake": place / "lake", "bar": "15m", "start": START, "end": END,
        "proxies": {"hyperliquid": "binance"}, "funding": {"hyperliquid": "binance"}, "treasury": True, "alarm": 0.3,
        "calm": 0.12, "storms": ["crash-2023-03-usdc", *storms],
    }  # fmt: skip
    found = run_backtest(asked_from({**asked, **more}))
    assert found.treasured is not None
    return found, found.treasured


@pytest.mark.slow
def test_money_on_its_way_in_time_keeps_the_short_alive(place: Path) -> None:
    result, told = run(place)
    assert deaths_by_account(told.without) == {"hl-short": deaths_by_account(told.without)["hl-short"]}
    assert not deaths_by_account(result.main) and told.late == 0
    assert 0.0 < told.dollars < 60_000.0 and 0.0 <= told.cost < 50.0 and told.waits[-1] < 3_600.0


@pytest.mark.slow
def test_a_halt_of_eleven_hours_is_gone_round_by_what_stands_elsewhere(place: Path) -> None:
    halt = "arbitrum-halt-long@2023-03-12T16:00"
    result, told = run(place, halt)
    assert not deaths_by_account(result.main)
    away = range(from_iso("2023-03-12T16:00"), from_iso("2023-03-13T03:00"))
    start = from_iso(START)
    during = [one.sent for one in told.moves if start + int(one.sent.left * 1e9) in away]
    assert during and all("arbitrum" not in one.way.layers for one in during)


@pytest.mark.slow
def test_with_everything_on_the_halted_rollup_it_dies(place: Path) -> None:
    text = (place / "pair.toml").read_text()
    (place / "one.toml").write_text(text.replace('layer = "base"', 'layer = "arbitrum"'))
    result, told = run(place, "arbitrum-halt-long@2023-03-12T16:00", book=place / "one.toml")
    assert set(deaths_by_account(result.main)) == {"hl-short"} == set(deaths_by_account(told.without))
    assert told.refused


@pytest.mark.slow
def test_the_figures_of_the_document_are_what_the_run_gives(place: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for storms in ((), ("arbitrum-halt-long@2023-03-12T16:00",)):
        result, told = run(place, *storms)
        assert f"${told.dollars:,.0f} in {len(told.moves)}" in page and f"${told.cost:.2f}" in page
        assert f"${result.main.equity[-1]:,.0f}" in page and f"${told.without.equity[-1]:,.0f}" in page
