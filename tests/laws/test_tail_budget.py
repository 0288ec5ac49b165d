"""Laws of the cheapest hedge within a tail budget, on scenarios of all kinds, and the optimum of another solver."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.hedging.budget import Within, budget_hedge, budget_in_lots, cost_of
from perpbook.hedging.cvar import cvar_hedge, fits
from perpbook.hedging.instruments import Instruments, Room
from perpbook.hedging.shortfall import Scenarios
from perpbook.kernels.types import Floats
from tests.laws.test_hedging import SEEDS, Case, case

SHARES = st.sampled_from([0.35, 0.6, 0.8, 0.95])
"""Budgets, as a share of what the book loses without a hedge."""


def without(scenarios: Scenarios) -> float:
    return scenarios.shortfall(np.zeros(scenarios.effect.shape[1]))


def oracle(scenarios: Scenarios, one: Instruments, room: Room, budget: float) -> float:
    """The least cost as cvxpy states and Clarabel finds it."""
    cp = pytest.importorskip("cvxpy", reason="cvxpy is not installed (dev extra)")
    money = 1e4
    hedge, edge = cp.Variable(one.count), cp.Variable()
    losses = -(scenarios.pnl / money + scenarios.effect @ hedge)
    short = edge + cp.sum(cp.multiply(scenarios.weights, cp.pos(losses - edge))) / scenarios.tail
    room = room.for_contracts(one)
    margin = cp.multiply(one.margins, cp.abs(one.held / money + hedge))
    kept = [short <= budget / money, hedge <= one.high / money, hedge >= one.low / money]
    for account in range(room.margin.size):
        mine = np.flatnonzero(one.accounts == account)
        kept += [cp.sum(margin[mine]) <= room.margin[account] / money] if mine.size else []
    cost = one.fees @ cp.abs(hedge) + cp.sum(cp.pos(cp.multiply(one.funding, hedge)))
    found = cp.Problem(cp.Minimize(cost), kept).solve(solver=cp.CLARABEL, tol_gap_rel=1e-9, tol_gap_abs=1e-9)
    return float(found) * money


def reachable(made: Case, share: float) -> float:
    """A budget between what the best hedge leaves and what the book loses."""
    scenarios, one, room = made
    least = budget_hedge(scenarios, one, room, -np.inf).shortfall
    return least + share * (without(scenarios) - least)


@pytest.mark.parametrize("seed", range(4))
def test_the_cost_is_that_of_another_solver(seed: int) -> None:
    made = case(seed)
    budget = reachable(made, (0.1, 0.4, 0.7, 0.95)[seed])
    found = budget_hedge(*made, budget)
    assert found.kept and found.cost == pytest.approx(oracle(*made, budget), rel=1e-5)


@settings(max_examples=15)
@given(seed=SEEDS, share=SHARES, lots=st.sampled_from([0.0, 500.0, 20_000.0]))
def test_a_budget_is_kept_or_the_least_that_can_be_left_is(seed: int, share: float, lots: float) -> None:
    scenarios, one, room = case(seed, rows=120, lots=lots)
    budget = share * without(scenarios)
    free = budget_hedge(scenarios, one, room, budget)
    found = budget_in_lots(scenarios, one, room, budget, free)
    least = cvar_hedge(scenarios, replace(one, fees=np.zeros(3), funding=np.zeros(3)), room).objective
    assert free.kept == (least <= budget + 1e-6)
    assert free.kept or free.shortfall == pytest.approx(least, rel=1e-4)
    assert not found.kept or (free.kept and found.cost >= free.cost - 1e-6 * abs(free.cost))
    assert fits(one, room.for_contracts(one), found.hedge) and fits(one, room.for_contracts(one), free.hedge)
    if lots:
        assert found.hedge / lots == pytest.approx(np.round(found.hedge / lots), abs=1e-6)


@settings(max_examples=12)
@given(seed=SEEDS, share=SHARES)
def test_a_looser_budget_never_costs_more_and_one_that_holds_costs_nothing(seed: int, share: float) -> None:
    made = case(seed, rows=120)
    tight, loose = (budget_hedge(*made, reachable(made, part)) for part in (0.8 * share, share))
    assert tight.kept and loose.kept and loose.cost <= tight.cost * (1 + 1e-6)
    nothing = budget_hedge(*made, without(made[0]))
    assert nothing.kept and nothing.cost == 0.0 and not nothing.hedge.any()


def test_income_from_funding_is_not_sought() -> None:
    scenarios, one, room = case(3, rows=120)
    paid = replace(one, funding=np.full(3, -1.0))
    assert not budget_hedge(scenarios, paid, room, without(scenarios)).hedge.any()
    assert cost_of(paid, np.array([1e3, 0.0, 0.0])) == pytest.approx(0.5)


def every_lot(scenarios: Scenarios, one: Instruments, room: Room, budget: float) -> float:
    """The cheapest of all lots there are that keep the budget, one by one; infinite for none."""
    steps = np.arange(-15, 16) * one.lots[0]
    tried: list[Floats] = [np.array([a, b]) for a in steps for b in steps]
    kept = [each for each in tried if scenarios.shortfall(each) <= budget and fits(one, room, each)]
    return min((cost_of(one, each) for each in kept), default=np.inf)


@pytest.mark.parametrize("seed", range(5))
def test_in_lots_it_is_the_cheapest_of_all_lots(seed: int) -> None:
    scenarios, one, room = case(seed, contracts=2, rows=100, lots=20_000.0)
    budget = reachable((scenarios, one, room), 0.4)
    found: Within = budget_in_lots(scenarios, one, room, budget, budget_hedge(scenarios, one, room, budget))
    cheapest = every_lot(scenarios, one, room.for_contracts(one), budget)
    assert found.kept == (cheapest < np.inf) and (not found.kept or found.cost == pytest.approx(cheapest, rel=1e-9))


def test_more_contracts_than_are_sought_whole_keep_it_lot_by_lot() -> None:
    scenarios, one, room = case(2, contracts=10, rows=300, lots=500.0)
    budget = reachable((scenarios, one, room), 0.5)
    found = budget_in_lots(scenarios, one, room, budget, budget_hedge(scenarios, one, room, budget))
    assert found.kept and fits(one, room.for_contracts(one), found.hedge)
