"""Random small treasury tasks, what a plan is worth level by level, and two other ways to the best: densely, and by trying
every set of open lanes."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from benchmarks.treasury_dense import UNIT, Dense, least_of, whole_best
from perpbook.treasury.flow import build_of, levels
from perpbook.treasury.layout import lay_out
from perpbook.treasury.task import Cut, Failure, Lane, Need, Plan, Spare, Task

DOMAINS = ("circle", "bridge", "exchange", "rollup")
PIPES = ("one", "two", "three")


def random_task(seed: int, lanes: int = 6) -> Task:
    """Two needs, two spares, a few lanes with fixed charges and leasts, caps that they share, three failures, sometimes a cut."""
    chance = np.random.default_rng(seed)
    needs = tuple(
        Need(
            place=f"need{n}", dollars=float(chance.integers(5, 60)) * 1e3, seconds=float(chance.integers(20, 90)) * 60.0, why="",
            critical=bool(chance.random() < 0.7), weight=float(chance.choice([1.0, 10.0])),
        )
        for n in range(2)
    )  # fmt: skip
    spares = tuple(
        Spare(place=f"spare{n}", asset="USDC", dollars=float(chance.integers(10, 90)) * 1e3) for n in range(2)
    )
    return Task(
        needs=needs,
        spares=spares,
        lanes=tuple(_lane(chance, number) for number in range(lanes)),
        cuts=tuple(
            Cut(
                need=n, words="", dollars=float(chance.integers(1, 20)) * 1e3, rate=0.01 * chance.random(), seconds=60.0
            )
            for n in range(2)
            if chance.random() < 0.5
        ),
        failures=tuple(Failure(name=one, domains=frozenset({one})) for one in DOMAINS[:3]),
        pipes={one: float(chance.integers(5, 60)) * 1e3 for one in PIPES[:2]},
        in_flight={"solver": float(chance.integers(5, 80)) * 1e3},
        waiting=float(chance.choice([0.0, 1e-8])),
    )


def _lane(chance: np.random.Generator, number: int) -> Lane:
    typical = float(chance.integers(1, 40)) * 60.0
    return Lane(
        number=number, spare=int(chance.integers(2)), need=int(chance.integers(2)), words=f"lane{number}",
        fixed=float(chance.choice([0.0, 1.0, 25.0])), rate=float(chance.choice([0.0, 1e-4, 2e-3])),
        least=float(chance.choice([0.0, 100.0, 15e3])), most=float(chance.integers(5, 60)) * 1e3,
        seconds=typical * float(1.0 + 2.0 * chance.random()), typical=typical,
        pipes=(str(chance.choice(PIPES)),), domains=frozenset({str(chance.choice(DOMAINS))}),
        risk=str(chance.choice(["issuer", "solver"])), converts=float(chance.choice([0.0, 5e-4])),
        unknown=("a fee",) if chance.random() < 0.1 else (), worth=float(chance.choice([1.0, 1.0, 0.9])),
    )  # fmt: skip


def shared_task(seed: int, lanes: int = 6) -> Task:
    """A random task whose first place is to be filled up beside: every lane to it has a twin, of which it is one transfer."""
    task, chance = random_task(seed, lanes), np.random.default_rng(seed + 10_000)
    first = task.needs[0]
    fill = replace(
        first, dollars=float(chance.integers(1, 30)) * 1e3, seconds=first.seconds * float(chance.choice([0.7, 1.0])),
        critical=bool(chance.random() < 0.3), weight=float(chance.choice([0.1, 1.0, 20.0])),
    )  # fmt: skip
    feeding = [one for one in task.lanes if one.need == 0]
    twins = tuple(replace(one, number=lanes + k, need=2) for k, one in enumerate(feeding))
    return replace(
        task, needs=(*task.needs, fill), lanes=(*task.lanes, *twins),
        together=tuple((one.number, lanes + k) for k, one in enumerate(feeding)),
    )  # fmt: skip


def worth_of(task: Task, plan: Plan) -> list[float]:
    """What a plan comes to in each level, in the order of `flow.levels` that puts time first."""
    weights = np.array([one.weight for one in task.needs])
    missing = float(weights @ plan.short) + sum(float(weights @ one) for one in plan.short_after.values())
    seconds = np.array([one.seconds for one in task.lanes]) / 3_600.0
    after = sum(float(one.sum()) for one in plan.reduced_after.values())
    return [missing, float(plan.reduced.sum()), after, float(seconds @ plan.sent), plan.cost + plan.waiting_cost]


BLEND = (1_000.0, 10.0, 5.0, 1.0, 50.0)
"""Weights of the levels in one sum, in the order of `worth_of`."""


def best_densely(task: Task) -> tuple[float, float]:
    """The least of the first level, and of all of them blended, by scipy's own mixed-integer solver on the dense matrix."""
    dense = Dense(task)
    missing, *later = dense.costs()
    blended = sum((share * costs for share, costs in zip(BLEND, (missing, *later), strict=True)), np.zeros(dense.count))
    return whole_best(dense, missing) * UNIT, whole_best(dense, blended) * UNIT


def our_blend(task: Task) -> float:
    """The least of all levels blended, in the product's own programme."""
    build = build_of(lay_out(task))
    costs = sum(
        (share * one for share, one in zip(BLEND, levels(build, "time"), strict=True)),
        np.zeros(build.programme.columns),
    )
    build.programme.price(costs)
    found = build.programme.solve()
    assert found is not None
    return float(costs @ found) * build.unit


def best_by_trying(task: Task, looser: float = 10.0) -> list[float]:
    """The same by trying every set of open lanes, a linear programme each. An earlier level is let go by
    `looser` 1e-9."""
    dense, out = Dense(task), []
    usable = list({dense.parts(k)[0]: None for k in range(dense.lanes) if dense.upper[k] > 0.0})
    sets = [dict(zip(usable, opened, strict=True)) for opened in product((0.0, 1.0), repeat=len(usable))]
    for costs in dense.costs():
        tried = [(value, opened) for opened in sets if (value := least_of(dense, costs, opened)) is not None]
        best = min(value for value, _ in tried)
        sets = [opened for value, opened in tried if value <= best + 1e-9 * looser * (1.0 + abs(best))]
        out.append(best * UNIT)
        dense.hold(costs, best, looser=looser)
    return out
