"""Profit that must be taken: a ladder of gains, each closing a share once."""

from __future__ import annotations

from perpbook.kernels.jit import kernel
from perpbook.kernels.memory import Memory
from perpbook.kernels.rules.record import keep_at_most, record
from perpbook.kernels.state import TAKE_PROFIT, Findings, Policy, Proposals, State


@kernel
def take_profit(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Close the share of every step reached and not yet taken, each of what the one before left.

    Steps are counted as taken in `remember_steps`, once it is known that this rule had its way.
    """
    steps = policy.profit_gain.size
    for i in range(state.positions.size):
        gain, keep = state.positions[i].gain, 1.0
        for k in range(memory.steps_taken[i], steps):
            if state.positions[i].notional > 0.0 and gain >= policy.profit_gain[k]:
                record(findings, TAKE_PROFIT, i, k, gain, policy.profit_gain[k])
                keep *= 1.0 - policy.profit_close[k]
        if keep < 1.0:
            keep_at_most(proposals, i, keep, TAKE_PROFIT)


@kernel
def remember_steps(state: State, policy: Policy, memory: Memory) -> None:
    """Count steps that were reached; an empty position starts its ladder again."""
    for i in range(state.positions.size):
        if state.positions[i].notional == 0.0:
            memory.steps_taken[i] = 0
        while (
            memory.steps_taken[i] < policy.profit_gain.size
            and state.positions[i].notional > 0.0
            and state.positions[i].gain >= policy.profit_gain[memory.steps_taken[i]]
        ):
            memory.steps_taken[i] += 1
