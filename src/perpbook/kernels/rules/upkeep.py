"""What money must do besides backing positions: stand ready on layers, pay for gas, lean on no one bridge, coin, venue or layer.

No trade mends these: they ask that money moves.
"""

from __future__ import annotations

import math

from perpbook.kernels.jit import part
from perpbook.kernels.memory import Memory
from perpbook.kernels.rules.record import record, share_of
from perpbook.kernels.state import (
    BRIDGE_SHARE,
    LAYER_GAS,
    LAYER_LOSS,
    LAYER_RESERVE,
    STABLECOIN_SHARE,
    VENUE_LOSS,
    Findings,
    Policy,
    Proposals,
    State,
)


@part
def bridge_share(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Money under way over each family of bridges over book equity."""
    if policy.bridge_cap < float("inf"):
        for family in range(state.bridge_value.size):
            share = share_of(state.bridge_value[family], state.book[0].equity)
            record(findings, BRIDGE_SHARE, family, -1, share, policy.bridge_cap)


@part
def stablecoin_share(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Dollars in each stablecoin, wherever they stand, over book equity."""
    if policy.stablecoin_cap < float("inf"):
        for coin in range(state.stablecoin_value.size):
            share = share_of(max(state.stablecoin_value[coin], 0.0), state.book[0].equity)
            record(findings, STABLECOIN_SHARE, coin, -1, share, policy.stablecoin_cap)


@part
def losses(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """What is left of book equity once any one venue or layer is lost and the worst scenario for the rest has come."""
    equity = state.book[0].equity
    for venue in range(state.venue_left.size):
        if policy.venue_leaves > 0.0 and not math.isnan(state.venue_left[venue]):
            left = share_left(state.venue_left[venue], equity)
            record(findings, VENUE_LOSS, venue, state.venue_left_in[venue], left, policy.venue_leaves)
    for layer in range(state.layer_left.size):
        if policy.layer_leaves > 0.0 and not math.isnan(state.layer_left[layer]):
            left = share_left(state.layer_left[layer], equity)
            record(findings, LAYER_LOSS, layer, state.layer_left_in[layer], left, policy.layer_leaves)


@part
def share_left(left: float, equity: float) -> float:
    """What is left over what there was; nothing where there was nothing."""
    return max(left, 0.0) / equity if equity > 0.0 else 0.0


@part
def layer_reserve(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Dollars of stablecoins free on each layer that must keep a reserve, with what is on its way there."""
    for layer in range(policy.reserve.size):
        if policy.reserve[layer] > 0.0:
            record(findings, LAYER_RESERVE, layer, -1, state.layer_free[layer], policy.reserve[layer])


@part
def layer_gas(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Coins for fees on each layer that must keep some; skipped where nobody knows which coin that is."""
    for layer in range(policy.gas.size):
        if policy.gas[layer] > 0.0 and not math.isnan(state.layer_gas[layer]):
            record(findings, LAYER_GAS, layer, -1, state.layer_gas[layer], policy.gas[layer])
