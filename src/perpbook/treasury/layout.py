"""A task as arrays: what each lane lets through, what arrives of it, what every failure leaves, which limits lanes share.

What counts of `x` dollars sent over an open lane is `gain x - fixed`: fees are taken from the money itself. It costs
`rate x + charge`. Lanes that are one transfer bear its fixed charge by what each sends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from perpbook.kernels.types import Flags, Floats, Integers
from perpbook.treasury.task import Cut, Failure, Lane, Plan, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Most dollars that `lanes` send together, and in words what sets it."""

    kind: str
    name: str
    lanes: tuple[int, ...]
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """L lanes, N needs, C cuts, F failures. `usable` (L,), `cuttable` (C,): counts for its need. `most` (L,) dollars, what brings
    the whole need at most (more over one lane is of no use), 0 where not usable; `alone` the same with no limit but the lane's
    own. `transfer` (L,): the first of the lanes that it is one transfer with. `survives` (F, L), `cut_survives` (F, C): goes on
    after it. `asked` (F, N): must still be met after it."""

    task: Task
    usable: Flags
    cuttable: Flags
    gain: Floats
    fixed: Floats
    charge: Floats
    rate: Floats
    least: Floats
    most: Floats
    alone: Floats
    seconds: Floats
    typical: Floats
    need: Floats
    transfer: Integers
    survives: Flags
    cut_survives: Flags
    asked: Flags
    limits: tuple[Limit, ...]

    def arriving(self, sent: Floats, alive: Flags | None = None) -> Floats:
        """(N,) dollars that reach each need in time, over the lanes that are `alive`."""
        through = self.brings(sent)
        if alive is not None:
            through = through * alive
        out = np.zeros(len(self.task.needs))
        np.add.at(out, self.need.astype(np.int64), through)
        return out

    def borne(self, parts: Floats) -> Floats:
        """(L,) the share of its transfer's fixed charge that each lane bears, by its part of what that sends, or brings."""
        if not self.task.together:
            return (parts > 0.0).astype(np.float64)
        whole = np.bincount(self.transfer, parts, minlength=parts.size)[self.transfer]
        out: Floats = np.divide(parts, whole, out=np.zeros(parts.size), where=whole > 0.0)
        return out

    def brings(self, sent: Floats) -> Floats:
        """(L,) dollars that count for each lane's need."""
        out: Floats = self.gain * sent - self.fixed * self.borne(sent)
        return out

    def sending(self, brings: Floats) -> Floats:
        """(L,) dollars to send so that each lane brings so much: `brings` the other way."""
        out: Floats = (brings + self.fixed * self.borne(brings)) / np.maximum(self.gain, LEAST_GAIN)
        return out

    def missing(self, sent: Floats, reduced: Floats) -> Floats:
        """(N,) dollars missing of each need."""
        return self._missing(self.arriving(sent), reduced)

    def missing_after(self, failure: int, sent: Floats, reduced: Floats) -> Floats:
        """(N,) dollars missing after a failure, of needs that must be met after it. reduced : (C,) by then."""
        left = self._missing(self.arriving(sent, self.survives[failure]), reduced * self.cut_survives[failure])
        out: Floats = left * self.asked[failure]
        return out

    def reduced_after(self, failure: int, sent: Floats, reduced: Floats) -> Floats:
        """(C,) dollars reduced beside after a failure: what is missing then, as far as cuts that survive it go, the cheapest
        first."""
        missing, out = self.missing_after(failure, sent, reduced), np.zeros(len(self.task.cuts))
        for cut in sorted(range(out.size), key=lambda k: (self.task.cuts[k].rate, k)):
            one = self.task.cuts[cut]
            if self.cuttable[cut] and self.cut_survives[failure, cut]:
                out[cut] = min(missing[one.need], one.dollars - reduced[cut])
                missing[one.need] -= out[cut]
        return out

    def _missing(self, arriving: Floats, reduced: Floats) -> Floats:
        wanted = np.array([one.dollars for one in self.task.needs])
        of = np.array([one.need for one in self.task.cuts], dtype=np.int64)
        less = np.zeros(wanted.size)
        np.add.at(less, of, reduced)
        left = wanted - arriving - less
        out: Floats = np.where(left > CENT, np.minimum(left, wanted), 0.0)
        return out


CENT = 0.01
"""Dollars below which nothing is missing."""

LEAST_GAIN = 0.01
"""A lane that brings less of a dollar carries nothing."""


def lay_out(task: Task) -> Laid:
    """Lay a task out; lanes that arrive too late or have an unknown figure carry nothing."""
    lanes, needs = task.lanes, task.needs
    limits = tuple(_limits(task))
    most = np.array([min(one.most, task.spares[one.spare].dollars) for one in lanes], dtype=np.float64)
    for limit in limits:
        for number in limit.lanes:
            most[number] = min(most[number], limit.dollars)
    usable = np.array([_counts(one, task, most[k]) for k, one in enumerate(lanes)], dtype=np.uint8)
    rate = np.array([one.rate + one.converts for one in lanes], dtype=np.float64)
    worth = np.array([one.worth for one in lanes], dtype=np.float64)
    fixed, gain = np.array([one.fixed for one in lanes], dtype=np.float64) * worth, (1.0 - rate) * worth
    least, wanted = np.array([one.least for one in lanes]), np.array([needs[one.need].dollars for one in lanes])
    most = np.minimum(most, np.maximum(least, (wanted + fixed) / np.maximum(gain, LEAST_GAIN)))
    return Laid(
        task=task,
        usable=usable,
        cuttable=np.array([one.seconds <= needs[one.need].seconds for one in task.cuts], dtype=np.uint8),
        gain=gain,
        fixed=fixed,
        charge=np.array([one.fixed for one in lanes], dtype=np.float64),
        rate=rate,
        least=least,
        most=np.where(usable > 0, most, 0.0),
        alone=np.where(usable > 0, [one.most for one in lanes], 0.0),
        seconds=np.array([one.seconds for one in lanes], dtype=np.float64),
        typical=np.array([one.typical for one in lanes], dtype=np.float64),
        need=np.array([one.need for one in lanes], dtype=np.float64),
        transfer=_transfers(task),
        survives=_flags([[_goes_on(one, fail, task) for one in lanes] for fail in task.failures], len(lanes)),
        cut_survives=_flags([[_cut_goes_on(one, fail) for one in task.cuts] for fail in task.failures], len(task.cuts)),
        asked=_flags(
            [[one.critical and one.place not in fail.places for one in needs] for fail in task.failures], len(needs)
        ),
        limits=limits,
    )


def _transfers(task: Task) -> Integers:
    out: Integers = np.arange(len(task.lanes), dtype=np.int64)
    for together in task.together:
        assert len({replace(task.lanes[k], number=0, need=0) for k in together}) == 1, "one transfer goes one way"
        out[list(together)] = together[0]
    return out


def _flags(rows: list[list[bool]], width: int) -> Flags:
    out: Flags = np.array(rows, dtype=np.uint8).reshape(len(rows), width)
    return out


def _counts(lane: Lane, task: Task, most: float) -> bool:
    brings = (1.0 - lane.rate - lane.converts) * lane.worth >= LEAST_GAIN
    return (
        brings and not lane.unknown and lane.seconds <= task.needs[lane.need].seconds and max(lane.least, CENT) <= most
    )


def _goes_on(lane: Lane, failure: Failure, task: Task) -> bool:
    return not lane.domains & failure.domains and task.spares[lane.spare].place not in failure.places


def _cut_goes_on(cut: Cut, failure: Failure) -> bool:
    return not cut.domains & failure.domains


def _limits(task: Task) -> Iterator[Limit]:
    """Every limit that some lane feels: what a place can give, what a route takes, what may be under way by risk class, what
    goes at once over a way that several needs share."""
    for number, spare in enumerate(task.spares):
        lanes = tuple(one.number for one in task.lanes if one.spare == number)
        if lanes:
            yield Limit(
                kind="spare", name=f"what {spare.place} can spare in {spare.asset}", lanes=lanes, dollars=spare.dollars
            )
    for name, dollars in task.pipes.items():
        lanes = tuple(one.number for one in task.lanes if name in one.pipes)
        if lanes:
            yield Limit(kind="pipe", name=f"the limit of {name}", lanes=lanes, dollars=dollars)
    for risk, dollars in task.in_flight.items():
        lanes = tuple(one.number for one in task.lanes if one.risk == risk)
        if lanes:
            yield Limit(kind="risk", name=f"the most under way over {risk} routes", lanes=lanes, dollars=dollars)
    for lanes in task.together:
        if np.isfinite(most := task.lanes[lanes[0]].most):
            yield Limit(kind="transfer", name=f"the most over {task.lanes[lanes[0]].words}", lanes=lanes, dollars=most)


def plan_of(
    laid: Laid, sent: Floats, reduced: Floats, *, method: str, why: str = "", binds: tuple[str, ...] = ()
) -> Plan:
    """The plan that sends and reduces so much, reckoned from the task alone; after a failure as much more is reduced as is
    missing then and can be."""
    task, going = laid.task, sent > 0.0
    rates = np.array([one.rate for one in task.cuts], dtype=np.float64)
    after = {one.name: laid.reduced_after(f, sent, reduced) for f, one in enumerate(task.failures)}
    short = {one.name: laid.missing_after(f, sent, reduced + after[one.name]) for f, one in enumerate(task.failures)}
    return Plan(
        sent=sent,
        reduced=reduced,
        short=laid.missing(sent, reduced),
        short_after=short,
        cost=float(laid.rate @ sent) + float(laid.charge @ laid.borne(sent)) + float(rates @ reduced),
        waiting_cost=task.waiting * float(laid.typical[going] @ sent[going]),
        slowest_seconds=float(laid.seconds[going].max(initial=0.0)),
        method=method,
        why=why,
        binds=binds,
        reduced_after=after,
    )
