"""Guardrails over time: what a day or a week may lose before everything stops."""

from __future__ import annotations

from perpbook.kernels.jit import part
from perpbook.kernels.memory import FOREVER, Memory, next_day_ns, next_week_ns
from perpbook.kernels.rules.record import keep_at_most, record
from perpbook.kernels.state import DAILY_DRAWDOWN, WEEKLY_DRAWDOWN, Findings, Policy, Proposals, State

ROUNDING = 1e-12
"""Share of the start: the same equity, added up in another order, is no loss."""


@part
def drawdown(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Measure the loss since the day and the week began; past a cap halt until re-armed, and flatten if so written.

    Without a known start nothing is measured: a single look has no history.
    """
    measure(state, policy.daily_drawdown, memory.day_start[0], DAILY_DRAWDOWN, findings)
    measure(state, policy.weekly_drawdown, memory.week_start[0], WEEKLY_DRAWDOWN, findings)
    if state.book[0].now_ns >= halted_until(state, policy, memory):
        return
    proposals.no_new_risk[0] = 1
    daily = is_over(state, policy.daily_drawdown, memory.day_start[0]) or policy.weekly_drawdown == float("inf")
    if policy.drawdown_flattens:
        for i in range(state.positions.size):
            keep_at_most(proposals, i, 0.0, DAILY_DRAWDOWN if daily else WEEKLY_DRAWDOWN)


@part
def measure(state: State, cap: float, start: float, code: int, findings: Findings) -> None:
    """Record the share of `start` that is lost, where there is a cap and a start."""
    if cap < float("inf") and start > 0.0:
        record(findings, code, 0, -1, max(1.0 - state.book[0].equity / start, 0.0), cap)


@part
def is_over(state: State, cap: float, start: float) -> bool:
    """Whether more of `start` is lost than the cap allows; False when the start is not known."""
    return bool(start > 0.0 and 1.0 - state.book[0].equity / start > cap + ROUNDING)


@part
def halted_until(state: State, policy: Policy, memory: Memory) -> int:
    """Until when the book is halted, by this look or an earlier one; an earlier, longer halt stands."""
    until_ns, now_ns = memory.halted_until_ns[0], state.book[0].now_ns
    if is_over(state, policy.daily_drawdown, memory.day_start[0]):
        until_ns = max(until_ns, FOREVER if policy.rearm_by_hand else next_day_ns(now_ns))
    if is_over(state, policy.weekly_drawdown, memory.week_start[0]):
        until_ns = max(until_ns, FOREVER if policy.rearm_by_hand else next_week_ns(now_ns))
    return int(until_ns)
