"""The one decision: every rule in its order of precedence.

The same state, policy and memory give the same answer. A rule may only lower `proposals.scale`, so what a higher rule cut,
a lower one never gives back. Cuts leave a slack under their limit, and rules below survival leave a position they cut alone
for a while: neither a limit grazed by every tick nor a market that oscillates may trade a book away. Memory changes in
`remember` alone, after every rule has spoken.
"""

from __future__ import annotations

from perpbook.kernels.jit import lean, part
from perpbook.kernels.memory import DAY_NS, Memory
from perpbook.kernels.rules.carry import funding_caps, funding_projected, funding_skew
from perpbook.kernels.rules.concentration import depth_share, layer_share, margin_mode, sleeve_bounds, venue_share
from perpbook.kernels.rules.drawdown import drawdown, halted_until
from perpbook.kernels.rules.hedge import hedge_bands
from perpbook.kernels.rules.leverage import account_leverage, asset_leverage, book_leverage
from perpbook.kernels.rules.loss import position_loss
from perpbook.kernels.rules.profit import steps_reached, take_profit
from perpbook.kernels.rules.rebalance import rebalance
from perpbook.kernels.rules.rotation import funding_turned
from perpbook.kernels.rules.survival import account_dead, survival
from perpbook.kernels.rules.upkeep import bridge_share, layer_gas, layer_reserve, losses, stablecoin_share
from perpbook.kernels.state import (
    FUNDING_BOOK,
    FUNDING_VENUE,
    HEDGE_BAND,
    SURVIVAL,
    TAKE_PROFIT,
    Findings,
    Policy,
    Proposals,
    State,
)


@lean
def decide(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Measure every rule and write what should be done. `findings` start anew, `proposals` from what they hold."""
    findings.rows[0] = 0
    account_dead(state, policy, memory, findings, proposals)
    drawdown(state, policy, memory, findings, proposals)
    position_loss(state, policy, memory, findings, proposals)
    survival(state, policy, memory, findings, proposals)
    asset_leverage(state, policy, memory, findings, proposals)
    account_leverage(state, policy, memory, findings, proposals)
    book_leverage(state, policy, memory, findings, proposals)
    venue_share(state, policy, memory, findings, proposals)
    layer_share(state, policy, memory, findings, proposals)
    depth_share(state, policy, memory, findings, proposals)
    funding_caps(state, policy, memory, findings, proposals)
    funding_projected(state, policy, memory, findings, proposals)
    funding_turned(state, policy, memory, findings, proposals)
    funding_skew(state, policy, memory, findings, proposals)
    take_profit(state, policy, memory, findings, proposals)
    hedge_bands(state, policy, memory, findings, proposals)
    margin_mode(state, policy, memory, findings, proposals)
    sleeve_bounds(state, policy, memory, findings, proposals)
    rebalance(state, policy, memory, findings, proposals)
    bridge_share(state, policy, memory, findings, proposals)
    stablecoin_share(state, policy, memory, findings, proposals)
    losses(state, policy, memory, findings, proposals)
    layer_reserve(state, policy, memory, findings, proposals)
    layer_gas(state, policy, memory, findings, proposals)
    add_slack(state, policy, proposals)
    remember(state, policy, memory, proposals)


@part
def add_slack(state: State, policy: Policy, proposals: Proposals) -> None:
    """Cut a little more than the limit asks, so that the next tick does not ask again. A ladder says what it means, and a band
    has its slack already."""
    for i in range(state.positions.size):
        if proposals.scale[i] < 1.0 and proposals.reason[i] != TAKE_PROFIT and proposals.reason[i] != HEDGE_BAND:
            proposals.scale[i] *= 1.0 - policy.slack


@part
def remember(state: State, policy: Policy, memory: Memory, proposals: Proposals) -> None:
    """What the next decision must know of this one."""
    now_ns = state.book[0].now_ns
    memory.halted_until_ns[0] = halted_until(state, policy, memory)
    for i in range(state.positions.size):
        memory.steps_taken[i] = steps_reached(state, policy, memory, i)
        reason = proposals.reason[i]
        cut = proposals.scale[i] < 1.0 and state.positions[i].notional > 0.0
        if cut and reason > SURVIVAL and reason != TAKE_PROFIT:
            memory.quiet_until_ns[i] = now_ns + policy.cooldown_ns
            if FUNDING_BOOK <= reason <= FUNDING_VENUE:
                memory.funding_cut_day[i] = now_ns // DAY_NS
