"""`perpbook funding`: from a lake and a book to words and to JSON, what it refuses, and what its page shows."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.errors import InputError
from perpbook.history.lake import Lake, SeriesId
from perpbook.model.units import DAY_NS, HOUR_NS
from perpbook.runs.funding import ScoresAsked, run_scores
from tests.laws.funding_series import START, autoregressive, clamped
from tests.unit.history_lakes import MS, origin, real_data

PAGE = (Path(__file__).parents[2] / "docs" / "funding.md").read_text(encoding="utf-8")
DAYS = 75
PLAYBOOK = 'schema_version = 1\n[capital]\nsleeves = [{ name = "core", tags = ["core"] }]\n'


def stored(lake: Lake, venue: str, symbol: str, rates: np.ndarray, hours: int) -> None:
    times = START + hours * HOUR_NS * np.arange(1, rates.size + 1)
    frame = pl.DataFrame({"ts": times // MS, "rate": rates, "interval_hours": np.full(rates.size, float(hours))})
    series = SeriesId(kind="funding", venue=venue, symbol=symbol, bar_ns=None)
    lake.store(series, frame, origin(rates.size))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a lake of two venues, the page's book as of its end, and a playbook."""
    folder = tmp_path_factory.mktemp("desk")
    lake = Lake(folder / "lake")
    stored(lake, "binance", "BTC-USDT", clamped(autoregressive(3 * DAYS, 21, level=6e-4, phi=0.8, noise=3e-4)), 8)
    stored(lake, "binance", "ETH-USDT", autoregressive(3 * DAYS, 22, level=1e-4, phi=0.8, noise=1e-4), 8)
    stored(lake, "bybit", "BTC-USDT", autoregressive(3 * DAYS, 23, level=2e-4, phi=0.8, noise=1e-4), 8)
    block = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert block
    (folder / "book.toml").write_text(block[1].replace("2026-11-20T12:00", "2024-03-15T12:00"), encoding="utf-8")
    (folder / "playbook.toml").write_text(PLAYBOOK, encoding="utf-8")
    return folder


def told(desk: Path, *words: str, code: int = 0) -> str:
    run = CliRunner().invoke(app, ["funding", *words])
    assert run.exit_code == code, run.output
    return run.stdout if code == 0 else run.stderr


def test_a_book_is_told_in_words(desk: Path) -> None:
    said = told(desk, str(desk / "book.toml"), "--data", str(desk / "lake"), "--horizon", "1d")
    assert said.startswith("2024-03-15T12:00:00Z: the next 1d ") and "expected" in said
    assert "Paid at the present size" in said and "core" in said and "By venue, annualised simply" in said
    assert max(len(line) for line in said.splitlines()) <= 100


def test_a_book_is_told_as_one_document(desk: Path) -> None:
    words = ("--data", str(desk / "lake"), "--horizon", "1d", "--json")
    document = json.loads(told(desk, "desk", str(desk / "book.toml"), *words))
    data = document["data"]
    long, short = data["positions"]
    assert document["schema"] == "funding/1" and (long["sleeve"], short["sleeve"]) == ("core", "")
    assert long["now"] == pytest.approx(-180_000 * long["last_rate"])
    assert short["now"] == pytest.approx(60_000 * short["last_rate"])
    for one in (long, short):
        ahead = one["ahead"]
        assert ahead["low"] < ahead["mean"] < ahead["high"]
        assert ahead["flip"]["by_step"][-1] >= ahead["forecast"]["flip"]
        assert ahead["mean"] == pytest.approx(-one["exposure"] * ahead["forecast"]["mean"])
    assert data["expected"] == pytest.approx(long["ahead"]["mean"] + short["ahead"]["mean"])
    book = next(row for row in data["paid"] if row["kind"] == "book")["cash"]
    assert book["365"] is None and book["7"] == pytest.approx(sum(row["cash"]["7"] for row in data["paid"][:2]))
    assert [row["venue"] for row in data["term_structure"]] == ["binance", "bybit", "binance"]
    assert document == json.loads(told(desk, str(desk / "book.toml"), *words)), "the same seed tells the same"


def test_the_page_holds_every_figure_and_fetches_nothing(desk: Path) -> None:
    target = desk / "funding.html"
    told(desk, str(desk / "book.toml"), "--data", str(desk / "lake"), "--horizon", "1d", "--html", str(target))
    page = target.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)
    assert found and "default-src 'none'" in page
    figures = json.loads(found[1])
    assert set(figures) == {"fan-0", "fan-1", "waterfall", "paid", "venues"}
    assert all(f'data-figure="{name}"' in page for name in figures)
    bars = figures["waterfall"]["data"][0]
    assert bars["y"][-1] == pytest.approx(sum(bars["y"][:-1]))
    low, high, mean = (line["y"] for line in figures["fan-0"]["data"])
    assert all(a <= b <= c for a, b, c in zip(low, mean, high, strict=True)) and len(mean) == 7
    assert len(figures["venues"]["data"][0]["z"]) == 3


def test_a_window_is_told_alone(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    every = json.loads(told(desk, "--data", "lake", "--horizon", "1d", "--json"))["data"]
    data = json.loads(told(desk, "--window", "30d,2d", "--data", "lake", "--horizon", "1d", "--json"))["data"]
    assert list(data["drag"]) == ["2", "30"] and data["drag"]["30"] == every["drag"]["30"]
    assert {tuple(row["cash"]) for row in data["paid"]} == {("2", "30")}
    assert [row["cash"]["30"] for row in data["paid"]] == [row["cash"]["30"] for row in every["paid"]]
    said = " ".join(told(desk, "--window", "2d", "--data", "lake", "--horizon", "1d").split())
    assert "would have been paid" in said and "over the last 2d." in said
    assert "Paid at the present size of 2 d ─" in said


def test_too_short_a_history_is_told_without_a_forecast(desk: Path) -> None:
    said = told(desk, str(desk / "book.toml"), "--data", str(desk / "lake"), "--horizon", "30d")
    assert "not known for every position" in said and "ten times the horizon must be known" in " ".join(said.split())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["book.toml", "--data", "nowhere"], 20, "has no funding of binance BTCUSDT"),
        (["book.toml", "--data", "lake", "--model", "oracle"], 3, "no model of funding"),
        (["book.toml", "--data", "lake", "--level", "2"], 3, "a level of 2"),
        (["book.toml", "--data", "lake", "--horizon", "soon"], 3, "no length of time"),
        (["missing.toml", "--data", "lake"], 3, "missing.toml"),
        (["--window", "5h", "--data", "lake"], 3, "whole days, like 30d"),
        (["book.toml", "--window", "1d,12h", "--data", "lake"], 3, "whole days, like 30d"),
        (["scores", "XYZ", "--data", "lake"], 20, "no funding to score"),
        (["scores", "BTC", "--data", "lake", "--horizons", "5h"], 20, "no funding to score"),
        (["scores", "BTC", "--data", "lake", "--level", "1"], 3, "a level between 0 and 1"),
        (["paid", "lake", "book.toml"], 3, "keeps no run"),
        (["next", "okx", "book.toml"], 3, "is no sample"),
    ],
)
def test_nonsense_is_one_clear_error(
    desk: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, said: str
) -> None:
    monkeypatch.chdir(desk)
    assert said in told(desk, *words, code=code)


def test_a_stale_history_says_so(desk: Path) -> None:
    said = told(desk, str(desk / "book.toml"), "--data", str(desk / "lake"), "--at", "2024-05-01")
    assert "import newer funding" in said.replace("\n", " ")


def test_scores_name_a_winner_and_how_often_intervals_held(desk: Path) -> None:
    data = json.loads(
        told(desk, "scores", "BTC", "--venue", "binance", "--horizons", "1d", "--data", str(desk / "lake"), "--json")
    )
    (found,) = data["data"]
    errors = {one["model"]: one["mean_absolute"] for one in found["models"]}
    assert len(errors) == 11 and found["winner"] == min(errors, key=lambda name: errors[name])
    assert 0.6 < found["coverage"]["held"] <= 1.0 and found["horizon_ns"] == DAY_NS
    with pytest.raises(InputError):
        run_scores(desk / "lake", ScoresAsked(level=0.0))


def test_the_next_settlement_is_told_from_prices_or_premiums(desk: Path) -> None:
    samples = desk / "samples.csv"
    samples.write_text("time,impact_bid,impact_ask,index\n2024-03-15T12:10,100.2,100.3,100\n", encoding="utf-8")
    said = json.loads(told(desk, "next", "hyperliquid", str(samples), "--json"))["data"]
    assert said["rate"] == pytest.approx((0.002 - 0.0005) / 8) and said["settled_share"] == pytest.approx(1 / 6)
    samples.write_text("time,premium\n2024-03-15T12:10,0.0003\n", encoding="utf-8")
    assert "whatever it is exactly" in told(desk, "next", "binance", str(samples))


def test_the_pages_commands_print_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERPBOOK_DATA_LAKE", str(tmp_path / "lake"))
    book = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    shown = re.search(r"```console\n(.*?)```", PAGE, re.DOTALL)
    assert book and shown
    (tmp_path / "book.toml").write_text(book[1], encoding="utf-8")
    printed: list[str] = []
    for line in shown[1].splitlines():
        if line.startswith("$ perpbook "):
            run = CliRunner().invoke(app, shlex.split(line)[2:])
            assert run.exit_code == 0, run.output
            printed = [one.rstrip() for one in run.stdout.splitlines()]
        else:
            assert line.rstrip() in printed, (line, printed)


def test_a_kept_runs_funding_is_its_journals(desk: Path) -> None:
    run, day = desk / "run", START + np.arange(3) * DAY_NS
    run.mkdir()
    (run / "run.json").write_text(json.dumps({"facts": {"simulated": True}}), encoding="utf-8")
    pl.DataFrame({"time_ns": day, "book": [1_000.0, 900.0, 950.0]}).write_parquet(run / "curve.parquet")
    rows = [("funding", 1, -50.0, "USDT"), ("fill", 1, -7.0, "USDT"), ("funding", 2, 0.25, "BTC")]
    pl.DataFrame(
        [
            {"time_ns": int(day[at]), "kind": kind, "account": "main", "symbol": "BTCUSDT", "price": 80.0, "cash": cash,
             "asset": asset}
            for kind, at, cash, asset in rows
        ]
    ).write_parquet(run / "events.parquet")  # fmt: skip
    words = ("paid", str(run), str(desk / "book.toml"), str(desk / "playbook.toml"))
    data = json.loads(told(desk, *words, "--json"))["data"]
    assert (data["whole"], data["settlements"], data["simulated"]) == (-30.0, 2, True)
    assert data["drag"] == pytest.approx((1 - 50 / 900) * (1 + 20 / 950) - 1)
    assert {(row["kind"], row["key"]) for row in data["rows"]} >= {("sleeve", "core"), ("asset", "BTC")}
    assert "SIMULATED" in told(desk, *words)
    short = json.loads(told(desk, *words, "--window", "1d", "--json"))["data"]
    assert [row["cash"] for row in short["rows"] if row["kind"] == "book"] == [{"1": 20.0}]


@pytest.mark.slow
def test_a_backtest_pays_what_its_desk_would_have(tmp_path: Path) -> None:
    """A book that is only held has paid, by its journal, what its size and each settlement's price make of the rates."""
    told_book = tmp_path / "book.toml"
    block = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert block
    told_book.write_text(block[1].replace("90000.0", "45000.0"), encoding="utf-8")
    lake, run = ("--lake", str(tmp_path / "lake")), str(tmp_path / "run")
    for words in (
        ["data", "generate", "--assets", "2", "--venues", "binance", "--start", "2026-08-01", "--days", "20", *lake],
        ["backtest", "run", str(told_book), "--no-playbook", "--bar", "8h", "--save", run, *lake],
    ):
        assert CliRunner().invoke(app, words).exit_code == 0
    found = CliRunner().invoke(app, ["funding", "paid", run, str(told_book), "--json"])
    data = json.loads(found.stdout)["data"]
    attributed = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["attribution"]["funding"]
    assert data["settlements"] == 2 * 3 * 20 and data["whole"] == pytest.approx(attributed)


@pytest.mark.slow
def test_real_funding_is_forecast_no_worse_than_by_its_last_value(tmp_path: Path) -> None:
    source = real_data() / "funding" / "funding.parquet"
    rows = pl.read_parquet(source).filter((pl.col("venue") == "binance") & (pl.col("symbol") == "ETH-USDT"))
    lake = Lake(tmp_path)
    frame = rows.select("ts", "rate", pl.col("interval_hours").cast(pl.Float64)).sort("ts").head(3_300)
    lake.store(SeriesId(kind="funding", venue="binance", symbol="ETH-USDT", bar_ns=None), frame, origin(frame.height))
    for found in run_scores(tmp_path, ScoresAsked(symbols=("ETH",))):
        assert found.trusted.absolute_ratio < 1.01 and found.trusted.square_ratio < 1.0
        assert found.coverage is not None and 0.87 < found.coverage.held < 0.92
        assert found.coverage.crowded is not None and 0.86 < found.coverage.crowded < 0.93


CAPPED = "schema_version = 1\n[funding]\ndaily_cap = 1e-6\nexpected_max = 0.01\nflip_after = 5\n"


def test_check_judges_rules_on_rates_with_the_lake(desk: Path, tmp_path: Path) -> None:
    rules = tmp_path / "capped.toml"
    rules.write_text(CAPPED, encoding="utf-8")
    words = ["check", str(desk / "book.toml"), str(rules), "--html", str(tmp_path / "page.html")]
    run = CliRunner().invoke(app, [*words, "--data", str(desk / "lake")])
    assert run.exit_code == 10 and "Asked for by rules on funding" in run.stdout
    assert "held at its present size" in " ".join(run.stdout.split()) and "not judged" not in run.stdout
    assert max(len(line) for line in run.stdout.splitlines()) <= 100
    assert "Asked for by rules on funding" in (tmp_path / "page.html").read_text(encoding="utf-8")
    bare = CliRunner().invoke(app, [*words, "--data", str(tmp_path / "none")])
    assert bare.exit_code == 0 and "Asked for" not in bare.stdout
    assert "not judged by check: funding.daily_cap, funding.flip_after and" in " ".join(bare.stdout.split())


def test_check_says_of_the_lake_in_its_document(desk: Path, tmp_path: Path) -> None:
    rules = tmp_path / "capped.toml"
    rules.write_text(CAPPED, encoding="utf-8")
    words = ["check", str(desk / "book.toml"), str(rules), "--data", str(desk / "lake"), "--json"]
    data = json.loads(CliRunner().invoke(app, words).stdout)["data"]
    assert [one["symbol"] for one in data["past"]["positions"]] == [
        one["symbol"] for one in data["assessment"]["positions"]
    ]
    assert {one["why"] for one in data["past"]["sources"]} == {""}
    (cap,) = [one for one in data["verdict"]["findings"] if one["rule"] == "funding.daily_cap"]
    paid = sum(one["known"]["paid"] for one in data["past"]["positions"])
    assert cap["measured"] == pytest.approx(max(paid, 0.0) / data["assessment"]["book"]["equity"], rel=1e-12)
    assert data["verdict"]["asked"]
