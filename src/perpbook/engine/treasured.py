"""What a treasurer did in a run, told: every transfer with its wait, its cost and whether it came too late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from perpbook.engine.outcome import Outcome
from perpbook.engine.treasurer import Policy, Refused, Sent, Treasurer
from perpbook.kernels.journal import BACKSTOP, LIQUIDATION
from perpbook.treasury.gas_toll import Toll, toll_told

NO_TOP_UPS = 'the playbook never tops up accounts (margin.top_up = "never"): the treasurer keeps reserves alone'


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One transfer. waited : seconds until it arrived, None for not in the run. died_ns : the first liquidation of the account
    it went to between departure and arrival, None for none. held : what was away on its way meanwhile."""

    sent: Sent
    waited: float | None
    died_ns: int | None
    held: tuple[str, ...]

    @property
    def late(self) -> bool:
        """Whether it came too late for the account it went to."""
        return self.died_ns is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Treasured:
    """A run with a treasurer beside the same one without. refused : stretches of bars in which money was wanted and nothing left:
    the first of each, with the number of bars. gas : by layer whose base fees of the past were paid, which series."""

    policy: Policy
    moves: tuple[Moved, ...]
    refused: tuple[tuple[Refused, int], ...]
    without: Outcome
    notes: tuple[str, ...] = ()
    gas: Mapping[str, str] = field(default_factory=dict)

    @property
    def dollars(self) -> float:
        """What was sent."""
        return sum(one.sent.dollars for one in self.moves)

    @property
    def cost(self) -> float:
        """Fees and gas."""
        return sum(one.sent.fee + one.sent.gas for one in self.moves)

    @property
    def late(self) -> int:
        """Transfers that came too late."""
        return sum(one.late for one in self.moves)

    @property
    def waits(self) -> list[float]:
        """Seconds of those that arrived, the shortest first."""
        return sorted(one.waited for one in self.moves if one.waited is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An incident gone through: the run with the treasurer and what that did, or `why` it could not be gone through."""

    name: str
    title: str
    outcome: Outcome | None = None
    treasured: Treasured | None = None
    why: str = ""
    notes: tuple[str, ...] = ()


def treasured_of(treasurer: Treasurer, outcome: Outcome, without: Outcome) -> Treasured:
    """Tell a finished run."""
    toll = treasurer.courier.toll or Toll(facts=treasurer.courier.sky.facts)
    never = [] if treasurer.policy.tops_up else [NO_TOP_UPS]
    return Treasured(
        policy=treasurer.policy,
        moves=tuple(_moved(treasurer, outcome, one) for one in treasurer.sent),
        refused=stretches(treasurer.refused),
        without=without,
        gas={layer: "; ".join(one.words for one in series) for layer, series in toll.past.fees.items()},
        notes=(*never, *toll_told(toll, [(one.left, one.way.hops) for one in treasurer.sent])),
    )


def named_ways(treasurer: Treasurer, outcome: Outcome) -> Outcome:
    """The outcome with the ways of its transfers as reasons of the journal."""
    words = {code: f"sent over {way}" for way, code in treasurer.reasons.items()}
    return replace(outcome, reasons={**outcome.reasons, **words})


def deaths_by_account(outcome: Outcome) -> dict[str, int]:
    """By account that was liquidated, the bar of the first time."""
    out: dict[str, int] = {}
    for tick, kind, account, *_ in outcome.what.tolist():
        if kind in (LIQUIDATION, BACKSTOP):
            out.setdefault(outcome.arrangement.accounts[account].id, tick)
    return out


def _moved(treasurer: Treasurer, outcome: Outcome, sent: Sent) -> Moved:
    ids = [one.id for one in outcome.arrangement.accounts]
    died = None
    if sent.destination in ids:
        what = outcome.what
        killed = np.isin(what[:, 1], (LIQUIDATION, BACKSTOP)) & (what[:, 2] == ids.index(sent.destination))
        ticks = what[killed, 0]
        ticks = ticks[(ticks > sent.bar) & (ticks < sent.due)]
        died = int(outcome.bars.open_ns[ticks.min()]) if ticks.size else None
    arrived = sent.due < outcome.ended
    return Moved(
        sent=sent,
        waited=sent.arrives - sent.left if arrived else None,
        died_ns=died,
        held=treasurer.courier.held_by(sent.way, sent.left, sent.arrives),
    )


def stretches(refused: list[Refused]) -> tuple[tuple[Refused, int], ...]:
    """The first of every row of bars in which the same was refused to the same place, and how many they are."""
    out: list[tuple[Refused, int]] = []
    last: dict[tuple[str, str], tuple[int, int]] = {}
    for one in refused:
        key = (one.place, one.why)
        if key in last and one.bar - last[key][1] <= 1:
            at = last[key][0]
            out[at] = (out[at][0], out[at][1] + (one.bar > last[key][1]))
        else:
            at = len(out)
            out.append((one, 1))
        last[key] = (at, one.bar)
    return tuple(out)
