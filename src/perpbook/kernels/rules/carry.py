"""Funding as a cost: what a UTC day may pay, for the book, an asset, a venue."""

from __future__ import annotations

from perpbook.kernels.jit import kernel
from perpbook.kernels.rules.record import keep_at_most, record, share_of
from perpbook.kernels.state import FUNDING_ASSET, FUNDING_BOOK, FUNDING_VENUE, Findings, Policy, Proposals, State


@kernel
def funding_caps(state: State, policy: Policy, findings: Findings, proposals: Proposals) -> None:
    """Cut the positions that paid, where a scope paid more than its cap, to the part the cap would have borne."""
    cap_scope(state, policy.funding_cap, FUNDING_BOOK, 0, findings, proposals)
    for asset in range(policy.funding_asset_cap.size):
        cap_scope(state, policy.funding_asset_cap[asset], FUNDING_ASSET, asset, findings, proposals)
    for venue in range(policy.funding_venue_cap.size):
        cap_scope(state, policy.funding_venue_cap[venue], FUNDING_VENUE, venue, findings, proposals)


@kernel
def in_scope(state: State, i: int, code: int, subject: int) -> bool:
    """Whether position i belongs to the book, an asset or a venue."""
    if code == FUNDING_ASSET:
        return bool(state.positions[i].asset == subject)
    if code == FUNDING_VENUE:
        return bool(state.positions[i].venue == subject)
    return True


@kernel
def cap_scope(state: State, cap: float, code: int, subject: int, findings: Findings, proposals: Proposals) -> None:
    """One scope. Funding that is not known (NaN) is not measured: a single look has no history."""
    if cap == float("inf"):
        return
    paid, known = 0.0, False
    for i in range(state.positions.size):
        if in_scope(state, i, code, subject) and state.positions[i].funding == state.positions[i].funding:
            paid, known = paid + state.positions[i].funding, True
    if not known:
        return
    share = share_of(max(paid, 0.0), state.book[0].equity)
    record(findings, code, subject, -1, share, cap)
    if share > cap:
        for i in range(state.positions.size):
            if in_scope(state, i, code, subject) and state.positions[i].funding > 0.0:
                keep_at_most(proposals, i, cap / share, code)

