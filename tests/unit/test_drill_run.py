"""Drills through the command's own door: what it tells, what it refuses, and figures worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars
import pytest
from typer.testing import CliRunner

from benchmarks.drill import example
from perpbook.cli.main import app
from perpbook.engine.drill import Futures, run_drill
from perpbook.engine.surroundings import Surroundings, calm
from perpbook.errors import InputError
from perpbook.kernels.drill import COSTS, DEEPEST, END, FIRST, LEAST, MEASURES, ORPHAN, WHO
from perpbook.kernels.tape import NO_ORDERS, TAKEN
from perpbook.report.drill_measures import Chance, fan_quantiles, measures_of
from perpbook.scenario import sources

ROOT = Path(__file__).parents[2]
DESK = ROOT / "src/perpbook/examples/desk"


def drilled(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["drill", "run", *words], catch_exceptions=False)
    return done.exit_code, done.output


def test_the_command_tells_and_draws_the_same_futures(tmp_path: Path) -> None:
    words = [str(DESK / "book.toml"), str(DESK / "conservative.toml"), "--made-up", "--paths", "6", "--horizon", "4h"]
    page, kept = tmp_path / "drill.html", tmp_path / "kept"
    code, said = drilled(*words, "--json", "--html", str(page), "--save", str(kept))
    assert code == 0
    rows = polars.read_parquet(kept / "futures.parquet")
    assert rows.shape[0] == 12 and set(rows["side"]) == {"playbook", "alone"}
    alone = rows.filter(polars.col("side") == "alone")
    assert alone["end_equity"].mean() == pytest.approx(json.loads(said)["data"]["without_playbook"]["mean"])
    code, refused = drilled(*words, "--seed", "2", "--save", str(kept))
    assert code == 3 and "holds another drill" in " ".join(refused.split())
    data = json.loads(said)["data"]
    assert data["without_playbook"]["paths"] == 6 and data["facts"]["simulated"] is True
    assert drilled(*words, "--json", "--threads", "1")[1] == said
    text = page.read_text(encoding="utf-8")
    assert "SIMULATED history" in text and data["result"] in text and data["verdict"] in text
    code, said = drilled(*words, "--no-playbook")
    assert code == 0 and "the book alone" in said and "Not modelled" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--kind", "magic"], "no kind of path"),
        (["--shock", "0"], "does not do"),
        (["--blend", "0.5"], "needs copula"),
        (["--kind", "copula", "--blend", "2"], "does not do"),
        (["--kind", "student", "--nu", "2"], "no variance"),
        (["--block", "0.5"], "mean block"),
        (["--horizon", "30m"], "longer horizon"),
        (["--seed", "-1"], "seed"),
    ],
)
def test_nonsense_gets_one_message_with_the_next_step(words: list[str], told: str) -> None:
    code, said = drilled(str(DESK / "book.toml"), "--made-up", "--paths", "2", "--horizon", "2h", *words)
    assert code == 3 and told in " ".join(said.split())


def test_without_history_the_next_step_is_named(tmp_path: Path) -> None:
    code, said = drilled(str(DESK / "book.toml"), "--lake", str(tmp_path / "none"), "--paths", "2")
    assert code == 20 and "perpbook data" in said


def test_wilsons_interval_is_the_textbooks() -> None:
    # 10 of 100: 5.52 % to 17.44 % (Wilson 1927; the value R's prop.test gives without correction).
    low, high = Chance(count=10, paths=100).interval
    assert low == pytest.approx(0.0552291, abs=1e-6) and high == pytest.approx(0.1743657, abs=1e-6)
    assert Chance(count=0, paths=100).interval[0] == 0.0


def futures_of(ends: list[float], firsts: list[float]) -> Futures:
    figures = np.zeros((len(ends), MEASURES))
    figures[:, END], figures[:, FIRST], figures[:, WHO] = ends, firsts, np.where(np.array(firsts) < 4, 0, -1)
    fan = np.zeros((4, 600), dtype=np.int64)
    for end in ends:
        fan[:, int(end * 2)] += 1
    return Futures(
        figures=figures, died=np.array(firsts)[:, None], ends=np.array(ends)[:, None], fan=fan,
        rules=np.zeros((24, 2), dtype=np.int64), tolls=np.zeros((len(ends), 1, 4)), scale=2.0, start=100.0, steps=4,
    )  # fmt: skip


def test_shortfall_is_the_mean_loss_of_the_worst_and_not_told_of_too_few() -> None:
    ends = [0.0] * 20 + [100.0] * 780
    told = measures_of(futures_of(ends, [1.0] * 20 + [4.0] * 780), ("main",), 1.0, {})
    assert (told.tail_paths, told.shortfall, told.dies.count) == (20, 100.0, 20)
    assert told.accounts[0].median_hours == 2.0 and told.accounts[0].first.count == 20
    assert measures_of(futures_of(ends[:400], [4.0] * 400), ("main",), 1.0, {}).shortfall is None


def test_money_that_comes_after_the_step_of_death_began_is_too_late() -> None:
    futures = futures_of([50.0] * 10, [0.0] * 3 + [2.0] * 4 + [4.0] * 3)
    for arrives, late in ((0.5, 3), (2.0, 3), (2.5, 7), (9.0, 7)):
        (told,) = measures_of(futures, ("main",), 1.0, {}, {"main": arrives}).accounts
        assert told.too_late is not None and (told.too_late.count, told.dies.count) == (late, 7)


def test_an_arrival_at_an_account_that_is_not_there_is_refused() -> None:
    words = [str(DESK / "book.toml"), "--storm", "gap-down"]
    code, said = drilled(*words, "--arrives", "nobody=45m")
    assert code == 3 and "no account of this book" in said
    code, said = drilled(*words, "--arrives", "hl-sol=45m")
    assert code == 0 and "before money sent at the start, 0.75 hours on its way" in " ".join(said.split())


def test_quantiles_of_the_fan_are_of_the_ends_to_a_bin() -> None:
    rows = fan_quantiles(futures_of([float(k) for k in range(100)], [4.0] * 100))
    assert rows[3, 0] == pytest.approx(49.5, abs=1.0) and rows[1, -1] == pytest.approx(4.5, abs=1.0)


def weather(**changes: object) -> Surroundings:
    return replace(calm(10, 12), **changes)  # type: ignore[arg-type]


def test_a_gap_kills_and_spreads_cost() -> None:
    drill = example(2, steps=12)
    fall = np.ones((10, 12))
    fall[:, 6:] = 0.5
    dead = run_drill(replace(drill, surroundings=weather(factor=fall)), threads=1)
    assert (dead.figures[:, FIRST] == 6).all()
    wide = run_drill(replace(drill, surroundings=weather(factor=fall, spread=np.full((10, 1), 50.0))), threads=1)
    assert (wide.figures[:, COSTS] <= dead.figures[:, COSTS]).all()


def test_out_of_reach_no_rule_trades_and_winners_are_taken() -> None:
    drill = example(2, steps=12)
    fall = np.ones((10, 12))
    fall[:, 3:] = 0.9
    free = run_drill(replace(drill, surroundings=weather(factor=fall)), threads=1)
    shut = weather(factor=fall, closed=np.full((10, 12), NO_ORDERS, dtype=np.uint8))
    bound = run_drill(replace(drill, surroundings=shut), threads=1)
    assert free.figures[:, 7].sum() > 0 and (bound.figures[:, 7] == 0).all()
    taken = np.array([(5, 1, 1.0)], dtype=TAKEN).view(np.recarray)
    seized = run_drill(replace(drill, surroundings=replace(shut, taken=taken)), threads=1)
    assert (seized.figures[:, 7] > 0).all() and (seized.figures[:, COSTS] == 0).all()


def test_a_dead_leg_leaves_the_other_alone() -> None:
    drill = example(2, steps=12)
    fall = np.ones((10, 12))
    fall[:, 3:] = 0.7
    found = run_drill(
        replace(drill, journey=replace(drill.journey, playbook=None), surroundings=weather(factor=fall)), threads=1
    )
    # binance-a holds the longs; hl-a is short the same coins: 700, 500, 300, 300 and 200 of them at about 70.
    assert (found.figures[:, WHO] == 0).all()
    assert found.figures[:, ORPHAN] == pytest.approx(70.0 * (800 + 500 + 400 + 300 + 200), rel=0.1)


def test_sources_refuse_what_is_no_correlation() -> None:
    for matrix, told in (
        (np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]), "positive semidefinite"),
        (np.eye(2), "3 by 3"),
        (2 * np.eye(3), "diagonal"),
    ):
        with pytest.raises(InputError, match=told):
            sources.normal_source(np.full(3, 0.01), matrix)
    assert np.allclose(sources.blended(np.eye(3), 1.0), 1.0)


def test_a_storm_of_the_catalogue_is_faced_alone_and_in_sums(tmp_path: Path) -> None:
    words = [str(DESK / "book.toml"), str(DESK / "conservative.toml"), "--json"]
    code, said = drilled(*words, "--storm", "crash-2020-03-12")
    data = json.loads(said)["data"]
    assert code == 0 and data["facts"]["paths"] == 1 and data["facts"]["horizon_hours"] == 48.0
    dies = {one["account"]: one["dies"]["count"] for one in data["without_playbook"]["accounts"]}
    assert dies["hl-sol"] == dies["dydx-0"] == 1 and dies["hl-main"] == dies["deribit-btc"] == 0
    assert not any(one["dies"]["count"] for one in data["under_playbook"]["accounts"])
    code, said = drilled(*words, "--storm", "gap-down + usdc-088", "--horizon", "4h")
    assert code == 0 and any("USDC falls to 0." in one for one in json.loads(said)["data"]["not_modelled"])
    code, said = drilled(*words, "--storm", "crash-2020-03-21")
    assert code == 3 and "crash-2020-03-12" in said


def test_every_storm_is_told_or_said_not_to_be() -> None:
    done = CliRunner().invoke(app, ["drill", "all", str(DESK / "book.toml"), "--of", "historic", "--json"])
    rows = json.loads(done.output)["data"]
    assert done.exit_code == 0 and len(rows) == 9
    assert [row["storm"] for row in rows if "not_faced" in row] == ["crash-2025-10-replay"]
    for row in (row for row in rows if "not_faced" not in row):
        dead = (row["under_playbook"] or row["without_playbook"])["dies"]
        assert set(row["money_too_late"]) == set(dead) and all(0 <= one <= 1 for one in row["money_too_late"].values())
    listed = CliRunner().invoke(app, ["drill", "list"]).output
    assert "crash-2020-03-12" in listed and "winners-taken" in listed
    shown = CliRunner().invoke(app, ["drill", "show", "gap-down"]).output
    assert 'schema = "storm/1"' in shown


def test_two_playbooks_are_compared_on_the_same_futures() -> None:
    words = [
        "drill",
        "compare",
        *(str(DESK / name) for name in ("book.toml", "conservative.toml", "conservative.toml")),
    ]
    done = CliRunner().invoke(app, [*words, "--made-up", "--paths", "4", "--horizon", "6h", "--json"])
    data = json.loads(done.output)["data"]
    assert data["only_first"] == data["only_second"] == 0
    assert all(line["difference"] == 0.0 for line in data["paired"])


def test_the_map_falls_with_the_size_of_moves_and_asks_for_enough_futures() -> None:
    words = ["drill", "map", str(DESK / "book.toml"), "--made-up", "--horizon", "3h", "--json"]
    done = CliRunner().invoke(app, [*words, "--paths", "12", "--chance", "0.9"])
    cells = json.loads(done.output)["data"]["cells"]
    usual = [one for one in cells if one["blend"] == 0.0]
    assert [one["scale"] for one in usual] == sorted((one["scale"] for one in usual), reverse=True)
    refused = CliRunner().invoke(app, [*words, "--paths", "40"])
    assert refused.exit_code == 3 and "1,000 or more" in " ".join(json.loads(refused.output)["errors"][0].values())


@pytest.mark.parametrize("storm", ["hedges break, market -15%", "hedges break, market +15%"])
def test_a_gap_in_the_first_step_is_in_the_deepest_drawdown_of_both_sides(storm: str) -> None:
    words = ["drill", "run", str(DESK / "book.toml"), str(DESK / "conservative.toml"), "--storm", storm, "--json"]
    data = json.loads(CliRunner().invoke(app, words).output)["data"]
    for side in (data["under_playbook"], data["without_playbook"]):
        lost = 1.0 - side["worst"] / side["start"]
        assert side["drawdown"] >= lost - 1e-12
    assert data["without_playbook"]["drawdown"] > 0.05


def test_the_deepest_drawdown_has_the_start_among_its_peaks() -> None:
    drill = example(6, steps=8)
    found = run_drill(drill, threads=1)
    least = found.figures[:, LEAST]
    assert (found.figures[:, DEEPEST] >= 1.0 - least / found.start).all() and (found.figures[:, DEEPEST] >= 0.0).all()


def test_coins_on_layers_are_said_to_be_left_out() -> None:
    code, told = drilled(str(DESK / "book.toml"), "--storm", "gap-down")
    assert code == 0 and "10 ETH on ethereum are left out of equity" in " ".join(told.split())
