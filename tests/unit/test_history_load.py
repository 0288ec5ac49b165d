"""Bars as a run gets them: one grid, nothing invented, every borrowed price told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from perpbook.errors import DataError, InputError, MissingData
from perpbook.history.choose import Wanted, span_of
from perpbook.history.lake import Lake
from perpbook.history.load import load_bars
from perpbook.history.quality import findings_for
from perpbook.model.bars import Bars
from perpbook.model.units import DAY_NS, HOUR_NS, SECOND_NS, from_iso
from tests.unit.history_lakes import BTC, HL_BTC, MS, START, candles, funding, lake_with, put, real_data


def load(
    lake: Lake, *wanted: Wanted, bars: tuple[int, int] = (0, 10), bar_ns: int = HOUR_NS, **words: dict[str, str]
) -> Bars:
    start, end = (START + number * bar_ns for number in bars)
    proxies = words.pop("proxies", {})
    return load_bars(lake, wanted or (BTC,), bar_ns=bar_ns, start_ns=start, end_ns=end, proxies=proxies, **words)


def test_bars_come_back_as_they_were_stored(tmp_path: Path) -> None:
    frame = candles(range(100, 120))
    bars = load(lake_with(tmp_path, frame))
    assert bars.count == 10 and bars.close[0].tolist() == list(range(100, 110))
    assert bars.high[0].tolist() == frame["high"].to_list()[:10] and not bars.stale.any()
    assert bars.settlements[0].times_ns.tolist() == [START, START + 8 * HOUR_NS]
    assert bars.settlements[0].interval_ns.tolist() == [8 * HOUR_NS] * 2
    assert bars.series[0].proxy is None and bars.notes == () and "sha256:" in bars.source


def test_a_missing_bar_is_stale_at_the_last_close(tmp_path: Path) -> None:
    bars = load(lake_with(tmp_path, candles(range(100, 120), rows=[0, 1, 2, 5, 6, 7, 8, 9, 10, 19])))
    assert bars.stale[0].tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    for price in (bars.open, bars.high, bars.low, bars.close):
        assert price[0, 3:5].tolist() == [102.0, 102.0]
    assert any("2 of 10 bars are missing" in note for note in bars.notes)


def test_a_hole_at_the_start_stands_at_the_close_before_it(tmp_path: Path) -> None:
    bars = load(lake_with(tmp_path, candles(range(100, 120), rows=[0, 1, 5, 6, 7, 8, 19])), bars=(3, 8))
    assert bars.close[0].tolist() == [101.0, 101.0, 105.0, 106.0, 107.0]
    assert bars.stale[0].tolist() == [1, 1, 0, 0, 0]


def test_before_the_first_bar_there_is_no_price(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, candles([100.0] * 20, start_ns=START + 5 * HOUR_NS))
    with pytest.raises(MissingData, match=r"binance BTCUSDT: .*1h from 2024-01-01T05:00:00Z to 2024-01-02T01:00:00Z"):
        load(lake)


def test_after_the_last_bar_there_is_no_price(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="to 2024-01-01T20:00:00Z"):
        load(lake_with(tmp_path, candles([100.0] * 20)), bars=(10, 30))


def test_a_span_inside_a_hole_is_not_a_run_on_one_old_price(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, candles([100.0] * 60, rows=[0, 1, 59]))
    with pytest.raises(MissingData, match="with a hole there"):
        load(lake, bars=(10, 20))


def test_a_venue_without_prices_is_refused_and_the_option_named(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, candles([100.0] * 20))
    with pytest.raises(MissingData, match="--proxy hyperliquid=binance"):
        load(lake, BTC, HL_BTC)


def test_a_borrowed_price_is_told(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, candles([100.0] * 20))
    bars = load(lake, BTC, HL_BTC, proxies={"hyperliquid": "binance"})
    assert [key.proxy for key in bars.series] == [None, "binance"]
    assert "hyperliquid BTC: prices are binance's (BTC-USDT), by --proxy hyperliquid=binance" in bars.notes
    assert "hyperliquid BTC: funding is binance's (BTC-USDT)" in bars.notes


def test_a_thousand_coins_are_the_same_under_either_name(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, candles([0.01] * 20), name="binance 1000PEPE-USDT")
    put(lake, funding(5), kind="funding", name="binance 1000PEPE-USDT")
    pepe = Wanted(venue="hyperliquid", symbol="kPEPE", base="kPEPE", quote="USD")
    assert load(lake, pepe, proxies={"hyperliquid": "binance"}).close[0, 0] == 0.01
    with pytest.raises(MissingData, match="no PEPE prices"):
        load(lake, replace(pepe, base="PEPE"), proxies={"hyperliquid": "binance"})


def test_a_venues_own_price_is_used_where_it_has_one(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, candles([100.0] * 20))
    put(lake, candles([200.0] * 20), name="hyperliquid BTC-USDC")
    put(lake, funding(20, hours=1.0), kind="funding", name="hyperliquid BTC-USDC")
    bars = load(lake, HL_BTC, proxies={"hyperliquid": "binance"})
    assert bars.close[0, 0] == 200.0 and bars.series[0].proxy is None and bars.settlements[0].times_ns.size == 10


def test_own_funding_goes_with_a_borrowed_price(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, candles([100.0] * 20))
    put(lake, funding(20, hours=1.0), kind="funding", name="hyperliquid BTC-USDC")
    bars = load(lake, HL_BTC, proxies={"hyperliquid": "binance"})
    assert bars.series[0].proxy == "binance" and bars.settlements[0].times_ns.size == 10


def test_spot_is_its_own_series_and_pays_no_funding(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, candles([100.0] * 20))
    coin = replace(BTC, symbol="BTC", spot=True)
    with pytest.raises(MissingData, match="no BTC spot prices of binance"):
        load(lake, coin)
    put(lake, candles([99.0] * 20), kind="candles_spot")
    bars = load(lake, BTC, coin)
    assert bars.close[:, 0].tolist() == [100.0, 99.0] and bars.settlements[1].times_ns.size == 0


def test_a_perpetual_without_funding_is_refused(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, candles([100.0] * 20))
    with pytest.raises(MissingData, match="--funding binance=none"):
        load(lake)
    bars = load(lake, funding={"binance": "none"})
    assert bars.settlements[0].times_ns.size == 0 and any("taken as zero" in note for note in bars.notes)


def test_finer_bars_make_coarser_ones(tmp_path: Path) -> None:
    frame = candles([100.0, 90.0, 120.0, 110.0, 105.0, 95.0, 99.0, 100.0], bar_ns=HOUR_NS)
    bars = load(lake_with(tmp_path, frame), bars=(0, 2), bar_ns=4 * HOUR_NS)
    assert bars.open[0].tolist() == [100.0, 110.0] and bars.close[0].tolist() == [110.0, 100.0]
    assert bars.high[0].tolist() == [frame["high"][:4].max(), frame["high"][4:].max()]
    assert bars.low[0].tolist() == [frame["low"][:4].min(), frame["low"][4:].min()]
    assert "binance BTCUSDT: bars of 4h are made of bars of 1h" in bars.notes


def test_coarser_bars_never_make_finer_ones(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, candles([100.0] * 20))
    with pytest.raises(MissingData, match="come in bars of 1h, which make no bars of 15m"):
        load(lake, bar_ns=900 * SECOND_NS)


def test_the_fullest_series_is_chosen(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, candles([100.0] * 96, bar_ns=HOUR_NS))
    put(lake, candles([100.0] * 24, bar_ns=4 * HOUR_NS, rows=[0, 1, 23]), bar_ns=4 * HOUR_NS)
    bars = load(lake, bar_ns=4 * HOUR_NS)
    assert not bars.stale.any() and "bars of 4h are made of bars of 1h" in bars.notes[0]


@pytest.mark.parametrize("value", [float("nan"), -1.0, 0.0, float("inf")])
def test_a_price_that_is_none_is_named_by_file_row_and_time(tmp_path: Path, value: float) -> None:
    frame = candles([100.0] * 20).with_columns(
        pl.when(pl.int_range(pl.len()) == 3).then(value).otherwise(pl.col("low")).alias("low")
    )
    lake = lake_with(tmp_path, frame)
    with pytest.raises(DataError, match=r"part\.parquet: row 4 \(2024-01-01T03:00:00Z\) has low"):
        load(lake)
    with pytest.raises(DataError, match=r"row 4 \(2024-01-01T03:00:00Z\)"):
        load(lake, bars=(2, 8))
    assert load(lake, bars=(5, 9)).count == 4


def test_a_row_off_the_grid_is_named(tmp_path: Path) -> None:
    frame = candles([100.0] * 20).with_columns(
        pl.when(pl.int_range(pl.len()) == 3).then(pl.col("ts") + 1_000).otherwise("ts").alias("ts")
    )
    with pytest.raises(DataError, match=r"row 4 \(2024-01-01T03:00:01Z\) does not open on a multiple of 1h"):
        load(lake_with(tmp_path, frame))


def test_bars_are_whole(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, candles(range(100, 120)))
    bars = load_bars(lake, [BTC], bar_ns=HOUR_NS, start_ns=START + 1, end_ns=START + 5 * HOUR_NS - 1, proxies={})
    assert bars.open_ns.tolist() == [START + hour * HOUR_NS for hour in (1, 2, 3)]
    with pytest.raises(InputError, match="no bar of 1h fits"):
        load_bars(lake, [BTC], bar_ns=HOUR_NS, start_ns=START + 1, end_ns=START + HOUR_NS, proxies={})
    with pytest.raises(InputError, match="does not divide a day"):
        load_bars(lake, [BTC], bar_ns=7 * HOUR_NS, start_ns=START, end_ns=START + DAY_NS, proxies={})


def test_no_contract_and_a_needless_proxy_are_refused(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, candles([100.0] * 20))
    with pytest.raises(InputError, match="no contract"):
        load_bars(lake, [], bar_ns=HOUR_NS, start_ns=START, end_ns=START + DAY_NS, proxies={})
    with pytest.raises(InputError, match="no contract is on drift"):
        load(lake, proxies={"drift": "binance"})
    with pytest.raises(InputError, match="the lake has no candles of kraken; it has those of binance"):
        load(lake, proxies={"binance": "kraken"})


def test_the_span_is_what_all_have(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, candles([100.0] * 20))
    put(lake, candles([200.0] * 20, start_ns=START + 5 * HOUR_NS), name="hyperliquid BTC-USDC")
    span = span_of(lake, [BTC, HL_BTC], bar_ns=HOUR_NS, proxies={})
    assert span == (START + 5 * HOUR_NS, START + 20 * HOUR_NS)
    assert span_of(lake, [HL_BTC], bar_ns=HOUR_NS, proxies={"hyperliquid": "binance"})[1] > START


def test_an_empty_lake_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="is empty: fill it with `perpbook data import"):
        load(Lake(tmp_path / "none"))


def test_simulated_prices_are_told(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, funding(5), kind="funding")
    from perpbook.history.lake import SeriesId
    from tests.unit.history_lakes import origin

    lake.store(
        SeriesId(kind="candles", venue="binance", symbol="BTC-USDT", bar_ns=HOUR_NS),
        candles([100.0] * 20), origin(20), simulated=True,
    )  # fmt: skip
    bars = load(lake)
    assert bars.simulated and "SIMULATED" in bars.notes[0]


def test_what_loading_put_right_is_found(tmp_path: Path) -> None:
    frame = candles(range(100, 120))
    again = frame[3:4].with_columns(close=pl.lit(500.0))
    lake = lake_with(tmp_path, pl.concat([frame, again]))
    bars = load(lake)
    assert bars.close[0, 3] == 500.0
    assert {one.code for one in findings_for(bars, lake, [BTC]) if one.severity == "fatal"} >= {"conflict"}
    assert "conflict" not in {one.code for one in findings_for(load(lake, bars=(6, 12)), lake, [BTC])}


def test_real_history_loads_across_venues(tmp_path: Path) -> None:
    data = real_data()
    from perpbook.history.importing import import_files
    from perpbook.history.recognise import Naming

    files = [
        data / name
        for name in (
            "candles/binance_perp_1h.parquet",
            "candles/hyperliquid_perp_1h.parquet",
            "funding/funding.parquet",
        )
    ]
    lake = Lake(tmp_path)
    import_files(files, lake, Naming(), now_ns=1, tell=lambda *step: None)
    span = from_iso("2023-05-20"), from_iso("2023-06-20")
    bars = load_bars(
        lake, [BTC, HL_BTC], bar_ns=HOUR_NS, start_ns=span[0], end_ns=span[1], proxies={"hyperliquid": "binance"}
    )
    assert bars.count == 31 * 24 and np.array_equal(bars.close[0], bars.close[1])
    assert set((bars.settlements[1].interval_ns // HOUR_NS).tolist()) == {8, 1}
    sol = Wanted(venue="binance", symbol="SOLUSDT", base="SOL", quote="USDT")
    crash = load_bars(
        lake, [sol], bar_ns=HOUR_NS, start_ns=from_iso("2022-11-01"), end_ns=from_iso("2022-12-01"), proxies={}
    )
    hours = crash.settlements[0].interval_ns // HOUR_NS
    assert {2, 4, 8} == set(hours.tolist())
    assert not [one for one in findings_for(crash, lake, [sol]) if one.severity == "fatal"]


def test_times_of_the_lake_are_milliseconds_and_of_bars_nanoseconds(tmp_path: Path) -> None:
    frame = candles([100.0] * 20)
    assert frame["ts"][0] * MS == load(lake_with(tmp_path, frame)).open_ns[0]
