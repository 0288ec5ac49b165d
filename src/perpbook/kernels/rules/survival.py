"""Survival: the moves every account must live through, with a buffer left."""

from __future__ import annotations

from typing import Any

from perpbook.kernels.jit import part
from perpbook.kernels.memory import Memory
from perpbook.kernels.rules.record import keep_at_most, record
from perpbook.kernels.state import (
    ACCOUNT_DEAD,
    SURVIVAL,
    Findings,
    Policy,
    Proposals,
    State,
)


@part
def needed_share(state: State, policy: Policy, a: int, s: int) -> Any:
    """(1 + buffer) maintenance margin over equity of account a after scenario s: it survives at or below 1.

    An account that is liquidatable as it stands survives nothing, wherever the scenario ends.
    """
    if state.accounts[a].dead:
        return float("inf")
    need = (1.0 + policy.buffer) * state.stress_maintenance[a, s]
    equity = state.stress_equity[a, s]
    if equity > 0.0:
        return need / equity
    return 0.0 if need == 0.0 and equity == 0.0 else float("inf")


@part
def account_dead(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Every account whose equity is under its maintenance margin now: a breach under any playbook."""
    for a in range(state.accounts.size):
        if state.accounts[a].dead:
            record(findings, ACCOUNT_DEAD, a, -1, float("inf"), 1.0)


@part
def survival(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Scale down, as a whole, every account that does not survive; record each one's worst scenario per group."""
    for group in range(policy.groups):
        for a in range(state.accounts.size):
            worst, where = -1.0, -1
            for s in range(policy.group.size):
                if policy.group[s] == group:
                    share = needed_share(state, policy, a, s)
                    if share > worst:
                        worst, where = share, s
            if worst > 0.0:
                record(findings, SURVIVAL, a, where, worst, 1.0)
    for i in range(state.positions.size):
        keep_at_most(proposals, i, state.accounts[state.positions[i].account].safe_scale, SURVIVAL)
