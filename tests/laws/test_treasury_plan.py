"""Laws of plans: the best is the best by two other ways, limits hold, the greedy plan is never better, more money never hurts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks.treasury import example
from perpbook.treasury.arrivals import met_after
from perpbook.treasury.exact import better, solve
from perpbook.treasury.flow import build_of
from perpbook.treasury.greedy import greedy
from perpbook.treasury.layout import CENT, lay_out
from perpbook.treasury.task import Plan, Task
from tests.laws.treasury_tasks import best_by_trying, best_densely, our_blend, random_task, shared_task, worth_of

Drawn = Callable[..., Task]
SMALL = 200
FEW = 8
MANY = [range(FEW, 50), *(range(start, start + 50) for start in range(50, SMALL, 50))]


def agree(task: Task, ours: list[float], theirs: list[float]) -> bool:
    """To 1e-6 of the largest need in the first level; later ones to what the first's rounding is worth in them."""
    unit = max(one.dollars * one.weight for one in task.needs)
    near = np.allclose(ours[0], theirs[0], rtol=1e-6, atol=1e-6 * unit)
    return bool(near and np.allclose(ours, theirs, rtol=1e-5, atol=1e-5 * unit))


@pytest.mark.parametrize("drawn", [random_task, shared_task])
@pytest.mark.parametrize("seeds", [range(FEW), *(pytest.param(seeds, marks=pytest.mark.slow) for seeds in MANY)])
def test_the_best_plan_is_the_best_of_an_independent_formulation(seeds: range, drawn: Drawn) -> None:
    for seed in seeds:
        task = drawn(seed)
        plan, (missing, blended) = solve(task), best_densely(task)
        unit = max(one.dollars * one.weight for one in task.needs)
        assert plan.method == "exact"
        assert worth_of(task, plan)[0] == pytest.approx(missing, rel=1e-6, abs=1e-6 * unit), seed
        assert our_blend(task) == pytest.approx(blended, rel=1e-6, abs=1e-6 * unit), seed


def test_the_best_plan_is_the_best_of_every_set_of_open_lanes() -> None:
    for seed, drawn in enumerate([random_task, shared_task] * 4):
        task = drawn(seed, lanes=5)
        assert agree(task, worth_of(task, solve(task)), best_by_trying(task)), seed


@pytest.mark.slow
@pytest.mark.parametrize("drawn", [random_task, shared_task])
def test_of_a_hundred_tasks_every_set_of_open_lanes_is_tried(drawn: Drawn) -> None:
    for seed in range(SMALL // 2):
        task = drawn(seed + 1_000)
        assert agree(task, worth_of(task, solve(task)), best_by_trying(task)), seed


def keeps_limits(task: Task, plan: Plan) -> bool:
    """Every lane and limit of a task, and cuts."""
    laid, going = lay_out(task), plan.sent > 0.0
    whole = np.bincount(laid.transfer, plan.sent)[laid.transfer]
    lanes = bool(((plan.sent <= laid.most + CENT) & (~going | (whole >= laid.least - CENT))).all())
    limits = all(plan.sent[list(one.lanes)].sum() <= one.dollars + CENT for one in laid.limits)
    cuts = all(dollars <= cut.dollars + CENT for cut, dollars in zip(task.cuts, plan.reduced, strict=True))
    return lanes and limits and cuts and bool((laid.usable[going] == 1).all())


@pytest.mark.parametrize("seeds", [range(300, 315), pytest.param(range(315, 375), marks=pytest.mark.slow)])
def test_no_plan_breaks_a_limit_and_the_greedy_one_is_never_better(seeds: range) -> None:
    worse = 0
    for seed in seeds:
        task = (shared_task if seed % 3 == 0 else random_task)(seed, lanes=8)
        best, quick = solve(task), greedy(task)
        assert keeps_limits(task, best) and keeps_limits(task, quick), seed
        theirs, ours = worth_of(task, quick), worth_of(task, best)
        unit = max(one.dollars for one in task.needs)
        first = next((k for k in range(5) if abs(theirs[k] - ours[k]) > 1e-6 * unit * 10.0), None)
        assert first is None or theirs[first] > ours[first], seed
        worse += first == 0
    assert worse > 0


def test_more_money_never_leaves_more_missing() -> None:
    for seed in range(500, 510):
        task = random_task(seed)
        more = replace(task, spares=tuple(replace(one, dollars=1.5 * one.dollars) for one in task.spares))
        assert worth_of(more, solve(more))[0] <= worth_of(task, solve(task))[0] + CENT, seed


def test_a_further_failure_never_leaves_less_missing() -> None:
    for seed in range(600, 610):
        task = random_task(seed)
        fewer = replace(task, failures=task.failures[:1])
        assert worth_of(fewer, solve(fewer))[0] <= worth_of(task, solve(task))[0] + CENT, seed


def test_the_relaxation_is_a_flow_of_least_cost() -> None:
    networkx = pytest.importorskip("networkx")
    for seed in range(15):
        chance = np.random.default_rng(seed)
        task = flow_task(chance)
        graph = networkx.DiGraph()
        for n, need in enumerate(task.needs):
            graph.add_edge("missing", f"need{n}", weight=10_000_000, capacity=round(100 * need.dollars))
            graph.add_node(f"need{n}", demand=round(100 * need.dollars))
        graph.add_node("source", demand=-sum(round(100 * one.dollars) for one in task.needs))
        graph.add_edge("source", "missing", weight=0)
        for n, spare in enumerate(task.spares):
            graph.add_edge("source", f"spare{n}", weight=0, capacity=round(100 * spare.dollars))
        for one in task.lanes:
            middle = f"lane{one.number}"
            graph.add_edge(f"spare{one.spare}", middle, weight=0, capacity=round(100 * one.most))
            graph.add_edge(middle, f"need{one.need}", weight=round(one.seconds))
        cost = networkx.min_cost_flow_cost(graph)
        plan = solve(task)
        mine = 10_000_000 * plan.short.sum() + np.array([one.seconds for one in task.lanes]) @ plan.sent
        assert mine == pytest.approx(cost / 100, rel=1e-6), seed


def flow_task(chance: np.random.Generator) -> Task:
    """A task without fees, fixed charges, failures or shared caps, in whole dollars and seconds."""
    task = random_task(int(chance.integers(1 << 30)), lanes=9)
    lanes = tuple(
        replace(
            one, fixed=0.0, rate=0.0, converts=0.0, least=0.0, worth=1.0, unknown=(), seconds=float(round(one.typical))
        )
        for one in task.lanes
    )
    needs = tuple(replace(one, weight=1.0, seconds=1e6) for one in task.needs)
    return replace(task, lanes=lanes, needs=needs, cuts=(), failures=(), pipes={}, in_flight={}, waiting=0.0)


@pytest.mark.slow
def test_every_level_of_a_scarce_desk_is_proven_best() -> None:
    assert solve(example(30, 80), seconds=600.0).why == ""


@pytest.mark.parametrize("limit", [{"seconds": 0.0}, {"seconds": 0.05}, {"nodes": 0}, {"nodes": 5}])
def test_a_search_that_is_cut_short_is_no_worse_than_the_greedy_plan_and_says_so(limit: dict[str, Any]) -> None:
    task = example(30, 80)
    found = solve(task, **limit)
    assert "ended before it was sure" in found.why or "did not end" in found.why
    assert keeps_limits(task, found)
    theirs, ours = worth_of(task, greedy(task)), worth_of(task, found)
    first = next((k for k in range(5) if abs(theirs[k] - ours[k]) > 1.0), None)
    assert first is None or theirs[first] > ours[first]


@pytest.mark.parametrize("apart", [True, False])
def test_transfers_that_are_surer_by_their_number_keep_the_promise_together(apart: bool) -> None:
    draws, promise, several = 10_000, 0.95, 0
    for seed in range(700, 720):
        task, chance = shared_task(seed), np.random.default_rng(seed)
        plan = solve(task)
        for need, one in enumerate(task.needs):
            lanes = [k for k in np.flatnonzero(plan.sent).tolist() if task.lanes[k].need == need]
            late = round(draws * (1.0 - promise)) // max(len(lanes), 1)
            first = (
                np.sort(chance.choice(draws, size=(len(lanes), 1)))
                if not apart
                else np.arange(len(lanes))[:, None] * late
            )
            arrivals = np.where((np.arange(draws) - first) % draws < late, 2.0, 0.5) * one.seconds
            met = met_after(lay_out(task), plan, need, list(arrivals), lanes) <= one.seconds if lanes else np.ones(1)
            assert met.mean() >= promise, seed
            several += len(lanes) > 1 and met.mean() < 1.0 - 1.5 * late / draws
    assert several > 0


def test_of_two_plans_the_first_level_that_differs_decides() -> None:
    task = example()
    build, best, by_hand = build_of(lay_out(task)), solve(task), greedy(task)
    assert better(build, best, by_hand, "time") and not better(build, by_hand, best, "time")
    assert not better(build, best, best, "cost")
