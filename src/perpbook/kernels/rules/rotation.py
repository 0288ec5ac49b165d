"""Positions that funding has turned against: closed, or moved to where the same exposure costs less."""

from __future__ import annotations

import math

from perpbook.kernels.jit import part
from perpbook.kernels.memory import Memory
from perpbook.kernels.rules.record import is_quiet, record, trim
from perpbook.kernels.state import (
    FUNDING_EXPECTED,
    FUNDING_FLIP,
    FUNDING_MOVED,
    Findings,
    Policy,
    Proposals,
    State,
)

CLOSES, ROTATES, MOVES = range(3)
"""What `Policy.funding_rotates` says of such a position: close it; close it, and open it elsewhere where that pays; do both
where that pays, and else nothing."""

ROOM = 3.0
"""Times an account's equity that its positions may come to for one to be moved there. Initial margin is not in the state; of
nearly every contract on the venues known it is less than a third of the notional below their largest tiers."""


@part
def funding_turned(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Positions that have paid too many settlements in a row since they last received, or whose contract is expected to cost
    their side too much: closed, or moved to the book's cheapest other contract in the asset, as the playbook says."""
    if policy.flip_after == 0 and policy.funding_expected == float("inf"):
        return
    for i in range(state.positions.size):
        if state.positions[i].notional > 0.0:
            measure(state, policy, findings, i)
            if turned(state, policy, i) > 0 and policy.funding_rotates != MOVES:
                trim(state, memory, proposals, i, 0.0, turned(state, policy, i))
    if policy.funding_rotates == CLOSES or proposals.no_new_risk[0]:
        return
    for i in range(state.positions.size):
        if policy.funding_rotates == MOVES:
            leaves = turned(state, policy, i) > 0 and proposals.scale[i] == 1.0 and not is_quiet(state, memory, i)
        else:
            leaves = proposals.scale[i] == 0.0 and proposals.reason[i] == turned(state, policy, i)
        if leaves and math.isnan(proposals.target[i]):
            j = cheapest(state, policy, memory, proposals, i)
            if j >= 0:
                trim(state, memory, proposals, i, 0.0, turned(state, policy, i))
                proposals.target[j] = stands(state, proposals, j) + state.positions[i].value
                proposals.reason[j] = FUNDING_MOVED


@part
def expected_cost(state: State, i: int) -> float:
    """What position i's side is expected to pay a year, a fraction of its notional; NaN unknown."""
    side = 1.0 if state.positions[i].value > 0.0 else -1.0
    return float(side * state.positions[i].expected)


@part
def turned(state: State, policy: Policy, i: int) -> int:
    """The code of the rule that position i's funding breaks, 0 for none."""
    if state.positions[i].notional == 0.0:
        return 0
    if policy.flip_after > 0 and state.positions[i].paid_in_row > policy.flip_after:
        return FUNDING_FLIP
    return FUNDING_EXPECTED if expected_cost(state, i) > policy.funding_expected else 0


@part
def measure(state: State, policy: Policy, findings: Findings, i: int) -> None:
    """Record both figures of position i, where they are known and limited."""
    paid, cost = state.positions[i].paid_in_row, expected_cost(state, i)
    if policy.flip_after > 0 and not math.isnan(paid):
        record(findings, FUNDING_FLIP, i, -1, paid, float(policy.flip_after))
    if policy.funding_expected < float("inf") and not math.isnan(cost):
        record(findings, FUNDING_EXPECTED, i, -1, max(cost, 0.0), policy.funding_expected)


@part
def cheapest(state: State, policy: Policy, memory: Memory, proposals: Proposals, i: int) -> int:
    """The other contract in position i's asset that saves most funding, where it pays for both trades in time; -1 for none.

    Nothing grows in a dead account or one without room, nor what a rule cuts now or cut a short while ago.
    """
    found, most = -1, 0.0
    side = 1.0 if state.positions[i].value > 0.0 else -1.0
    for j in range(state.positions.size):
        barred = j == i or state.positions[j].asset != state.positions[i].asset or proposals.scale[j] < 1.0
        if barred or is_quiet(state, memory, j) or state.accounts[state.positions[j].account].dead:
            continue
        saved = side * (state.positions[i].expected - state.positions[j].expected)
        cost = state.positions[i].cost + state.positions[j].cost
        pays = saved > most and saved * policy.funding_payback > cost
        if pays and has_room(state, policy, proposals, i, j):
            found, most = j, saved
    return found


@part
def stands(state: State, proposals: Proposals, k: int) -> float:
    """The signed dollars that position k is to be brought to, or is."""
    return float(state.positions[k].value if math.isnan(proposals.target[k]) else proposals.target[k])


@part
def has_room(state: State, policy: Policy, proposals: Proposals, i: int, j: int) -> bool:
    """Whether position j's account may hold position i's exposure in j: what it holds comes to at most `ROOM` times its equity
    and to its cap, or j is no larger for it."""
    account, held = state.positions[j].account, stands(state, proposals, j)
    grown = abs(held + state.positions[i].value)
    gross = grown
    for k in range(state.positions.size):
        if k != i and k != j and state.positions[k].account == account:
            gross += max(state.positions[k].notional, abs(stands(state, proposals, k)))
    most = min(ROOM, policy.account_gross) * state.accounts[account].equity
    return bool(grown <= abs(held) or gross <= most)
