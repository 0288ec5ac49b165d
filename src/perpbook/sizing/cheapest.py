"""The cheapest trims that keep every limit: a linear programme, solved by cuts.

Minimise what the trims cost (fees and, where depth is known, slippage: convex, so an epigraph of lines) over the scale
vector u. Margin limits are concave, so only the violated ones are added, as gradient cuts at the point that violates
them, and HiGHS goes on from where it stood. Ends when no limit is violated: a few rounds.

Whole-position tiers (a higher tier's rate on everything) are not convex in size. They are met first by a safe
envelope, today's rate at every smaller size; positions that could fall into a lower tier then get a binary per tier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.kernels.types import Floats, Integers
from perpbook.sizing.limits import Limits, MarginLimits, relief, surpluses
from perpbook.sizing.tiers import TierSteps
from perpbook.solver.programme import Programme

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
class Price:
    """A limit that binds: its `name` and playbook `rule`, the account it is kept by (-1: the book), its `subject`, and
    `per_dollar`, the dollars of cost that one more dollar of collateral there would save."""

    name: str
    rule: str
    subject: str
    account: int
    per_dollar: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Sizes (n,), their cost in dollars, and the price of every limit that binds, dearest first."""

    scale: Floats
    cost: float
    prices: tuple[Price, ...]
    rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A margin limit that was violated, and the row it became: `gradient u >= least`, divided by `size`."""

    limit: int
    gradient: Floats
    least: float
    row: int
    size: float


def cheapest_sizes(limits: Limits, laid: MarginLimits, costs: Sequence[CostLines]) -> Solution | None:
    """The cheapest sizes, or None when no sizes keep every limit."""
    plain = _Search(limits, laid, costs, ())
    solution = plain.run(0)
    trims = solution is None or bool((solution.scale < 1.0 - 1e-9).any())
    if not limits.steps or not trims:
        return solution
    by_tier = _Search(limits, laid, costs, limits.steps)
    for cut in plain.cuts:
        by_tier.cut(cut.limit, cut.gradient, cut.least)
    better = by_tier.run(plain.rounds)
    if better is not None and (solution is None or better.cost < solution.cost - 1e-9 * max(1.0, solution.cost)):
        return better
    return solution


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tier:
    """One tier of one position as columns: the share that stands in it, and whether it is the one."""

    share: int
    chosen: int
    relief: Floats


class _Search:
    """A programme with one column per position, one for its cost, and cuts that only ever grow.

    With `steps`, a position's share is spread over its tiers and a binary says which one it stands in.
    """

    def __init__(
        self, limits: Limits, laid: MarginLimits, costs: Sequence[CostLines], steps: Sequence[TierSteps]
    ) -> None:
        self.limits, self.laid, self.count = limits, laid, limits.rows.size
        self.cuts: list[Cut] = []
        self.rounds = 0
        self.programme = Programme()
        for upper in limits.upper:
            self.programme.column(0.0, 0.0, float(upper))
        for i, cost in enumerate(costs):
            column = self.programme.column(1.0, 0.0, np.inf)
            for slope, offset in zip(cost.slopes, cost.offsets, strict=True):
                self.programme.row(float(slope + offset), np.inf, [i, column], [float(slope), 1.0])
        self.linear = [
            self.programme.row(-np.inf, one.bound, range(self.count), one.coefficients.tolist())
            for one in limits.linear
        ]
        self.tiers = [tier for one in steps for tier in self._tiers(one)]

    def _tiers(self, steps: TierSteps) -> list[_Tier]:
        """`u = sum of shares`, `low z <= share <= high z`, at most one z."""
        gain = relief(self.limits, self.laid, steps.position)
        tiers = []
        for low, high, saving in zip(steps.low.tolist(), steps.high.tolist(), steps.saving.tolist(), strict=True):
            share = self.programme.column(0.0, 0.0, max(high, 0.0))
            chosen = self.programme.column(0.0, 0.0, 1.0 if low <= high else 0.0, whole=True)
            self.programme.row(-np.inf, 0.0, [share, chosen], [1.0, -high])
            self.programme.row(0.0, np.inf, [share, chosen], [1.0, -low])
            tiers.append(_Tier(share=share, chosen=chosen, relief=saving * gain))
        shares, chosen_ones = [tier.share for tier in tiers], [tier.chosen for tier in tiers]
        self.programme.row(0.0, 0.0, [steps.position, *shares], [1.0] + [-1.0] * len(shares))
        self.programme.row(-np.inf, 1.0, chosen_ones, [1.0] * len(chosen_ones))
        return tiers

    def run(self, rounds: int) -> Solution | None:
        """Cut until nothing is violated; then, with the tiers decided, once more for the prices."""
        self.rounds = rounds
        found = self._cut_until_kept()
        if found is None:
            return None
        if self.tiers:
            for tier in self.tiers:
                self.programme.fix(tier.chosen, float(round(found[tier.chosen])))
            found = self._cut_until_kept()
        return self._solution(found) if found is not None else None

    def _cut_until_kept(self) -> Floats | None:
        """All columns of the cheapest answer that violates no limit."""
        tolerance = 1e-9 * max(1.0, float(np.abs(self.laid.base).max(initial=0.0)))
        for _ in range(ROUNDS):
            self.rounds += 1
            found = self.programme.solve()
            if found is None:
                return None
            u = self._sizes(found)
            value, gradient = surpluses(self.limits, self.laid, u)
            relieved = value + sum((found[tier.share] * tier.relief for tier in self.tiers), np.zeros(value.size))
            violated = np.flatnonzero(relieved < -tolerance)
            if not violated.size:
                return found
            for limit in _worst_per_account(violated, relieved, self.laid.account):
                self.cut(limit, gradient[limit], float(gradient[limit] @ u - value[limit]))
        return None

    def cut(self, limit: int, gradient: Floats, least: float) -> None:
        """Demand `gradient u + relief of the tiers >= least`, scaled to order one."""
        used = np.flatnonzero(gradient).tolist()
        size = float(np.abs(gradient).max(initial=0.0)) or 1.0
        relieving = [tier for tier in self.tiers if tier.relief[limit] != 0.0]
        row = self.programme.row(
            least / size,
            np.inf,
            used + [tier.share for tier in relieving],
            [gradient[i] / size for i in used] + [tier.relief[limit] / size for tier in relieving],
        )
        self.cuts.append(Cut(limit=limit, gradient=gradient, least=least, row=row, size=size))

    def _sizes(self, found: Floats) -> Floats:
        sizes: Floats = np.clip(found[: self.count], 0.0, self.limits.upper)
        return sizes

    def _solution(self, found: Floats) -> Solution:
        """The answer with the prices of what binds."""
        cost = float(found[self.count : 2 * self.count].sum())
        return Solution(scale=self._sizes(found), cost=cost, prices=self._prices(), rounds=self.rounds)

    def _prices(self) -> tuple[Price, ...]:
        duals = np.abs(self.programme.duals())
        totals: dict[tuple[str, str, str, int], float] = {}
        for cut in self.cuts:
            point, account = self.limits.margin[self.laid.point[cut.limit]], int(self.laid.account[cut.limit])
            subject = "book" if point.rule.startswith("leverage.book") else self.limits.account_names[account]
            key = (point.name, point.rule, subject, account)
            totals[key] = totals.get(key, 0.0) + float(duals[cut.row]) / cut.size
        for one, row in zip(self.limits.linear, self.linear, strict=True):
            key = (one.name, one.rule, one.subject, one.account)
            totals[key] = totals.get(key, 0.0) + float(duals[row]) * one.per_dollar
        found = [
            Price(name=name, rule=rule, subject=subject, account=account, per_dollar=price)
            for (name, rule, subject, account), price in totals.items()
            if price > 1e-9
        ]
        return tuple(sorted(found, key=lambda one: -one.per_dollar))


def _worst_per_account(violated: Integers, value: Floats, account: Integers) -> list[int]:
    """At most four of the most violated limits of each account: enough to move on, few enough to stay small."""
    order = violated[np.argsort(value[violated], kind="stable")]
    return [int(limit) for one in np.unique(account[violated]) for limit in order[account[order] == one][:4]]
