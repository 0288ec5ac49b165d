"""What must hold of imagined futures, whatever their number. `python -m tests.runs.futures` asks it of thousands, compiled."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from benchmarks.drill import example
from perpbook.engine.backtest import Journey, backtest
from perpbook.engine.drill import Drill, path_bars, run_drill, scales_survived
from perpbook.kernels import jit
from perpbook.kernels.drill import END, FIRST, FUNDING, LEAST, RULES
from perpbook.kernels.journal import BACKSTOP, LIQUIDATION, RULE
from perpbook.kernels.paths import Jumps, Source, empty_steps, fill_path, new_brush
from perpbook.kernels.types import Floats
from perpbook.scenario.jump_diffusion import JumpMarket, european
from perpbook.scenario.passage import first_passage
from perpbook.scenario.sources import normal_source, student_source, with_jumps
from perpbook.tails.null import tail_dependence_at_level


def paths_are_backtests(drill: Drill, paths: range) -> None:
    """Every path, taken as history, gives the backtest that the drill says it is."""
    found = run_drill(drill, threads=1)
    for path in paths:
        outcome = backtest(replace(drill.journey, bars=path_bars(drill, path)))
        dead = outcome.what[np.isin(outcome.what[:, 1], (LIQUIDATION, BACKSTOP)), 0]
        assert found.figures[path, END] == outcome.equity[-1]
        assert found.figures[path, LEAST] == outcome.equity.min()
        assert found.figures[path, FIRST] == (dead.min() if dead.size else found.steps)
        assert found.figures[path, RULES] == (outcome.what[:, 1] == RULE).sum()
        assert math.isclose(found.figures[path, FUNDING], outcome.attribution()["funding"], abs_tol=1e-9)


def threads_change_nothing(drill: Drill) -> None:
    """The same result for any number of threads and any chunk."""
    one = run_drill(drill, threads=1, chunk=10_000)
    for threads, chunk in ((2, 10_000), (2, 100), (1, 7), (3, 50)):
        other = run_drill(drill, threads=threads, chunk=chunk)
        for name in ("figures", "died", "ends", "fan", "rules"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), (threads, chunk, name)
    assert (one.fan.sum(axis=1) == drill.paths).all()


def without_rules(journey: Journey) -> Journey:
    """The control run."""
    return replace(journey, playbook=None)


def scaled(drill: Drill, by: float) -> Drill:
    """The same drill of a book whose positions are so many times as large, from the same cash."""
    book = drill.journey.book
    accounts = [
        replace(one, positions=tuple(replace(held, quantity=by * held.quantity) for held in one.positions))
        for one in book.accounts
    ]
    return replace(drill, journey=replace(drill.journey, book=replace(book, accounts=tuple(accounts)), playbook=None))


def scales_are_where_accounts_die(drill: Drill, sizes: tuple[float, ...]) -> int:
    """At every size those accounts die whose own scale is below it, path by path; gives how many did."""
    scales, dead = scales_survived(drill), 0
    for by in sizes:
        found = run_drill(scaled(drill, by))
        clear = np.abs(scales / by - 1.0) > 1e-6
        assert np.array_equal((found.died < found.steps)[clear], (scales < by)[clear])
        dead += int((scales < by).sum())
    return dead


def lows(source: Source, seed: int, paths: int, steps: int) -> Floats:
    """(paths, C) the lowest price of each path."""
    columns = source.drift.size
    brush, room, out = new_brush(columns, steps), empty_steps(columns, steps), np.empty((paths, columns))
    for path in range(paths):
        fill_path(source, seed, path, brush, room)
        out[path] = room.low.min(axis=1)
    return out


def barrier_is_hit_as_often_as_theory_says(paths: int, steps: int) -> None:
    """With bridges inside steps, the chance to touch a barrier is the continuous one, however few the steps."""
    whole = 0.8 * math.sqrt(7 / 365)
    source = normal_source(np.array([whole / math.sqrt(steps)]), np.eye(1))
    low = lows(source, 11, paths, steps)[:, 0]
    for barrier in (0.8, 0.9, 0.95):
        chance = first_passage(1.0, barrier, 0.0, 0.8, 7 / 365)
        error = math.sqrt(chance * (1 - chance) / paths)
        assert abs((low <= barrier).mean() - chance) < 4.0 * error, barrier


def ends(source: Source, seed: int, paths: int, steps: int) -> Floats:
    """(paths, C) where each path ends."""
    columns = source.drift.size
    brush, room, out = new_brush(columns, steps), empty_steps(columns, steps), np.empty((paths, columns))
    for path in range(paths):
        fill_path(source, seed, path, brush, room)
        out[path] = room.close[:, steps - 1]
    return out


def jumps_are_worth_what_merton_says(paths: int) -> None:
    """A call on paths with jumps costs, on average, what Merton's series says; the price itself is a fair game."""
    volatility, intensity, spread, years, steps = 0.6, 40.0, 0.06, 30 / 365, 60
    step = years / steps
    source = normal_source(np.array([volatility * math.sqrt(step)]), np.eye(1))
    jumps = Jumps(
        rate=0.6 * intensity * step, excite=0.0, fade=0.0, own_rate=np.array([0.4 * intensity * step]),
        mean=np.array([-0.5 * spread**2]), spread=np.array([spread]),
    )  # fmt: skip
    last = ends(with_jumps(source, jumps), 13, paths, steps)[:, 0]
    market = JumpMarket(spot=1.0, rate=0.0, dividend=0.0, volatility=volatility, intensity=intensity, spread=spread)
    for strike in (0.8, 1.0, 1.25):
        paid = np.maximum(last - strike, 0.0)
        error = paid.std() / math.sqrt(paths)
        assert abs(paid.mean() - european(market, strike, years, call=True)) < 4.0 * error, strike
    assert abs(last.mean() - 1.0) < 4.0 * last.std() / math.sqrt(paths)


def tails_depend_as_their_copula_says(paths: int) -> None:
    """Lower tails of Student's t moves fall together as often as the t-copula has it at that level, not as a normal's do."""
    rho, nu, level = 0.5, 3.0, 0.02
    source = student_source(np.full(2, 0.01), np.array([[1.0, rho], [rho, 1.0]]), nu)
    moves = np.log(ends(source, 17, paths, 1))
    edge = np.quantile(moves, level, axis=0)
    found = (moves <= edge).all(axis=1).mean() / level
    said = tail_dependence_at_level(level, rho, nu)
    assert abs(found - said) < 4.0 * math.sqrt(said * (1.0 - said) / (level * paths)) + 1e-3


def main() -> None:
    """All of it, in numbers that a compiled run can afford."""
    drill = example(600)
    paths_are_backtests(drill, range(0, 600, 5))
    paths_are_backtests(replace(drill, journey=without_rules(drill.journey)), range(0, 600, 5))
    threads_change_nothing(example(1_013))
    dead = scales_are_where_accounts_die(replace(example(1_000), seed=5), (0.9, 1.2, 1.6, 2.4))
    assert dead > 100
    for steps in (7, 42, 168):
        barrier_is_hit_as_often_as_theory_says(40_000, steps)
    jumps_are_worth_what_merton_says(40_000)
    tails_depend_as_their_copula_says(200_000)
    print(jit.mode(), "futures hold;", dead, "accounts died where their scale said")


if __name__ == "__main__":
    main()
