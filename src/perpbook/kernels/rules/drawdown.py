"""Guardrails over time: what a day or a week may lose before everything stops."""

from __future__ import annotations

from perpbook.kernels.jit import kernel
from perpbook.kernels.memory import FOREVER, Memory, next_day_ns, next_week_ns
from perpbook.kernels.rules.record import keep_at_most, record
from perpbook.kernels.state import DAILY_DRAWDOWN, WEEKLY_DRAWDOWN, Findings, Policy, Proposals, State


@kernel
def drawdown(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Measure the loss since the day and the week began; past a cap halt until re-armed, and flatten if so written.

    Without a known start nothing is measured: a single look has no history.
    """
    now_ns, reason = state.book[0].now_ns, DAILY_DRAWDOWN
    if lost_too_much(state, policy.daily_drawdown, memory.day_start[0], DAILY_DRAWDOWN, findings):
        halt(policy, memory, next_day_ns(now_ns))
    if lost_too_much(state, policy.weekly_drawdown, memory.week_start[0], WEEKLY_DRAWDOWN, findings):
        halt(policy, memory, next_week_ns(now_ns))
        reason = WEEKLY_DRAWDOWN
    if now_ns < memory.halted_until_ns[0]:
        proposals.no_new_risk[0] = 1
        if policy.drawdown_flattens:
            for i in range(state.positions.size):
                keep_at_most(proposals, i, 0.0, reason)


@kernel
def lost_too_much(state: State, cap: float, start: float, code: int, findings: Findings) -> bool:
    """Record the share of `start` that is lost; True when it is over the cap."""
    if cap == float("inf") or not start > 0.0:
        return False
    lost = 1.0 - state.book[0].equity / start
    record(findings, code, 0, -1, max(lost, 0.0), cap)
    return lost > cap


@kernel
def halt(policy: Policy, memory: Memory, until_ns: int) -> None:
    """Halt until then, or until somebody re-arms; an earlier, longer halt stands."""
    if policy.rearm_by_hand:
        until_ns = FOREVER
    memory.halted_until_ns[0] = max(memory.halted_until_ns[0], until_ns)
