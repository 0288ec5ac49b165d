"""Bringing positions back to what the strategy wants, when it falls due and is worth its cost."""

from __future__ import annotations

import math

from perpbook.kernels.jit import part
from perpbook.kernels.memory import Memory
from perpbook.kernels.rules.record import is_quiet, record
from perpbook.kernels.state import REBALANCE, Findings, Policy, Proposals, State

USUAL_COST = 0.0005
"""The cost, a fraction of notional, at which the playbook's drift band holds as written."""

NARROWEST, WIDEST = 0.5, 3.0
"""How far cost may narrow or widen the band."""


@part
def band(policy: Policy, cost: float) -> float:
    """The drift, as a share of book equity, that is left alone.

    Under proportional costs the best band grows with their cube root: L. C. G. Rogers, "Why is the effect of proportional
    transaction costs O(delta^(2/3))?", Contemporary Mathematics 351 (2004).
    """
    if not policy.rebalance_cost_aware:
        return policy.rebalance_drift
    widened = (max(cost, 0.0) / USUAL_COST) ** (1.0 / 3.0)
    return float(policy.rebalance_drift * min(max(widened, NARROWEST), WIDEST))


@part
def rebalance(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Where a rebalance is due, bring positions with a target back to it; what a higher rule cut or moved stays so.

    Nothing grows while the book is halted, nor a position that a rule cut a short while ago.
    """
    equity = state.book[0].equity
    if not state.book[0].rebalance_due or policy.rebalance_drift == float("inf") or not equity > 0.0:
        return
    for i in range(state.positions.size):
        share, value = state.positions[i].target, state.positions[i].value
        if math.isnan(share) or proposals.scale[i] < 1.0 or not math.isnan(proposals.target[i]):
            continue
        wanted = share * equity
        if proposals.no_new_risk[0] or is_quiet(state, memory, i):
            wanted = math.copysign(min(abs(wanted), abs(value)), value) if wanted * value > 0.0 else 0.0
        drift, allowed = abs(value - wanted) / equity, band(policy, state.positions[i].cost)
        if drift > allowed and abs(value - wanted) >= policy.rebalance_minimum:
            record(findings, REBALANCE, i, -1, drift, allowed)
            proposals.target[i], proposals.reason[i] = wanted, REBALANCE
