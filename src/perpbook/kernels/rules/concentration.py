"""Where the money stands, how it is margined, how it could leave: shares of venues and layers, depth, mode, sleeves."""

from __future__ import annotations

import math

from perpbook.kernels.jit import part
from perpbook.kernels.memory import Memory
from perpbook.kernels.rules.record import record, share_of, trim
from perpbook.kernels.state import (
    DEPTH_SHARE,
    LAYER_SHARE,
    MARGIN_MODE,
    SLEEVE_MAX,
    SLEEVE_MIN,
    VENUE_SHARE,
    Findings,
    Policy,
    Proposals,
    State,
)


@part
def venue_share(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Equity on each venue over book equity. No trade mends it: money must move."""
    for venue in range(policy.venue_cap.size):
        if policy.venue_cap[venue] < float("inf"):
            share = share_of(max(state.venue_equity[venue], 0.0), state.book[0].equity)
            record(findings, VENUE_SHARE, venue, -1, share, policy.venue_cap[venue])


@part
def layer_share(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Money on each layer, accounts there included, over book equity."""
    for layer in range(policy.layer_cap.size):
        if policy.layer_cap[layer] < float("inf"):
            share = share_of(max(state.layer_value[layer], 0.0), state.book[0].equity)
            record(findings, LAYER_SHARE, layer, -1, share, policy.layer_cap[layer])


@part
def depth_share(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """A position's notional over what rests on its exit side; skipped where no depth was given."""
    if policy.depth_share == float("inf"):
        return
    for i in range(state.positions.size):
        depth = state.positions[i].depth
        if math.isnan(depth):
            continue
        share = share_of(state.positions[i].notional, depth)
        record(findings, DEPTH_SHARE, i, -1, share, policy.depth_share)
        if share > policy.depth_share:
            trim(state, memory, proposals, i, policy.depth_share / share, DEPTH_SHARE)


@part
def margin_mode(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Positions whose sleeve must be isolated, or cross: measured 1 is the wrong mode, and no trade mends it."""
    for i in range(state.positions.size):
        wanted = state.positions[i].wanted
        if wanted > 0:
            right = state.positions[i].isolated == (1 if wanted == 1 else 0)
            record(findings, MARGIN_MODE, i, -1, 0.0 if right else 1.0, 0.0)


@part
def sleeve_bounds(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Each sleeve's capital over book equity, against its smallest and largest share."""
    for sleeve in range(policy.sleeve_max.size):
        share = share_of(state.sleeve_capital[sleeve], state.book[0].equity)
        record(findings, SLEEVE_MAX, sleeve, -1, share, policy.sleeve_max[sleeve])
        if policy.sleeve_min[sleeve] > 0.0:
            record(findings, SLEEVE_MIN, sleeve, -1, share, policy.sleeve_min[sleeve])
