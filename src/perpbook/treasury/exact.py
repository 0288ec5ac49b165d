"""The best plan: a fixed-charge flow of least cost in its proper order, by HiGHS.

What is minimised, one after the other, each held where it came to:

1. survival: dollars missing times their weight, now and after every single failure (of critical needs);
2. dollars of need taken away by reducing positions, now, then after failures: a trade is quicker than any bridge and would
   always win the level of time, yet it is the position that the money is there to keep;
3. time: dollars sent times the seconds within which they are promised;
4. cost: fees, changing coins, reducing, and waiting.

`first="cost"` puts (4) before (3): of ways that are in time, the cheaper.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.solver.programme import MOST_NODES
from perpbook.treasury.binding import what_binds
from perpbook.treasury.flow import Build, First, build_of, levels
from perpbook.treasury.greedy import greedy
from perpbook.treasury.layout import CENT, lay_out, plan_of
from perpbook.treasury.task import Plan, Task

SLACK = 1e-9
"""How far an earlier level may be let go for a later one, relative to it, dollars in units of the largest need."""

LOOSER = (1.0, 10.0, 100.0)
"""Times that, where rounding makes a level impossible."""

SECONDS = 20.0
"""A plan that is not found by then is given up for the greedy one."""


def solve(task: Task, *, first: First = "time", seconds: float = SECONDS, nodes: int = MOST_NODES) -> Plan:
    """The best plan, or the greedy one, marked, where the solver runs out of `seconds` or `nodes`."""
    laid = lay_out(task)
    build = build_of(laid, seconds=seconds, nodes=nodes)
    found = through_levels(build, first)
    if found is None:
        return greedy(task, why=f"the solver did not end within {seconds:g} seconds and {nodes:,} nodes")
    sent, reduced = np.zeros(len(task.lanes)), np.zeros(len(task.cuts))
    for lane, column in build.sent.items():
        sent[lane] = found[column] * build.unit
    for cut, column in build.reduced.items():
        reduced[cut] = found[column] * build.unit
    sent, reduced = np.where(sent > CENT, sent, 0.0), np.where(reduced > CENT, reduced, 0.0)
    return plan_of(laid, sent, reduced, method="exact", binds=what_binds(laid, sent, reduced, first))


def through_levels(build: Build, first: First) -> Floats | None:
    """The best columns, level by level; None where a level has no proven end."""
    held = Held(build=build)
    for costs in levels(build, first):
        found = held.best(costs)
        if found is None:
            return None
        held.hold(costs, float(costs @ found))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A programme with what earlier levels came to: (row, best) each."""

    build: Build
    rows: list[tuple[int, float]] = field(default_factory=list)

    def hold(self, costs: Floats, best: float) -> None:
        """Let no later level undo this one."""
        used = np.flatnonzero(costs)
        row = self.build.programme.row(-np.inf, self._most(best, 1.0), used.tolist(), costs[used].tolist())
        self.rows.append((row, best))

    def best(self, costs: Floats) -> Floats | None:
        """The best columns of a level; where rounding left nothing that keeps the earlier ones, they are let go a little more."""
        programme = self.build.programme
        programme.price(costs)
        for looser in LOOSER:
            for row, best in self.rows if looser > 1.0 else ():
                programme.bound_row(row, -np.inf, self._most(best, looser))
            found = programme.solve()
            if found is not None or not programme.impossible:
                return found
        return None

    def _most(self, best: float, looser: float) -> float:
        return best + looser * SLACK * (1.0 + abs(best))
