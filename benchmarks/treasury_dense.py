"""The task of a treasury's plan written another way: one dense matrix for scipy's own solvers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from perpbook.kernels.types import Floats
from perpbook.treasury.task import Failure, Lane, Task

UNIT = 1e4
"""Dollars."""


class Dense:
    """The task as one dense matrix, with what each lane delivers in each scenario as a variable of its own: scenario 0 is nothing
    failing. Lanes that are one transfer have the gate of the first, and deliver in scenario 0 what all of it leaves. Columns:
    sent, open, reduced, then by scenario what is delivered by lane, reduced beside, missing by need. Dollars in units of
    `UNIT`."""

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

    def relaxed(self, costs: Floats) -> float:
        """The least with lanes open by any share, in units."""
        found: Any = linprog(
            costs,
            A_ub=np.array(self.rows),
            b_ub=np.array(self.bound),
            bounds=np.stack([0.0 * self.upper, self.upper], 1),
        )
        return float(found.fun)

    def at(self, scenario: int, kind: str, number: int) -> int:
        """Number of a scenario's column."""
        shift = {"arrives": 0, "cut": self.lanes, "short": self.lanes + self.cuts}[kind]
        return 2 * self.lanes + self.cuts + scenario * self.block + shift + number

    def counts(self, lane: Lane) -> bool:
        """Whether it is in time, with every figure known."""
        return not lane.unknown and lane.seconds <= self.task.needs[lane.need].seconds

    def parts(self, lane: int) -> tuple[int, ...]:
        """The lanes that it is one transfer with."""
        return next((one for one in self.task.together if lane in one), (lane,))

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
            self.upper[k], self.upper[n + k] = lane.most * self.counts(lane), 1.0
            parts = self.parts(k)
            self.most({**dict.fromkeys(parts, 1.0), n + parts[0]: -lane.most}, 0.0)
            self.most({**dict.fromkeys(parts, -1.0), n + parts[0]: lane.least}, 0.0)
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
            fails = failure is not None and bool(lane.domains & failure.domains)
            self.upper[column] = lane.most * (self.counts(lane) and not fails)
            if failure is not None:
                self.most({column: 1.0, self.at(0, "arrives", k): -1.0}, 0.0)
                continue
            gain, parts = (1.0 - lane.rate - lane.converts) * lane.worth, self.parts(k)
            arrives = {self.at(0, "arrives", one): 1.0 for one in parts}
            self.most({**arrives, **dict.fromkeys(parts, -gain), n + parts[0]: lane.fixed * lane.worth}, 0.0)
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


def whole_best(dense: Dense, costs: Floats) -> float:
    whole = np.zeros(dense.count)
    whole[dense.lanes : 2 * dense.lanes] = 1.0
    found: Any = milp(
        costs, integrality=whole, bounds=Bounds(0.0, dense.upper), options={"mip_rel_gap": 1e-10},
        constraints=LinearConstraint(np.array(dense.rows), -np.inf, np.array(dense.bound)),
    )  # fmt: skip
    gates = found.x[dense.lanes : 2 * dense.lanes].round()
    value = least_of(dense, costs, dict(enumerate(gates.tolist())))
    assert value is not None
    return value


def least_of(dense: Dense, costs: Floats, opened: dict[int, float]) -> float | None:
    low, high = np.zeros(dense.count), dense.upper.copy()
    for lane, value in opened.items():
        low[dense.lanes + lane] = high[dense.lanes + lane] = value
    found: Any = linprog(
        costs, A_ub=np.array(dense.rows), b_ub=np.array(dense.bound), bounds=np.stack([low, high], axis=1), method="highs",
        options={"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9},
    )  # fmt: skip
    return float(found.fun) if found.success else None
