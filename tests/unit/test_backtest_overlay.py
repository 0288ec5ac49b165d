"""Options that act in a backtest: what they are worth on the way, what they cost, and what rules make of them."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.engine.backtest import Journey, backtest
from perpbook.engine.overlaid import overlaid, paid_by
from perpbook.errors import InputError
from perpbook.hedging.holding import hold, standing
from perpbook.history.volatility_index import read_volatility_index
from perpbook.kernels.journal import HALT, RULE
from perpbook.model.account import Balance
from perpbook.model.book import LayerBalance
from perpbook.model.units import DAY_NS, HOUR_NS
from perpbook.options.chain import YEAR_NS
from perpbook.options.revalue import Laid, VolatilityRule, dollars_after
from perpbook.runs.asked import asked_from
from perpbook.snapshot.overlay_file import read_overlay
from tests.unit.history_lakes import ROOT
from tests.unit.option_rows import rows, written
from tests.unit.overlay_runs import (
    along_of,
    call,
    flat,
    put,
    smiling,
    standing_of,
    with_level,
    with_options,
)
from tests.unit.test_backtest import bars_of, journey_of

RULES = """
schema_version = 1
name = "stop"
[leverage.account]
gross = 5.0
[survival]
moves = [0.05, 0.1]
kinds = ["joint", "asset", "broken"]
buffer = 0.1
[guardrails]
daily_drawdown = 0.06
"""
CRASH = [100.0] * 30 + [99.0, 97.0, 94.0, 91.0, 88.0, 86.0, 87.0, 86.5] + [87.0] * 120


def crash(playbook: str | None = RULES) -> Journey:
    """600 BTC on 100,000 dollars through a fall of a seventh."""
    return journey_of(bars_of(CRASH), quantity=600.0, cash=100_000.0, playbook=playbook)


@pytest.mark.parametrize("playbook", [RULES, None])
def test_an_overlay_of_no_coins_leaves_every_bit_of_the_run_as_it_was(playbook: str | None) -> None:
    journey = crash(playbook)
    bare, with_it = backtest(journey), backtest(with_options(journey, [put(0.0), call(0.0)], smiling()))
    assert with_it.equity.tobytes() == bare.equity.tobytes()
    assert with_it.curve[0].tobytes() == bare.curve[0].tobytes() and not with_it.curve[1].any()
    assert with_it.what.tobytes() == bare.what.tobytes()
    assert with_it.figures.tobytes() == bare.figures.tobytes()


def test_rules_on_the_drawdown_see_the_puts() -> None:
    journey = crash()
    bare, with_it = backtest(journey), backtest(with_options(journey, [put(600.0)], smiling()))
    assert {RULE, HALT} <= set(bare.what[:, 1].tolist())
    assert not {RULE, HALT} & set(with_it.what[:, 1].tolist())
    assert with_it.equity.min() > bare.equity.min()


def test_no_dollar_appears_and_every_bar_ticked_in_full_is_the_same() -> None:
    journey = with_options(crash(), [put(200.0), call(-100.0)], smiling(), roll=True)
    skipped, forced = backtest(journey), backtest(journey, forced=True)
    assert skipped.curve.tobytes() == forced.curve.tobytes() and skipped.what.tobytes() == forced.what.tobytes()


def test_the_book_begins_less_only_by_spreads_and_fees() -> None:
    journey = crash(None)
    held, options = standing_of([put(200.0), call(-100.0)], along_of(journey.bars, smiling()))
    with_it = backtest(overlaid(journey, options))
    cost = sum(one.cost for one in held)
    assert cost > 0.0
    assert with_it.start_equity.sum() == pytest.approx(backtest(journey).start_equity.sum() - cost, rel=1e-12)
    assert with_it.curve[1] == pytest.approx(options.equity[1:], rel=1e-12)


def test_an_option_ends_at_its_payoff_and_is_cash_from_then_on() -> None:
    bars = bars_of(CRASH)
    (held,), options = standing_of([put(10.0, over=0.95, days=5.0)], along_of(bars, smiling()))
    assert held.ended and held.last == 120
    assert held.worth[-1] == pytest.approx(10.0 * (95.0 - bars.close[0, 119]), rel=1e-12)
    assert set(options.equity[120:].tolist()) == {options.equity[120]}
    assert not options.worth[120:].any() and options.worth[:120].all()


@pytest.mark.parametrize("sticky", ["delta", "strike"])
def test_on_the_way_an_option_is_worth_what_the_revaluation_says(sticky: str) -> None:
    bars, rule = bars_of(CRASH), VolatilityRule(sticky=sticky)
    surface = replace(smiling(), spot=100.0)
    along = along_of(bars, smiling(), rule=rule)
    (held,) = hold([put(3.0, days=49.0)], along)
    years = (along.moments_ns - along.moments_ns[0]) / YEAR_NS
    rates = [math.log(one.forward / smiling().spot) / one.years for one in smiling().smiles]
    rate = np.interp(49.0 / 365.0, [one.years for one in smiling().smiles], rates)
    forward = 100.0 * math.exp(rate * 49.0 / 365.0)
    one = Laid(
        np.array([49.0 / 365.0]), np.array([forward]), np.array([95.0]), np.zeros(1, np.uint8), np.ones(1, np.uint8),
        np.zeros(1),
    )  # fmt: skip
    told = dollars_after(surface, one, along.coins["BTC"].spot / 100.0, years, rule)[0]
    assert held.worth == pytest.approx(3.0 * told, rel=1e-9) and not held.ended


def black_put(spot: float, strike: float, years: float, volatility: float) -> float:
    """Black's put by hand, no rate."""
    if years <= 0.0:
        return max(strike - spot, 0.0)
    s = volatility * math.sqrt(years)
    d1 = math.log(spot / strike) / s + 0.5 * s
    cdf = [0.5 * math.erfc(-x / math.sqrt(2.0)) for x in (s - d1, -d1)]
    return strike * cdf[0] - spot * cdf[1]


def test_with_one_volatility_the_whole_way_is_blacks_formula_times_the_level_of_the_index() -> None:
    bars = bars_of(CRASH)
    times = np.linspace(1.0, 2.0, bars.count + 1)
    along = with_level(along_of(bars, flat(0.5)), times)
    (held,) = hold([put(2.0, days=5.0)], along)
    spot = along.coins["BTC"].spot
    slow = [2.0 * black_put(spot[i], 95.0, (120 - i) / 8760.0, 0.5 * times[i]) for i in range(121)]
    assert held.worth == pytest.approx(slow, rel=1e-9, abs=1e-12)


def test_waiting_costs_what_a_still_market_takes() -> None:
    bars = bars_of([100.0] * 60)
    (held,) = hold([put(1.0, days=10.0)], along_of(bars, flat(0.6)))
    assert held.decay == pytest.approx(held.worth[-1] - held.worth[0], rel=1e-9) and held.decay < 0.0
    assert held.gain == pytest.approx(held.decay - held.cost, rel=1e-9)


@settings(max_examples=25)
@given(
    moves=st.lists(st.floats(-0.08, 0.08), min_size=30, max_size=50),
    coins=st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=3),
    roll=st.booleans(),
)
def test_the_options_account_never_owes_and_ends_with_what_options_gained(
    moves: list[float], coins: list[float], roll: bool
) -> None:
    bars = bars_of(np.exp(np.cumsum(moves)).tolist())
    legs = [put(one, days=1.0 + number) if one > 0 else call(one, days=0.5) for number, one in enumerate(coins)]
    held, options = standing_of(legs, along_of(bars, smiling(), roll=roll))
    assert options.equity.min() >= 0.0
    spent = options.outlay + options.reserve
    assert options.equity[-1] - spent == pytest.approx(sum(one.gain for one in held), abs=1e-9)
    worth, cash = standing(held, bars.count + 1)
    assert np.allclose(options.equity - options.reserve - options.outlay, worth + cash)


def test_what_is_bought_again_has_the_same_strike_over_spot_and_days_and_is_charged_its_spread() -> None:
    held = hold([put(1.0, over=0.9, days=2.0)], along_of(bars_of(CRASH), smiling(), roll=True))
    assert len(held) == 4 and [one.first for one in held] == [0, 48, 96, 144]
    for one in held:
        assert one.option.strike / one.spot == pytest.approx(0.9) and one.cost > 0.0
    assert [one.ended for one in held] == [True, True, True, False]


def test_an_option_that_ends_inside_a_bar_pays_by_its_close() -> None:
    bars = bars_of([100.0, 90.0, 80.0, 70.0])
    (held,) = hold([put(1.0, over=1.0, days=2.5 / 24.0)], along_of(bars, smiling()))
    assert held.last == 3 and held.worth[-1] == pytest.approx(20.0)


def test_whoever_pays_must_have_it() -> None:
    journey = crash(None)
    book = replace(journey.book, layers=(LayerBalance(layer="bank", balance=Balance(asset="USDC", amount=5_000.0)),))
    assert paid_by(book, "bank", 1_000.0).layers[0].balance.amount == 4_000.0
    assert paid_by(book, "main", 1_000.0).accounts[0].collateral[0].amount == 99_000.0
    with pytest.raises(InputError, match=r"bank has 5,000\.00"):
        paid_by(book, "bank", 5_001.0)
    with pytest.raises(InputError, match="takes main, bank"):
        paid_by(book, "nobody", 1.0)


def test_an_option_without_a_price_is_not_guessed() -> None:
    with pytest.raises(InputError, match=r"is not offered.*--option-spread"):
        hold([put(1.0)], along_of(bars_of(CRASH), smiling(), spread=None))


LEGS = """
schema = "overlay/1"
[[legs]]
option = "BTC-25SEP26-54000-P"
coins = 2.0
[[legs]]
coin = "BTC"
kind = "call"
strike_over_spot = 1.2
days = 45
coins = -1.0
"""


def test_a_file_of_legs_is_read_and_every_fault_told(tmp_path: Path) -> None:
    path = tmp_path / "legs.toml"
    path.write_text(LEGS)
    first, second = read_overlay(path)
    assert (first.strike, first.coins, first.is_call) == (54_000.0, 2.0, False)
    assert (second.strike_over_spot, second.days, second.coins, second.is_call) == (1.2, 45.0, -1.0, True)
    path.write_text(LEGS.replace("54000-P", "54000-X").replace("days", "dais"))
    with pytest.raises(InputError) as found:
        read_overlay(path)
    assert [one.line for one in found.value.problems] == [4, 6, 10]


def test_what_the_overlay_command_printed_is_read(tmp_path: Path) -> None:
    legs = [{"option": "BTC-25SEP26-54000-P", "coins": 1.5}, {"option": "BTC-25SEP26-48000-P", "coins": -1.5}]
    path = tmp_path / "overlay.json"
    answer = {
        "schema": "options-overlay/1",
        "ok": True,
        "data": {"overlays": [{"legs": legs}, {"legs": []}]},
        "errors": [],
    }
    path.write_text(json.dumps(answer))
    assert [(one.name, one.coins) for one in read_overlay(path)] == [(one["option"], one["coins"]) for one in legs]
    path.write_text(json.dumps({**answer, "data": {"overlays": []}}))
    with pytest.raises(InputError, match="has no overlay"):
        read_overlay(path)


BOOK = """
schema = "book/1"
as_of = "2024-01-01T00:00:00Z"
[[accounts]]
id = "main"
venue = "binance"
collateral = { USDT = 100000.0 }
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a book, a made-up lake, a chain of 2026 and an index over both."""
    folder = tmp_path_factory.mktemp("overlay")
    (folder / "book.toml").write_text(BOOK)
    (folder / "legs.toml").write_text(LEGS.replace('option = "BTC-25SEP26-54000-P"', MONEYNESS).lstrip())
    (folder / "named.toml").write_text(LEGS)
    written(folder, rows())
    days = np.arange(DAYS_OF_INDEX) * (DAY_NS // 1_000_000) + START_OF_INDEX
    index = {"ts": days, "currency": ["BTC"] * days.size, "dvol": np.where(days < days[-300], 80.0, 40.0)}
    pl.DataFrame(index).write_parquet(folder / "index.parquet")
    made = ["data", "generate", "--assets", "1", "--days", "12", "--seed", "1", "--lake", str(folder / "lake")]
    assert CliRunner().invoke(app, [*made, "--start", "2024-01-01"]).exit_code == 0
    return folder


MONEYNESS = 'coin = "BTC"\nkind = "put"\nstrike_over_spot = 0.95\ndays = 7'
START_OF_INDEX, DAYS_OF_INDEX = 1_703_980_800_000, 1_000


def told(place: Path, *words: str) -> tuple[int, str]:
    at = ["--lake", str(place / "lake"), "--leg", "main:BTCUSDT", "--strategy", "hold", "--set", "weights=1.0"]
    found = CliRunner().invoke(app, ["backtest", "run", str(place / "book.toml"), *at, *words])
    return found.exit_code, found.output


def laid(place: Path, *words: str) -> tuple[int, str]:
    chain = ["--overlay", str(place / "legs.toml"), "--chain", str(place / "chain.json"), "--option-spread", "0.05"]
    return told(place, *chain, *words)


def test_the_command_lays_the_overlay_and_says_what_it_borrowed(place: Path) -> None:
    index = ["--borrow-smile", "--volatility-index", str(place / "index.parquet")]
    code, text = laid(place, *index, "--roll", "--html", str(place / "page.html"))
    assert code == 0 and "BORROWED SMILE of BTC" in text and "2.00 times" in text and "without it" in text, text
    page = (place / "page.html").read_text()
    assert 'id="overlay"' in page and "overlay_worth" in page and "BORROWED SMILE" in page
    code, text = laid(place, *index, "--roll", "--json")
    found = json.loads(text)["data"]["overlay"]
    sums = found["sums"]
    assert sums["gain"] == pytest.approx(sums["paid_out"] + sums["worth"] - sums["premiums"], abs=1e-6)
    assert sums["gain"] == pytest.approx(sums["decay"] + sums["moves"] - sums["cost"], abs=1e-6)
    assert len(found["legs"]) == 3 and found["facts"]["roll"] and found["without"]["end"] > 0.0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "more than a day apart"),
        (["--borrow-smile", "--paid-from", "nobody"], "takes main"),
        (["--borrow-smile", "--sticky", "time"], "cannot be sticky"),
        (["--borrow-smile", "--overlay", "missing.toml"], "no such file"),
    ],
)
def test_what_does_not_fit_is_refused(place: Path, words: list[str], why: str) -> None:
    code, text = laid(place, *words)
    assert code == 3 and why in " ".join(text.split()), text


def test_a_chain_of_the_runs_day_brings_its_own_quotes_and_strikes(place: Path, tmp_path: Path) -> None:
    lake = str(tmp_path / "lake")
    made = ["data", "generate", "--assets", "1", "--days", "3", "--seed", "1", "--lake", lake, "--start", "2026-08-07"]
    assert CliRunner().invoke(app, made).exit_code == 0
    chain = written(tmp_path, rows(wide=0.1, depth=50.0))
    words = ["--overlay", str(place / "named.toml"), "--chain", str(chain), "--lake", lake, "--json"]
    code, text = told(place, *words)
    assert code == 3 and "2026-09-21" in text and "is not bid" in text, text
    (tmp_path / "bought.toml").write_text(LEGS.split("[[legs]]\ncoin")[0])
    words[1] = str(tmp_path / "bought.toml")
    code, text = told(place, *words)
    (leg,) = json.loads(text)["data"]["overlay"]["legs"]
    assert leg["option"] == "BTC-25SEP26-54000-P" and not leg["ended"] and "BORROWED" not in text
    quote = next(one for one in rows(wide=0.1) if one.name == leg["option"])
    assert leg["premium"] / 2.0 == pytest.approx((quote.ask or 0.0) * 60_000.0 + 0.0003 * 60_000.0, rel=1e-9)
    assert leg["cost"] - 36.0 == pytest.approx((leg["premium"] - 36.0) * 0.05 / 1.05, rel=1e-6)


def test_the_overlay_file_of_the_documents_is_read(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/options.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "doc.toml").write_text(blocks[0])
    assert [leg.coins for leg in read_overlay(tmp_path / "doc.toml")] == [3.0, 8.0]


def test_options_of_an_overlay_do_not_stand_alone_and_a_named_option_must_be_of_the_time(place: Path) -> None:
    code, text = told(place, "--roll")
    assert code == 3 and "give one with --overlay" in text
    code, text = told(place, "--overlay", str(place / "legs.toml"))
    assert code == 3 and "give --chain" in text
    with pytest.raises(InputError, match="takes no"):
        asked_from({"book": place / "book.toml", "overlays": "x"})


def test_an_index_that_does_not_reach_over_the_run_is_refused(place: Path, tmp_path: Path) -> None:
    frame = pl.read_parquet(place / "index.parquet")
    frame.head(5).write_parquet(tmp_path / "short.parquet")
    code, text = laid(place, "--borrow-smile", "--volatility-index", str(tmp_path / "short.parquet"))
    assert code == 3 and "in the three days before" in " ".join(text.split()), text
    frame.with_columns(currency=pl.lit("ETH")).write_parquet(tmp_path / "other.parquet")
    code, text = laid(place, "--borrow-smile", "--volatility-index", str(tmp_path / "other.parquet"))
    assert code == 3 and "has no volatility index of BTC" in " ".join(text.split()), text


def test_the_level_of_an_index_is_that_of_a_day_that_has_ended(place: Path) -> None:
    known, values = read_volatility_index(place / "index.parquet", "BTC")
    assert known[0] == START_OF_INDEX * 1_000_000 + 24 * HOUR_NS and values[0] == 0.8
