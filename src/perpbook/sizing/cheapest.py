"""The cheapest trims that keep every limit: a linear programme, solved by cuts.

Minimise what the trims cost (fees and, where depth is known, slippage: convex, so an epigraph of lines) over the scale
vector u. Margin limits are concave, so only the violated ones are added, as gradient cuts at the point that violates
them, and HiGHS goes on from where it stood. Ends when no limit is violated: a few rounds.

Whole-position tiers (a higher tier's rate on everything) are not convex in size. They are met first by a safe
envelope, today's rate at every smaller size; a position that would fall into a lower tier then gets a binary per tier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perpbook.kernels.types import Floats, Integers
from perpbook.sizing.limits import Limits, MarginLimits, surpluses

ROUNDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLines:
    """What closing a share x = 1 - u of one position costs: `max_j (slopes_j x + offsets_j)`, dollars, convex."""

    slopes: Floats
    offsets: Floats

    def at(self, share: float) -> float:
        """Dollars to close this share."""
        return float((self.slopes * share + self.offsets).max())


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A margin limit that was violated, and the row it became."""

    limit: int
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Sizes (n,), their cost in dollars, and the price of every limit that binds: (name, account or -1, price), the
    dollars of cost that a dollar of slack in it would save."""

    scale: Floats
    cost: float
    prices: tuple[tuple[str, int, float], ...]
    rounds: int


def cheapest_sizes(limits: Limits, laid: MarginLimits, costs: Sequence[CostLines]) -> Solution | None:
    """The cheapest sizes, or None when no sizes keep every limit."""
    solver = _Solver(limits, costs)
    tolerance = 1e-9 * max(1.0, float(np.abs(laid.base).max(initial=0.0)))
    for rounds in range(1, ROUNDS + 1):
        u = solver.solve()
        if u is None:
            return None
        value, gradient = surpluses(limits, laid, u)
        violated = np.flatnonzero(value < -tolerance)
        if not violated.size:
            return solver.solution(u, laid, rounds)
        for limit in _worst_per_account(violated, value, laid.account):
            solver.cut(int(limit), gradient[limit], float(gradient[limit] @ u - value[limit]))
    return None


def _worst_per_account(violated: Integers, value: Floats, account: Integers) -> list[int]:
    """At most four of the most violated limits of each account: enough to move on, few enough to stay small."""
    order = violated[np.argsort(value[violated], kind="stable")]
    return [int(limit) for one in np.unique(account[violated]) for limit in order[account[order] == one][:4]]


class _Solver:
    """HiGHS with one column per position, one for its cost, and rows that only ever grow."""

    def __init__(self, limits: Limits, costs: Sequence[CostLines]) -> None:
        import highspy

        self.limits, self.count = limits, limits.rows.size
        self.cuts: list[Cut] = []
        self.sizes: list[float] = []
        self.highs: Any = highspy.Highs()
        self.highs.setOptionValue("output_flag", False)
        self.highs.setOptionValue("primal_feasibility_tolerance", 1e-9)
        self.highs.setOptionValue("dual_feasibility_tolerance", 1e-9)
        for upper in limits.upper:
            self.highs.addCol(0.0, 0.0, float(upper), 0, np.zeros(0, np.int32), np.zeros(0))
        for _ in costs:
            self.highs.addCol(1.0, 0.0, np.inf, 0, np.zeros(0, np.int32), np.zeros(0))
        self.rows = 0
        for i, cost in enumerate(costs):
            for slope, offset in zip(cost.slopes, cost.offsets, strict=True):
                self._row(float(slope + offset), np.inf, [i, self.count + i], [float(slope), 1.0])
        self.first_linear = self.rows
        for linear in limits.linear:
            used = np.flatnonzero(linear.coefficients)
            self._row(-np.inf, linear.bound, used.tolist(), linear.coefficients[used].tolist())

    def _row(self, low: float, high: float, columns: list[int], values: list[float]) -> None:
        index = np.array(columns, dtype=np.int32)
        self.highs.addRow(low, high, index.size, index, np.array(values, dtype=np.float64))
        self.rows += 1

    def cut(self, limit: int, gradient: Floats, least: float) -> None:
        """Demand `gradient u >= least`, scaled to order one."""
        used = np.flatnonzero(gradient)
        size = float(np.abs(gradient[used]).max(initial=0.0)) or 1.0
        self.cuts.append(Cut(limit=limit, row=self.rows))
        self._row(least / size, np.inf, used.tolist(), (gradient[used] / size).tolist())
        self.sizes.append(size)

    def solve(self) -> Floats | None:
        """The cheapest sizes under the rows so far, or None when they contradict each other."""
        import highspy

        self.highs.run()
        if self.highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        values = np.array(self.highs.getSolution().col_value[: self.count])
        return np.clip(values, 0.0, self.limits.upper)

    def solution(self, u: Floats, laid: MarginLimits, rounds: int) -> Solution:
        """The answer with the prices of what binds."""
        duals = self.highs.getSolution().row_dual
        prices: dict[tuple[str, int], float] = {}
        for cut, size in zip(self.cuts, self.sizes, strict=True):
            key = (self.limits.margin[laid.point[cut.limit]].name, int(laid.account[cut.limit]))
            prices[key] = prices.get(key, 0.0) + abs(duals[cut.row]) / size
        for number, linear in enumerate(self.limits.linear):
            key = (linear.name, -1)
            prices[key] = prices.get(key, 0.0) + abs(duals[self.first_linear + number]) * linear.per_dollar
        found = sorted(
            ((name, who, price) for (name, who), price in prices.items() if price > 1e-9), key=lambda one: -one[2]
        )
        return Solution(
            scale=u, cost=float(self.highs.getInfo().objective_function_value), prices=tuple(found), rounds=rounds
        )
