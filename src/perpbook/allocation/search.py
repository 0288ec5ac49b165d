"""The cheapest answer: branch and bound over the ratio of equity to initial margin where sleeves share an account.

Every node is a programme that asks too little (`model`), so its objective is never above the best answer's inside it. An answer
is reckoned with the true shares; where it misses more than it may, the range is cut in two at the very ratio it has, where both
halves are exact. Margin limits are concave, so they are added as cuts where they are missed, and hold in every node.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from perpbook.allocation.levers import TradeLever
from perpbook.allocation.model import PENALTY, UNITS, Boxes, Cut, Model, Point, Tangents
from perpbook.allocation.problem import LEAST_LEFT, REACHED, TOLERANCE, Outcome, Problem, empties, outcome, worst_miss
from perpbook.kernels.types import Floats
from perpbook.sizing.limits import surpluses

NODES = 100
POLISHED, POLISHES = 4, 3
"""Of so many nodes one is solved in the tangent planes of its answer too, so many times in a row."""

ROUNDS = 60
GAP, NEAR = 0.05, 5e-3
"""Answers nearer to one another than this are as cheap: ten-thousandths of book equity, and a share of the cost."""

EXHAUSTIVE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Sizes (n,) in whole lots, coins sent (ways,), what they come to, and whether nothing cheaper is left (`proven`)."""

    scale: Floats
    sent: Floats
    outcome: Outcome
    proven: bool


@dataclass(slots=True)
class Search:
    """One problem being solved in at most so many nodes: every band kept (`strict`), or as little of them missed as is worth it.
    `cuts` only grow."""

    problem: Problem
    nodes: int = NODES
    strict: bool = True
    cuts: list[Cut] = field(default_factory=list)

    def run(self) -> Answer | None:
        """The cheapest answer that keeps every band; where none does, the best that misses some; None when nothing is found."""
        best = self._branch()
        if best is None and self.strict:
            self.strict = False
            best = self._branch()
        return best

    def _branch(self) -> Answer | None:
        numbers = itertools.count()
        heap: list[tuple[float, int, Boxes, Point]] = []
        best: Answer | None = None
        closed = np.inf
        boxes: Boxes = {k: _whole_range(self.problem, k) for k in _shared(self.problem)}
        self._push(heap, boxes, next(numbers))
        for _ in range(self.nodes):
            if not heap or (best is not None and heap[0][0] >= _enough(worth(self.problem, best.outcome))):
                return self._proven(best, closed)
            _, number, boxes, point = heapq.heappop(heap)
            ratios = self._ratios(boxes, point)
            best = self._better(best, boxes, point)
            if boxes and number % POLISHED == 0:
                best = self._polished(best, boxes, point)
            split = self._split(boxes, ratios)
            for half in split:
                self._push(heap, half, next(numbers))
            closed = closed if split else min(closed, point.bound)
        return best

    def _proven(self, best: Answer | None, closed: float) -> Answer | None:
        """The best answer, proven where no node was closed whose own answer might have been cheaper before it was rounded."""
        if best is None:
            return None
        return replace(best, proven=closed >= _enough(worth(self.problem, best.outcome)))

    def _polished(self, best: Answer | None, boxes: Boxes, point: Point) -> Answer | None:
        """The best answer so far, with those next to a point looked at."""
        for _ in range(POLISHES):
            found = self._solved(boxes, self._tangents(boxes, point))
            if found is None:
                break
            best, point = self._better(best, boxes, found), found
        return best

    def _tangents(self, boxes: Boxes, point: Point) -> Tangents:
        """Where an answer stands in every account of several sleeves."""
        problem, out = self.problem, {}
        for number, ratio in self._ratios(boxes, point).items():
            margins: dict[int, float] = {}
            for k in problem.of_account(number):
                one = problem.trades[k]
                margins[one.sleeve] = margins.get(one.sleeve, 0.0) + one.initial * float(point.scale[k])
            whole = sum(margins.values())
            out[number] = (ratio, {sleeve: margin / whole for sleeve, margin in margins.items()})
        return out

    def _better(self, best: Answer | None, boxes: Boxes, point: Point) -> Answer | None:
        """The best answer so far, or a point's own in whole lots where that is better."""
        problem = self.problem
        if best is not None and point.bound >= worth(problem, best.outcome):
            return best
        found = rounded(problem, point, strict=self.strict)
        if problem.transfers and (found is None or found.outcome.short > TOLERANCE * problem.equity):
            for pick in (one for one in _extremes(problem, point) if not empties(problem, one)):
                sent = self._resent(boxes, replace(point, scale=pick))
                again = answer_of(problem, pick, sent, strict=self.strict) if sent is not None else None
                found = again if again is not None and _is_better(problem, again, found) else found
        return found if found is not None and _is_better(problem, found, best) else best

    def _resent(self, boxes: Boxes, point: Point) -> Floats | None:
        """What is best sent with every position at a size: there shares of margin are known, and the programme is exact."""
        found = self._solved(boxes, self._tangents(boxes, point), held=point.scale)
        return found.sent if found is not None else None

    def _push(self, heap: list[tuple[float, int, Boxes, Point]], boxes: Boxes, number: int) -> None:
        point = self._solved(boxes)
        if point is not None:
            heapq.heappush(heap, (point.bound, number, boxes, point))

    def _solved(self, boxes: Boxes, tangents: Tangents | None = None, held: Floats | None = None) -> Point | None:
        """A node's answer under every margin limit."""
        model, problem = Model(self.problem, boxes, self.cuts, tangents=tangents, strict=self.strict), self.problem
        if held is not None:
            model.hold(held)
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
    short = max(found.short - REACHED * problem.equity, 0.0)
    return (found.cost + found.reluctance + PENALTY * short) * UNITS / problem.equity


def _enough(found: float) -> float:
    """The bound at which nothing is left that is cheaper than an answer of so many units."""
    return found - max(GAP, NEAR * found)


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


def rounded(problem: Problem, point: Point, *, strict: bool) -> Answer | None:
    """An answer in whole lots that breaks nothing: of the ways of rounding next to it, the best one."""
    best: Answer | None = None
    for scale in _picks(problem, point):
        found = answer_of(problem, scale, point.sent, strict=strict)
        if found is not None and _is_better(problem, found, best):
            best = found
    return best


def answer_of(problem: Problem, scale: Floats, sent: Floats, *, strict: bool) -> Answer | None:
    """Sizes and sums as an answer; None where they break something."""
    found = outcome(problem, scale, sent)
    most = TOLERANCE * problem.equity
    if empties(problem, scale):
        return None
    if worst_miss(problem, scale, found) > most or (strict and found.short > REACHED * problem.equity):
        return None
    return Answer(scale=scale, sent=sent, outcome=found, proven=False)


def _is_better(problem: Problem, one: Answer, other: Answer | None) -> bool:
    return other is None or worth(problem, one.outcome) < worth(problem, other.outcome)


def _picks(problem: Problem, point: Point) -> Iterator[Floats]:
    """Every way of rounding a few positions; of many, all to more of a trade and all to less."""
    choices = [_lots(lever, float(size)) for lever, size in zip(problem.trades, point.scale, strict=True)]
    if sum(len(both) > 1 for both in choices) > EXHAUSTIVE:
        yield from _extremes(problem, point)
        return
    for pick in itertools.product(*choices):
        yield np.array(pick)


def _extremes(problem: Problem, point: Point) -> Iterator[Floats]:
    """All positions rounded to more of their trade, and all to less."""
    choices = [_lots(lever, float(size)) for lever, size in zip(problem.trades, point.scale, strict=True)]
    for furthest in (max, min):
        yield np.array([furthest(both, key=lambda size: abs(size - 1.0)) for both in choices])


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
