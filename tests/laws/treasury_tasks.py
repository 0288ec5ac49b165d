"""Random small treasury tasks, what a plan is worth level by level, and two other ways to the best: densely, and by trying every set of
open lanes."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from perpbook.kernels.types import Floats
from perpbook.treasury.flow import build_of, levels
from perpbook.treasury.layout import lay_out
from perpbook.treasury.task import Cut, Failure, Lane, Need, Plan, Spare, Task

DOMAINS = ("circle", "bridge", "exchange", "rollup")
UNIT = 1e4
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
            Cut(need=n, words="", dollars=float(chance.integers(1, 20)) * 1e3, rate=0.01 * chance.random(), seconds=60.0)
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


def worth_of(task: Task, plan: Plan) -> list[float]:
    """What a plan comes to in each level, in the order of `flow.levels` that puts time first."""
    weights = np.array([one.weight for one in task.needs])
    missing = float(weights @ plan.short) + sum(float(weights @ one) for one in plan.short_after.values())
    seconds = np.array([one.seconds for one in task.lanes]) / 3_600.0
    after = sum(float(one.sum()) for one in plan.reduced_after.values())
    return [missing, float(plan.reduced.sum()), after, float(seconds @ plan.sent), plan.cost + plan.waiting_cost]


class Dense:
    """The task as one dense matrix, with what each lane delivers in each scenario as a variable of its own: scenario 0 is nothing
    failing. Columns: sent, open, reduced, then by scenario what is delivered by lane, reduced beside, missing by need. Dollars in
    units of `UNIT`."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.lanes, self.cuts, self.needs = len(task.lanes), len(task.cuts), len(task.needs)
        self.scenarios: list[Failure | None] = [None, *task.failures]
        self.block = self.lanes + self.cuts + self.needs
        self.count = 2 * self.lanes + self.cuts + len(self.scenarios) * self.block
        self.rows: list[Floats] = []
        self.bound: list[float] = []
        self.upper = np.zeros(self.count)
        self._fill()
        gates = slice(self.lanes, 2 * self.lanes)
        for row in self.rows:
            row[gates] /= UNIT
        self.bound = [one / UNIT for one in self.bound]
        self.upper[: self.lanes] /= UNIT
        self.upper[2 * self.lanes :] /= UNIT

    def hold(self, costs: Floats, best: float, looser: float = 1.0) -> None:
        """Let no later level undo one that came to so much."""
        self.rows.append(costs)
        self.bound.append(best + looser * 1e-9 * (1.0 + abs(best)))

    def at(self, scenario: int, kind: str, number: int) -> int:
        """Number of a scenario's column."""
        shift = {"arrives": 0, "cut": self.lanes, "short": self.lanes + self.cuts}[kind]
        return 2 * self.lanes + self.cuts + scenario * self.block + shift + number

    def most(self, pairs: dict[int, float], bound: float) -> None:
        """A row: their weighted sum is at most so much."""
        row = np.zeros(self.count)
        for column, value in pairs.items():
            row[column] = value
        self.rows.append(row)
        self.bound.append(bound)

    def _fill(self) -> None:
        task, n = self.task, self.lanes
        for k, lane in enumerate(task.lanes):
            counts = not lane.unknown and lane.seconds <= task.needs[lane.need].seconds
            self.upper[k], self.upper[n + k] = lane.most * counts, 1.0 * counts
            self.most({k: 1.0, n + k: -lane.most}, 0.0)
            self.most({k: -1.0, n + k: lane.least}, 0.0)
        for k, cut in enumerate(task.cuts):
            self.upper[2 * n + k] = cut.dollars
        for k, spare in enumerate(task.spares):
            self.most({j: 1.0 for j, lane in enumerate(task.lanes) if lane.spare == k}, spare.dollars)
        for name, limit in task.pipes.items():
            self.most({j: 1.0 for j, lane in enumerate(task.lanes) if name in lane.pipes}, limit)
        for name, limit in task.in_flight.items():
            self.most({j: 1.0 for j, lane in enumerate(task.lanes) if lane.risk == name}, limit)
        for number, failure in enumerate(self.scenarios):
            self._scenario(number, failure)

    def _scenario(self, number: int, failure: Failure | None) -> None:
        task, n = self.task, self.lanes
        for k, lane in enumerate(task.lanes):
            column = self.at(number, "arrives", k)
            self.upper[column] = 0.0 if failure and lane.domains & failure.domains else lane.most
            gain = (1.0 - lane.rate - lane.converts) * lane.worth
            self.most({column: 1.0, k: -gain, n + k: lane.fixed * lane.worth}, 0.0)
        for k, cut in enumerate(task.cuts):
            column = self.at(number, "cut", k)
            self.upper[column] = cut.dollars if failure else 0.0
            self.most({column: 1.0, 2 * n + k: 1.0}, cut.dollars)
        for k, need in enumerate(task.needs):
            asked = failure is None or need.critical
            self.upper[self.at(number, "short", k)] = need.dollars
            pairs = {self.at(number, "arrives", j): -1.0 for j, lane in enumerate(task.lanes) if lane.need == k}
            for j, cut in enumerate(task.cuts):
                if cut.need == k:
                    pairs |= {self.at(number, "cut", j): -1.0, 2 * n + j: -1.0}
            self.most({**pairs, self.at(number, "short", k): -1.0}, -need.dollars if asked else 0.0)

    def costs(self) -> list[Floats]:
        """What is minimised, in order."""
        task, n = self.task, self.lanes
        missing, given, after, time, cost = (np.zeros(self.count) for _ in range(5))
        for number in range(len(self.scenarios)):
            for k, need in enumerate(task.needs):
                missing[self.at(number, "short", k)] = need.weight
            for k in range(self.cuts):
                after[self.at(number, "cut", k)] = 1.0
        for k, lane in enumerate(task.lanes):
            time[k] = lane.seconds / 3_600.0
            cost[k], cost[n + k] = lane.rate + lane.converts + task.waiting * lane.typical, lane.fixed / UNIT
        for k, cut in enumerate(task.cuts):
            given[2 * n + k], cost[2 * n + k] = 1.0, cut.rate
        return [missing, given, after, time, cost]


BLEND = (1_000.0, 10.0, 5.0, 1.0, 50.0)
"""Weights of the levels in one sum, in the order of `worth_of`."""


def best_densely(task: Task) -> tuple[float, float]:
    """The least of the first level, and of all of them blended, by scipy's own mixed-integer solver on the dense matrix; which lanes
    are open is rounded, and what that comes to is solved again, which rounds less."""
    dense = Dense(task)
    missing, *later = dense.costs()
    blended = sum((share * costs for share, costs in zip(BLEND, (missing, *later), strict=True)), np.zeros(dense.count))
    return _whole(dense, missing) * UNIT, _whole(dense, blended) * UNIT


def _whole(dense: Dense, costs: Floats) -> float:
    whole = np.zeros(dense.count)
    whole[dense.lanes : 2 * dense.lanes] = 1.0
    found: Any = milp(
        costs, integrality=whole, bounds=Bounds(0.0, dense.upper), options={"mip_rel_gap": 1e-10},
        constraints=LinearConstraint(np.array(dense.rows), -np.inf, np.array(dense.bound)),
    )  # fmt: skip
    gates = found.x[dense.lanes : 2 * dense.lanes].round()
    value = _least(dense, costs, dict(enumerate(gates.tolist())))
    assert value is not None
    return value


def our_blend(task: Task) -> float:
    """The least of all levels blended, in the product's own programme."""
    build = build_of(lay_out(task))
    costs = sum((share * one for share, one in zip(BLEND, levels(build, "time"), strict=True)), np.zeros(build.programme.columns))
    build.programme.price(costs)
    found = build.programme.solve()
    assert found is not None
    return float(costs @ found) * build.unit


def best_by_trying(task: Task) -> list[float]:
    """The same by trying every set of open lanes, a linear programme each."""
    dense, out = Dense(task), []
    usable = [k for k in range(dense.lanes) if dense.upper[k] > 0.0]
    sets = [dict(zip(usable, opened, strict=True)) for opened in product((0.0, 1.0), repeat=len(usable))]
    for costs in dense.costs():
        tried = [(value, opened) for opened in sets if (value := _least(dense, costs, opened)) is not None]
        best = min(value for value, _ in tried)
        sets = [opened for value, opened in tried if value <= best + 1e-7 * (1.0 + abs(best))]
        out.append(best * UNIT)
        dense.hold(costs, best, looser=100.0)
    return out


def _least(dense: Dense, costs: Floats, opened: dict[int, float]) -> float | None:
    low, high = np.zeros(dense.count), dense.upper.copy()
    for lane, value in opened.items():
        low[dense.lanes + lane] = high[dense.lanes + lane] = value
    found: Any = linprog(
        costs, A_ub=np.array(dense.rows), b_ub=np.array(dense.bound), bounds=np.stack([low, high], axis=1), method="highs",
        options={"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9},
    )  # fmt: skip
    return float(found.fun) if found.success else None
