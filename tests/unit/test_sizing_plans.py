"""Plans on books small enough to reason about."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perpbook.model.market import Snapshot
from perpbook.model.verdict import Plan, Status
from perpbook.sizing.cheapest import cheapest_sizes
from perpbook.sizing.limits import worst_shortfall
from perpbook.sizing.lots import round_to_lots
from perpbook.sizing.plan import is_mendable
from tests.unit.sizing_books import (
    STRICT,
    SURVIVE_ONLY,
    account,
    all_terms,
    checked,
    findings_at,
    laid_out,
    snapshot,
    some_depth,
    whole_tiers,
)

TERMS = all_terms()


def plan_of(book: Snapshot, text: str = STRICT, method: str = "cheapest") -> Plan:
    return next(plan for plan in checked(book, text, TERMS).verdict.plans if plan.method == method)


def test_the_solver_prints_nothing() -> None:
    code = (
        "from perpbook.solver.programme import Programme\n"
        "p = Programme()\n"
        "p.column(1.0, 0.0, 4.0, whole=True)\n"
        "p.row(1.5, 9.0, [0], [1.0])\n"
        "assert p.solve()[0] == 2.0\n"
        "p.fix(0, 2.0)\n"
        "assert p.solve()[0] == 2.0"
    )
    source = str(Path(__file__).parents[2] / "src")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": source})
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


TWO_LEGS = snapshot(account("hl", "hyperliquid", 9_000, ("BTC", 1.3), ("ETH", -38.0)))
CAP_ON_ONE_LEG = """
schema_version = 1
[survival]
moves = [0.2]
kinds = ["joint"]
buffer = 0.0
[leverage.asset]
ETH = 4.0
"""


def test_cutting_one_leg_of_a_hedge_kills_the_account_and_the_plan_does_not() -> None:
    result = checked(TWO_LEGS, CAP_ON_ONE_LEG, TERMS)
    broken = [finding.rule for finding in result.verdict.findings if finding.status is Status.BREACH]
    assert broken == ["leverage.asset"]
    naive = findings_at(result, TERMS, {("hl", "ETH"): -11.5})
    assert [one.rule for one in naive if one.status is Status.BREACH] == ["survival.joint"]
    plan = result.verdict.plans[0]
    assert plan.restores and {trim.symbol for trim in plan.trims} == {"BTC", "ETH"}
    assert next(trim for trim in plan.trims if trim.symbol == "BTC").rules == ("survival.joint",)
    assert next(trim for trim in plan.trims if trim.symbol == "ETH").rules[0] in ("leverage.asset", "survival.joint")


OKX = whole_tiers((0, 0.004), (300, 0.015), (600, 0.04), (1200, 0.08))
ONE_SWAP = snapshot(account("ok", "okx", 95_000, ("BTC-USDT-SWAP", 7.0)))


def test_a_lower_tier_needs_less_of_a_trim_than_todays_rate_says() -> None:
    case = laid_out(checked(ONE_SWAP, SURVIVE_ONLY, all_terms(OKX)))
    with_tiers = cheapest_sizes(case.limits, case.laid, case.costs)
    envelope = cheapest_sizes(replace(case.limits, steps=()), case.laid, case.costs)
    assert with_tiers and envelope
    assert with_tiers.scale[0] == pytest.approx(6.0 / 7.0, abs=1e-9)
    assert envelope.scale[0] < 0.85
    assert with_tiers.cost < envelope.cost


def test_the_plan_stops_at_the_tiers_end() -> None:
    plan = plan_of(ONE_SWAP, SURVIVE_ONLY)
    assert plan.restores
    assert [trim.quantity_after for trim in plan.trims] == [6.0]


def test_a_trim_of_another_position_is_saved_by_a_small_step_down() -> None:
    book = snapshot(account("ok", "okx", 118_000, ("BTC-USDT-SWAP", 6.01), ("ETH-USDT-SWAP", 60.0)))
    case = laid_out(checked(book, SURVIVE_ONLY, all_terms(OKX)))
    with_tiers = cheapest_sizes(case.limits, case.laid, case.costs)
    envelope = cheapest_sizes(replace(case.limits, steps=()), case.laid, case.costs)
    assert with_tiers and envelope and with_tiers.cost < 0.5 * envelope.cost


@pytest.mark.parametrize("money", [45_000, 60_000, 92_000, 95_000, 101_000, 104_000, 115_000])
def test_tiers_agree_with_trying_every_size(money: float) -> None:
    book = snapshot(account("ok", "okx", money, ("BTC-USDT-SWAP", 7.0)))
    case = laid_out(checked(book, SURVIVE_ONLY, all_terms(OKX)))
    found = cheapest_sizes(case.limits, case.laid, case.costs)
    tried = [k / 700 for k in range(701) if worst_shortfall(case.limits, case.laid, np.array([k / 700])) <= 1e-6]
    assert found is not None
    assert max(tried) - 1e-9 <= found.scale[0] <= max(tried) + 1 / 700


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_no_point_of_a_grid_is_cheaper(seed: int) -> None:
    draw = np.random.default_rng(seed)
    book = snapshot(
        account("hl", "hyperliquid", draw.uniform(2e4, 4e4), ("BTC", 2.0), ("ETH", draw.uniform(-60, 60))),
        account("ok", "okx", draw.uniform(8e4, 1.1e5), ("BTC-USDT-SWAP", -7.0)),
        depths={("hyperliquid", "BTC"): some_depth(90_000, 60_000)},
    )
    case = laid_out(checked(book, STRICT, all_terms(OKX)))
    found = cheapest_sizes(case.limits, case.laid, case.costs)
    assert found is not None and worst_shortfall(case.limits, case.laid, found.scale) <= 1e-4
    steps = np.linspace(0.0, 1.0, 21)
    costs = [[line.at(1.0 - x) for x in steps] for line in case.costs]
    points = [
        (sum(one), u) for one, u in zip(itertools.product(*costs), itertools.product(steps, repeat=3), strict=True)
    ]
    good = next(cost for cost, u in sorted(points) if worst_shortfall(case.limits, case.laid, np.array(u)) <= 0)
    one_step = sum(line.at(1.0) - line.at(1.0 - 1 / 20) for line in case.costs)
    assert good - one_step <= found.cost <= good + 1e-6


def test_an_account_beyond_saving_does_not_stop_the_plan_for_another() -> None:
    book = snapshot(
        account("dead", "binance", -5_000, ("ETHUSDT", 1.0)), account("hl", "hyperliquid", 30_000, ("BTC", 3.0))
    )
    result = checked(book, SURVIVE_ONLY, TERMS)
    plan = result.verdict.plans[0]
    assert not plan.restores and "survival.joint" in plan.remaining
    assert [trim.account for trim in plan.trims] == ["hl"]
    after = findings_at(result, TERMS, {("hl", "BTC"): plan.trims[0].quantity_after})
    assert {one.subject for one in after if is_mendable(one)} == {"±15%: dead"}


@pytest.mark.parametrize("money", [-5_000.0, 0.0, 0.01])
def test_a_book_beyond_saving_has_no_plan_and_no_crash(money: float) -> None:
    book = snapshot(account("hl", "hyperliquid", money, ("BTC", 3.0), ("ETH", -20.0)))
    for text in (SURVIVE_ONLY, STRICT):
        result = checked(book, text, TERMS)
        assert result.verdict.status is Status.BREACH
        assert not any(plan.restores for plan in result.verdict.plans)


def test_a_trim_names_the_rules_about_its_own_account_and_asset() -> None:
    book = snapshot(
        account("hl", "hyperliquid", 30_000, ("BTC", 3.0)), account("bn", "binance", 400_000, ("ETHUSDT", 300.0))
    )
    text = SURVIVE_ONLY + "[leverage.asset]\nETH = 2.0\n"
    rules = {trim.account: trim.rules for trim in plan_of(book, text).trims}
    assert rules == {"hl": ("survival.joint",), "bn": ("leverage.asset",)}


def test_quantities_print_as_the_lots_they_are() -> None:
    book = snapshot(account("hl", "hyperliquid", 61_234, ("BTC", 4.12345), ("ETH", 33.3333)))
    for plan in checked(book, STRICT, TERMS).verdict.plans:
        for trim in plan.trims:
            assert len(repr(trim.quantity_after).split(".")[1]) <= 5


@pytest.mark.parametrize("cap", ["asset]\nBTC = 2.0", "book]\ngross = 3.0", "book]\nnet = 1.0", "account]\nnet = 2.0"])
def test_caps_alone_make_a_plan_without_any_stress(cap: str) -> None:
    book = snapshot(account("hl", "hyperliquid", 61_000, ("BTC", 4.0), ("ETH", -20.0)))
    plan = plan_of(book, f"schema_version = 1\n[leverage.{cap}\n")
    assert plan.restores and plan.bindings and not plan.remaining


def test_an_account_named_like_an_asset_is_no_reason_to_trim_that_asset() -> None:
    book = snapshot(
        account("ETH", "hyperliquid", 30_000, ("BTC", 3.0)), account("bn", "binance", 400_000, ("ETHUSDT", 300.0))
    )
    uniform = plan_of(book, SURVIVE_ONLY + "[leverage.asset]\nETH = 2.0\n", "uniform")
    assert {trim.account: trim.rules for trim in uniform.trims} == {
        "ETH": ("survival.joint",), "bn": ("leverage.asset",)
    }  # fmt: skip


def test_closing_a_coin_settled_position_whole_keeps_the_coins_price() -> None:
    book = snapshot(account("coin", "deribit", 1.0, ("BTC-PERPETUAL", -90_000.0), coin="BTC"))
    plan = plan_of(book, "schema_version = 1\n[leverage.asset]\nBTC = 0.00001\n")
    assert plan.restores and [repr(trim.quantity_after) for trim in plan.trims] == ["0.0"]


def test_a_position_that_lost_too_much_is_closed_and_the_cost_does_not_push_another_over() -> None:
    book = snapshot(
        account("hl", "hyperliquid", 100_000, ("BTC", 1.0), ("ETH", 50.0)),
        depths={("hyperliquid", "BTC"): some_depth(90_000, 40_000)},
    )
    hl = book.book.accounts[0]
    entries = {"BTC": 101_000.0, "ETH": 3_279.2}
    positions = tuple(replace(one, entry_price=entries[one.symbol]) for one in hl.positions)
    book = replace(book, book=replace(book.book, accounts=(replace(hl, positions=positions),)))
    text = "schema_version = 1\n[guardrails]\nposition_loss = 0.112\n"
    result = checked(book, text, TERMS)
    assert [one.subject for one in result.verdict.findings if one.status is Status.BREACH] == ["BTC @ hl"]
    plan = result.verdict.plans[0]
    left = {trim.symbol: trim.quantity_after for trim in plan.trims}
    assert plan.restores and left["BTC"] == 0.0 and 49.0 < left["ETH"] < 50.0
    assert all(trim.rules == ("guardrails.position_loss",) for trim in plan.trims)
    assert [one.name for one in plan.bindings] == ["guardrails.position_loss ETH @ hl"]


def test_effective_leverage_ends_at_its_cap_when_a_trim_falls_into_a_lower_tier() -> None:
    book = snapshot(account("ok", "okx", 125_000, ("BTC-USDT-SWAP", -11.2511)))
    result = checked(book, "schema_version = 1\n[leverage.account]\neffective = 2.43\n", TERMS)
    case = laid_out(result)
    found = cheapest_sizes(case.limits, case.laid, case.costs)
    assert found is not None
    after = findings_at(result, TERMS, {("ok", "BTC-USDT-SWAP"): -11.2511 * float(found.scale[0])})
    assert [one.measured for one in after] == [pytest.approx(2.43, rel=1e-6)]


def test_a_hedge_is_rounded_up_when_rounding_it_down_would_kill() -> None:
    okx = TERMS["okx"]
    swap = okx.contracts["ETH-USDT-SWAP"]
    coarse = replace(swap, contract=replace(swap.contract, lot_size=5.0))
    terms = TERMS | {"okx": replace(okx, contracts=dict(okx.contracts) | {"ETH-USDT-SWAP": coarse})}
    book = snapshot(account("ok", "okx", 5_300, ("BTC-USDT-SWAP", 1.3), ("ETH-USDT-SWAP", -38.0)))
    case = laid_out(checked(book, SURVIVE_ONLY.replace("0.15", "0.2"), terms))
    items = [case.result.assessed.arrays.items[row] for row in case.limits.rows]
    sizes = np.array([33 / 38 if item.asset == "ETH" else 1.0 for item in items])
    down = np.array([30 / 38 if item.asset == "ETH" else 1.0 for item in items])
    rounded = round_to_lots(case.limits, case.laid, items, sizes, 1e-6)
    assert worst_shortfall(case.limits, case.laid, down) > 0.0
    assert rounded is not None and rounded.min() == pytest.approx(35 / 38)
