"""A plan tried: every transfer's arrival is drawn, and how often each need is met by its deadline is counted against the promise.

Hops are independent of one another; a route that two transfers share takes as long for both; outages hold what they hold. The
draws are to be others than those that the plan was made from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.treasury.conditions import Conditions
from perpbook.treasury.law import drawn_by
from perpbook.treasury.layout import CENT, Laid, lay_out
from perpbook.treasury.network import Network
from perpbook.treasury.task import Plan
from perpbook.treasury.ways import Chance, Traffic

Z975 = 1.959963984540054
DRAWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`count` of `draws`, with the 95 % interval of Wilson (1927)."""

    count: int
    draws: int

    @property
    def value(self) -> float:
        """The share itself."""
        return self.count / self.draws

    @property
    def interval(self) -> tuple[float, float]:
        """Low and high."""
        p, n, z = self.value, self.draws, Z975
        middle, width = p + z * z / (2 * n), z * math.sqrt(p * (1.0 - p) / n + z * z / (4 * n * n))
        return (middle - width) / (1.0 + z * z / n), (middle + width) / (1.0 + z * z / n)

    def keeps(self, promise: float) -> bool:
        """Whether it is not shown to be less than promised."""
        return self.interval[1] >= promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One need: in how many draws what the plan promises it is there in time; by when it is there, seconds, in half of the draws
    and in the promised share (inf: not while anybody looks). None of it where nothing is sent."""

    need: int
    share: Share
    typical: float
    promised: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """All needs that something is sent for; `moves`: by lane that sends, how often it is in time."""

    needs: tuple[Tried, ...]
    moves: dict[int, Share]
    promise: float

    @property
    def kept(self) -> bool:
        """Whether no need's promise is shown to fail."""
        return all(one.share.keeps(self.promise) for one in self.needs)

    @property
    def broken(self) -> tuple[int, ...]:
        """Needs whose promise fails."""
        return tuple(one.need for one in self.needs if not one.share.keeps(self.promise))


def try_plan(network: Network, plan: Plan, conditions: Conditions, chance: Chance, promise: float) -> Trial:
    """Draw the arrivals of a plan and count."""
    laid, traffic = lay_out(network.task), Traffic(conditions=conditions, chance=chance)
    going = np.flatnonzero(plan.sent > 0.0).tolist()
    arrivals = {lane: traffic.arrivals(network.ways[lane]) for lane in going}
    size = max((one.size for one in arrivals.values()), default=1)
    arrivals = {lane: np.resize(one, size) for lane, one in arrivals.items()}
    needs, moves = network.task.needs, {}
    for lane, seconds in arrivals.items():
        moves[lane] = Share(count=int((seconds <= needs[network.task.lanes[lane].need].seconds).sum()), draws=size)
    tried = []
    for need, one in enumerate(needs):
        mine = [lane for lane in going if network.task.lanes[lane].need == need]
        if mine:
            met = met_after(laid, plan, need, [arrivals[lane] for lane in mine], mine)
            share = Share(count=int((met <= one.seconds).sum()), draws=size)
            half, most = (drawn_by(met, at) for at in (0.5, promise))
            tried.append(Tried(need=need, share=share, typical=half, promised=most))
    return Trial(needs=tuple(tried), moves=moves, promise=promise)


def met_after(laid: Laid, plan: Plan, need: int, arrivals: Sequence[Floats], lanes: Sequence[int]) -> Floats:
    """(draws,) when as much has arrived as the plan promises a need, what positions are reduced by aside; inf: never."""
    reduced = sum(float(plan.reduced[k]) for k, cut in enumerate(laid.task.cuts) if cut.need == need)
    wanted = laid.task.needs[need].dollars - float(plan.short[need]) - reduced - CENT
    amounts = laid.brings(plan.sent)[list(lanes)]
    seconds = np.stack(arrivals)
    order = np.argsort(seconds, axis=0, kind="stable")
    there = np.cumsum(amounts[order], axis=0) >= wanted
    last = np.where(there.any(axis=0), there.argmax(axis=0), -1)
    ranked = np.take_along_axis(seconds, order, axis=0)
    out: Floats = np.where(last >= 0, ranked[last, np.arange(seconds.shape[1])], np.inf)
    return out
