"""Funding as a cost: what a UTC day may pay, for the book, an asset, a venue; and rates that are out of the ordinary."""

from __future__ import annotations

import math

from perpbook.kernels.jit import part
from perpbook.kernels.memory import DAY_NS, Memory
from perpbook.kernels.rules.record import record, share_of, trim
from perpbook.kernels.state import (
    FUNDING_ASSET,
    FUNDING_BOOK,
    FUNDING_PROJECTED,
    FUNDING_SKEW,
    FUNDING_VENUE,
    Findings,
    Policy,
    Proposals,
    State,
)


@part
def funding_caps(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Cut the positions that paid, where a scope paid more than its cap, to the part the cap would have borne."""
    cap_scope(state, memory, policy.funding_cap, FUNDING_BOOK, 0, findings, proposals)
    for asset in range(policy.funding_asset_cap.size):
        cap_scope(state, memory, policy.funding_asset_cap[asset], FUNDING_ASSET, asset, findings, proposals)
    for venue in range(policy.funding_venue_cap.size):
        cap_scope(state, memory, policy.funding_venue_cap[venue], FUNDING_VENUE, venue, findings, proposals)


@part
def in_scope(state: State, i: int, code: int, subject: int) -> bool:
    """Whether position i belongs to the book, an asset or a venue."""
    if code == FUNDING_ASSET:
        return bool(state.positions[i].asset == subject)
    if code == FUNDING_VENUE:
        return bool(state.positions[i].venue == subject)
    return True


@part
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


@part
def funding_projected(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Cut the positions that still pay today to the part with which the day stays under its cap: paid, and what the rates in
    force cost until midnight UTC. What was paid stays paid, so they may be closed; what others receive pays for them."""
    if policy.funding_projected == float("inf"):
        return
    paid, owed, received, known = 0.0, 0.0, 0.0, False
    for i in range(state.positions.size):
        if not math.isnan(state.positions[i].funding):
            paid += state.positions[i].funding
        if not math.isnan(state.positions[i].ahead):
            owed += max(state.positions[i].ahead, 0.0)
            received += max(-state.positions[i].ahead, 0.0)
            known = True
    if not known:
        return
    equity = state.book[0].equity
    share = share_of(max(paid + owed - received, 0.0), equity)
    record(findings, FUNDING_PROJECTED, 0, -1, share, policy.funding_projected)
    if share > policy.funding_projected and owed > 0.0:
        keep = (policy.funding_projected * max(equity, 0.0) - paid + received) / owed
        for i in range(state.positions.size):
            if state.positions[i].ahead > 0.0:
                trim(state, memory, proposals, i, keep, FUNDING_PROJECTED)


@part
def funding_skew(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Measure how far the rate in force of what is held stands from nothing, either way: an alert, which asks for no trade."""
    if policy.funding_skew == float("inf"):
        return
    for i in range(state.positions.size):
        yearly = state.positions[i].yearly
        if state.positions[i].notional > 0.0 and not math.isnan(yearly):
            record(findings, FUNDING_SKEW, i, -1, abs(yearly), policy.funding_skew)
