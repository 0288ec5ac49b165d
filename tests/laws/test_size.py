"""Sizes that survive: one pass tells what many drills would, trims are the cheapest, and no leg of a hedge is cut alone."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

from perpbook.engine.cut import cheapest, look, to_lots
from perpbook.engine.moments import at_sizes, draw_path, ends_of, limits_of_paths
from perpbook.engine.sized import Bounds
from perpbook.engine.trial import Bench, largest_uniform_scale
from perpbook.engine.trims import Losses, Search, deaths_in, fit_losses, shortfall_of
from perpbook.kernels.drill import END
from perpbook.kernels.types import Floats
from tests.unit.size_books import bench_of, book_of

LEGS = {"BTC": 4.0 / 3.0, "ETH": -40.0}
"""120,000 dollars long and 120,000 short."""


def chances(paths: int, columns: int, steps: int, size: float) -> Floats:
    """Seeded moves with fat tails, common and own."""
    draw = np.random.default_rng(5)
    common = draw.standard_t(4, size=(paths, 1, steps))
    return size * (common + 0.7 * draw.standard_t(4, size=(paths, columns, steps)))


@pytest.fixture(scope="module")
def hedged(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    book = book_of(tmp_path_factory.mktemp("hedged"), "hyperliquid", 9_000.0, LEGS)
    return bench_of(book, chances(40, 2, 4, 0.014), Bounds(chance=0.1, shortfall=None))


def quiet(tell: str) -> None:
    """Tell nobody."""


def test_one_pass_finds_the_scale_that_halving_by_drills_finds(hedged: Bench) -> None:
    lost = hedged.task.lost
    found = largest_uniform_scale(hedged)
    assert lost == 4 and found is not None and found.low is not None and found.high is not None
    good, bad = 0.0, 4.0
    for _ in range(13):
        middle = 0.5 * (good + bad)
        lives = deaths_in(hedged.run(np.full(2, middle))) <= lost
        good, bad = (middle, bad) if lives else (good, middle)
    assert found.scale == pytest.approx(good, abs=4.0 / 2**13)
    assert found.low <= found.scale <= found.high


def test_a_larger_book_never_survives_more(hedged: Bench) -> None:
    dead = [deaths_in(hedged.run(np.full(2, size))) for size in (0.2, 0.5, 0.8, 1.0, 1.2)]
    assert dead == sorted(dead) and dead[0] < dead[-1]


def test_trims_cost_no_more_than_cutting_all_alike_and_keep_the_bound(hedged: Bench) -> None:
    uniform = largest_uniform_scale(hedged)
    assert uniform is not None and uniform.scale < 1.0
    found = cheapest(hedged, look(hedged, uniform, quiet), {}, quiet)
    assert found is not None and found.solution.cost <= uniform.cost * (1.0 + 1e-6)
    sizes = to_lots(hedged, found)
    assert deaths_in(hedged.run(sizes)) <= 4
    assert deaths_in(hedged.run(sizes)) == (hedged.task.scales_at(sizes).min(axis=1) < 1.0).sum()


def test_no_leg_of_a_hedge_is_cut_alone(tmp_path: Path) -> None:
    # Both legs fall by a fifth in half of the futures, only the short one rises in the others.
    fall, rise = np.log([0.8, 0.8]), np.log([1.0, 1.08])
    moves = np.array([np.outer(one, np.full(8, 1 / 8)) for one in [fall, rise] * 10])
    bench = bench_of(book_of(tmp_path, "hyperliquid", 9_000.0, LEGS), moves, Bounds(chance=0.25, shortfall=None))
    assert deaths_in(bench.run(np.array([1.0, 1.0]))) == 10
    assert deaths_in(bench.run(np.array([1.0, 0.3]))) == 10
    uniform = largest_uniform_scale(bench)
    assert uniform is not None
    found = cheapest(bench, look(bench, uniform, quiet), {}, quiet)
    assert found is not None
    sizes = to_lots(bench, found)
    assert deaths_in(bench.run(sizes)) == 0
    assert 0.3 < sizes[1] < 0.75 and sizes[1] < sizes[0] < 1.0


def scenarios_of(bench: Bench) -> list[tuple[Floats, Floats]]:
    """Every price that any future tests the account at: all corners of every bar, and its close; and what funding paid."""
    tape, out = bench.task.ground.stage.ready.reel.tape, []
    for path in range(bench.drill.paths):
        paid = draw_path(bench.task.ground, path)
        for bar in range(tape.close.shape[1]):
            ends = [(tape.low[c, bar], tape.high[c, bar]) for c in range(tape.close.shape[0])]
            out += [(np.array(corner), paid[:, bar]) for corner in itertools.product(*ends)]
            out.append((tape.close[:, bar].copy(), paid[:, bar]))
    return out


def slow_cost(bench: Bench) -> float:
    """The least cost at which every scenario is survived: one programme with every tier of every scenario written out."""
    held, rows, n = bench.task.ground.held, bench.task.ground.rows, len(bench.task.items)
    cost, scenarios = held.close_cost[rows], scenarios_of(bench)
    matrix, bound = [], []
    for s, (prices, paid) in enumerate(scenarios):
        at, needs = prices[held.column[rows]], np.arange(n) + n * (s + 1)
        gain = held.delta[rows] * (at - held.price[rows] - paid[held.column[rows]])
        row = np.zeros(n * (len(scenarios) + 1))
        row[:n], row[needs] = -(gain + cost), 1.0
        matrix.append(row)
        bound.append(held.cash[0] - cost.sum())
        for i in range(n):
            notional = held.notional_slope[rows[i]] * at[i]
            for k in range(held.pieces[rows[i]]):
                tier = np.zeros_like(row)
                tier[i], tier[needs[i]] = held.rate[rows[i], k] * notional, -1.0
                matrix.append(tier)
                bound.append(held.deduction[rows[i], k])
    objective = np.zeros(matrix[0].size)
    objective[:n] = -cost
    limits = [(0.0, 1.0)] * n + [(0.0, None)] * (objective.size - n)
    found = linprog(objective, A_ub=np.array(matrix), b_ub=np.array(bound), bounds=limits, method="highs")
    assert found.status == 0
    return float(cost.sum() + found.fun)


def test_cuts_find_what_a_programme_with_everything_written_out_finds(tmp_path: Path) -> None:
    book = book_of(tmp_path, "hyperliquid", 9_000.0, {**LEGS, "SOL": 300.0})
    bench = bench_of(book, chances(6, 3, 4, 0.02), Bounds(chance=0.5, shortfall=None))
    bench = replace(bench, task=replace(bench.task, lost=0))
    uniform = largest_uniform_scale(bench)
    assert uniform is not None and uniform.scale < 1.0
    found = cheapest(bench, look(bench, uniform, quiet), {}, quiet)
    assert found is not None
    assert found.solution.cost == pytest.approx(slow_cost(bench), rel=1e-4)
    assert (bench.task.scales_at(found.solution.scale) >= 1.0).all()


def test_tail_cuts_find_what_rockafellar_and_uryasev_find(hedged: Bench) -> None:
    task = replace(hedged.task, lost=None, shortfall=3_000.0)
    task = replace(task, ground=replace(task.ground, drill=replace(task.ground.drill, paths=200)))
    draw, cost, paths, tail = np.random.default_rng(2), task.ground.held.close_cost[task.ground.rows], 200, 5
    losses = Losses(gain=draw.standard_t(4, size=(paths, 2)) * 2_500.0, fixed=np.zeros(paths), cost=cost)
    found = Search(task=task, losses=losses, allowed=3_000.0).run(np.ones(paths))
    assert found is not None
    matrix = np.zeros((paths + 1, 3 + paths))
    matrix[:paths, :2], matrix[:paths, 2], matrix[:paths, 3:] = -losses.gain - cost, -1.0, -np.eye(paths)
    matrix[paths, 2], matrix[paths, 3:] = 1.0, 1.0 / tail
    bound = np.append(np.full(paths, -cost.sum()), 3_000.0)
    limits = [(0.0, 1.0)] * 2 + [(None, None)] + [(0.0, None)] * paths
    slow = linprog(np.append(-cost, np.zeros(paths + 1)), A_ub=matrix, b_ub=bound, bounds=limits, method="highs")
    assert found[0].cost == pytest.approx(cost.sum() + slow.fun, rel=1e-6)
    assert shortfall_of(losses.at(found[0].scale), tail) == pytest.approx(3_000.0, rel=1e-6)


def test_losses_as_lines_are_what_drills_lose_where_nothing_dies(hedged: Bench) -> None:
    small = np.array([0.15, 0.1])
    lines = fit_losses(hedged.task, ends_of(hedged.task.ground), small, hedged.run(small))
    other = np.array([0.05, 0.2])
    drilled = hedged.run(other)
    alive = (hedged.task.scales_at(other) >= 1.0).all(axis=1) & (hedged.task.scales_at(small) >= 1.0).all(axis=1)
    assert alive.sum() > 30
    lost = hedged.task.start - drilled.figures[:, END]
    assert lines.at(other)[alive] == pytest.approx(lost[alive], abs=1e-6)


def test_cut_sizes_have_the_limit_that_the_uncut_book_has_at_them(hedged: Bench) -> None:
    ground = hedged.task.ground
    free = ground.held._replace(close_cost=np.zeros_like(ground.held.close_cost))
    whole = limits_of_paths(ground, free)
    half = limits_of_paths(replace(ground, held=free), at_sizes(replace(ground, held=free), np.full(2, 0.5)))
    inside = whole < 20.0
    assert half[inside] == pytest.approx(2.0 * whole[inside], rel=1e-6)
