"""Hold: constant weights, entered once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.model.bars import Bars
from perpbook.strategies.bounds import MOST_GROSS, within
from perpbook.strategies.changes import Wish, fresh_bars, table_of
from perpbook.strategies.table import Leg, TargetTable


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOptions:
    """`weights` signed shares of book equity, one per leg in their order; left out, 1.0 is shared out equally, long."""

    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for weight in self.weights:
            within("a weight", weight, -MOST_GROSS, MOST_GROSS, "share of book equity")


def hold(bars: Bars, legs: Sequence[Leg], options: HoldOptions = HoldOptions()) -> TargetTable:
    """Each leg's weight at the first bar at which it trades, and never again.

    Between rebalances weights drift with prices; a playbook's rebalance rule brings them back.
    """
    weights = options.weights or (1.0 / max(len(legs), 1),) * len(legs)
    if len(weights) != len(legs):
        raise InputError(f"weights has {len(weights)} numbers for {len(legs)} legs: give one per leg, in their order")
    wishes = []
    for number, leg in enumerate(legs):
        at = fresh_bars(bars, leg)[:1]
        wishes.append(Wish(leg=number, bar=at, exposure=np.full(at.size, weights[number])))
    return table_of(legs, wishes)
