"""Profit that must be taken: a ladder of gains, each closing a share once."""

from __future__ import annotations

from perpbook.kernels.jit import part
from perpbook.kernels.memory import Memory
from perpbook.kernels.rules.record import keep_at_most, record
from perpbook.kernels.state import TAKE_PROFIT, Findings, Policy, Proposals, State


@part
def steps_reached(state: State, policy: Policy, memory: Memory, i: int) -> int:
    """How many steps of its ladder position i has now reached, those taken before included; none when it is empty."""
    if state.positions[i].notional == 0.0:
        return 0
    step = memory.steps_taken[i]
    while step < policy.profit_gain.size and state.positions[i].gain >= policy.profit_gain[step]:
        step += 1
    return int(step)


@part
def take_profit(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Close the share of every step reached and not yet taken, each of what the one before left.

    Records the highest. A cooldown does not hold it back: a step is reached once.
    """
    for i in range(state.positions.size):
        reached, keep = steps_reached(state, policy, memory, i), 1.0
        if reached <= memory.steps_taken[i]:
            continue
        record(findings, TAKE_PROFIT, i, -1, state.positions[i].gain, policy.profit_gain[reached - 1])
        for step in range(memory.steps_taken[i], reached):
            keep *= 1.0 - policy.profit_close[step]
        keep_at_most(proposals, i, keep, TAKE_PROFIT)
