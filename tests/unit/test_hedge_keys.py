"""`[hedge]` of a playbook in plans, reports, checks and overlays: betas, the tail budget, and whether options are allowed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.errors import InputError
from perpbook.hedging.betas import METHODS, slopes_by
from perpbook.hedging.plan import HedgePlan
from perpbook.model.units import HOUR_NS
from perpbook.model.verdict import Status
from perpbook.playbook.hedge_judge import TailLeft, judge_tail
from perpbook.report.hedge_text import sentences_of
from perpbook.report.words import money
from perpbook.runs.check import run_check
from perpbook.runs.data import Recipe, run_generate
from perpbook.runs.hedge import open_desk, run_hedge
from perpbook.runs.hedge_asked import HedgeAsked, OptionsBeside
from perpbook.runs.hedge_options import left_by
from perpbook.runs.hedge_parts import parts_of
from perpbook.runs.hedge_past import PastAsked
from tests.unit.option_rows import rows, written
from tests.unit.test_hedge_run import BOOK, START

MANY = ("--bar", "4h", "--storms", "historic")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("keys")
    recipe = Recipe(assets=2, venues=("binance",), start_ns=START, days=60.0, bar_ns=HOUR_NS, seed=3)
    run_generate(made / "lake", recipe, now_ns=START)
    (made / "book.toml").write_text(BOOK.format(collateral=40_000.0).replace("[betas]\nETH = 1.1\n", ""), "utf-8")
    written(made, rows(wide=0.06))
    return made


def rules(folder: Path, **keys: object) -> Path:
    path = folder / f"{'-'.join(f'{key}{value}' for key, value in keys.items())}.toml"
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    path.write_text("\n".join(["schema_version = 1", "[hedge]", *lines, ""]), encoding="utf-8")
    return path


def asked(folder: Path, playbook: Path | None = None, **more: Any) -> HedgeAsked:
    past = PastAsked(lake=folder / "lake", bar_ns=4 * HOUR_NS)
    return HedgeAsked(
        book=folder / "book.toml", playbook=playbook, past=past, storms=("historic",), draws=1_000, **more
    )


def ran(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, [*words, "--json"], env={"PERPBOOK_DATA_LAKE": str(folder / "lake")})
    return done.exit_code, json.loads(done.stdout)


@pytest.fixture(scope="module")
def least(folder: Path) -> HedgePlan:
    return run_hedge(asked(folder, method="cvar"))


def test_a_playbooks_budget_is_kept_at_less_cost_than_the_least_shortfall(folder: Path, least: HedgePlan) -> None:
    share = 0.5 * (least.unhedged.shortfall + least.unhedged.shortfall * 0.2) / least.equity
    found = run_hedge(asked(folder, rules(folder, tail_budget=round(share, 6))))
    assert found.method == "budget" and found.chosen is not None and least.chosen is not None and not found.breaks
    assert found.chosen.cost < least.chosen.cost and found.chosen.fits == 1.0
    (judged,) = found.judged
    assert judged.rule == "hedge.tail_budget" and judged.status is not Status.BREACH
    assert judged.measured == pytest.approx(found.chosen.shortfall / found.equity) and judged.measured <= judged.limit
    assert any(one.startswith("Kept: hedge.tail_budget. With the hedge") for one in sentences_of(found))


def test_a_budget_that_the_book_keeps_asks_for_no_hedge(folder: Path) -> None:
    found = run_hedge(asked(folder, rules(folder, options=True, tail_budget=0.9)))
    assert found.chosen is None and not found.parts and not found.breaks
    assert next(iter(sentences_of(found))) == "No hedge (least cost within the tail budget): none is needed."
    assert any("hedge.options" in one for one in found.notes)


@pytest.fixture(scope="module")
def short(folder: Path) -> HedgePlan:
    """A hedge with too few assets for its budget."""
    return run_hedge(asked(folder, against=("BTC",), budget=0.001))


def test_a_budget_that_none_keeps_gets_the_least_bad_hedge_and_is_broken(short: HedgePlan) -> None:
    assert short.breaks and short.chosen is not None and short.chosen.fits < 1.0
    assert short.chosen.shortfall < short.unhedged.shortfall
    told = " ".join(sentences_of(short))
    assert "BROKEN: hedge.tail_budget" in told and "too much" in told and "least bad hedge" in told


def test_a_plan_says_what_is_left_by_the_estimator_in_force(short: HedgePlan) -> None:
    left = [one for one in short.weighted.nets if one.hedged and one.factor in ("BTC", "ETH")]
    assert len(left) == 2
    for beta in METHODS:
        told = " ".join(sentences_of(replace(short, beta=beta)))
        assert f"By its {beta} betas the book then comes to" in told
        assert all(f"{money(abs(getattr(net, beta).value))} (" in told for net in left)
    assert "betas the book then" not in " ".join(sentences_of(replace(short, beta="none")))


def test_a_report_judges_the_book_as_it_is(folder: Path) -> None:
    words = ("hedge", "report", str(folder / "book.toml"), "--bar", "4h", "--playbook")
    code, answer = ran(folder, *words, str(rules(folder, tail_budget=0.001, beta="robust")))
    (judged,) = answer["data"]["judged"]
    assert code == 10 and judged["status"] == "breach" and judged["sentence"].startswith("Without a hedge")
    assert answer["data"]["beta"] == "robust" and "without the outliers" in answer["data"]["sentences"][0]
    code, answer = ran(folder, *words, str(rules(folder, tail_budget=0.9)), "--beta", "none")
    assert code == 0 and answer["data"]["beta"] == "none" and "own dollars" in answer["data"]["sentences"][0]


def test_a_book_worth_nothing_has_no_budget(folder: Path) -> None:
    poor = folder / "broke.toml"
    poor.write_text(
        (folder / "book.toml").read_text("utf-8").replace("entry_price = 3000.0", "entry_price = 10000.0"), "utf-8"
    )
    with pytest.raises(InputError, match="no share of it is a tail budget"):
        open_desk(replace(asked(folder, budget=0.1), book=poor))


def test_a_budget_is_of_its_own_tail(folder: Path) -> None:
    with pytest.raises(InputError, match=r"hedge\.tail_budget is of the worst 2\.5 %"):
        open_desk(asked(folder, rules(folder, tail_budget=0.1), tail=0.05))
    assert open_desk(asked(folder, rules(folder, tail_budget=0.1), tail=0.05, budget=0.2)).asked.budget == 0.2
    with pytest.raises(InputError, match="no budget to keep"):
        open_desk(asked(folder, method="budget"))


@pytest.mark.parametrize("beta", METHODS)
def test_no_delta_weighs_others_by_the_playbooks_estimator(folder: Path, beta: str) -> None:
    opened = open_desk(asked(folder, rules(folder, beta=beta), method="delta", against=("BTC",)))
    returns, held = opened.past.returns, opened.desk.exposures
    x = returns.values[returns.index("BTC")]
    (slope,) = slopes_by(beta, returns, x, "ETH", np.ones((1, returns.rows)))
    (part,) = parts_of(opened.asked, opened, np.random.default_rng(1))
    assert part.own == pytest.approx(-held["BTC"])
    assert part.dollars + part.left_out == pytest.approx(-held["BTC"] - slope * held["ETH"])


def test_without_betas_no_asset_stands_for_another(folder: Path) -> None:
    found = open_desk(asked(folder, rules(folder, beta="none"), method="delta", against=("BTC",)))
    (part,) = parts_of(found.asked, found, np.random.default_rng(1))
    assert part.dollars == part.own == pytest.approx(-45_000.0) and part.kept
    assert any(one.startswith("ETH: held, and left as it is") for one in found.notes)
    overridden = open_desk(asked(folder, rules(folder, beta="none"), beta="tail")).asked
    assert overridden.beta == "tail" and overridden.method == "cvar"


@pytest.mark.parametrize("beta", ["ewma", pytest.param("none", marks=pytest.mark.slow)])
def test_betas_that_are_written_are_those_a_check_reads(folder: Path, beta: str) -> None:
    playbook, file = rules(folder, beta=beta, delta_band=5.0), folder / f"betas-{beta}.toml"
    book = folder / "book.toml"
    words = ("hedge", "report", str(book), "--bar", "4h", "--playbook", str(playbook), "--write-betas", str(file))
    code, answer = ran(folder, *words)
    found = {one["asset"]: one[beta]["value"] for one in answer["data"]["weighted"]["betas"] if one["factor"] == "BTC"} if (
        beta != "none"
    ) else {"BTC": 1.0, "ETH": 1.0}  # fmt: skip
    checked = run_check(book, playbook, market=file)
    assert code == 0 and checked.snapshot.market.betas == pytest.approx(found, rel=1e-5)
    bands = {one.subject: one.measured for one in checked.verdict.findings if one.rule == "hedge.delta_band"}
    assert bands["ETH"] == pytest.approx(300_000.0 * found["ETH"] / checked.assessment.book.equity, rel=1e-5)
    assert not [one for one in checked.assessment.cautions if "hedge.beta" in one.message]


def test_a_check_says_what_it_does_not_judge_and_what_does(folder: Path) -> None:
    book = folder / "book.toml"
    found = run_check(book, rules(folder, beta="ewma", tail_budget=0.1))
    told = [one.message for one in found.assessment.cautions if one.code == "history"]
    assert [one for one in told if one.startswith("not judged by check: hedge.tail_budget") and "hedge report" in one]
    assert [one for one in told if "hedge.beta is ewma, and the book gives no beta of ETH" in one]
    weighted = folder / "weighted.toml"
    weighted.write_text(BOOK.format(collateral=40_000.0), encoding="utf-8")
    found = run_check(weighted, rules(folder, beta="none"))
    assert any("the book weighs ETH by its own [betas]" in one.message for one in found.assessment.cautions)


def test_options_that_a_playbook_does_not_allow_are_refused_by_name(folder: Path) -> None:
    playbook = ("--playbook", str(rules(folder, options=False)), "--chain", str(folder / "chain.json"))
    for words in (("hedge", "plan"), ("options", "overlay"), ("hedge", "options")):
        code, answer = ran(folder, *words, str(folder / "book.toml"), *playbook, "--max-loss", "0.9")
        assert code == 3 and "hedge.options = false" in answer["errors"][0]["message"]
    with pytest.raises(InputError, match="give a chain"):
        OptionsBeside(limit=0.2)


def test_options_that_it_allows_are_laid_beside(folder: Path) -> None:
    playbook = rules(folder, options=True, tail_budget=0.9)
    book = folder / "then.toml"
    then = (folder / "book.toml").read_text(encoding="utf-8").replace("2026-11-20T12", "2026-08-07T00")
    book.write_text(then.replace("90000.0", "60000.0"), encoding="utf-8")
    words = ("--playbook", str(playbook), "--chain", str(folder / "chain.json"), "--depth-share", "0.05")
    code, answer = ran(folder, "hedge", "plan", str(book), *MANY, *words, "--max-loss", "0.99")
    assert code == 0 and answer["data"]["overlay"]["verdict"] and answer["data"]["chosen"] is None
    code, answer = ran(folder, "hedge", "plan", str(book), *MANY, *words)
    assert code == 3 and "--max-loss" in answer["errors"][0]["message"]


def test_what_a_hedge_leaves_in_storms_is_the_limit_of_options(least: HedgePlan) -> None:
    worst = max(-one.change for one in least.storms if one.kind == "historic" and not one.not_faced)
    assert left_by(least, ("historic",)) == pytest.approx(worst / least.equity)


@pytest.mark.parametrize(
    ("lost", "budget", "status"),
    [(0.05, 0.1, Status.OK), (0.085, 0.1, Status.NEAR), (0.11, 0.1, Status.BREACH), (0.0, 0.0, Status.OK),
     (1e-3, 0.0, Status.BREACH), (-0.1, 0.1, Status.OK)],
)  # fmt: skip
def test_a_tail_is_near_its_budget_or_beyond_it(lost: float, budget: float, status: Status) -> None:
    left = TailLeft(without=lost, hedged=None, sought=False, tail=0.025, move_hours=24.0)
    found = judge_tail(budget, left, near=0.8)
    assert found.status is status and (found.hint is None) == (status is not Status.BREACH)
    assert judge_tail(budget, replace(left, without=9.0, hedged=lost), near=0.8).status is status
