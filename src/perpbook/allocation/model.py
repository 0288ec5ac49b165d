"""A rebalance as a mixed-integer programme: rows and columns for one node of the search.

In units of a ten-thousandth of book equity, so that a book a hundred times as large is the same programme. A position is
`u = 1 - r + a`. An account of one sleeve adds its equity to that sleeve. In an account of several, sleeve s holds
`K_s = ratio x (initial margin of s)` with one ratio for all, equity over initial margin; within a range of ratios that is
`low M_s <= K_s <= high M_s` with `sum K_s = equity`: too wide, and exact where the range is a point or the answer at its end.
Near an answer of that ratio, with sleeves at shares w_s of initial margin, `K_s = ratio M_s + w_s (equity - ratio sum M)` is its
tangent plane: wrong by what is small twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.allocation.levers import OUTSIDE, TradeLever
from perpbook.allocation.problem import EFFORT, LEAST_LEFT, Problem, ShareCap, astray_by, cap_now, free_now
from perpbook.kernels.types import Floats
from perpbook.sizing.cheapest import CostLines
from perpbook.solver.programme import Programme

UNITS = 1e4
"""Units in the book's equity."""

PENALTY = 0.5
"""Dollars of cost that a dollar of missed band is worth avoiding, where bands cannot all be kept: less than one, or burning money
on fees would be a way to shrink a sleeve."""

SOLVED, TREE = 2e-4, 300
"""How near to its best a node is solved, and in how many of the solver's own nodes; its bound is right all the same."""

COARSE = 64
"""A position of fewer lots than this is traded in whole lots from the start; others are rounded afterwards."""

Terms = dict[int, float]
Boxes = Mapping[int, tuple[float, float]]
Tangents = Mapping[int, tuple[float, Mapping[int, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A margin limit at some sizes: `gradient u + delta of the account >= least`, dollars."""

    account: int
    gradient: Floats
    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """An answer: sizes (n,), coins sent (ways,), and the objective in units, never above the true one."""

    scale: Floats
    sent: Floats
    bound: float


class Model:
    """The programme of one node.

    boxes : ranges of equity over initial margin of accounts with several sleeves. tangents : the ratio, and the sleeves' shares
    of initial margin, of those that are read near an answer instead. strict : every band is kept.
    """

    def __init__(
        self, problem: Problem, boxes: Boxes, cuts: Sequence[Cut], *, tangents: Tangents | None = None, strict: bool
    ) -> None:
        self.problem, self.programme, self.tangents = problem, Programme(SOLVED, TREE), tangents or {}
        self.room = 0.0 if strict else 1.0
        self.unit = problem.equity / UNITS
        self.delta: list[Terms] = [{} for _ in range(problem.accounts.size)]
        self.layers: dict[str, Terms] = {}
        self.shrunk: list[int] = []
        self.grown: list[int] = []
        self.sent: list[int] = []
        for lever, upper in zip(problem.trades, problem.upper.tolist(), strict=True):
            self._trade(lever, upper)
        self._transfers()
        self.whole = _sum(*self.delta, *self.layers.values())
        self._sleeves(boxes)
        self._wishes()
        self._rules()
        for cut in cuts:
            self.cut(cut)

    def solve(self) -> Point | None:
        """The best answer under the cuts so far."""
        found = self.programme.solve()
        if found is None:
            return None
        scale: Floats = np.maximum(1.0 - found[self.shrunk] + found[self.grown], 0.0)
        sent: Floats = np.maximum(found[self.sent] * self.unit, 0.0) if self.sent else np.zeros(0)
        sent = np.where(sent > 1e-9 * self.problem.equity, sent, 0.0)
        return Point(scale=scale, sent=sent, bound=self.programme.objective())

    def hold(self, scale: Floats) -> None:
        """Keep every position at a size."""
        for shrunk, grown, size in zip(self.shrunk, self.grown, scale.tolist(), strict=True):
            self.programme.fix(shrunk, max(1.0 - size, 0.0))
            self.programme.fix(grown, max(size - 1.0, 0.0))

    def cut(self, cut: Cut) -> None:
        """Demand what a margin limit says at some sizes."""
        self._at_least(_sum(self._sizes(cut.gradient / self.unit), self.delta[cut.account]), cut.least / self.unit,
                       float(cut.gradient.sum()) / self.unit)  # fmt: skip

    def _sizes(self, gradient: Floats) -> Terms:
        """`gradient u`, without the constant `sum(gradient)`."""
        out: Terms = {}
        for k in np.flatnonzero(gradient).tolist():
            out[self.shrunk[k]], out[self.grown[k]] = -float(gradient[k]), float(gradient[k])
        return out

    def _at_least(self, terms: Terms, least: float, constant: float = 0.0) -> None:
        """`constant + terms >= least`."""
        self.programme.row(least - constant, np.inf, list(terms), list(terms.values()))

    def _trade(self, lever: TradeLever, upper: float) -> None:
        programme, size = self.programme, abs(lever.value) / self.unit
        shrunk = programme.column(0.0, 0.0, 1.0 - lever.least)
        most = max(min(lever.most, upper - 1.0), 0.0)
        grown = programme.column(0.0, 0.0, most)
        self.shrunk.append(shrunk)
        self.grown.append(grown)
        self._costs(shrunk, lever.trim, 1.0, lever.account)
        self._costs(grown, lever.add, most, lever.account)
        minimum = self.problem.minimum / self.unit
        used = [programme.column(EFFORT * UNITS, 0.0, 1.0, whole=True) for _ in range(2)]
        for column, one, largest in ((shrunk, used[0], 1.0), (grown, used[1], most)):
            self._at_least({column: size, one: -minimum}, 0.0)
            self._at_least({column: -1.0, one: largest}, 0.0)
        self._at_least({used[0]: -1.0, used[1]: -1.0}, -1.0)
        if lever.lot * COARSE > 1.0:
            for column in (shrunk, grown):
                lots = programme.column(0.0, 0.0, np.inf, whole=True)
                programme.row(0.0, 0.0, [column, lots], [1.0, -lever.lot])

    def _costs(self, column: int, lines: CostLines, most: float, account: int) -> None:
        """What a share costs: above every line, and below the chord to the largest, so that no money is burnt."""
        paid = self.programme.column(1.0, 0.0, np.inf)
        for slope, offset in zip(
            (lines.slopes / self.unit).tolist(), (lines.offsets / self.unit).tolist(), strict=True
        ):
            self._at_least({paid: 1.0, column: -slope}, offset)
        chord = lines.at(most) / most / self.unit if most > 0.0 else 0.0
        self._at_least({paid: -1.0, column: chord}, 0.0)
        self.delta[account][paid] = -1.0

    def _transfers(self) -> None:
        programme, pots = self.programme, dict[int, Terms]()
        coins: dict[int, float] = {}
        for way in self.problem.transfers:
            fixed = way.fixed / self.unit
            sent = programme.column(way.rate * way.in_worth + way.price, 0.0, way.most / self.unit)
            used = programme.column(fixed * way.in_worth + EFFORT * UNITS, 0.0, 1.0, whole=True)
            self.sent.append(sent)
            self._at_least({sent: -1.0, used: way.most / self.unit}, 0.0)
            self._at_least({sent: 1.0, used: -way.least / self.unit}, 0.0)
            pots.setdefault(way.pot, {})[sent] = -1.0
            coins[way.pot] = way.coins / self.unit
            leaves = self.layers.setdefault(way.source_layer, {}) if way.source == OUTSIDE else self.delta[way.source]
            lands = self.layers.setdefault(way.target_layer, {}) if way.target == OUTSIDE else self.delta[way.target]
            leaves[sent] = leaves.get(sent, 0.0) - way.out_worth
            lands[sent] = lands.get(sent, 0.0) + way.landing * way.in_worth
            lands[used] = -fixed * way.in_worth
        for pot, terms in pots.items():
            self._at_least(terms, -coins[pot])

    def _sleeves(self, boxes: Boxes) -> None:
        """Every band, which what is missing today widens at a penalty: none is missed by more than it is."""
        problem = self.problem
        capital: dict[int, list[Terms]] = {}
        constant: dict[int, float] = {problem.reserve: problem.idle / self.unit}
        capital[problem.reserve] = list(self.layers.values())
        for number, equity in enumerate((problem.accounts / self.unit).tolist()):
            margins = problem.margins(number)
            if len(margins) > 1:
                for sleeve, terms in self._divided(number, equity, margins, boxes[number]).items():
                    capital.setdefault(sleeve, []).append(terms)
                continue
            sleeve = next(iter(margins), problem.reserve)
            capital.setdefault(sleeve, []).append(self.delta[number])
            constant[sleeve] = constant.get(sleeve, 0.0) + equity
        for band in problem.bands:
            terms, base = _sum(*capital.get(band.number, [])), constant.get(band.number, 0.0)
            missed = self.room * float(problem.missed[band.number]) / self.unit
            short = self.programme.column(PENALTY, 0.0, max(-missed, 0.0))
            over = self.programme.column(PENALTY, 0.0, max(missed, 0.0))
            low = _sum(terms, _times(self.whole, -band.least), {short: 1.0})
            high = _sum(_times(terms, -1.0), _times(self.whole, band.most), {over: 1.0})
            self._at_least(low, band.least * UNITS, base)
            self._at_least(high, -band.most * UNITS, -base)

    def _divided(
        self, number: int, equity: float, margins: Mapping[int, float], box: tuple[float, float]
    ) -> dict[int, Terms]:
        """An account's equity shared out among its sleeves by initial margin, columns of their own."""
        out: dict[int, Terms] = {}
        asked = {sleeve: self._margins(number, sleeve) for sleeve in margins}
        for sleeve, own in asked.items():
            share = self.programme.column(0.0, -np.inf, np.inf)
            out[sleeve] = {share: 1.0}
            if number in self.tangents:
                ratio, weights = self.tangents[number]
                plane = ratio * own - weights[sleeve] * ratio * sum(asked.values())
                row = _sum({share: 1.0}, _times(self._sizes(plane), -1.0), _times(self.delta[number], -weights[sleeve]))
                constant = float(plane.sum()) + weights[sleeve] * equity
                self.programme.row(constant, constant, list(row), list(row.values()))
                continue
            for side, ratio in zip((1.0, -1.0), box, strict=True):
                row = _sum({share: side}, _times(self._sizes(own), -side * ratio))
                self._at_least(row, side * ratio * float(own.sum()))
        shared = _sum(*out.values(), _times(self.delta[number], -1.0))
        self.programme.row(equity, equity, list(shared), list(shared.values()))
        return out

    def _margins(self, number: int, sleeve: int | None = None) -> Floats:
        """(n,) initial margin of an account's positions at today's sizes, units; of one sleeve where that is given."""
        asked: Floats = np.zeros(len(self.problem.trades))
        for k in self.problem.of_account(number):
            if sleeve is None or self.problem.trades[k].sleeve == sleeve:
                asked[k] = self.problem.trades[k].initial / self.unit
        return asked

    def _wishes(self) -> None:
        for wish in self.problem.wishes:
            problem, ones = self.problem, np.ones(len(self.problem.trades))
            missed = self.room * astray_by(problem, wish, ones, problem.equity)
            gradient = np.zeros(len(self.problem.trades))
            for k in wish.positions:
                gradient[k] = abs(problem.trades[k].value) / self.unit
            astray = self.programme.column(PENALTY, 0.0, missed / self.unit)
            for side in (1.0, -1.0):
                far = side * wish.share - wish.slack
                terms = _sum(_times(self._sizes(gradient), side), _times(self.whole, -far), {astray: 1.0})
                self._at_least(terms, far * UNITS, side * float(gradient.sum()))

    def _rules(self) -> None:
        """Linear limits, caps on places, and initial margin: none gets worse."""
        for one in self.problem.limits.linear:
            gained = self.whole if one.account < 0 else self.delta[one.account]
            terms = _sum(_times(self._sizes(one.coefficients / self.unit), -1.0), _times(gained, one.per_dollar))
            self._at_least(terms, -one.bound / self.unit, -float(one.coefficients.sum()) / self.unit)
        for cap in self.problem.caps:
            self._cap(cap)
        for number in range(self.problem.accounts.size):
            asked = self._margins(number)
            if not asked.any():
                self._at_least(dict(self.delta[number]), min(-float(self.problem.accounts[number]) / self.unit, 0.0))
                continue
            free = float(self.problem.accounts[number]) / self.unit - float(asked.sum())
            needs = _sum(self.delta[number], _times(self._sizes(asked), -1.0))
            self._at_least(needs, free_now(self.problem, number) / self.unit, free)
            self._at_least(self._sizes(asked), LEAST_LEFT * float(asked.sum()), float(asked.sum()))

    def _cap(self, cap: ShareCap) -> None:
        if not np.isfinite(cap.cap):
            return
        most = cap_now(self.problem, cap)
        held = _sum(*(self.delta[k] for k in cap.accounts), *(self.layers.get(name, {}) for name in cap.layers))
        terms = _sum(_times(held, -1.0), _times(self.whole, most))
        self._at_least(terms, -most * UNITS, -cap.base / self.unit)


def _sum(*parts: Mapping[int, float]) -> Terms:
    out: Terms = {}
    for part in parts:
        for column, value in part.items():
            out[column] = out.get(column, 0.0) + value
    return out


def _times(terms: Mapping[int, float], factor: float) -> Terms:
    return {column: value * factor for column, value in terms.items()}
