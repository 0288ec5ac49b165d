"""Hedges that no longer are: what an asset leans by, both its sides and its coins together, and the side that leans trimmed."""

from __future__ import annotations

import math

from perpbook.kernels.jit import part
from perpbook.kernels.memory import Memory
from perpbook.kernels.rules.record import record, share_of, trim
from perpbook.kernels.state import HEDGE_BAND, Findings, Policy, Proposals, State


@part
def hedge_bands(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Where an asset's net exposure is out of its band, trim its positions on the heavier side to inside it, the largest first.

    The slack is the band's: on a large position it could throw the asset out of the other side. A position that is left alone
    for a while, or is to be brought elsewhere, keeps its turn, so that no other is cut in its stead.
    """
    equity = state.book[0].equity
    for asset in range(policy.hedge_band.size):
        band, net = policy.hedge_band[asset], state.asset_net[asset]
        if band == float("inf") or state.asset_notional[asset] == 0.0:
            continue
        share = share_of(abs(net), equity)
        record(findings, HEDGE_BAND, asset, -1, share, band)
        if share <= band:
            continue
        excess = abs(net) - band * (1.0 - policy.slack) * max(equity, 0.0)
        side = 1.0 if net > 0.0 else -1.0
        i = next_largest(state, asset, side, -1)
        while i >= 0 and excess > 0.0:
            size = side * state.positions[i].exposure
            if math.isnan(proposals.target[i]):
                trim(state, memory, proposals, i, 1.0 - excess / size, HEDGE_BAND)
            excess -= size
            i = next_largest(state, asset, side, i)


@part
def next_largest(state: State, asset: int, side: float, after: int) -> int:
    """The position of an asset's that leans most to one side, past `after` (-1: of all) in falling order of size; -1 for none."""
    found, most = -1, 0.0
    for i in range(state.positions.size):
        size = side * state.positions[i].exposure
        if state.positions[i].asset != asset or size <= most:
            continue
        limit = side * state.positions[after].exposure if after >= 0 else float("inf")
        if size < limit or (size == limit and i > after):
            found, most = i, size
    return found
