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
from perpbook.treasury.binding import what_binds
from perpbook.treasury.flow import NODES, Build, First, build_of, columns_of, levels
from perpbook.treasury.greedy import greedy
from perpbook.treasury.layout import CENT, lay_out, plan_of
from perpbook.treasury.task import Plan, Task

SLACK = 1e-9
"""How far an earlier level may be let go for a later one, relative to it, dollars in units of the largest need."""

TOLD = 1e-6
"""A level that may be further from the best than this is told."""

LOOSER = (1.0, 10.0, 100.0)
"""Times that, where rounding makes a level impossible."""

FIRST_LIGHT = 3
"""Number of the first level, time or cost, at which little is left to be found."""

SECONDS = 20.0
"""All searches together; where what is missing is not known by then, the plan is the greedy one."""


def solve(task: Task, *, first: First = "time", seconds: float = SECONDS, nodes: int = NODES) -> Plan:
    """The best plan; one that says how far it may be from it where a later level runs out of `nodes` or `seconds`; the greedy
    one, marked, where the first one runs out of `seconds`."""
    laid = lay_out(task)
    build = build_of(laid, seconds=seconds, nodes=nodes)
    held = Held(build=build)
    found = through_levels(held, first, greedy(task))
    if found is None:
        return greedy(task, why=f"the solver did not end within {seconds:g} seconds")
    sent, reduced = np.zeros(len(task.lanes)), np.zeros(len(task.cuts))
    for lane, column in build.sent.items():
        sent[lane] = found[column] * build.unit
    for cut, column in build.reduced.items():
        reduced[cut] = found[column] * build.unit
    # What rounding takes off a route's least would be lost there.
    sent, reduced = np.where(sent > CENT, np.maximum(sent, laid.least), 0.0), np.where(reduced > CENT, reduced, 0.0)
    return plan_of(laid, sent, reduced, method="exact", why=held.doubt, binds=what_binds(laid, sent, reduced, first))


def through_levels(held: Held, first: First, start: Plan) -> Floats | None:
    """The best columns, level by level, beginning from a plan; None where the first did not end in time."""
    found: Floats | None = columns_of(held.build, start)
    for number, costs in enumerate(levels(held.build, first)):
        if number == FIRST_LIGHT:
            held.build.programme.search_lightly()
        if found is not None:
            held.build.programme.start(found)
            found = held.best(costs)
        if number == 0 and held.build.programme.timed_out:
            return None
        if found is not None:
            held.hold(costs, float(costs @ found))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A programme with what earlier levels came to: (row, best) each, and how far each may be from the best."""

    build: Build
    rows: list[tuple[int, float]] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)

    @property
    def doubt(self) -> str:
        """Which level is not proven best, "" for none."""
        told = [f"level {k + 1} by {gap:.2%} at most" for k, gap in enumerate(self.gaps) if gap > TOLD]
        return f"the search ended before it was sure that nothing is better: {', '.join(told)}" if told else ""

    def hold(self, costs: Floats, best: float) -> None:
        """Let no later level undo this one."""
        self.gaps.append(self.build.programme.gap())
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
