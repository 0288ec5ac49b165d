"""Which steps of the profit ladder a position has taken: a part of the desk, changed by records alone.

A step counts as taken from the first order that is written down for it, and no more where all its orders came to nothing. What
those orders were for and did not trade stays owed, until somebody else changes the position. A position that is seen closed or
turned over starts its ladder again, as in a backtest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from perpbook.guard.case import NEAR, Case, Ticket, same
from perpbook.model.action import Leg, Proposal, Step

TAKE_PROFIT = "guardrails.take_profit"
"""The rule of steps."""
Pair = tuple[str, str]
"""Account and symbol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a position has taken. gain : of the highest step, 0 for none; None: the position is older than the journal, and was
    not looked at yet.  owed : what is left to trade of steps that were begun, signed.  unseen : of the highest step that was
    reached at the first look, 0 for none: whether those were taken is not known.  digest : of the proposal that took the last
    one, `before` : gain and owed until then."""

    gain: float | None = 0.0
    owed: float = 0.0
    unseen: float = 0.0
    digest: str = ""
    before: tuple[float | None, float] = (0.0, 0.0)


Ladders = dict[Pair, Taken]
NOTHING = Taken()


def step_of(taken: Taken, held: float, reached: float, keep: float) -> Step | None:
    """What is to be traded of a position now: what is owed, and of the rest all but `keep` for steps not yet taken, the highest
    at a gain of `reached` (0 for none). None for nothing, and where it is not known what was taken."""
    if taken.gain is None:
        return None
    quantity = taken.owed - (1.0 - keep) * (held + taken.owed)
    return Step(gain=max(reached, taken.gain), quantity=quantity) if quantity * held < 0.0 else None


def refuses(ladders: Mapping[Pair, Taken], proposal: Proposal) -> str:
    """Why a proposal to take profit may not begin: its steps were taken since it was made."""
    for leg in proposal.legs if proposal.rule == TAKE_PROFIT else ():
        taken = ladders.get((leg.account, leg.symbol), NOTHING)
        is_new = leg.step is not None and taken.gain is not None and leg.step.gain > taken.gain
        if not is_new and (taken.owed * leg.quantity <= 0.0 or abs(leg.quantity) > abs(taken.owed) * (1.0 + NEAR)):
            return f"its step of {leg.symbol} on {leg.account} was taken since"
    return ""


def looked(ladders: Ladders, pair: Pair, gain: float) -> None:
    """A position that was there before the journal was looked at, and had reached this step (0 for none)."""
    ladders[pair] = Taken(gain=gain, unseen=gain)


def shown(
    ladders: Ladders, account: str, before: Mapping[str, float] | None, now: Mapping[str, float], ours: Collection[str]
) -> None:
    """An account's positions were written down. before : as they were, None for never.  ours : symbols that the guard's own
    orders changed, or are changing."""
    if before is None:
        ladders.update({(account, symbol): Taken(gain=None) for symbol in now})
        return
    for symbol in sorted({*before, *now}):
        pair, was, held = (account, symbol), before.get(symbol, 0.0), now.get(symbol, 0.0)
        if was * held <= 0.0:
            ladders.pop(pair, None)
        elif pair in ladders and symbol not in ours and not same(was, held):
            ladders[pair] = replace(ladders[pair], owed=0.0, before=(ladders[pair].before[0], 0.0))


def begun(ladders: Ladders, case: Case, leg: Leg) -> None:
    """An order of a leg was written down."""
    pair, step = (leg.account, leg.symbol), leg.step
    taken = ladders.get(pair, NOTHING)
    if step is not None and step.gain > (taken.gain or 0.0):
        ladders[pair] = replace(
            taken, gain=step.gain, owed=step.quantity, digest=case.digest, before=(taken.gain, taken.owed)
        )


def traded(ladders: Ladders, leg: Leg, change: float) -> None:
    """An order of a leg traded so much more, signed."""
    pair, step = (leg.account, leg.symbol), leg.step
    taken = ladders.get(pair)
    if step is None or taken is None or change == 0.0:
        return
    left = taken.owed - change
    is_owed = left * taken.owed > 0.0 and abs(left) > NEAR * abs(step.quantity)
    ladders[pair] = replace(taken, gain=max(taken.gain or 0.0, step.gain), owed=left if is_owed else 0.0)


def closed(ladders: Ladders, case: Case, tickets: list[Ticket]) -> None:
    """A proposal is done with: a step of which nothing was traded was not taken."""
    for index, leg in enumerate(case.proposal.legs):
        taken = ladders.get((leg.account, leg.symbol))
        if taken is None or taken.digest != case.digest:
            continue
        if all(one.filled == 0.0 for one in tickets if one.leg == index):
            gain, owed = taken.before
            ladders[leg.account, leg.symbol] = Taken(gain=gain, owed=owed, unseen=taken.unseen)
