"""Files become series: kinds and widths told by what is in them, wrong rows named, nothing mixed."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.errors import DataError, InputError
from perpbook.history.importing import ImportedFile, import_files, intervals_of
from perpbook.history.lake import Held, Lake
from perpbook.history.recognise import Naming
from perpbook.model.units import HOUR_NS, from_iso
from tests.unit.history_lakes import MS, START, candles, real_data

CSV = """date,open,high,low,close,volume
2024-01-01,100,101,99,100,5
2024-01-01T01:00:00Z,100,102,99,101,6
2024-01-01 02:00,101,102,99,101,6
"""


def imported(lake: Lake, *paths: Path, **naming: str) -> tuple[ImportedFile, ...]:
    return import_files(paths, lake, Naming(**naming), now_ns=7, tell=lambda *step: None)  # type: ignore[arg-type]


def only(lake: Lake, kind: str = "*") -> Held:
    (held,) = lake.held(kind)
    return held


def test_a_csv_with_named_columns_becomes_a_series(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(CSV)
    lake = Lake(tmp_path / "lake")
    imported(lake, path, venue="okx", symbol="BTC-USDT")
    held = only(lake)
    assert str(held.id) == "candles okx BTC-USDT 1h" and (held.rows, held.first_ns) == (3, START)
    assert held.path.relative_to(lake.root).as_posix() == "candles/venue=okx/symbol=BTC-USDT/bar=1h/part.parquet"
    assert (
        held.origins[0].where == "prices.csv" and held.origins[0].imported_ns == 7 and len(held.origins[0].sha256) == 64
    )


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_times_in_any_unit_are_the_same_times(unit: int, tmp_path: Path) -> None:
    frame = candles([100.0] * 5).with_columns(
        (pl.col("ts") // 1_000 * unit).alias("time"), pl.lit("okx").alias("venue"), pl.lit("BTC-USDT").alias("symbol")
    )
    frame.drop("ts").write_parquet(tmp_path / "x.parquet")
    lake = Lake(tmp_path / "lake")
    imported(lake, tmp_path / "x.parquet")
    assert only(lake).first_ns == START


def test_freqtrade_feathers_name_themselves(tmp_path: Path) -> None:
    folder = tmp_path / "binance" / "futures"
    folder.mkdir(parents=True)
    date = pl.from_epoch("ts", time_unit="ms").dt.replace_time_zone("UTC").alias("date")
    frame = candles([100.0] * 20).select(date, "open", "high", "low", "close", "volume")
    frame.write_ipc(folder / "BTC_USDT_USDT-1h-futures.feather")
    frame.write_ipc(folder / "BTC_USDT_USDT-1h-mark.feather")
    rates = candles([100.0] * 6, bar_ns=8 * HOUR_NS).select(
        date, pl.lit(2e-4).alias("open"), high=0.0, low=0.0, close=0.0, volume=0.0
    )
    rates.write_ipc(folder / "BTC_USDT_USDT-1h-funding_rate.feather")
    lake = Lake(tmp_path / "lake")
    imported(lake, folder)
    assert [str(one.id) for one in lake.held()] == [
        "candles binance BTC-USDT 1h", "funding binance BTC-USDT settlement", "mark binance BTC-USDT 1h",
    ]  # fmt: skip
    rows = lake.read(only(lake, "funding"))
    assert rows["rate"].to_list() == [2e-4] * 6 and rows["interval_hours"].to_list() == [8.0] * 6
    assert "intervals are told by how far apart" in only(lake, "funding").origins[0].remarks[0]


def test_intervals_follow_the_spacing() -> None:
    hours = [0, 8, 16, 20, 22, 24, 100, 102]
    times = pl.Series([START // MS + hour * 3_600_000 for hour in hours]).to_numpy()
    assert intervals_of(times).tolist() == [8.0, 8.0, 8.0, 4.0, 2.0, 2.0, 2.0, 2.0]


def test_a_mislabelled_width_is_told(tmp_path: Path) -> None:
    frame = candles([100.0] * 9, bar_ns=8 * HOUR_NS).with_columns(
        venue=pl.lit("okx"), symbol=pl.lit("BTC-USDT"), tf=pl.lit("1h")
    )
    frame.write_parquet(tmp_path / "mark.parquet")
    lake = Lake(tmp_path / "lake")
    (done,) = imported(lake, tmp_path / "mark.parquet")
    assert only(lake).id.bar == "8h" and done.remarks == ("BTC-USDT: labelled 1h, but its rows are 8h apart",)


def test_a_series_of_one_row_has_the_width_of_its_file(tmp_path: Path) -> None:
    named = [pl.lit("okx").alias("venue"), pl.lit("BTC-USDT").alias("symbol")]
    many = candles([100.0] * 30, bar_ns=4 * HOUR_NS).with_columns(named)
    few = many.with_columns(symbol=pl.lit("币安人生-USDT"))[[3]]
    apart = many.with_columns(symbol=pl.lit("NEW-USDT"))[[3, 20]]
    pl.concat([few, many, apart]).write_parquet(tmp_path / "x.parquet")
    lake = Lake(tmp_path / "lake")
    imported(lake, tmp_path / "x.parquet")
    assert [(one.id.symbol, one.id.bar, one.rows) for one in lake.held()] == [
        ("BTC-USDT", "4h", 30), ("NEW-USDT", "4h", 2), ("币安人生-USDT", "4h", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["NaN", "-3", "0", "inf"])
def test_a_price_that_is_none_is_refused_with_file_row_and_time(value: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(CSV.replace("100,102,99,101", f"100,102,{value},101"))
    with pytest.raises(InputError) as caught:
        imported(Lake(tmp_path / "lake"), path, venue="okx", symbol="BTC-USDT")
    (problem,) = caught.value.problems
    assert problem.line == 3 and "row 2" in problem.message and "2024-01-01T01:00:00Z" in problem.message
    assert problem.key == "low" and Lake(tmp_path / "lake").held() == ()


@pytest.mark.parametrize(
    ("text", "naming", "message"),
    [
        (CSV, {}, "does not say its venue"),
        (CSV, {"venue": "okx"}, "does not say its symbol"),
        (CSV, {"venue": "../x", "symbol": "BTC-USDT"}, "cannot name a series"),
        (CSV, {"venue": "okx", "symbol": "BTCUSDT"}, "write BASE-QUOTE"),
        (CSV.replace("2024-01-01 02:00", "soon"), {"venue": "okx", "symbol": "BTC-USDT"}, 'row 3: "soon" is not a time'),
        (CSV.replace("date", "when"), {"venue": "okx", "symbol": "BTC-USDT"}, "has no column of times"),
        (CSV.split("\n")[0] + "\n", {"venue": "okx", "symbol": "BTC-USDT"}, "has no rows"),
        ("", {}, "cannot be read"),
        ("a,b\n1,2\n", {}, "no kind of series"),
        (CSV.replace("101,102,99,101,6", "x,102,99,101,6"), {"venue": "okx", "symbol": "BTC-USDT"}, "text where a number"),
    ],
)  # fmt: skip
def test_a_bad_file_is_one_clear_error(text: str, naming: dict[str, str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        imported(Lake(tmp_path / "lake"), path, **naming)


def test_a_file_that_is_not_what_it_says_is_one_clear_error(tmp_path: Path) -> None:
    for name in ("x.parquet", "x.feather"):
        (tmp_path / name).write_bytes(b"not a table")
        with pytest.raises(InputError, match="cannot be read"):
            imported(Lake(tmp_path / "lake"), tmp_path / name)
    with pytest.raises(InputError, match="there is no such file"):
        imported(Lake(tmp_path / "lake"), tmp_path / "none.parquet")
    with pytest.raises(InputError, match="are not read"):
        (tmp_path / "x.json").write_text("{}")
        imported(Lake(tmp_path / "lake"), tmp_path / "x.json")


def test_importing_twice_changes_nothing_and_newer_rows_win(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(CSV)
    lake = Lake(tmp_path / "lake")
    imported(lake, path, venue="okx", symbol="BTC-USDT")
    before = only(lake).content
    (again,) = imported(lake, path, venue="okx", symbol="BTC-USDT")
    assert (again.added, again.replaced, only(lake).content) == (0, 0, before)
    path.write_text(CSV.replace("101,102,99,101", "101,103,99,101") + "2024-01-01T03:00:00Z,101,102,99,101,6\n")
    (newer,) = imported(lake, path, venue="okx", symbol="BTC-USDT")
    assert (newer.added, newer.replaced, only(lake).rows) == (1, 1, 4)
    assert len(only(lake).origins) == 2


def test_made_up_rows_are_never_mixed_with_real_ones(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(CSV)
    lake = Lake(tmp_path / "lake")
    imported(lake, path, venue="okx", symbol="BTC-USDT")
    with pytest.raises(InputError, match="never mixed"):
        import_files(
            [path], lake, Naming(venue="okx", symbol="BTC-USDT", simulated=True), now_ns=1, tell=lambda *step: None
        )


def test_a_file_put_there_by_hand_is_of_unknown_origin(tmp_path: Path) -> None:
    folder = tmp_path / "candles/venue=okx/symbol=BTC-USDT/bar=1h"
    folder.mkdir(parents=True)
    candles([100.0] * 5).write_parquet(folder / "part.parquet")
    assert (only(Lake(tmp_path)).rows, only(Lake(tmp_path)).origins) == (5, ())
    (folder / "part.parquet").write_bytes(b"torn")
    with pytest.raises(DataError, match="remove it and import it again"):
        Lake(tmp_path).held()


def run(*words: str, lake: Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["data", *words, "--lake", str(lake)])
    return done.exit_code, done.stdout, done.stderr


def test_the_verbs_answer_in_words_and_in_json(tmp_path: Path) -> None:
    path, lake = tmp_path / "prices.csv", tmp_path / "lake"
    path.write_text(CSV)
    code, out, _ = run("import", str(path), "--venue", "okx", "--symbol", "BTC-USDT", lake=lake)
    assert code == 0 and "prices.csv" in out
    code, out, _ = run("status", lake=lake)
    assert code == 0 and "BTC-USDT" in out and "1 series, 3 rows" in out
    code, out, _ = run("status", "--json", lake=lake)
    document = json.loads(out)
    assert document["schema"] == "data.status/1" and document["data"]["series"][0]["first"] == "2024-01-01T00:00:00Z"
    code, out, _ = run("quality", "--json", lake=lake)
    assert code == 0 and json.loads(out)["data"]["findings"] == []


def test_fatal_findings_leave_with_20(tmp_path: Path) -> None:
    path, lake = tmp_path / "prices.csv", tmp_path / "lake"
    path.write_text(CSV.replace("100,102,99,101", "100,90,99,101"))
    run("import", str(path), "--venue", "okx", "--symbol", "BTC-USDT", lake=lake)
    code, out, _ = run("quality", lake=lake)
    assert code == 20 and "impossible_bar" in out and "--accept" in out


def test_errors_leave_with_their_codes(tmp_path: Path) -> None:
    code, _, err = run("status", lake=tmp_path / "none")
    assert code == 20 and "is empty" in err
    code, out, _ = run("import", str(tmp_path / "none.csv"), "--json", lake=tmp_path)
    assert code == 3 and json.loads(out)["errors"][0]["hint"] == "check the path"
    assert run("import", str(tmp_path), "--kind", "candels", lake=tmp_path)[0] == 3


def test_generated_history_is_marked_everywhere(tmp_path: Path) -> None:
    words = ("generate", "--days", "20", "--assets", "2", "--start", "2024-03-01", "--seed", "5")
    code, out, _ = run(*words, lake=tmp_path / "a")
    assert code == 0 and "SIMULATED" in out
    assert run(*words, "--json", lake=tmp_path / "b")[0] == 0
    ours, same = Lake(tmp_path / "a").held(), Lake(tmp_path / "b").held()
    assert [one.content for one in ours] == [one.content for one in same] and len(ours) == 8
    assert all(one.simulated for one in ours) and ours[0].first_ns == from_iso("2024-03-01")
    code, out, _ = run("status", lake=tmp_path / "a")
    assert out.count("SIMULATED") == 9
    assert run("quality", lake=tmp_path / "a")[0] == 0
    assert run("generate", "--days", "0", lake=tmp_path / "c")[0] == 3


@pytest.mark.slow
def test_real_files_import_as_they_are(tmp_path: Path) -> None:
    data = real_data()
    lake = Lake(tmp_path)
    done = imported(lake, data)
    taken = {one.path.parent.name for one in done if one.skipped is None}
    assert taken == {"candles", "mark", "open_interest", "gas", "events", "funding"}
    assert not [one.path.name for one in done if one.skipped and one.path.parent.name in taken]
    btc = {one.id.bar for one in lake.held("candles", "binance", "BTC-USDT")}
    assert btc == {"15m", "1h", "4h", "1d"}
    assert sum(one.rows for one in done) == sum(one.rows for one in lake.held())
