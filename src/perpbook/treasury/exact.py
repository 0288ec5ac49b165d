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

from dataclasses import dataclass, field, replace

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.treasury.binding import what_binds
from perpbook.treasury.flow import NODES, Build, First, build_of, columns_of, levels, sent_of
from perpbook.treasury.greedy import greedy
from perpbook.treasury.layout import CENT, lay_out, plan_of
from perpbook.treasury.task import Plan, Task

SLACK = 1e-9
"""How far an earlier level may be let go for a later one, relative to it, dollars in units of the largest need."""

TOLD = 1e-6
"""A level that may be further from the best than this is told."""

NEAR = 1e-9
"""An answer that is so near to a bound is the best, in the largest need."""

NIL = 1e-9
"""Below it a column is 0."""

BESIDE = "the solver's best plan stands within rounding of this one on an earlier level, and is worse on a later"
"""Levels are held to `SLACK`: what rounding gave away on one can stand in the way of the next."""

LOOSER = (1.0, 10.0, 100.0)
"""Times that, where rounding makes a level impossible."""

FIRST_LIGHT = 3
"""Number of the first level, time or cost, at which little is left to be found."""

LEVELS = 5
"""See `flow.levels`."""

SECONDS = 20.0
"""All searches together; where what is missing is not known by then, the plan is the greedy one."""


def solve(task: Task, *, first: First = "time", seconds: float = SECONDS, nodes: int = NODES) -> Plan:
    """The best plan; where a level runs out of `nodes` or `seconds`, the best found by then, with how far off it may be; the
    greedy one, marked, where that is better or nothing was found."""
    laid = lay_out(task)
    build = build_of(laid, seconds=seconds, nodes=nodes)
    build.programme.search_once()
    held, by_hand = Held(build=build), greedy(task)
    found = through_levels(held, first, by_hand)
    if found is None:
        return replace(by_hand, why=f"the solver did not end within {seconds:g} seconds")
    plan = _plan(build, found, held.doubt, first)
    if better(build, by_hand, plan, first):
        return replace(by_hand, why=f"{plan.why or BESIDE}; no better than this was found")
    return plan


def better(build: Build, one: Plan, other: Plan, first: First) -> bool:
    """Whether the first level in which two plans differ is less in `one`."""
    mine, its = columns_of(build, one), columns_of(build, other)
    more = [float(costs @ (mine - its)) for costs in levels(build, first)]
    return next((by for by in more if abs(by) > TOLD), 0.0) < 0.0


def _plan(build: Build, found: Floats, doubt: str, first: First) -> Plan:
    laid, sent, reduced = build.laid, sent_of(build, found), np.zeros(len(build.laid.task.cuts))
    for cut, column in build.reduced.items():
        reduced[cut] = found[column] * build.unit
    reduced = np.where(reduced > CENT, reduced, 0.0)
    return plan_of(laid, sent, reduced, method="exact", why=doubt, binds=what_binds(laid, sent, reduced, first))


def through_levels(held: Held, first: First, start: Plan) -> Floats | None:
    """The best columns, level by level, beginning from a plan, as far as time goes; None where it did not for any."""
    found, best = columns_of(held.build, start), None
    for number, costs in enumerate(levels(held.build, first)):
        if number == FIRST_LIGHT:
            held.build.programme.search_lightly()
            held.build.programme.search_within(NEAR)
        nearer = held.level(costs, found)
        if nearer is None:
            return best
        found = best = nearer
        if held.build.programme.timed_out:
            break
    return best


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A programme with what earlier levels came to: (row, best) each, columns that must stay 0, and how far each level may be
    from its best."""

    build: Build
    rows: list[tuple[int, float]] = field(default_factory=list)
    shut: list[int] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)

    @property
    def doubt(self) -> str:
        """Which level is not proven best, "" for none."""
        told = [f"level {k + 1} by {gap:.2%} at most" for k, gap in enumerate(self.gaps) if gap > TOLD]
        if 0 < len(self.gaps) < LEVELS:
            told.append(f"levels from {len(self.gaps) + 1} on were not searched")
        return f"the search ended before it was sure that nothing is better: {', '.join(told)}" if told else ""

    def level(self, costs: Floats, found: Floats) -> Floats | None:
        """The best columns of a level, from an answer, and none of a later level may undo it."""
        programme = self.build.programme
        programme.price(costs)
        floor = self._relaxed(None)
        prices = programme.reduced_costs() if floor is not None else np.zeros(programme.columns)
        least = float(costs @ floor) if floor is not None else 0.0
        tried = [self._relaxed(one) for one in (found, floor) if one is not None]
        same = min((one for one in tried if one is not None), key=lambda one: float(costs @ one), default=None)
        best: Floats | None = same
        gap = 0.0
        if same is None or float(costs @ same) > least + NEAR:
            programme.start(found if same is None else same)
            answer = self.best()
            best, gap = same if answer is None else answer, programme.gap()
            if best is not None and gap * float(costs @ best) <= NEAR:
                gap = 0.0
        if best is None:
            return None
        self.gaps.append(gap)
        self.hold(costs, max(float(costs @ best), 0.0))
        if floor is not None:
            self._narrow(prices, floor, 2.0 * NEAR + 1.001 * (float(costs @ best) - least))
        return best

    def hold(self, costs: Floats, best: float) -> None:
        """Let no later level undo this one."""
        used = np.flatnonzero(costs).tolist()
        if best <= SLACK:
            self.shut.extend(used)
            self._shut(SLACK)
            return
        row = self.build.programme.row(-np.inf, self._most(best, 1.0), used, costs[used].tolist())
        self.rows.append((row, best))

    def best(self) -> Floats | None:
        """The best columns of a level; where rounding left nothing that keeps the earlier ones, they are let go a little more."""
        programme = self.build.programme
        for looser in LOOSER:
            if looser > 1.0:
                self._shut(looser * SLACK)
            for row, best in self.rows if looser > 1.0 else ():
                programme.bound_row(row, -np.inf, self._most(best, looser))
            found = programme.solve()
            if found is not None or not programme.impossible:
                return found
        return None

    def _relaxed(self, found: Floats | None = None) -> Floats | None:
        """The best columns with lanes open by any share, or with those open that are in an answer; None where time ran out."""
        programme, gates = self.build.programme, self.build.opened
        low, high = programme.limits()
        for first, gate in gates.items() if found is not None else ():
            sent = [self.build.sent[lane] for lane in self.build.parts[first]]
            is_open = float(found is not None and bool((found[sent] > CENT / self.build.unit).any()))
            programme.bound(gate, is_open, is_open)
        programme.relax(on=True)
        out = programme.solve()
        programme.relax(on=False)
        for gate in gates.values() if found is not None else ():
            programme.bound(gate, low[gate], high[gate])
        return None if programme.timed_out else out

    def _shut(self, most: float) -> None:
        for column in self.shut:
            self.build.programme.bound(column, 0.0, most)

    def _narrow(self, prices: Floats, floor: Floats, room: float) -> None:
        """Close lanes, and hold those open, of which the opposite would cost more than is `room` for above the relaxation, by its
        reduced costs: Dantzig, Fulkerson and Johnson (1954)."""
        build, programme = self.build, self.build.programme
        low, high = programme.limits()
        for first, gate in build.opened.items():
            sent = [build.sent[lane] for lane in build.parts[first]]
            least = build.laid.least[first] / build.unit
            at_low = floor[sent].max() <= NIL and floor[gate] <= low[gate] + NIL
            if at_low and max(prices[sent].min(), 0.0) * least + max(prices[gate], 0.0) > room:
                for column in (gate, *sent):
                    programme.bound(column, 0.0, 0.0)
            elif floor[gate] >= high[gate] - NIL and -prices[gate] > room:
                programme.bound(gate, 1.0, 1.0)

    def _most(self, best: float, looser: float) -> float:
        return best + looser * SLACK * (1.0 + abs(best))
