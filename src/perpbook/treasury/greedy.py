"""A plan without a solver: needs by weight, then size; for each the cheapest way that is fast enough, until it is met.

Then, for critical needs, once for every failure that would leave something missing, as much again over the cheapest ways that
survive it. It keeps every limit; it is never better than the exact plan, and may be worse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.treasury.layout import CENT, Laid, lay_out, plan_of
from perpbook.treasury.task import Plan, Task


def greedy(task: Task, why: str = "as asked") -> Plan:
    """The greedy plan, with why it is one."""
    laid = lay_out(task)
    hand = Hand(laid=laid, sent=np.zeros(len(task.lanes)), reduced=np.zeros(len(task.cuts)))
    order = sorted(range(len(task.needs)), key=lambda n: (-task.needs[n].weight, -task.needs[n].dollars, n))
    for need in order:
        hand.meet(need, None)
    for failure in range(len(task.failures)):
        for need in order:
            if laid.asked[failure, need]:
                hand.meet(need, failure)
    return plan_of(laid, hand.sent, hand.reduced, method="greedy", why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """What is sent and reduced so far; it only grows."""

    laid: Laid
    sent: Floats
    reduced: Floats

    def meet(self, need: int, failure: int | None) -> None:
        """Send what is still missing of a need, now or after a failure; then reduce."""
        laid = self.laid
        lanes = [k for k in np.flatnonzero(laid.usable).tolist() if laid.need[k] == need]
        if failure is not None:
            lanes = [k for k in lanes if laid.survives[failure, k]]
        wanted = max(self._missing(need, failure), CENT)
        for lane in sorted(lanes, key=lambda k: (self._dear(k, wanted), laid.seconds[k], k)):
            missing = self._missing(need, failure)
            if missing <= 0.0:
                return
            self._send(lane, missing)
        for cut, one in enumerate(laid.task.cuts):
            goes_on = failure is None or laid.cut_survives[failure, cut]
            if one.need == need and laid.cuttable[cut] and goes_on:
                self.reduced[cut] += min(self._missing(need, failure), one.dollars - self.reduced[cut])

    def _missing(self, need: int, failure: int | None) -> float:
        laid = self.laid
        if failure is None:
            return float(laid.missing(self.sent, self.reduced)[need])
        return float(laid.missing_after(failure, self.sent, self.reduced)[need])

    def _dear(self, lane: int, dollars: float) -> float:
        """What a dollar costs over a lane that brings so many."""
        laid = self.laid
        fixed = 0.0 if self._whole(lane) > 0.0 else laid.charge[lane] / dollars
        return float(laid.rate[lane] + fixed + laid.task.waiting * laid.typical[lane])

    def _send(self, lane: int, missing: float) -> None:
        """As much over a lane as is missing and every limit leaves; nothing where that is less than its least."""
        laid, whole = self.laid, self._whole(lane)
        if laid.gain[lane] <= 0.0:
            return
        fixed = laid.fixed[lane] if whole == 0.0 else 0.0
        more = max((missing + fixed) / laid.gain[lane], laid.least[lane] - whole)
        more = min(more, laid.most[lane] - self.sent[lane])
        for limit in laid.limits:
            if lane in limit.lanes:
                more = min(more, limit.dollars - float(self.sent[list(limit.lanes)].sum()))
        arrives = laid.gain[lane] * more - fixed
        if more > CENT and whole + more >= laid.least[lane] and arrives > 0.0:
            brings = laid.brings(self.sent)
            brings[lane] += arrives
            self.sent[:] = np.where(laid.transfer == laid.transfer[lane], laid.sending(brings), self.sent)

    def _whole(self, lane: int) -> float:
        """What the transfer sends so far that a lane is part of."""
        return float(self.sent[self.laid.transfer == self.laid.transfer[lane]].sum())
