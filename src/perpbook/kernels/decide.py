"""The one decision: every rule in its order of precedence. Pure: the same state and policy give the same answer.

A rule may only lower `proposals.scale`, so what a higher rule cut, a lower one never gives back.
"""

from __future__ import annotations

from perpbook.kernels.jit import kernel
from perpbook.kernels.rules.concentration import depth_share, layer_share, margin_mode, sleeve_bounds, venue_share
from perpbook.kernels.rules.leverage import account_leverage, asset_leverage, book_leverage
from perpbook.kernels.rules.loss import position_loss
from perpbook.kernels.rules.survival import account_dead, survival
from perpbook.kernels.state import Findings, Policy, Proposals, State


@kernel
def decide(state: State, policy: Policy, findings: Findings, proposals: Proposals) -> None:
    """Measure every rule and write what should be cut. `findings` start anew, `proposals` from what they hold."""
    findings.rows[0] = 0
    account_dead(state, policy, findings, proposals)
    position_loss(state, policy, findings, proposals)
    survival(state, policy, findings, proposals)
    asset_leverage(state, policy, findings, proposals)
    account_leverage(state, policy, findings, proposals)
    book_leverage(state, policy, findings, proposals)
    venue_share(state, policy, findings, proposals)
    layer_share(state, policy, findings, proposals)
    depth_share(state, policy, findings, proposals)
    margin_mode(state, policy, findings, proposals)
    sleeve_bounds(state, policy, findings, proposals)
