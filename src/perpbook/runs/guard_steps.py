"""Steps of the profit ladder, judged live: the backtest's own rule, on what the guard's journal says was taken."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from perpbook.guard.ladder import NOTHING, Taken, step_of
from perpbook.guard.view import View, WantedLeg
from perpbook.kernels.memory import Memory, empty_memory
from perpbook.kernels.rules.profit import steps_reached, take_profit
from perpbook.kernels.state import empty_findings, no_proposals
from perpbook.kernels.types import Floats
from perpbook.margin.arrays import Item, fee_to_close, slippage
from perpbook.model.action import Step
from perpbook.model.alert import Alert, Severity
from perpbook.runs.check import CheckResult

if TYPE_CHECKING:
    from perpbook.playbook.decision import Decision
    from perpbook.playbook.schema import Playbook

Pair = tuple[str, str]
"""Account and symbol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """What a position must close by its ladder now. after : what is left of it, and the dollars that closing costs."""

    pair: Pair
    step: Step
    reason: str
    after: tuple[float, float]


def steps_taken(view: View, playbook: Playbook) -> dict[Pair, int]:
    """How many steps every position has taken; all of them where that is not known, so that none is open."""
    gains = gains_of(playbook)
    return {pair: counted(taken, gains) for pair, taken in view.desk.ladders.items()}


def steps_at_first(view: View, result: CheckResult, playbook: Playbook) -> dict[Pair, float]:
    """Of positions whose ladder is not known yet, the gain of the highest step that they have reached, 0 for none."""
    decision, gains = result.decision, (0.0, *gains_of(playbook))
    memory = empty_memory(decision.state.positions.size)
    return {
        pair: gains[steps_reached(decision.state, decision.policy, memory, k)]
        for k, (pair, _) in enumerate(positions_of(result))
        if len(gains) > 1 and view.desk.ladders.get(pair, NOTHING).gain is None
    }


def takings(view: View, result: CheckResult, playbook: Playbook) -> Iterator[Taking]:
    """What every position must close now: its steps reached and not taken, and what is owed of those begun before."""
    gains, places = gains_of(playbook), positions_of(result)
    if not gains or not places:
        return
    ladders = [view.desk.ladders.get(pair, NOTHING) for pair, _ in places]
    memory = empty_memory(len(places))
    memory.steps_taken[:] = [counted(taken, gains) for taken in ladders]
    keep = kept(result.decision, memory)
    for k, ((pair, item), taken) in enumerate(zip(places, ladders, strict=True)):
        assert item.position is not None
        reached = steps_reached(result.decision.state, result.decision.policy, memory, k)
        new = gains[reached - 1] if reached > memory.steps_taken[k] else 0.0
        held = item.position.quantity
        step = step_of(taken, held, new, float(keep[k]))
        if step is not None:
            share = min(abs(step.quantity / held), 1.0)
            cost = fee_to_close(item, result.assessed.arrays.prices) * share + slippage(item, share)
            gained = float(result.decision.state.positions["gain"][k])
            yield Taking(
                pair=pair, step=step, reason=reason(pair, gained, step, share, is_new=new > 0.0),
                after=(held * (1.0 - share), cost),
            )  # fmt: skip


def kept(decision: Decision, memory: Memory) -> Floats:
    """(n,) the share of every position that the rule alone keeps."""
    found = no_proposals(decision.state)
    take_profit(decision.state, decision.policy, memory, empty_findings(decision.state, decision.policy), found)
    return np.asarray(found.scale, dtype=np.float64)


def with_step(leg: WantedLeg, found: Sequence[Taking]) -> WantedLeg:
    """A leg of a higher rule; where it closes no less than a step asks for, it takes the step."""
    for one in found:
        is_its = one.pair == (leg.account, leg.symbol) and one.step.quantity * leg.quantity > 0.0
        if is_its and abs(leg.quantity) >= abs(one.step.quantity):
            return replace(leg, step=one.step)
    return leg


def step_alerts(view: View, playbook: Playbook) -> Iterator[Alert]:
    """Positions of which it is not known whether steps were taken before the journal began."""
    for (account, symbol), taken in view.desk.ladders.items() if gains_of(playbook) else ():
        if taken.unseen > 0.0:
            sentence = (
                f"{symbol} on {account} had reached its step at {taken.unseen:.1%} when it was first seen: whether that was "
                "taken is not known, and the guard does not take it; higher ones are open."
            )
            yield Alert(
                kind="unknown.steps", severity=Severity.WARN, at_ns=view.now_ns, sentence=sentence,
                account=account, symbol=symbol,
            )  # fmt: skip


def gains_of(playbook: Playbook) -> tuple[float, ...]:
    """The gains of the ladder's steps, rising."""
    return tuple(one.gain for one in playbook.guardrails.take_profit) if playbook.guardrails else ()


def counted(taken: Taken, gains: Sequence[float]) -> int:
    """How many of these steps are taken: those up to the highest gain that was."""
    highest = math.inf if taken.gain is None else taken.gain
    return sum(gain <= highest for gain in gains)


def reason(pair: Pair, gained: float, step: Step, share: float, *, is_new: bool) -> str:
    """A sentence."""
    if is_new:
        return f"{pair[1]} on {pair[0]} has gained {gained:.1%}: at {step.gain:.1%} profit is taken, {share:.1%} of it."
    return f"{pair[1]} on {pair[0]}: what is left of its step at {step.gain:.1%}."


def positions_of(result: CheckResult) -> list[tuple[Pair, Item]]:
    """Account and symbol of every position, in the order of the decision's state."""
    arrays = result.assessed.arrays
    items = [arrays.items[row] for row in arrays.positions()]
    return [((arrays.accounts[one.account].id, one.position.symbol if one.position else ""), one) for one in items]
