"""Guardrails: what one position may lose."""

from __future__ import annotations

from perpbook.kernels.jit import part
from perpbook.kernels.memory import Memory
from perpbook.kernels.rules.record import keep_at_most, record, share_of
from perpbook.kernels.state import (
    POSITION_LOSS,
    Findings,
    Policy,
    Proposals,
    State,
)


@part
def position_loss(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Close a position whose unrealised loss exceeds its share of book equity."""
    if policy.position_loss == float("inf"):
        return
    for i in range(state.positions.size):
        share = share_of(state.positions[i].loss, state.book[0].equity)
        record(findings, POSITION_LOSS, i, -1, share, policy.position_loss)
        if share > policy.position_loss:
            keep_at_most(proposals, i, 0.0, POSITION_LOSS)
