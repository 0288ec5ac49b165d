"""Sizing through the command's own door: what it tells, what it refuses, and the map beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.engine.drilled import Cell, SurvivalMap
from perpbook.engine.sized import Bounds, Cut, Sized
from perpbook.report.drill_map import legend, map_figure
from perpbook.report.map_page import map_page
from perpbook.report.size_text import verdict_of
from tests.unit.size_books import book_of

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "src/perpbook/examples"
HEDGED = EXAMPLES / "hedged"


def ran(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    return done.exit_code, done.output


def sized(*words: str) -> dict[str, Any]:
    code, said = ran("size", *words, "--made-up", "--kind", "student", "--json")
    assert code in (0, 10), said
    data: dict[str, Any] = json.loads(said)["data"]
    assert (code == 10) == data["needed"]
    return data


@pytest.fixture(scope="module")
def stormy() -> dict[str, Any]:
    words = [str(HEDGED / "book.toml"), str(HEDGED / "conservative.toml"), "--shock", "18"]
    return sized(*words, "--paths", "20", "--chance", "0.5", "--horizon", "4h")


def test_trims_are_tested_on_futures_they_were_not_made_for(stormy: dict[str, Any]) -> None:
    trims = [one for one in stormy["tried"] if one["size"] == "trims"]
    assert [(one["fresh"], one["rules"]) for one in trims] == [(False, False), (True, False), (True, True)]
    own, new = trims[:2]
    assert stormy["cut"]["tested"] and own["deaths"] <= 10 and new["deaths"] <= 10
    assert own["deaths"] != new["deaths"] or own["low"] < own["chance"] < own["high"]
    assert stormy["cut"]["drawn"] <= stormy["uniform"]["cost"] * 1.001


def test_what_binds_and_what_a_dollar_is_worth_are_told(stormy: dict[str, Any]) -> None:
    assert stormy["cut"]["binding"] and stormy["cut"]["room"]
    assert all(one["saves"] > 0 and one["allows"] > 0 for one in stormy["cut"]["room"])
    assert any("rules change sizes" in one for one in stormy["doubts"])
    assert any("liquidated in parts" in one for one in stormy["doubts"])
    held, after = ({one["size"]: one for one in stormy["tried"]}[name] for name in ("held", "trims"))
    assert held["deaths"] > 10 and after["keeps"]


def test_a_book_that_is_small_enough_is_left_alone() -> None:
    words = [str(HEDGED / "book.toml"), "--paths", "20", "--chance", "0.5", "--horizon", "2h"]
    data = sized(*words)
    assert data["uniform"]["scale"] > 1.0 and data["cut"] is None and data["reached"]
    assert "as it stands" in data["verdict"]
    code, said = ran("size", *words, "--made-up", "--kind", "student")
    assert code == 0 and "all positions alike" in said


def test_isolated_and_whole_position_margin_are_told(tmp_path: Path) -> None:
    held = {"BTC-USDT-SWAP": 3.0}
    book = book_of(tmp_path, "okx", 14_000.0, held, mode="isolated")
    data = sized(str(book), "--paths", "20", "--chance", "0.5", "--horizon", "6h", "--shock", "20")
    said = " ".join(data["doubts"])
    assert "jumps with the whole position" in said and "isolated, a bucket of its own" in said
    assert data["needed"] and data["cut"]["tested"]


def test_where_shrinking_alike_cannot_help_trims_are_sought_all_the_same() -> None:
    cut = Cut(
        trims=(), cost=10.0, drawn=9.0, kept=0.5, tested=True, tries=1, binding=(), shortfall_binds=True, room=()
    )  # fmt: skip
    found = Sized(
        bounds=Bounds(chance=None, shortfall=0.1), start=100.0, uniform=None, cut=cut, needed=True, reached=True, tried=(),
        doubts=(), facts={}, notes=(), not_modelled=(),
    )  # fmt: skip
    assert "No common scale" in verdict_of(found) and "cheapest trims cost $10.00" in verdict_of(found)
    assert "No trims do" in verdict_of(replace(found, cut=None, reached=False))
    assert "DID NOT BEAR THEM OUT" in verdict_of(replace(found, cut=replace(cut, tested=False), reached=False))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "nothing bounds the size"),
        (["--chance", "0"], "no number of futures shows"),
        (["--chance", "-0.1"], "no number of futures shows"),
        (["--chance", "1"], "no number of futures shows"),
        (["--chance", "0.001"], "--paths 10000 or more"),
        (["--shortfall", "2"], "a share of equity"),
        (["--shortfall", "0.1", "--paths", "100"], "--paths 800 or more"),
        (["--chance", "0.5", "--storm", "gap-down", "--kind", "still"], "one future"),
    ],
)
def test_bounds_that_nothing_can_show_are_refused(words: list[str], told: str) -> None:
    code, said = ran("size", str(HEDGED / "book.toml"), "--made-up", *words)
    assert code == 3 and told in " ".join(said.split())


def test_a_book_that_is_dead_or_empty_is_refused(tmp_path: Path) -> None:
    words = ["--made-up", "--chance", "0.5", "--paths", "20", "--horizon", "2h"]
    code, said = ran("size", str(book_of(tmp_path, "hyperliquid", 1_000.0, {"BTC": 3.0})), *words)
    assert code == 3 and "liquidatable" in said
    code, said = ran("size", str(book_of(tmp_path, "hyperliquid", 1_000.0, {})), *words)
    assert code == 3 and "holds no position" in said


def test_two_sizes_are_compared_on_the_same_futures() -> None:
    words = ["drill", "compare", str(HEDGED / "book.toml"), str(HEDGED / "conservative.toml"), "--made-up"]
    few = ["--paths", "12", "--horizon", "3h", "--json", "--kind", "student", "--shock", "6"]
    code, said = ran(*words, *few, "--scale", "1", "--scale", "0.3")
    data = json.loads(said)["data"]
    assert code == 0 and data["names"] == ["conservative x 1", "conservative x 0.3"] and data["only_second"] == 0
    drawdown = next(one for one in data["paired"] if one["name"] == "deepest drawdown")
    assert drawdown["difference"] < 0.0
    for more, told in (
        ([], "nothing to compare"),
        (["--scale", "1", "--scale", "2", "--scale", "3"], "once or twice"),
        (["--scale", "1", "--scale", "0"], "does not do"),
        (["--scale", "1", "--scale", "1e9"], "does not do"),
    ):
        code, said = ran(*words, *few, *more)
        assert code == 3 and told in said


def map_of(blends: tuple[float, ...]) -> SurvivalMap:
    cells = [
        Cell(blend=blend, shock=shock, lives=0.7, scale=0.5, by_size=(1.0, 0.9995, 0.92, 0.3))
        for shock in (1.0, 2.0)
        for blend in blends
    ]
    facts = {
        "version": "0", "simulated": True, "as_of": "2026-11-20T12:00", "horizon_hours": 24.0, "step_hours": 1.0, "seed": 1,
        "history_from": None, "history_to": None, "history_source": "none", "book": "<b>&\"--ink",
    }  # fmt: skip
    return SurvivalMap(
        paths=2_000, chance=0.01, kind="student", blends=blends, shocks=(1.0, 2.0), sizes=(0.5, 1.0, 2.0, 3.0), leverage=4.0,
        cells=tuple(cells), facts=facts, notes=(),
    )  # fmt: skip


def test_the_heatmap_has_a_panel_for_each_size_of_moves_and_never_rounds_up_to_all() -> None:
    spec = map_figure(map_of((-0.5, 0.0, 1.0)))
    assert len(spec["data"]) == 2 and spec["layout"]["yaxis"]["ticktext"][1] == "<b>× 1  (4x)</b>"
    assert [row[0] for row in spec["data"][0]["text"]] == ["100", "99.95", "92.0", "30.0"]
    assert [row[0] for row in spec["data"][0]["z"]] == [6, 6, 3, 0]
    (alone,) = map_figure(map_of((0.0,)))["data"]
    assert [len(row) for row in alone["z"]] == [2, 2, 2, 2]
    assert len(legend(map_of((0.0,)))) == 3


def test_the_maps_page_holds_every_number_and_trusts_no_name() -> None:
    page = map_page(map_of((-0.5, 0.0, 1.0)))
    assert "SIMULATED" in page and page.count("92.0%") == 6 and '<b>&"--ink' not in page
    assert 'data-figure="survival"' in page and "fetches nothing" in page


def test_survival_falls_with_size_and_the_map_goes_into_the_drills_report(tmp_path: Path) -> None:
    words = [str(HEDGED / "book.toml"), "--made-up", "--horizon", "3h"]
    page = tmp_path / "map.html"
    code, said = ran("drill", "map", *words, "--paths", "20", "--chance", "0.5", "--json", "--html", str(page))
    for cell in json.loads(said)["data"]["cells"]:
        assert cell["by_size"] == sorted(cell["by_size"], reverse=True)
    assert code == 0 and 'data-figure="survival"' in page.read_text(encoding="utf-8")
    code, _ = ran("drill", "run", *words, "--paths", "20", "--map", "--html", str(page), "--no-playbook")
    assert code == 0 and "Which size survives which market" in page.read_text(encoding="utf-8")
