"""Backtests on histories short enough to work out by hand, and through the command's own door."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.engine.backtest import Fills, Journey, backtest
from perpbook.engine.drive import Driver, Routes, asked_every, drive, window_of
from perpbook.errors import BookError, InputError, InvariantError
from perpbook.ledger.apply import fold
from perpbook.model.account import Account, Balance, Position
from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.book import Book, Transfer
from perpbook.model.units import HOUR_NS
from perpbook.playbook.load import parse_playbook
from perpbook.report.run_measures import through_time
from perpbook.strategies.orders import Orders
from perpbook.strategies.protocol import View
from perpbook.strategies.table import Leg, TargetTable
from perpbook.terms.load import load_terms

START = 1_700_000_000_000_000_000 // (24 * HOUR_NS) * 24 * HOUR_NS
LEG = Leg(account="main", venue="hyperliquid", symbol="BTC")


def bars_of(
    closes: list[float], *, lows: dict[int, float] | None = None, rates: dict[int, float] | None = None
) -> Bars:
    """Hours of BTC on Hyperliquid: each opens where the last closed; `rates` settle at a bar's open."""
    close = np.array([closes], dtype=np.float64)
    opens = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    low = np.minimum(opens, close)
    for bar, price in (lows or {}).items():
        low[0, bar] = price
    settled = sorted((rates or {}).items())
    return Bars(
        bar_ns=HOUR_NS,
        open_ns=START + HOUR_NS * np.arange(len(closes), dtype=np.int64),
        series=(SeriesKey(venue="hyperliquid", symbol="BTC"),),
        open=opens,
        high=np.maximum(opens, close),
        low=low,
        close=close,
        stale=np.zeros(close.shape, dtype=np.uint8),
        settlements=(
            Settlements(
                times_ns=np.array([START + HOUR_NS * bar for bar, _ in settled], dtype=np.int64),
                rates=np.array([rate for _, rate in settled]),
                interval_ns=np.full(len(settled), HOUR_NS, dtype=np.int64),
            ),
        ),
    )


def journey_of(bars: Bars, *, quantity: float = 0.0, cash: float = 10_000.0, playbook: str | None = None) -> Journey:
    entry = float(bars.open[0, 0])
    positions = (Position(symbol="BTC", quantity=quantity, entry_price=entry),) if quantity else ()
    account = Account(
        id="main", venue="hyperliquid", collateral=(Balance(asset="USDC", amount=cash),), positions=positions
    )
    return Journey(
        book=Book(as_of_ns=START, source="by hand", accounts=(account,)),
        terms={"hyperliquid": load_terms("hyperliquid")},
        bars=bars,
        playbook=parse_playbook(playbook, "by hand") if playbook else None,
        legs=(LEG,),
    )


def test_a_long_pays_funding_on_the_open_of_the_bar_it_settles_in() -> None:
    # 0.1 BTC; the settlement at bar 2's open is on 110: 0.1 x 110 x 0.001 = 0.011 dollars.
    outcome = backtest(journey_of(bars_of([100, 110, 120], rates={2: 0.001}), quantity=0.1))
    assert outcome.attribution()["funding"] == pytest.approx(-0.011, rel=1e-12)
    assert outcome.equity.tolist() == pytest.approx([10_000.0, 10_001.0, 10_002.0 - 0.011], rel=1e-12)
    (paid,) = outcome.funding_events()
    assert paid.cash == pytest.approx(-0.011) and (paid.price, paid.tick) == (110.0, 2)


def test_a_position_opened_at_the_settlements_own_open_does_not_pay_it() -> None:
    journey = journey_of(bars_of([100, 100, 100, 100], rates={1: 0.01, 2: 0.01}))
    targets = TargetTable(bar=np.array([0]), legs=(LEG,), exposure=np.array([[1.0]]))
    outcome = backtest(replace(journey, targets=targets, fills=Fills(pessimistic=False)))
    # Decided at the close of bar 0, filled at the open of bar 1 after that settlement: only bar 2's is paid.
    assert [event.tick for event in outcome.funding_events()] == [2]
    assert outcome.attribution()["fees"] == pytest.approx(-10_000.0 * 0.00045, rel=1e-3)


def test_an_account_dies_at_the_low_that_no_close_shows() -> None:
    # 10 BTC on 200 dollars at 100: at 80.5 there are 5 left of the 10.06 it must keep, under two thirds: the backstop takes
    # position and margin. The close is back at 100.
    bars = bars_of([100, 100, 100], lows={1: 80.5})
    outcome = backtest(journey_of(bars, quantity=10.0, cash=200.0))
    assert [event.kind.value for event in outcome.events()] == ["backstop", "seized_rest"]
    assert outcome.equity.tolist() == [200.0, 0.0, 0.0]
    assert outcome.attribution()["seized"] == pytest.approx(-5.0)
    hopeful = backtest(replace(journey_of(bars, quantity=10.0, cash=200.0), fills=Fills(pessimistic=False)))
    assert hopeful.equity[-1] == 200.0 and not hopeful.what.size


def test_a_debt_is_paid_by_the_venues_fund_and_the_account_is_empty() -> None:
    outcome = backtest(journey_of(bars_of([100, 100, 60]), quantity=10.0, cash=200.0))
    assert outcome.equity[-1] == 0.0
    assert outcome.attribution()["insured"] == pytest.approx(200.0)  # 10 x 40 lost, 200 there


def test_money_in_transit_backs_nothing_until_it_arrives() -> None:
    journey = journey_of(bars_of([100, 100, 100]), cash=1_000.0)
    on_its_way = Transfer(asset="USDC", amount=500.0, source="bank", destination="main", arrives_ns=START + HOUR_NS)
    outcome = backtest(replace(journey, book=replace(journey.book, transfers=(on_its_way,))))
    assert outcome.curve[0].tolist() == [1_000.0, 1_500.0, 1_500.0]
    assert outcome.equity.tolist() == [1_500.0] * 3


def test_events_folded_through_the_ledger_give_the_runs_own_book() -> None:
    playbook = "schema_version = 1\n[guardrails]\nposition_loss = 0.02\ndaily_drawdown = 0.05\n"
    closes = (100 * np.exp(np.cumsum(np.random.default_rng(5).normal(size=300) * 0.02))).tolist()
    journey = journey_of(bars_of(closes, rates={bar: 1e-4 for bar in range(300)}), playbook=playbook)
    bars = np.arange(0, 300, 20)
    targets = TargetTable(bar=bars, legs=(LEG,), exposure=np.where(np.arange(bars.size) % 2, -1.5, 2.0)[:, None])
    outcome = backtest(replace(journey, targets=targets))
    assert outcome.what.shape[0] > 30
    book = fold(journey.book, outcome.events(), journey.terms)
    price = float(journey.bars.close[0, -1])
    worth = sum(one.amount for one in book.accounts[0].collateral)
    worth += sum(one.quantity * (price - one.entry_price) for one in book.accounts[0].positions)
    assert worth == pytest.approx(outcome.equity[-1], rel=1e-9)


def test_a_run_that_loses_a_dollar_stops_with_its_account_and_seed() -> None:
    outcome = backtest(replace(journey_of(bars_of([100, 110]), quantity=1.0), seed=7))
    outcome.totals[0, 0] += 1.0
    with pytest.raises(InvariantError, match=r"main ends bar 1 .*seed 7"):
        outcome.check()


def test_a_book_that_is_dead_at_the_first_open_is_refused() -> None:
    with pytest.raises(BookError, match=r"main is liquidatable at the first bar"):
        backtest(journey_of(bars_of([100, 100]), quantity=10.0, cash=1.0))


@pytest.mark.parametrize("price", [float("nan"), -1.0, 0.0, float("inf")])
def test_a_price_that_is_none_is_named_by_series_and_time(price: float) -> None:
    bars = bars_of([100, 100, 100])
    bars.close[0, 2] = price
    with pytest.raises(InputError, match=r"BTC on hyperliquid: the bar at 2023-11-1\dT02:00:00Z is no bar"):
        backtest(journey_of(bars))


def test_a_strategy_that_raises_keeps_what_there_was_and_says_where() -> None:
    def falls_over(view: View, orders: Orders) -> None:
        orders.target("main:BTC", 1.0)
        if view.bar == 4:
            raise ValueError("no idea")

    journey = journey_of(bars_of([100.0] * 10))
    driver = Driver(strategy=falls_over, asked=asked_every(10, 2), window=window_of(journey, journey.legs, 5))
    outcome = drive(journey, driver)
    assert outcome.ended == 5 and "bar 4" in outcome.stopped and "no idea" in outcome.stopped
    assert outcome.equity.size == 5


def test_a_strategys_transfer_leaves_one_account_and_reaches_the_other() -> None:
    journey = journey_of(bars_of([100.0] * 6), cash=1_000.0)
    other = replace(journey.book.accounts[0], id="other", collateral=())
    journey = replace(journey, book=replace(journey.book, accounts=(journey.book.accounts[0], other)))

    def sends(view: View, orders: Orders) -> None:
        orders.transfer(400.0, "main", "other")

    driver = Driver(
        strategy=sends,
        asked=np.array([1]),
        window=window_of(journey, journey.legs, 5),
        routes=Routes(bars=2, dollars=3.0),
    )
    outcome = drive(journey, driver)
    assert outcome.curve[0].tolist() == [1_000.0, 1_000.0, 597.0, 597.0, 597.0, 597.0]
    assert outcome.curve[1].tolist() == [0.0, 0.0, 0.0, 0.0, 400.0, 400.0]
    assert outcome.equity.tolist() == [1_000.0, 1_000.0, 997.0, 997.0, 997.0, 997.0]


BOOK = """
schema = "book/1"
as_of = "2024-01-01T00:00:00Z"
[[accounts]]
id = "long"
venue = "binance"
collateral = { USDT = 50000.0 }
[[accounts]]
id = "short"
venue = "hyperliquid"
collateral = { USDC = 50000.0 }
"""
RULES = """
schema_version = 1
[leverage.account]
gross = 2.5
[guardrails]
daily_drawdown = 0.05
"""
LEGS = ["--leg", "long:BTCUSDT", "--leg", "short:BTC", "--strategy", "hold", "--set", "weights=1.5,-1.4"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a book, rules, and a made-up lake."""
    folder = tmp_path_factory.mktemp("backtest")
    (folder / "book.toml").write_text(BOOK)
    (folder / "rules.toml").write_text(RULES)
    made = ["data", "generate", "--assets", "1", "--days", "25", "--seed", "1", "--lake", str(folder / "lake")]
    assert CliRunner().invoke(app, made).exit_code == 0
    return folder


def command(place: Path, *words: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, list(words))
    return found.exit_code, found.output


def test_the_command_runs_keeps_compares_and_tells_again(place: Path) -> None:
    at = ["--lake", str(place / "lake"), *LEGS]
    book, rules = str(place / "book.toml"), str(place / "rules.toml")
    code, told = command(
        place, "backtest", "run", book, rules, *at, "--save", str(place / "a"), "--html", str(place / "p.html")
    )
    assert code == 0 and "SIMULATED prices" in told and "under the playbook" in told, told
    assert command(place, "backtest", "run", book, *at, "--no-playbook", "--save", str(place / "b"))[0] == 0
    page = (place / "p.html").read_text()
    assert "SIMULATED" in page and "<script src" not in page and "http-equiv" in page
    kept = json.loads((place / "a" / "run.json").read_text())
    again = command(place, "backtest", "run", book, rules, *at, "--json")[1]
    assert json.loads(again)["data"]["result_hash"] == kept["result_hash"]
    code, compared = command(place, "backtest", "compare", str(place / "a"), str(place / "b"), "--json")
    end = json.loads(compared)["data"]["differences"][0]
    assert code == 0 and end["low"] <= end["more"] <= end["high"]
    code, told_again = command(place, "backtest", "report", str(place / "a"), "--html", str(place / "q.html"))
    assert code == 0 and kept["result_hash"][:16] in told_again and (place / "q.html").is_file()


def test_a_sweep_is_gone_on_with_and_tells_what_luck_explains(place: Path) -> None:
    words = ["sweep", "run", str(place / "book.toml"), str(place / "rules.toml"), "--lake", str(place / "lake"), *LEGS]
    words += ["--vary", "leverage.account.gross=1.5:3:0.5", "--vary", "guardrails.daily_drawdown=0.02,0.05,0.1"]
    words += ["--out", str(place / "sweep"), "--json"]
    first, again = command(place, *words), command(place, *words)
    data, twice = (json.loads(told)["data"] for _, told in (first, again))
    assert first[0] == again[0] == 0 and data["done"] == 12 and data["best"] == twice["best"]
    assert data["expected_by_luck"] is not None and len(list((place / "sweep").glob("part-*"))) == 1
    code, refused = command(place, *words[:-3], "--out", str(place / "sweep"), "--seed", "1", "--split", "0.5")
    assert code == 3 and "keeps another sweep" in refused


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--leg", "long:BTCUSDT", "--strategy", "hodl"], 3, "did you mean"),
        (["--leg", "nobody:BTC"], 3, "is not account:symbol of this book"),
        (["--leg", "long:BTCUSDT", "--from", "soon"], 3, "is no ISO time"),
        (["--leg", "long:BTCUSDT", "--set", "fast=1"], 3, "name one with --strategy"),
        (["--leg", "long:BTCUSDT", "--from", "1999-01-01", "--to", "1999-02-01"], 20, "2024-01-01"),
        ([], 3, "--leg"),
    ],
)
def test_nonsense_gets_one_message_with_the_next_step(place: Path, words: list[str], code: int, told: str) -> None:
    found = command(place, "backtest", "run", str(place / "book.toml"), "--lake", str(place / "lake"), *words)
    assert found[0] == code and told in found[1].replace("\n", " "), found


def test_a_backtest_from_python_gives_frames_and_refuses_unknown_options(place: Path) -> None:
    import perpbook

    run = perpbook.backtest(
        place / "book.toml", place / "rules.toml", legs=["long:BTCUSDT", "short:BTC"], strategy="hold",
        options={"weights": "1.5,-1.4"}, lake=place / "lake",
    )  # fmt: skip
    assert run.equity.height == 25 * 24 and run.equity["book"][-1] == pytest.approx(run.result.main.equity[-1])
    assert run.attribution["price"].sum() == pytest.approx(run.result.main.attribution()["price"])
    assert set(run.events["kind"]) >= {"fill", "funding"} and "SIMULATED" in run._repr_html_()
    with pytest.raises(InputError, match='did you mean "latency"'):
        perpbook.backtest(place / "book.toml", latncy=1)


def test_the_liquidation_distance_takes_equity_to_maintenance_margin() -> None:
    # Hyperliquid BTC: 1.25 % of notional. 10 BTC at 100 with 300 of cash: 300 + 1,000 s = 12.5 (1 + s) at s = -0.29114.
    outcome = backtest(journey_of(bars_of([100, 100, 110]), quantity=10.0, cash=300.0))
    found = through_time(outcome, np.array([0, 2]))
    assert found.distance[0].tolist() == pytest.approx([287.5 / 987.5, (400 - 13.75) / (1_100 - 13.75)], rel=1e-12)
    assert found.used[0, 0] == pytest.approx(12.5 / 300, rel=1e-12)
