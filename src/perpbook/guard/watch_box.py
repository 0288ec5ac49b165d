"""A book over a box of prices: bounds of what rules measure, from the lines of one full look.

Prices of followed columns stand in [low, high], the others as they were. Scenario 0 is no move. In scenarios in which hedges
break an asset moves against the exposure held in it: where its sign is not sure in the box, both ways are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from perpbook.kernels.types import Floats, Lines
from perpbook.margin.arrays import BookArrays, Item
from perpbook.margin.assess import Assessed, column_moves
from perpbook.margin.breaking import HEDGED
from perpbook.margin.measures import position_sizes
from perpbook.model.scenario import Scenario
from perpbook.scenario.grid import FLOOR


class Span(NamedTuple):
    """A number is nowhere under `low` nor above `high`."""

    low: float
    high: float

    def absolute(self) -> Span:
        """Of its size."""
        low = 0.0 if self.low <= 0.0 <= self.high else min(abs(self.low), abs(self.high))
        return Span(low, max(abs(self.low), abs(self.high)))


@dataclass(frozen=True, slots=True)
class Box:
    """low, high : (columns, scenarios + 1) dollars.  rows are the arrays' items; positions are counted among themselves."""

    arrays: BookArrays
    lines: Lines
    low: Floats
    high: Floats
    moving: Any
    outside: float
    positions: tuple[int, ...]
    sizes: tuple[Floats, Floats]

    @property
    def accounts(self) -> int:
        """How many there are."""
        return len(self.arrays.accounts)

    def account_rows(self, account: int) -> slice:
        """Rows of one account."""
        return slice(int(self.lines.start[account]), int(self.lines.start[account + 1]))

    def is_still(self, account: int) -> bool:
        """Whether no price moves anything in it."""
        return not bool(self.moving[self.lines.column[self.account_rows(account)]].any())

    def size(self, account: int) -> float:
        """Dollars that its sums are rounded by."""
        rows = self.account_rows(account)
        at = self.high[self.lines.column[rows], 0]
        return float(abs(self.lines.cash[account]) + np.abs(self.lines.delta[rows] * at).sum())

    def surplus(self, account: int, scenario: int, level: float, needed: float) -> Span:
        """Bounds of level x equity - needed x maintenance margin, dollars: < 0 where the ratio is beyond the level."""
        low, high = self.low[:, scenario], self.high[:, scenario]
        return self.surplus_at(account, low, high, level, needed)

    def surplus_at(self, account: int, low: Floats, high: Floats, level: float, needed: float) -> Span:
        """The same between prices (columns,)."""
        rows = self.account_rows(account)
        column = self.lines.column[rows]
        a, b = low[column], high[column]
        delta = level * self.lines.delta[rows]
        need_a, need_b, least = self.needs(rows, a, b)
        ends = np.stack([delta * a - needed * need_a, delta * b - needed * need_b])
        cash = level * float(self.lines.cash[account])
        most = np.maximum(delta * a, delta * b) - needed * least
        return Span(cash + float(ends.min(axis=0).sum()), cash + float(most.sum()))

    def needs(self, rows: slice, low: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
        """Requirements of rows at two prices each, and one that they are nowhere under between them."""
        slope, offset = self.lines.slope[rows], self.lines.offset[rows]
        used = np.arange(slope.shape[1])[None, :] < self.lines.pieces[rows][:, None]
        at_low = np.where(used, slope * low[:, None] + offset, -np.inf)
        at_high = np.where(used, slope * high[:, None] + offset, -np.inf)
        held = self.lines.pieces[rows] > 0
        curve = np.where(held, self.lines.reciprocal[rows], 0.0)
        a = np.where(held, at_low.max(axis=1), 0.0) + curve / low
        b = np.where(held, at_high.max(axis=1), 0.0) + curve / high
        least = np.where(held, np.minimum(at_low, at_high).max(axis=1), 0.0) + curve / high
        return a, b, least

    def values(self, rows: slice | Any, scenario: int = 0) -> tuple[Floats, Floats]:
        """Least and most of each row's delta x price, dollars."""
        column = self.lines.column[rows]
        ends = np.stack(
            [self.lines.delta[rows] * self.low[column, scenario], self.lines.delta[rows] * self.high[column, scenario]]
        )
        return ends.min(axis=0), ends.max(axis=0)

    def equity(self, account: int) -> Span:
        """An account's equity."""
        low, high = self.values(self.account_rows(account))
        cash = float(self.lines.cash[account])
        return Span(cash + float(low.sum()), cash + float(high.sum()))

    def equity_where(self, chosen: Sequence[bool], beside: float = 0.0) -> Span:
        """Equity of some accounts together, and something beside; never under 0."""
        spans = [self.equity(account) for account, wanted in enumerate(chosen) if wanted]
        low, high = beside + sum(one.low for one in spans), beside + sum(one.high for one in spans)
        return Span(max(low, 0.0), max(high, 0.0))

    def book_equity(self) -> Span:
        """The book's equity, with what stands outside accounts."""
        spans = [self.equity(account) for account in range(self.accounts)]
        return Span(self.outside + sum(one.low for one in spans), self.outside + sum(one.high for one in spans))

    def net(self, rows: slice | Any, beside: float) -> Span:
        """Beta-weighted exposure of rows, dollars, and something beside."""
        weights = self.arrays.betas[self.lines.column[rows]]
        low, high = self.values(rows)
        ends = np.stack([weights * low, weights * high])
        return Span(beside + float(ends.min(axis=0).sum()), beside + float(ends.max(axis=0).sum()))

    def notional(self, chosen: Any) -> Span:
        """Notional of the positions that a mask over positions chooses, dollars."""
        rows = [row for row, wanted in zip(self.positions, chosen, strict=True) if wanted]
        column = self.lines.column[rows]
        slope, offset = self.sizes[0][rows], self.sizes[1][rows]
        low, high = slope * self.low[column, 0] + offset, slope * self.high[column, 0] + offset
        return Span(float(low.sum()), float(high.sum()))

    def profit(self, position: int) -> Span:
        """A position's unrealised profit, dollars; of one that is not followed, as it stands."""
        row = self.positions[position]
        item = self.arrays.items[row]
        column = item.column
        assert item.position is not None
        if not self.moving[column]:
            inverse = item.terms is not None and item.terms.contract.is_inverse
            value = item.profit * (float(self.arrays.prices[column]) if inverse else 1.0)
            return Span(value, value)
        ends = [item.delta * (float(at[column, 0]) - item.position.entry_price) for at in (self.low, self.high)]
        return Span(min(ends), max(ends))

    def loss(self, position: int) -> Span:
        """What a position has lost, >= 0."""
        profit = self.profit(position)
        return Span(max(-profit.high, 0.0), max(-profit.low, 0.0))

    def gain(self, position: int) -> Span:
        """A position's profit over what it cost; nothing that moves where it is not followed."""
        row = self.positions[position]
        item = self.arrays.items[row]
        assert item.position is not None
        if not self.moving[item.column]:
            return Span(-np.inf, -np.inf)
        cost = abs(item.position.quantity) * item.position.entry_price
        profit = self.profit(position)
        return Span(profit.low / cost, profit.high / cost) if cost else Span(-np.inf, -np.inf)


def box_of(assessed: Assessed, pull: float, reach: float, is_followed: Callable[[Item], bool]) -> Box:
    """The box of a reach around the prices of a full look."""
    arrays = assessed.arrays
    moving = np.zeros(len(arrays.columns), dtype=bool)
    for row in arrays.positions():
        moving[arrays.items[row].column] = True
    for row in arrays.positions():
        if not is_followed(arrays.items[row]):
            moving[arrays.items[row].column] = False
    wide = np.where(moving, 1.0 + reach, 1.0)
    low, high = arrays.prices / wide, arrays.prices * wide
    moves = column_moves(arrays, assessed.scenarios)
    least, most = moves.copy(), moves.copy()
    for number, scenario in enumerate(assessed.scenarios):
        if scenario.kind == "broken":
            _both_ways(assessed, scenario, pull, low, high, (least[:, number], most[:, number]))
    calm = np.zeros((len(arrays.columns), 1))
    return Box(
        arrays=arrays, lines=assessed.measures.lines,
        low=low[:, None] * (1.0 + np.hstack([calm, least])), high=high[:, None] * (1.0 + np.hstack([calm, most])),
        moving=moving, outside=assessed.assessment.book.layers_value + assessed.assessment.book.in_transit,
        positions=tuple(arrays.positions()), sizes=position_sizes(arrays),
    )  # fmt: skip


def _both_ways(
    assessed: Assessed, scenario: Scenario, pull: float, low: Floats, high: Floats, moves: tuple[Floats, Floats]
) -> None:
    """Widen the moves of assets whose exposure may turn, or vanish, in the box."""
    arrays = assessed.arrays
    spans: dict[str, list[float]] = {asset: [value, value] for asset, value in assessed.outside.exposures.items()}
    for item in arrays.items:
        ends = (item.delta * float(low[item.column]), item.delta * float(high[item.column]))
        span = spans.setdefault(item.asset, [0.0, 0.0])
        span[0], span[1] = span[0] + min(ends), span[1] + max(ends)
    hedged = HEDGED * max((max(abs(a), abs(b)) for a, b in spans.values()), default=0.0)
    for number, column in enumerate(arrays.columns):
        a, b = spans.get(column.asset, [0.0, 0.0])
        if a > hedged or b < -hedged:
            continue
        beta = (1.0 - pull) * float(arrays.betas[number]) * scenario.size
        moves[0][number] = min(moves[0][number], max(beta - pull * abs(scenario.size), FLOOR))
        moves[1][number] = max(moves[1][number], max(beta + pull * abs(scenario.size), FLOOR))
