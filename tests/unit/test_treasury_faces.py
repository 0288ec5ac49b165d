"""Faces of the treasury: fee economics by the command's door, the page of everything, and what a check says of money."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from perpbook.cli.main import app
from perpbook.model.health import BATCHES, HEAD, Agreement, ClockView, LayerHealth, State
from perpbook.model.units import HOUR_NS
from perpbook.playbook.schema import Layers
from perpbook.report.treasury_check import money_sentences
from perpbook.report.treasury_economics_text import dear_and_fine, gas
from perpbook.report.treasury_figures import figures_of, flows_of
from perpbook.report.treasury_page import treasury_page
from perpbook.report.treasury_told import TreasuryTold, clock_rows, gap_rows
from perpbook.runs.check import run_check
from perpbook.runs.check_money import money_of
from perpbook.runs.data import Recipe, run_generate
from perpbook.runs.treasury_economics import EconomicsAsked, run_economics
from perpbook.runs.treasury_report import ReportAsked, run_report
from perpbook.runs.treasury_state import StateAsked
from perpbook.treasury.holdings import Holdings
from tests.unit.test_hedge_run import BOOK, START
from tests.unit.test_html_report import HOSTILE, Page

DESK = Path(__file__).parents[2] / "src/perpbook/examples/desk/book.toml"
RULES = DESK.with_name("conservative.toml")
BTC = ("--volatility", "BTC=0.5")


def ask(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["treasury", *map(str, words)])


def economics(*words: str | Path) -> dict[str, Any]:
    done = ask("economics", DESK, RULES, *words, "--json")
    assert done.exit_code == 0, done.output
    data: dict[str, Any] = json.loads(done.stdout)["data"]
    return data


@cache
def told() -> TreasuryTold:
    asked = ReportAsked(
        state=StateAsked(book=DESK, playbook=RULES), made_up=True, needs=("hl-main=90000@30",), volatility={"*": "0.6"}
    )
    return run_report(asked, now_ns=None, terms_folders=()).told


def page(of: TreasuryTold) -> Page:
    return Page(treasury_page(of, {"book": "book.toml", "playbook": "rules", "as_of": "now", "storm": None}, "0"))


@cache
def whole() -> Page:
    return page(told())


def test_a_fine_layer_trades_more_often_in_a_finer_band() -> None:
    layers = {one["layer"]: one["at"] for one in economics(*BTC)["layers"]}
    dear, fine = layers["ethereum"]["p99"], layers["arbitrum"]["p99"]
    assert fine["trades"] > 2.0 * dear["trades"] and fine["cost"] < dear["cost"]
    for asset, band in fine["bands"].items():
        assert band["edge"] < dear["bands"][asset]["edge"]
    assert layers["hyperliquid-l1"]["p50"] == layers["hyperliquid-l1"]["p99"]
    assert layers["ethereum"]["p99"]["gas"] == pytest.approx(200_000 * 10.105635221e-9 * 3_000.0)


def test_own_figures_take_the_place_of_facts() -> None:
    found = economics(*BTC, "--gas", "solana=0.01,0.4", "--latency", "paradex=0.5", "--gas-units", "100000")
    layers = {one["layer"]: one["at"]["p99"] for one in found["layers"]}
    assert layers["solana"]["gas"] == 0.4 and "Solana" not in found["unknown"]
    assert layers["paradex"]["seconds"] == 0.5 and layers["lighter"]["seconds"] is None
    assert layers["ethereum"]["gas"] == pytest.approx(100_000 * 10.105635221e-9 * 3_000.0)


def test_the_more_one_minds_risk_the_finer_the_band() -> None:
    edges = [
        economics(*BTC, "--risk-aversion", word)["layers"][0]["at"]["p99"]["bands"]["ETH"]["edge"] for word in "19"
    ]
    assert edges == sorted(edges, reverse=True)


def test_the_lake_says_how_coins_move(tmp_path: Path) -> None:
    recipe = Recipe(assets=2, venues=("binance",), start_ns=START, days=300.0, bar_ns=4 * HOUR_NS, seed=3)
    run_generate(tmp_path / "lake", recipe, now_ns=START)
    (tmp_path / "book.toml").write_text(BOOK.format(collateral=60_000.0), encoding="utf-8")
    asked = EconomicsAsked(book=tmp_path / "book.toml", lake=tmp_path / "lake")
    found = run_economics(asked, now_ns=None, terms_folders=())
    assert "SIMULATED" in found.moves and len(found.drifts) == 2
    assert all(0.1 < one.sigma < 3.0 for one in found.drifts)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*BTC, "--gas", "nowhere=1"), "no layer is called so"),
        ((*BTC, "--gas", "base=3,1"), "rising"),
        ((*BTC, "--latency", "base=-1"), "0 or more"),
        ((*BTC, "--risk-aversion", "0"), "--risk-aversion 0"),
        ((*BTC, "--gas-units", "5"), "21,000"),
        (("--volatility", "ETH=0.6"), "--volatility BTC=0.8"),
        (("--volatility", "DOGE=0.6"), "--volatility names DOGE"),
        ((), "how the coins move is not known"),
    ],
)
def test_what_makes_no_sense_is_refused(words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERPBOOK_DATA_LAKE", "/nowhere/at/all")
    done = ask("economics", DESK, RULES, *words)
    assert done.exit_code == 3 and said in done.stderr


def test_gas_is_told_however_little_it_is() -> None:
    assert [gas(one) for one in (0.0, 8.4e-7, 0.006, 0.15, 6.06)] == ["none", "$0.00000084", "$0.006", "$0.15", "$6.06"]


def test_money_on_the_map_is_the_money_of_the_book() -> None:
    one = told()
    sums = sum(dollars for *_, dollars, _, _ in flows_of(one))
    assert sums == pytest.approx(sum(held.virtual + held.locked for held in one.held))
    assert any(words.startswith("planned") for *_, words in flows_of(one))


def test_the_page_holds_every_part_and_fetches_nothing() -> None:
    found = whole()
    assert not found.open
    ids = {attrs["id"] for _, attrs in found.elements if attrs.get("id")}
    assert {"money", "needs", "plan", "gaps", "health", "economics", "figure-map", "figure-levels"} <= ids
    assert not [
        attrs for _, attrs in found.elements if attrs.get("src") or str(attrs.get("href", "")).startswith("http")
    ]
    drawn = {attrs["data-figure"] for _, attrs in found.elements if attrs.get("data-figure")}
    assert drawn == set(figures_of(told()))
    words = " ".join(found.words)
    assert words.count("not asked") == 4 * len(told().layers) and "hl-main (Hyperliquid)" in words


def test_no_name_on_the_page_is_trusted() -> None:
    one = told()
    named = replace(one, names=dict.fromkeys(one.names, HOSTILE), notes=(HOSTILE,))
    found = page(named)
    assert len(found.scripts) == len(whole().scripts) and any(HOSTILE in said for said in found.words)


def test_what_cannot_be_told_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERPBOOK_DATA_LAKE", "/nowhere/at/all")
    done = ask("report", DESK, RULES, "--html", tmp_path / "page.html", "--json")
    data = json.loads(done.stdout)["data"]
    assert done.exit_code == 0 and set(data["not_told"]) == {"levels", "plan", "economics"}
    assert "how the coins move is not known" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_page_with_next_to_nothing_is_whole() -> None:
    bare = replace(
        told(), holdings=Holdings(holdings={}), forecasts=(), levels=(), planned=None, audit=None, economics=None
    )
    found = page(bare)
    assert not found.open and not [1 for _, attrs in found.elements if attrs.get("data-figure")]
    one = told().economics
    assert one is not None
    assert not page(replace(bare, economics=replace(one, layers=one.layers[-2:]))).open
    assert not page(replace(bare, economics=replace(one, drifts=(), layers=()))).open


def test_gaps_begin_with_the_book_as_it_is_and_mark_what_is_too_late() -> None:
    audit = told().audit
    assert audit is not None
    rows = gap_rows(audit)
    assert rows[0][0] == "Nothing fails"
    broken = {
        (name, account)
        for name, _, cells in rows
        for account, one in zip(audit.reached, cells, strict=True)
        if one.mark == "breach"
    }
    assert broken == {
        (one.single.name, two.who) for one in audit.findings for two in one.breaks if two.who in audit.reached
    }


def test_a_clock_that_stands_still_is_seen_and_one_that_nobody_asked_is_not_well() -> None:
    clocks = {
        HEAD: ClockView(clock=HEAD, state=State.HALTED, age_s=900.0),
        BATCHES: ClockView(clock=BATCHES, state=State.OK, age_s=3.0),
    }
    seen = LayerHealth(layer="arbitrum", name="Arbitrum One", as_of_ns=0, clocks=clocks, agreement=Agreement(why=""))
    rows = clock_rows(("ethereum",), {"ethereum": "Ethereum"}, (seen,))
    assert [one.said for one in rows[0][1]] == ["not asked"] * 4
    assert [one.mark for one in rows[1][1]] == ["breach", "ok", "", ""] and "15 min" in rows[1][1][0].below


def test_a_check_says_where_money_stands(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["check", str(DESK), str(RULES), "--html", str(tmp_path / "c.html"), "--json"])
    found = json.loads(done.stdout)["data"]["treasury"]
    assert found["arriving"] == 20_000.0 and [one["to"] for one in found["under_way"]] == ["dydx-0"]
    drawn = Page((tmp_path / "c.html").read_text(encoding="utf-8"))
    assert any(attrs.get("data-figure") == "money" for _, attrs in drawn.elements)
    assert any("$20,000 under way, in 7 places" in words for words in drawn.words)


def test_a_check_says_what_is_short_of_the_playbooks_reserve() -> None:
    result = run_check(DESK)
    rules = result.playbook.model_copy(update={"layers": Layers(reserves={"arbitrum": 100_000.0})})
    found = money_of(replace(result, playbook=rules))
    assert found is not None
    assert any("Arbitrum One reserve, $40,000 short" in words for words in money_sentences(found))
    bare = replace(result.snapshot, book=replace(result.snapshot.book, layers=(), transfers=()))
    assert money_of(replace(result, snapshot=bare)) is None


def test_why_a_layer_is_finer_takes_a_layer_below_and_a_rollup() -> None:
    found = run_economics(
        EconomicsAsked(book=DESK, playbook=RULES, volatility={"*": "0.5"}), now_ns=None, terms_folders=()
    )
    pair = dear_and_fine(found)
    assert pair is not None and [one.id for one in pair] == ["ethereum", "arbitrum"]
    assert dear_and_fine(replace(found, layers=tuple(one for one in found.layers if one.kind != "rollup"))) is None
