"""Each defect planted alone is found, and a sound series gives nothing fatal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from perpbook.history.importing import import_files
from perpbook.history.lake import Lake
from perpbook.history.quality import examine
from perpbook.history.recognise import Naming
from perpbook.model.data_finding import DataFinding, Severity
from perpbook.model.units import HOUR_NS, from_iso
from tests.unit.history_lakes import START, candles, funding, put, real_data, wander

COUNT = 3_000


def codes(lake: Lake) -> dict[str, DataFinding]:
    return {one.code: one for one in reversed(examine(lake))}


def at(frame: pl.DataFrame, row: int, **values: float) -> pl.DataFrame:
    here = pl.int_range(pl.len()) == row
    return frame.with_columns(
        pl.when(here).then(pl.lit(value)).otherwise(pl.col(name)).alias(name) for name, value in values.items()
    )


def flat(frame: pl.DataFrame, first: int, last: int) -> pl.DataFrame:
    price = frame["close"][first - 1]
    here = (pl.int_range(pl.len()) >= first) & (pl.int_range(pl.len()) <= last)
    names = ("open", "high", "low", "close")
    return frame.with_columns(
        *(pl.when(here).then(price).otherwise(pl.col(name)).alias(name) for name in names),
        pl.when(here).then(0.0).otherwise(pl.col("volume")).alias("volume"),
    )


def scaled(frame: pl.DataFrame, row: int, by: float) -> pl.DataFrame:
    names = ("open", "high", "low", "close")
    return frame.with_columns(
        pl.when(pl.int_range(pl.len()) >= row).then(pl.col(name) * by).otherwise(pl.col(name)).alias(name)
        for name in names
    )


def sound() -> pl.DataFrame:
    return candles(wander(COUNT))


PLANTED: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], Severity]] = {
    "gap": (lambda f: pl.concat([f[:500], f[520:]]), Severity.WARNING),
    "short_gaps": (lambda f: pl.concat([f[:500], f[502:]]), Severity.NOTE),
    "duplicate": (lambda f: pl.concat([f[:500], f[499:]]), Severity.WARNING),
    "conflict": (lambda f: pl.concat([f[:500], at(f[499:500], 0, close=101.0), f[500:]]), Severity.FATAL),
    "out_of_order": (lambda f: pl.concat([f[:500], f[501:502], f[500:501], f[502:]]), Severity.WARNING),
    "off_grid": (lambda f: at(f, 700, ts=int(f["ts"][700]) + 60_000), Severity.FATAL),
    "impossible_bar": (lambda f: at(f, 700, high=f["low"][700] * 0.9), Severity.FATAL),
    "not_a_price": (lambda f: at(f, 700, close=float("nan")), Severity.FATAL),
    "frozen": (lambda f: flat(f, 700, 709), Severity.WARNING),
    "wick": (lambda f: at(f, 700, high=f["close"][700] * 1.9), Severity.WARNING),
    "spike": (lambda f: at(f, 700, close=f["close"][700] * 1.5, high=f["close"][700] * 1.6), Severity.WARNING),
    "bad_open": (lambda f: at(f, 700, open=f["close"][699] * 0.4, low=f["close"][699] * 0.4), Severity.WARNING),
    "splice": (lambda f: scaled(f, 700, 1_000.0), Severity.FATAL),
}


@pytest.mark.parametrize("code", PLANTED)
def test_a_planted_defect_is_found(code: str, tmp_path: Path) -> None:
    plant, severity = PLANTED[code]
    lake = Lake(tmp_path)
    put(lake, plant(sound()))
    found = codes(lake)
    assert found[code].severity is severity and (found[code].venue, found[code].symbol) == ("binance", "BTC-USDT")
    assert START <= found[code].start_ns < found[code].end_ns <= START + (COUNT + 1) * HOUR_NS


def test_a_finding_says_which_runs_it_touches(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, pl.concat([sound()[:500], sound()[520:]]))
    gap = codes(lake)["gap"]
    assert (gap.start_ns, gap.end_ns) == (START + 500 * HOUR_NS, START + 520 * HOUR_NS)
    assert gap.touches(START + 519 * HOUR_NS, START + 600 * HOUR_NS)
    assert not gap.touches(START, START + 500 * HOUR_NS) and not gap.touches(gap.end_ns, gap.end_ns + 1)


def test_a_sound_series_gives_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, sound())
    put(lake, funding(COUNT // 8), kind="funding")
    assert examine(lake) == ()


def test_a_drawn_walk_is_told_from_a_market(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, candles(wander(COUNT, wild=False)))
    assert codes(lake)["drawn_walk"].severity is Severity.FATAL


def test_an_asset_halted_and_listed_again_is_a_splice(tmp_path: Path) -> None:
    frame = scaled(sound(), 700, 1_000.0)
    lake = Lake(tmp_path)
    put(lake, pl.concat([frame[:700], frame[1_100:]]))
    assert "over a hole" in codes(lake)["splice"].message


def test_a_price_far_from_the_other_venue_is_an_outlier(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, at(sound(), 700, close=sound()["close"][700] * 0.9, low=sound()["close"][700] * 0.89))
    put(lake, sound(), name="okx BTC-USDT")
    outlier = codes(lake)["outlier"]
    assert outlier.start_ns == START + 700 * HOUR_NS and "-10.0%" in "".join(one.message for one in examine(lake))


def test_another_asset_under_the_same_name_disagrees(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, sound())
    put(lake, candles(wander(COUNT, seed=2)), name="okx BTC-USDT")
    assert codes(lake)["disagrees"].severity is Severity.FATAL


def test_funding_that_changes_its_interval_is_noted(tmp_path: Path) -> None:
    later = funding(50, start_ns=START + 100 * 8 * HOUR_NS, hours=2.0)
    lake = Lake(tmp_path)
    put(lake, pl.concat([funding(100), later]), kind="funding")
    found = codes(lake)
    assert "every 2 h" in found["interval_change"].message and set(found) == {"interval_change"}


def test_funding_labelled_wrong_is_found(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, funding(100, hours=1.0).with_columns(interval_hours=pl.lit(8.0)), kind="funding")
    put(lake, funding(100, hours=8.0).with_columns(interval_hours=pl.lit(1.0)), kind="funding", name="okx BTC-USDT")
    labels = [one for one in examine(lake) if one.code == "interval_mislabelled"]
    assert [one.venue for one in labels] == ["binance", "okx"] and "8 h apart" in labels[1].message


def test_funding_with_holes_and_beyond_its_cap_is_found(tmp_path: Path) -> None:
    frame = funding(100)
    lake = Lake(tmp_path)
    put(lake, pl.concat([frame[:50], frame[53:]]), kind="funding")
    assert "about 3 settlements" in codes(lake)["funding_hole"].message
    put(lake, at(frame, 7, rate=0.3), kind="funding")
    assert codes(lake)["beyond_cap"].severity is Severity.FATAL
    put(lake, at(frame, 7, rate=0.01), kind="funding")
    assert examine(lake) == ()
    capped = examine(lake, caps={"binance": 0.005})
    assert [(one.code, one.severity) for one in capped] == [("beyond_cap", Severity.WARNING)]


def test_real_history_shows_its_known_scars_and_no_others(tmp_path: Path) -> None:
    data = real_data()
    files = [
        data / name
        for name in (
            "candles/binance_perp_1h.parquet", "candles/binance_spot_1h.parquet", "candles/okx_perp_5m_2022.parquet",
            "candles/hyperliquid_perp_1h.parquet", "candles/bybit_perp_5m.parquet", "funding/funding.parquet",
        )
    ]  # fmt: skip
    lake = Lake(tmp_path)
    import_files(files, lake, Naming(), now_ns=1, tell=lambda *step: None)
    found = examine(lake)

    def seen(code: str, symbol: str, day: str) -> bool:
        when = from_iso(day)
        return any((one.code, one.symbol) == (code, symbol) and one.touches(when, when + 1) for one in found)

    assert seen("splice", "LUNA-USDT", "2022-05-20")
    assert seen("frozen", "BTC-USDT", "2022-12-18T12:00:00")
    assert seen("gap", "SOL-USDT", "2022-06-10")
    assert seen("interval_change", "SOL-USDT", "2022-11-15")
    assert seen("interval_change", "BTC-USDC", "2023-07-01")
    fatal = {(one.kind, one.code, one.symbol) for one in found if one.severity is Severity.FATAL}
    outage = {("candles_spot", "off_grid", f"{base}-USDT") for base in ("BNB", "BTC", "ETH", "LTC")}
    assert fatal == outage | {("candles_spot", "splice", "LUNA-USDT")}


def test_a_series_too_short_to_judge_is_let_be(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, candles([100.0]))
    put(lake, funding(1), kind="funding")
    assert examine(lake) == ()
    assert np.isfinite(candles([100.0])["close"][0])
