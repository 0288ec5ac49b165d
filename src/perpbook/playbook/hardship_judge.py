"""Survival with more than a move: funding that turned against every position, and books that thinned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perpbook.kernels.state import Policy, State
from perpbook.kernels.types import Flags, Floats
from perpbook.margin.assess import Assessed
from perpbook.margin.tolls import Tolls
from perpbook.model.verdict import Finding, Status
from perpbook.playbook.compile import Names
from perpbook.playbook.figures import listing, percent
from perpbook.playbook.schema import Survival
from perpbook.playbook.words import UNITS, position_name, status_of

FLIP, THIN = "survival.funding_flip", "survival.depth_loss"
HARD = (FLIP, THIN)


def hardest_rule(survival: Survival | None) -> str | None:
    """The rule that asks for everything a playbook wants survived besides moves; None where it wants moves alone."""
    if survival is None:
        return None
    return THIN if survival.depth_loss is not None else FLIP if survival.funding_flip else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One rule: what it takes of each position, dollars, which of that is not known, and how it is told."""

    rule: str
    tolls: Floats
    unknown: Flags
    what: str
    lacks: str
    hint: str


def judge_hardship(
    assessed: Assessed, state: State, policy: Policy, names: Names, survival: Survival
) -> Iterator[Finding]:
    """For each rule asked and each account that holds positions, the move after which least is left.

    Measured as `survival` is: (1 + buffer) x maintenance margin over equity, here less what the hardship takes.
    """
    if assessed.tolls is None or not assessed.scenarios:
        return
    holds = np.bincount(state.positions.account, state.positions.notional, len(names.accounts)) > 0.0
    for asked in _asked(assessed.tolls, survival):
        for account in np.flatnonzero(holds).tolist():
            yield _finding(asked, assessed, state, policy, names, account)


def _asked(tolls: Tolls, survival: Survival) -> Iterator[_Asked]:
    flipped = f"funding turned against every position for {survival.horizon}"
    if survival.funding_flip:
        yield _Asked(
            rule=FLIP, tolls=tolls.funding, unknown=tolls.rateless, what=flipped, lacks="the rate of {who} is not known",
            hint="Write funding_rate for it in the book file, or pull its funding into the lake.",
        )  # fmt: skip
    if survival.depth_loss is not None:
        thin = f"{percent(survival.depth_loss)} of the depth gone when it is closed"
        rate = "rate or depth" if survival.funding_flip else "depth"
        yield _Asked(
            rule=THIN, tolls=tolls.total, unknown=tolls.depthless | tolls.rateless,
            what=f"{flipped}, and {thin}" if survival.funding_flip else thin,
            lacks=f"the {rate} of {{who}} is not known, or ends too soon",
            hint="Write its book under the contract, with levels deep enough to close it, or hold less.",
        )  # fmt: skip


def _finding(asked: _Asked, assessed: Assessed, state: State, policy: Policy, names: Names, account: int) -> Finding:
    own, who = state.positions.account == account, names.accounts[account]
    toll = float(asked.tolls[own].sum())
    measured, worst = _needed(state, policy, account, toll)
    status, say = status_of(measured, 1.0, policy.near), UNITS["share"]
    told = f"In '{assessed.scenarios[worst].name}' with {asked.what} (${toll:,.0f}), {who} "
    told += (
        "has no equity left: it is liquidated on the way."
        if measured == float("inf")
        else f"needs {say(measured)} of its equity as margin; the most is {say(1.0)}."
    )
    lacking = np.flatnonzero(own & (asked.unknown > 0)).tolist()
    if lacking:
        rows = assessed.arrays.positions()
        some = [position_name(assessed, assessed.arrays.items[rows[one]]) for one in lacking]
        told += f" Whether that is all is unknown: {asked.lacks.format(who=listing(some))}."
        status = Status.NEAR if status is Status.OK else status
    return Finding(
        rule=asked.rule, subject=who, measured=measured, limit=1.0, unit="share", used=measured, status=status,
        sentence=told, hint=asked.hint if lacking else None,
    )  # fmt: skip


def _needed(state: State, policy: Policy, account: int, toll: float) -> tuple[float, int]:
    """The largest share of what an account has left that it needs, and in which scenario."""
    left = state.stress_equity[account] - toll
    need = (1.0 + policy.buffer) * state.stress_maintenance[account]
    if state.accounts.dead[account]:
        return float("inf"), int(np.argmin(left - need))
    shares = np.where(left > 0.0, need / np.where(left > 0.0, left, 1.0), np.inf)
    worst = int(np.argmax(shares)) if np.isfinite(shares).all() else int(np.argmin(left - need))
    return float(shares[worst] if np.isfinite(shares).all() else np.inf), worst
