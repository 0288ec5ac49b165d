"""Positions that funding has turned against: closed, or moved to where the same exposure costs less."""

from __future__ import annotations

import math

from perpbook.kernels.jit import lean
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


@lean
def funding_turned(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Close a position that has paid too many settlements in a row since it last received, or whose contract is expected to
    cost its side too much; and where the playbook says so, open it again in the book's cheapest other contract in the asset."""
    if policy.flip_after == 0 and policy.funding_expected == float("inf"):
        return
    for i in range(state.positions.size):
        if state.positions[i].notional > 0.0:
            has_flipped(state, policy, memory, findings, proposals, i)
            is_dear(state, policy, memory, findings, proposals, i)
    if policy.funding_rotates == 0 or proposals.no_new_risk[0]:
        return
    for i in range(state.positions.size):
        turned = proposals.reason[i] == FUNDING_FLIP or proposals.reason[i] == FUNDING_EXPECTED
        if turned and proposals.scale[i] == 0.0:
            j = cheapest(state, policy, memory, proposals, i)
            if j >= 0:
                held = proposals.target[j] if not math.isnan(proposals.target[j]) else state.positions[j].value
                proposals.target[j], proposals.reason[j] = held + state.positions[i].value, FUNDING_MOVED


@lean
def has_flipped(
    state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals, i: int
) -> None:
    """Close position i once it has paid more settlements in a row than it may."""
    paid = state.positions[i].paid_in_row
    if policy.flip_after > 0 and not math.isnan(paid):
        record(findings, FUNDING_FLIP, i, -1, paid, float(policy.flip_after))
        if paid > policy.flip_after:
            trim(state, memory, proposals, i, 0.0, FUNDING_FLIP)


@lean
def is_dear(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals, i: int) -> None:
    """Close position i where its side is expected to pay more a year than it may."""
    expected = state.positions[i].expected
    if policy.funding_expected < float("inf") and not math.isnan(expected):
        cost = expected if state.positions[i].value > 0.0 else -expected
        record(findings, FUNDING_EXPECTED, i, -1, max(cost, 0.0), policy.funding_expected)
        if cost > policy.funding_expected:
            trim(state, memory, proposals, i, 0.0, FUNDING_EXPECTED)


@lean
def cheapest(state: State, policy: Policy, memory: Memory, proposals: Proposals, i: int) -> int:
    """The other contract in position i's asset that saves most funding, where it pays for both trades in time; -1 for none.

    Nothing grows in a dead account, nor what a rule cuts now or cut a short while ago.
    """
    found, most = -1, 0.0
    side = 1.0 if state.positions[i].value > 0.0 else -1.0
    for j in range(state.positions.size):
        barred = j == i or state.positions[j].asset != state.positions[i].asset or proposals.scale[j] < 1.0
        if barred or is_quiet(state, memory, j) or state.accounts[state.positions[j].account].dead:
            continue
        saved = side * (state.positions[i].expected - state.positions[j].expected)
        cost = state.positions[i].cost + state.positions[j].cost
        if saved > most and saved * policy.funding_payback > cost:
            found, most = j, saved
    return found
