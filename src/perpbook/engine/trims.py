"""The cheapest trims that keep a book alive in all but a few futures, and its worst losses bounded.

Which futures may be lost is chosen (first those that ask for the smallest book, then those whose place would save most), every
other one must be survived: each account, at its worst moment, as a concave limit (`sizing.limits`). Expected shortfall is the
mean loss of the worst futures, so every set of that many gives a linear bound. Only what is violated is added; the linear
programme is `sizing.cheapest`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from perpbook.engine.drill import Futures
from perpbook.engine.moments import Ends, Ground, Moment, at_sizes, limits_of_paths, worst_moments
from perpbook.kernels.drill import END, FIRST
from perpbook.kernels.types import Floats, Holdings
from perpbook.margin.arrays import Item
from perpbook.sizing.cheapest import CostLines, Solution, cheapest_sizes
from perpbook.sizing.limits import Limits, Linear, MarginLimits, MarginPoint, by_tier, emptied_equity
from perpbook.sizing.tiers import TierSteps, true_savings

TAIL = 0.025
"""The worst share of futures that expected shortfall is the mean of."""

ROUNDS = 80
EXCHANGES = 8
"""Times at which lost futures are exchanged for others."""

PER_ACCOUNT = 24
"""New moments of an account in a round."""

FIRST_LOOK = 400
"""Futures looked at before all are."""

SLACK = 1e-6
"""Share of an account's equity that survival keeps to spare, against rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be sized. `items` and `costs` by position, in the order of `ground.rows`; `steps` those that a trim can take
    into a lower whole-position tier. `lost` futures at most may liquidate an account (None: no such bound), `shortfall`
    dollars at most may be lost on average in the worst 2.5 % (None likewise). `start` : book equity, dollars."""

    ground: Ground
    items: tuple[Item, ...]
    costs: tuple[CostLines, ...]
    steps: tuple[TierSteps, ...]
    accounts: tuple[str, ...]
    start: float
    lost: int | None
    shortfall: float | None

    @property
    def tail(self) -> int:
        """Futures in the worst 2.5 %."""
        return int(TAIL * self.ground.drill.paths)

    def costs_of(self, sizes: Floats) -> list[float]:
        """Dollars that bringing each position to its size costs; opening more is taken to cost what closing it would."""
        return [
            one.at(1.0 - size) if size < 1.0 else one.at(1.0) * (size - 1.0)
            for one, size in zip(self.costs, sizes.tolist(), strict=True)
        ]

    def scales_at(self, sizes: Floats) -> Floats:
        """(P, A) largest common scale on the book at these sizes, by path and account."""
        return limits_of_paths(self.ground, self.cut_to(sizes))

    def cut_to(self, sizes: Floats) -> Holdings:
        """The items at these sizes, by the tiers they truly stand in."""
        return at_sizes(self.ground, sizes, true_savings(self.steps, sizes) if self.steps else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """End losses as lines in the sizes: `fixed - gain u + cost (1 - u)`. What liquidation, orders and coins do to a path is in
    `fixed`, as a drill found it at the sizes it was fitted at; there the lines are the drill."""

    gain: Floats
    fixed: Floats
    cost: Floats

    def at(self, sizes: Floats) -> Floats:
        """(P,) dollars lost on each path."""
        out: Floats = self.fixed - self.gain @ sizes + float(self.cost @ (1.0 - sizes))
        return out


def fit_losses(task: Task, ends: Ends, sizes: Floats, futures: Futures) -> Losses:
    """Losses as lines, fitted to a drill of the book at `sizes`: a liquidated account no longer gains by its sizes."""
    ground, alive = task.ground, futures.died >= futures.steps
    gain = ends.gain * alive[:, ground.owner[ground.rows]]
    cost = ground.held.close_cost[ground.rows]
    lost = task.start - futures.figures[:, END]
    return Losses(gain=gain, fixed=lost + gain @ sizes - float(cost @ (1.0 - sizes)), cost=cost)


def shortfall_of(losses: Floats, tail: int) -> float:
    """Mean of the `tail` largest losses."""
    return float(np.sort(losses)[losses.size - tail :].mean())


def deaths_in(futures: Futures) -> int:
    """Futures in which any account is liquidated."""
    return int((futures.figures[:, FIRST] < futures.steps).sum())


@dataclass(slots=True, kw_only=True)
class Search:
    """A programme that grows: moments to survive, sets of futures whose mean loss is bounded. `spare` dollars are kept from every
    limit, so that whole lots fit inside."""

    task: Task
    losses: Losses | None
    allowed: float = math.inf
    moments: dict[tuple[int, int, int], Moment] = field(default_factory=dict)
    tails: list[Linear] = field(default_factory=list)
    looked_at: set[int] = field(default_factory=set)
    spare: float = 0.0

    def run(self, order: Floats) -> tuple[Solution, set[int]] | None:
        """The cheapest sizes and the futures given up, `order` (P,) being how large a book each allows; None when no sizes do."""
        task = self.task
        if task.lost is None:
            found = self.solve(set(range(order.size)))
            return None if found is None else (found, set())
        ranked = np.argsort(order, kind="stable")
        dropped = {int(path) for path in ranked[: task.lost]}
        self.looked_at |= {int(path) for path in ranked[: max(FIRST_LOOK, 3 * task.lost)]}
        solution = self.solve(dropped)
        for _ in range(EXCHANGES):
            if solution is None:
                return None
            lost = {path for path in dropped if self._dies(solution.scale, path)}
            dear = [path for path in _dearest(solution) if path not in lost][: task.lost - len(lost)]
            if not dear:
                break
            better = self.solve(lost | set(dear))
            if better is None or better.cost > solution.cost - 1e-4 * max(solution.cost, 1.0):
                break
            solution, dropped = better, lost | set(dear)
        return None if solution is None else (solution, dropped)

    def solve(self, dropped: set[int]) -> Solution | None:
        """The cheapest sizes at which all but the dropped futures are survived."""
        for _ in range(ROUNDS):
            solution = cheapest_sizes(*self.limits(dropped), self.task.costs)
            if solution is None or not self.violated(solution.scale, dropped):
                return solution
        return None

    def limits(self, dropped: set[int], more: Floats | None = None) -> tuple[Limits, MarginLimits]:
        """What must hold, by what is known so far; `more` (A,) dollars beside what each account has."""
        task, ground = self.task, self.task.ground
        moments = [one for one in self.moments.values() if one.path not in dropped]
        extra = np.full(len(task.accounts), -self.spare) + (0.0 if more is None else more)
        grown = 0.0 if more is None or task.shortfall is None else float(more.sum()) * task.shortfall / task.start
        limits = Limits(
            held=ground.held,
            rows=ground.rows,
            upper=np.ones(ground.rows.size),
            linear=tuple(replace(one, bound=one.bound + grown - self.spare) for one in self.tails),
            margin=tuple(
                MarginPoint(
                    name=f"future {one.path}", rule="survival", prices=one.prices, weight=1.0, account=one.account
                )
                for one in moments
            ),
            account_names=task.accounts,
            steps=task.steps,
        )
        return limits, lay_moments(ground, moments, extra)

    def violated(self, sizes: Floats, dropped: set[int]) -> bool:
        """Add what these sizes violate; False when nothing is."""
        found = self._bound_tail(sizes)
        if self.task.lost is None:
            return found
        near = sorted(self.looked_at - dropped)
        dying = self._dying(sizes, near)
        if not dying and not found:
            dying = [pair for pair in self._dying(sizes, None) if pair[1] not in dropped]
            self.looked_at |= {path for _, path, _ in dying}
        held = self.task.cut_to(sizes)
        for account in range(len(self.task.accounts)):
            for _, path, who in sorted(one for one in dying if one[2] == account)[:PER_ACCOUNT]:
                for moment in worst_moments(self.task.ground, held, path, [who]):
                    self.moments[moment.path, moment.account, moment.bar] = moment
        return found or bool(dying)

    def _dying(self, sizes: Floats, paths: Sequence[int] | None) -> list[tuple[float, int, int]]:
        """(scale, path, account) of every account that these sizes kill."""
        held = self.task.cut_to(sizes)
        scales = limits_of_paths(self.task.ground, held, paths)
        return [
            (float(scales[row, account]), int(row if paths is None else paths[row]), int(account))
            for row, account in np.argwhere(scales < 1.0)
        ]

    def _dies(self, sizes: Floats, path: int) -> bool:
        return bool(self._dying(sizes, [path]))

    def _bound_tail(self, sizes: Floats) -> bool:
        """Bound the mean loss of the futures that are worst at these sizes, where it is too large."""
        if self.losses is None:
            return False
        lost, tail = self.losses.at(sizes), self.task.tail
        if shortfall_of(lost, tail) <= self.allowed + 1e-9 * self.task.start:
            return False
        worst = np.argpartition(lost, lost.size - tail)[lost.size - tail :]
        cost = self.losses.cost
        self.tails.append(
            Linear(
                rule="shortfall",
                subject="book",
                coefficients=-self.losses.gain[worst].mean(axis=0) - cost,
                bound=self.allowed - float(cost.sum()) - float(self.losses.fixed[worst].mean()),
                per_dollar=(self.task.shortfall or 0.0) / self.task.start,
            )
        )
        return True


def _dearest(solution: Solution) -> list[int]:
    """The futures that bind, by what they cost."""
    names = [one.name.removeprefix("future ") for one in solution.prices if one.rule == "survival"]
    return list(dict.fromkeys(int(name) for name in names))


def lay_moments(ground: Ground, moments: Sequence[Moment], more: Floats) -> MarginLimits:
    """Moments as margin limits; funding paid until then moves the price that profit is counted from."""
    held, rows, count = ground.held, ground.rows, len(moments)
    columns = ground.drill.journey.bars.close.shape[0]
    prices = np.array([one.prices for one in moments]).reshape(count, columns)
    paid = np.array([one.paid for one in moments]).reshape(count, columns)
    account = np.array([one.account for one in moments], dtype=np.int64)
    at = prices[:, held.column[rows]]
    notional = held.notional_slope[rows] * at + held.notional_offset[rows]
    rise, deducted = by_tier(held, rows, notional, at)
    spare = SLACK * np.maximum(np.abs(held.cash), 1.0) - more
    return MarginLimits(
        point=np.arange(count),
        account=account,
        weight=np.ones(count),
        by_tier=np.ones(count, dtype=np.uint8),
        base=emptied_equity(held, prices)[np.arange(count), account] - spare[account],
        gain=held.delta[rows] * (at - held.price[rows] - paid[:, held.column[rows]]),
        notional=notional,
        curve=held.curve_slope[rows] * at + held.curve_reciprocal[rows] / at,
        rise=rise,
        deducted=deducted,
    )
