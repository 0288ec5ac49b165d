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

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.solver.programme import MOST_NODES
from perpbook.treasury.binding import what_binds
from perpbook.treasury.flow import Build, First, build_of, levels
from perpbook.treasury.greedy import greedy
from perpbook.treasury.layout import CENT, lay_out, plan_of
from perpbook.treasury.task import Plan, Task

SLACK = 1e-8
"""How far an earlier level may be let go for a later one, relative to it, dollars in units of the largest need."""

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
    found = None
    for costs in levels(build, first):
        build.programme.price(costs)
        found = build.programme.solve()
        if found is None:
            return None
        best, used = float(costs @ found), np.flatnonzero(costs)
        build.programme.row(-np.inf, best + SLACK * (1.0 + abs(best)), used.tolist(), costs[used].tolist())
    return found
