"""Laws of hedges, on books and scenarios of all kinds, and the optimum of another solver."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.hedging.cvar import best_in_lots, cvar_hedge, fits, objective
from perpbook.hedging.instruments import Instruments, Room
from perpbook.hedging.shortfall import Scenarios
from perpbook.kernels.types import Floats

Case = tuple[Scenarios, Instruments, Room]


def case(seed: int, *, contracts: int = 3, rows: int = 300, lots: float = 0.0, margin: float = 0.1) -> Case:
    """A seeded book of fat-tailed moves with something that no contract hedges; two accounts, one short of margin."""
    chance = np.random.default_rng(seed)
    common = chance.standard_t(4, size=(rows, 1)) * 0.02
    moves = common * chance.uniform(0.5, 1.5, contracts) + chance.standard_t(4, size=(rows, contracts)) * 0.01
    pnl = moves @ (chance.normal(size=contracts) * 1e5) + chance.standard_t(4, size=rows) * 2e3
    weights = chance.uniform(0.5, 1.5, rows)
    one = Instruments(
        low=np.full(contracts, -3e5), high=np.full(contracts, 3e5), lots=np.full(contracts, lots),
        fees=np.full(contracts, 5e-4), funding=chance.normal(size=contracts) * 3e-4, held=chance.normal(size=contracts) * 5e4,
        margins=np.full(contracts, margin), accounts=np.arange(contracts) % 2,
    )  # fmt: skip
    scenarios = Scenarios(pnl=pnl, effect=moves, weights=weights / weights.sum(), tail=0.05)
    return scenarios, one, Room(margin=np.array([8e3, 4e4]))


def oracle(scenarios: Scenarios, one: Instruments, room: Room) -> float:
    """The same optimum as cvxpy states and Clarabel finds it."""
    cp = pytest.importorskip("cvxpy", reason="cvxpy is not installed (dev extra)")
    money = 1e4
    hedge, edge = cp.Variable(one.count), cp.Variable()
    losses = -(scenarios.pnl / money + scenarios.effect @ hedge)
    short = edge + cp.sum(cp.multiply(scenarios.weights, cp.pos(losses - edge))) / scenarios.tail
    room = room.for_contracts(one)
    margin = cp.multiply(one.margins, cp.abs(one.held / money + hedge))
    kept = [hedge <= one.high / money, hedge >= one.low / money, cp.norm1(hedge) <= min(room.turnover, 1e9) / money]
    for account in range(room.margin.size):
        mine = np.flatnonzero(one.accounts == account)
        kept += [cp.sum(margin[mine]) <= room.margin[account] / money] if mine.size else []
    cost = one.fees @ cp.abs(hedge) + one.funding @ hedge
    found = cp.Problem(cp.Minimize(short + cost), kept).solve(solver=cp.CLARABEL, tol_gap_rel=1e-9, tol_gap_abs=1e-9)
    return float(found) * money


@pytest.mark.parametrize("seed", range(4))
def test_the_objective_is_that_of_another_solver(seed: int) -> None:
    scenarios, one, room = case(seed)
    room = replace(room, turnover=2e5 if seed % 2 else np.inf)
    found = cvar_hedge(scenarios, one, room)
    assert found.objective == pytest.approx(oracle(scenarios, one, room), rel=1e-6)
    assert found.objective - found.bound <= 1e-9 * found.objective


@pytest.mark.slow
def test_thirty_contracts_in_five_thousand_scenarios_too() -> None:
    scenarios, one, _ = case(1, contracts=30, rows=5_000)
    room = Room(margin=np.array([2e5, 1e5]))
    assert cvar_hedge(scenarios, one, room).objective == pytest.approx(oracle(scenarios, one, room), rel=1e-6)


SEEDS = st.integers(0, 10_000)


@settings(max_examples=12)
@given(seed=SEEDS, lots=st.sampled_from([0.0, 500.0, 20_000.0]))
def test_no_hedge_is_never_better_and_limits_are_kept(seed: int, lots: float) -> None:
    scenarios, one, room = case(seed, lots=lots, rows=120)
    free = cvar_hedge(scenarios, one, room)
    found = best_in_lots(scenarios, one, room, free)
    assert found.objective <= objective(scenarios, one, np.zeros(one.count)) + 1e-6
    assert free.objective <= found.objective + 1e-6 and found.bound <= found.objective + 1e-6
    assert fits(one, room.for_contracts(one), found.hedge) and fits(one, room.for_contracts(one), free.hedge)
    if lots:
        assert found.hedge / lots == pytest.approx(np.round(found.hedge / lots), abs=1e-6)


@settings(max_examples=12)
@given(seed=SEEDS, times=st.sampled_from([1e-3, 0.5, 40.0, 1e4]))
def test_a_book_so_many_times_as_large_takes_a_hedge_so_many_times_as_large(seed: int, times: float) -> None:
    scenarios, one, room = case(seed, rows=120)
    more = replace(one, low=one.low * times, high=one.high * times, held=one.held * times)
    small, large = (
        cvar_hedge(scenarios, one, room),
        cvar_hedge(replace(scenarios, pnl=scenarios.pnl * times), more, Room(margin=room.margin * times)),
    )
    assert large.objective == pytest.approx(small.objective * times, rel=1e-7)


@settings(max_examples=12)
@given(seed=SEEDS)
def test_a_book_in_one_asset_is_taken_away_by_that_asset(seed: int) -> None:
    scenarios, one, _ = case(seed, rows=120)
    free = replace(one, fees=np.zeros(3), funding=np.zeros(3), held=np.zeros(3))
    alone = replace(scenarios, pnl=scenarios.effect[:, 0] * 7e4)
    found = cvar_hedge(alone, free, Room(margin=np.full(2, np.inf)))
    assert found.hedge == pytest.approx([-7e4, 0.0, 0.0], abs=1e-3) and abs(found.objective) < 1e-3


@settings(max_examples=12)
@given(seed=SEEDS)
def test_a_tighter_limit_never_helps(seed: int) -> None:
    scenarios, one, room = case(seed, rows=120)
    tight = Room(margin=room.margin, turnover=3e4)
    assert cvar_hedge(scenarios, one, room).objective <= cvar_hedge(scenarios, one, tight).objective + 1e-6


def every_lot(scenarios: Scenarios, one: Instruments, room: Room) -> float:
    """The best of all lots there are, one by one."""
    steps = np.arange(-15, 16) * one.lots[0]
    tried: list[Floats] = [np.array([a, b]) for a in steps for b in steps]
    return min(objective(scenarios, one, each) for each in tried if fits(one, room.for_contracts(one), each))


@pytest.mark.parametrize("seed", range(4))
def test_lots_are_the_best_of_all_there_are(seed: int) -> None:
    scenarios, one, room = case(seed, contracts=2, lots=20_000.0, rows=150)
    found = best_in_lots(scenarios, one, room, cvar_hedge(scenarios, one, room))
    assert found.objective == pytest.approx(every_lot(scenarios, one, room), rel=1e-6)
