"""The one decision: every rule in its order of precedence.

The same state, policy and memory give the same answer. A rule may only lower `proposals.scale`, so what a higher rule cut,
a lower one never gives back. Cuts leave a slack under their limit, and rules below survival leave a position they cut alone
for a while: neither a limit grazed by every tick nor a market that oscillates may trade a book away. Memory changes in
`remember` alone, after every rule has spoken.
"""

from __future__ import annotations

from perpbook.kernels.jit import kernel
from perpbook.kernels.memory import Memory, next_day_ns
from perpbook.kernels.rules.carry import funding_caps
from perpbook.kernels.rules.concentration import depth_share, layer_share, margin_mode, sleeve_bounds, venue_share
from perpbook.kernels.rules.drawdown import drawdown
from perpbook.kernels.rules.leverage import account_leverage, asset_leverage, book_leverage
from perpbook.kernels.rules.loss import position_loss
from perpbook.kernels.rules.profit import remember_steps, take_profit
from perpbook.kernels.rules.rebalance import rebalance
from perpbook.kernels.rules.survival import account_dead, survival
from perpbook.kernels.state import (
    FUNDING_BOOK,
    FUNDING_VENUE,
    SURVIVAL,
    TAKE_PROFIT,
    Findings,
    Policy,
    Proposals,
    State,
)


@kernel
def decide(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Measure every rule and write what should be done. `findings` start anew, `proposals` from what they hold."""
    findings.rows[0] = 0
    account_dead(state, policy, findings, proposals)
    drawdown(state, policy, memory, findings, proposals)
    position_loss(state, policy, findings, proposals)
    survival(state, policy, findings, proposals)
    asset_leverage(state, policy, findings, proposals)
    account_leverage(state, policy, findings, proposals)
    book_leverage(state, policy, findings, proposals)
    venue_share(state, policy, findings, proposals)
    layer_share(state, policy, findings, proposals)
    depth_share(state, policy, findings, proposals)
    funding_caps(state, policy, findings, proposals)
    take_profit(state, policy, memory, findings, proposals)
    margin_mode(state, policy, findings, proposals)
    sleeve_bounds(state, policy, findings, proposals)
    leave_the_quiet(state, memory, proposals)
    rebalance(state, policy, findings, proposals)
    remember(state, policy, memory, proposals)
    add_slack(state, policy, proposals)


@kernel
def leave_the_quiet(state: State, memory: Memory, proposals: Proposals) -> None:
    """Take back cuts of rules below survival on positions that they cut a short while ago. Profit is always taken."""
    for i in range(state.positions.size):
        lesser = proposals.reason[i] > SURVIVAL and proposals.reason[i] != TAKE_PROFIT
        if lesser and state.book[0].now_ns < memory.quiet_until_ns[i]:
            proposals.scale[i], proposals.reason[i] = 1.0, 0


@kernel
def remember(state: State, policy: Policy, memory: Memory, proposals: Proposals) -> None:
    """What the next decision must know of this one."""
    now_ns = state.book[0].now_ns
    for i in range(state.positions.size):
        if proposals.scale[i] < 1.0 and proposals.reason[i] > SURVIVAL and proposals.reason[i] != TAKE_PROFIT:
            quiet = now_ns + policy.cooldown_ns
            if FUNDING_BOOK <= proposals.reason[i] <= FUNDING_VENUE:
                quiet = max(quiet, next_day_ns(now_ns))
            memory.quiet_until_ns[i] = quiet
    remember_steps(state, policy, memory)


@kernel
def add_slack(state: State, policy: Policy, proposals: Proposals) -> None:
    """Cut a little more than the limit asks, so that the next tick does not ask again. A ladder says what it means."""
    for i in range(state.positions.size):
        if proposals.scale[i] < 1.0 and proposals.reason[i] != TAKE_PROFIT:
            proposals.scale[i] *= 1.0 - policy.slack
