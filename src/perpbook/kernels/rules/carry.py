"""Funding as a cost: what a UTC day may pay, for the book, an asset, a venue."""

from __future__ import annotations

import math

from perpbook.kernels.jit import lean
from perpbook.kernels.memory import DAY_NS, Memory
from perpbook.kernels.rules.record import record, share_of, trim
from perpbook.kernels.state import FUNDING_ASSET, FUNDING_BOOK, FUNDING_VENUE, Findings, Policy, Proposals, State


@lean
def funding_caps(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Cut the positions that paid, where a scope paid more than its cap, to the part the cap would have borne."""
    cap_scope(state, memory, policy.funding_cap, FUNDING_BOOK, 0, findings, proposals)
    for asset in range(policy.funding_asset_cap.size):
        cap_scope(state, memory, policy.funding_asset_cap[asset], FUNDING_ASSET, asset, findings, proposals)
    for venue in range(policy.funding_venue_cap.size):
        cap_scope(state, memory, policy.funding_venue_cap[venue], FUNDING_VENUE, venue, findings, proposals)


@lean
def in_scope(state: State, i: int, code: int, subject: int) -> bool:
    """Whether position i belongs to the book, an asset or a venue."""
    if code == FUNDING_ASSET:
        return bool(state.positions[i].asset == subject)
    if code == FUNDING_VENUE:
        return bool(state.positions[i].venue == subject)
    return True


@lean
def cap_scope(
    state: State, memory: Memory, cap: float, code: int, subject: int, findings: Findings, proposals: Proposals
) -> None:
    """One scope. Funding that is not known (NaN) is not measured: a single look has no history.

    What was paid stays paid, so the cap stays broken until the day ends: a position is cut for it once a day.
    """
    if cap == float("inf"):
        return
    paid, known = 0.0, False
    for i in range(state.positions.size):
        if in_scope(state, i, code, subject) and not math.isnan(state.positions[i].funding):
            paid, known = paid + state.positions[i].funding, True
    if not known:
        return
    share, today = share_of(max(paid, 0.0), state.book[0].equity), state.book[0].now_ns // DAY_NS
    record(findings, code, subject, -1, share, cap)
    if share > cap:
        for i in range(state.positions.size):
            paying = in_scope(state, i, code, subject) and state.positions[i].funding > 0.0
            if paying and memory.funding_cut_day[i] != today:
                trim(state, memory, proposals, i, cap / share, code)
