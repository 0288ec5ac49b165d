"""The cheapest answer: branch and bound over the ratio of equity to initial margin where sleeves share an account.

Every node is a programme that asks too little (`model`), so its objective is never above the best answer's inside it. An answer
is reckoned with the true shares; where it misses more than it may, the range is cut in two at the very ratio it has, where both
halves are exact. Margin limits are concave, so they are added as cuts where they are missed, and hold in every node.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perpbook.allocation.levers import TradeLever
from perpbook.allocation.model import PENALTY, UNITS, Boxes, Cut, Model, Point, Tangents
from perpbook.allocation.problem import LEAST_LEFT, TOLERANCE, Outcome, Problem, outcome, worst_miss
from perpbook.kernels.types import Floats
from perpbook.sizing.limits import surpluses

NODES = 200
POLISHED, POLISHES = 4, 3
"""Of so many nodes one is solved in the tangent planes of its answer too, so many times in a row."""

ROUNDS = 60
GAP, NEAR = 1e-3, 5e-3
"""Answers nearer to one another than this are as cheap: ten-thousandths of book equity, and a share of the cost."""

EXHAUSTIVE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Sizes (n,) in whole lots, coins sent (ways,), what they come to, and whether nothing cheaper is left (`proven`)."""

    scale: Floats
    sent: Floats
    outcome: Outcome
    proven: bool


@dataclass(slots=True)
class Search:
    """One problem being solved; `cuts` only grow."""

    problem: Problem
    cuts: list[Cut] = field(default_factory=list)

    def run(self) -> Answer | None:
        """The cheapest answer that misses as little of the bands as can be; None when the solver found none."""
        numbers = itertools.count()
        heap: list[tuple[float, int, Boxes, Point]] = []
        best: Answer | None = None
        boxes = {k: _whole_range(self.problem, k) for k in _shared(self.problem)}
        self._push(heap, boxes, next(numbers))
        for _ in range(NODES):
            if not heap or (best is not None and heap[0][0] >= _enough(worth(self.problem, best.outcome))):
                return _proven(best)
            _, number, boxes, point = heapq.heappop(heap)
            ratios = self._ratios(boxes, point)
            best = self._better(best, point)
            if boxes and number % POLISHED == 0:
                best = self._polished(best, boxes, point)
            split = self._split(boxes, ratios)
            for half in split:
                self._push(heap, half, next(numbers))
            if not split and not heap:
                return _proven(best)
        return best

    def _polished(self, best: Answer | None, boxes: Boxes, point: Point) -> Answer | None:
        """The best answer so far, with those next to a point looked at."""
        problem = self.problem
        for _ in range(POLISHES):
            tangents = {}
            for number, ratio in self._ratios(boxes, point).items():
                margins: dict[int, float] = {}
                for k in problem.of_account(number):
                    one = problem.trades[k]
                    margins[one.sleeve] = margins.get(one.sleeve, 0.0) + one.initial * float(point.scale[k])
                whole = sum(margins.values())
                tangents[number] = (ratio, {sleeve: margin / whole for sleeve, margin in margins.items()})
            found = self._solved(boxes, tangents)
            if found is None:
                break
            best, point = self._better(best, found), found
        return best

    def _better(self, best: Answer | None, point: Point) -> Answer | None:
        """The best answer so far, or a point's own in whole lots where that is better."""
        found = rounded(self.problem, point)
        if found is None or (best is not None and worth(self.problem, best.outcome) <= worth(self.problem, found.outcome)):
            return best
        return found

    def _push(self, heap: list[tuple[float, int, Boxes, Point]], boxes: Boxes, number: int) -> None:
        point = self._solved(boxes)
        if point is not None:
            heapq.heappush(heap, (point.bound, number, boxes, point))

    def _solved(self, boxes: Boxes, tangents: Tangents | None = None) -> Point | None:
        """A node's answer under every margin limit."""
        model, problem = Model(self.problem, boxes, self.cuts, tangents), self.problem
        for _ in range(ROUNDS):
            point = model.solve()
            if point is None:
                return None
            delta = outcome(problem, point.scale, point.sent).delta
            value, gradient = surpluses(problem.limits, problem.laid, point.scale)
            missed = value + delta[problem.laid.account] - problem.now
            worst = [
                int(of[np.argmin(missed[of])])
                for account in np.unique(problem.laid.account)
                if (of := np.flatnonzero(problem.laid.account == account)).size
            ]
            new = [k for k in worst if missed[k] < -0.1 * TOLERANCE * problem.equity]
            if not new:
                return point
            for k in new:
                least = float(gradient[k] @ point.scale - value[k] + problem.now[k])
                cut = Cut(account=int(problem.laid.account[k]), gradient=gradient[k], least=least)
                self.cuts.append(cut)
                model.cut(cut)
        return None

    def _ratios(self, boxes: Boxes, point: Point) -> dict[int, float]:
        """Equity over initial margin of every account with several sleeves, as an answer truly has it."""
        problem = self.problem
        equity = problem.accounts + outcome(problem, point.scale, point.sent).delta
        out = {}
        for number in boxes:
            margin = sum(problem.trades[k].initial * float(point.scale[k]) for k in problem.of_account(number))
            out[number] = float(equity[number]) / margin
        return out

    def _split(self, boxes: Boxes, ratios: Mapping[int, float]) -> list[Boxes]:
        """The node in two, at the ratio that is furthest inside its range; none where all are at an end of theirs."""
        problem = self.problem
        widest, gap = -1, TOLERANCE
        for number, (low, high) in boxes.items():
            margin = sum(problem.margins(number).values())
            away = min(ratios[number] - low, high - ratios[number]) * margin / problem.equity
            if away > gap:
                widest, gap = number, away
        if widest < 0:
            return []
        low, high = boxes[widest]
        return [{**boxes, widest: (low, ratios[widest])}, {**boxes, widest: (ratios[widest], high)}]


def worth(problem: Problem, found: Outcome) -> float:
    """The objective of an answer, in units; what is missed by next to nothing is not missed."""
    short = max(found.short - TOLERANCE * problem.equity, 0.0)
    return (found.cost + found.reluctance + PENALTY * short) * UNITS / problem.equity


def _enough(found: float) -> float:
    """The bound at which nothing is left that is cheaper than an answer of so many units."""
    return found - max(GAP, NEAR * found)


def _proven(best: Answer | None) -> Answer | None:
    return None if best is None else Answer(scale=best.scale, sent=best.sent, outcome=best.outcome, proven=True)


def _shared(problem: Problem) -> list[int]:
    """Accounts of several sleeves."""
    return [number for number in range(problem.accounts.size) if len(problem.margins(number)) > 1]


def _whole_range(problem: Problem, number: int) -> tuple[float, float]:
    """Every ratio of equity to initial margin that an account could come to."""
    margin = sum(problem.margins(number).values())
    equity = float(problem.accounts[number])
    coins = {one.pot: one.coins for one in problem.transfers}
    most = max(equity, 0.0) + 1.01 * sum(coins.values())
    least = equity - 1.01 * max(sum(coins.values()), abs(equity))
    return min(least, 0.0) / (LEAST_LEFT * margin), most / (LEAST_LEFT * margin)


def rounded(problem: Problem, point: Point) -> Answer | None:
    """An answer in whole lots that breaks nothing: of the ways of rounding next to it, the best one."""
    choices = [_lots(lever, float(size)) for lever, size in zip(problem.trades, point.scale, strict=True)]
    open_ = [k for k, both in enumerate(choices) if len(both) > 1]
    best: Answer | None = None
    for pick in _picks(open_, choices):
        scale = np.array([both[0] for both in choices])
        for k, size in pick.items():
            scale[k] = size
        found = outcome(problem, scale, point.sent)
        if worst_miss(problem, scale, found) > TOLERANCE * problem.equity:
            continue
        if best is None or worth(problem, found) < worth(problem, best.outcome):
            best = Answer(scale=scale, sent=point.sent, outcome=found, proven=False)
    return best


def _picks(open_: Sequence[int], choices: Sequence[tuple[float, ...]]) -> list[dict[int, float]]:
    """Every way of rounding a few positions; of many, all to more of a trade and all to less."""
    if len(open_) <= EXHAUSTIVE:
        return [dict(zip(open_, pick, strict=True)) for pick in itertools.product(*(choices[k] for k in open_))]
    further = {k: max(choices[k], key=lambda size: abs(size - 1.0)) for k in open_}
    nearer = {k: min(choices[k], key=lambda size: abs(size - 1.0)) for k in open_}
    return [further, nearer]


def _lots(lever: TradeLever, size: float) -> tuple[float, ...]:
    """The sizes in whole lots traded next to one; one of them where it is itself such a one."""
    if abs(size - 1.0) < 1e-9 or size <= 0.0:
        return (1.0,) if size > 0.0 else (0.0,)
    if lever.lot <= 0.0:
        return (size,)
    lots = (size - 1.0) / lever.lot
    if abs(lots - round(lots)) < 1e-6:
        return (1.0 + round(lots) * lever.lot,)
    return (max(1.0 + np.floor(lots) * lever.lot, 0.0), 1.0 + np.ceil(lots) * lever.lot)
