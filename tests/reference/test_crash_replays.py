"""Crashes of the catalogue gone through again on real bars: lows, highs and ends are those that the catalogue knows.

Needs the folder of real history (PERPBOOK_DATA); skipped, with the reason printed, where it is not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from perpbook.engine.drill import path_bars
from perpbook.history.lake import Lake
from perpbook.model.bars import SeriesKey
from perpbook.model.units import HOUR_NS
from perpbook.runs.drill import plan_drill, run_asked_drill
from perpbook.runs.drill_asked import drill_from
from perpbook.runs.storms import window_of
from perpbook.scenario.catalogue import packaged
from perpbook.scenario.overlay import Ground
from perpbook.scenario.storm import KnownMove, Storm
from tests.unit.history_lakes import put, real_data

REPLAYS = [storm for storm in packaged().values() if storm.replay and storm.replay.moves]
FILES = (("candles/binance_perp_1h", HOUR_NS), ("events/stress_windows_binance_perp_4h_all", 4 * HOUR_NS))
WITHOUT_PERP = {"LUNA"}
"""Known from spot alone: no perpetual of it is in the data."""

BOOK = """
schema = "book/1"
as_of = "2026-11-20T12:00:00Z"
[prices]
USDT = 1.0
[[accounts]]
id = "main"
venue = "binance"
layer = "binance"
mode = "cross"
collateral = { USDT = 1000000.0 }
"""
HELD = {"BTC": (0.1, 90_000.0), "ETH": (-2.0, 3_000.0)}


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake of the windows alone, of Binance's perpetuals, and their funding."""
    folder, lake = real_data(), Lake(tmp_path_factory.mktemp("crashes") / "lake")
    inside = pl.lit(False)
    for storm in REPLAYS:
        assert storm.replay is not None
        ts = pl.col("ts") * 1_000_000
        inside |= (ts >= storm.replay.start_ns) & (ts < storm.replay.end_ns)
    columns = ["ts", "open", "high", "low", "close", "volume"]
    for name, bar_ns in FILES:
        rows = pl.scan_parquet(folder / f"{name}.parquet").filter(inside & (pl.col("venue") == "binance")).collect()
        for (symbol,), frame in rows.group_by("symbol"):
            put(lake, frame.sort("ts").select(columns), name=f"binance {symbol}", bar_ns=bar_ns)
    paid = pl.scan_parquet(folder / "funding/funding.parquet").filter(inside & (pl.col("venue") == "binance")).collect()
    for (symbol,), frame in paid.group_by("symbol"):
        kept = frame.sort("ts").select("ts", "rate", "interval_hours")
        put(lake, kept, kind="funding", name=f"binance {symbol}")
    return lake


@pytest.fixture
def book(tmp_path: Path) -> Path:
    text = BOOK
    for asset, (quantity, price) in HELD.items():
        text += f'[[accounts.positions]]\nsymbol = "{asset}USDT"\nquantity = {quantity}\nentry_price = {price}\n'
    for asset, (_, price) in HELD.items():
        text += f'[[markets]]\nvenue = "binance"\nsymbol = "{asset}USDT"\nmark_price = {price}\n'
    path = tmp_path / "book.toml"
    path.write_text(text)
    return path


def moves_of(storm: Storm) -> dict[str, KnownMove]:
    assert storm.replay is not None
    return {one.asset: one for one in storm.replay.moves}


FEWEST = min(REPLAYS, key=lambda storm: len(moves_of(storm)))
"""The crash of which the fewest assets are known: the others are gone through asset by asset in the slow tests."""


@pytest.mark.parametrize(
    "storm",
    [FEWEST, *(pytest.param(one, marks=pytest.mark.slow) for one in REPLAYS if one is not FEWEST)],
    ids=lambda storm: storm.name,
)
def test_every_asset_of_a_crash_reaches_what_the_catalogue_knows(storm: Storm, crashes: Lake) -> None:
    left = {asset: move for asset, move in moves_of(storm).items() if asset not in WITHOUT_PERP}
    for bar_ns in (HOUR_NS, 4 * HOUR_NS):  # assets without hourly bars are gone through in four hours
        ground = Ground(series=tuple(SeriesKey(venue="binance", symbol=f"{a}USDT") for a in left), assets=tuple(left))
        found = window_of(storm, crashes.root, ground, bar_ns)
        own = [row for row, asset in enumerate(ground.assets) if asset not in found.proxies]
        for row in own:
            known = left.pop(ground.assets[row])
            lowest, end = found.low[row].min() - 1.0, found.close[row, -1] - 1.0
            assert (lowest, end) == (pytest.approx(known.low, abs=6e-7), pytest.approx(known.end, abs=6e-7)), known
            assert max(found.high[row].max() - 1.0, 0.0) == pytest.approx(known.high, abs=6e-7), known
        if not left:
            break
    assert not left


@pytest.mark.parametrize("storm", REPLAYS, ids=lambda storm: storm.name)
def test_a_drill_of_a_crash_puts_its_moves_on_todays_prices(storm: Storm, crashes: Lake, book: Path) -> None:
    asked = drill_from({"book": book, "storm": storm.name, "kind": "replay", "lake": crashes.root, "step": "1h"})
    bars, known = path_bars(plan_drill(asked).drill, 0), moves_of(storm)
    for asset, (_, price) in HELD.items():
        row = bars.column("binance", f"{asset}USDT")
        assert bars.low[row].min() / price - 1.0 == pytest.approx(known[asset].low, abs=6e-7)
        assert max(bars.high[row].max() / price - 1.0, 0.0) == pytest.approx(known[asset].high, abs=6e-7)
        assert bars.close[row, -1] / price - 1.0 == pytest.approx(known[asset].end, abs=6e-7)


@pytest.mark.parametrize("storm", REPLAYS, ids=lambda storm: storm.name)
def test_a_book_without_leverage_ends_where_its_positions_end(storm: Storm, crashes: Lake, book: Path) -> None:
    given = {"book": book, "storm": storm.name, "kind": "replay", "lake": crashes.root, "no_playbook": True}
    found = run_asked_drill(drill_from(given), threads=1).without
    from perpbook.kernels.drill import END, FUNDING

    known = moves_of(storm)
    made = sum(quantity * price * known[asset].end for asset, (quantity, price) in HELD.items())
    figures = found.figures[0]
    assert figures[END] - found.start - figures[FUNDING] == pytest.approx(made, abs=1e-6 * 15_000 + 0.02)
    assert np.abs(figures[FUNDING]) < 150.0
