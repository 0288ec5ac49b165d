"""Money that layers want in a run: the journal is told when one comes short of its reserve or of gas, once until it has enough.

What stands on a layer changes only by what is sent and arrives, never by a price: so it is asked at every tick, and the bar
after something was sent gets one.
"""

from __future__ import annotations

from perpbook.kernels.body import Body
from perpbook.kernels.jit import part
from perpbook.kernels.journal import WANTED, write
from perpbook.kernels.sight import free_on
from perpbook.kernels.state import LAYER_GAS, LAYER_RESERVE, Policy

ENOUGH = 1.0 - 1e-9
"""Of what is wanted (as `playbook.words`)."""


@part
def is_short(policy: Policy, body: Body, kind: int, layer: int) -> int:
    """1 where a layer has less than its reserve (kind 0), or than its coins for fees (kind 1); 0 where nobody knows."""
    if kind == 0:
        wanted = policy.reserve[layer] * ENOUGH
        return 1 if wanted > 0.0 and free_on(body.outside, body.under_way, body.moving, layer) < wanted else 0
    return 1 if body.outside.gas[layer] < policy.gas[layer] * ENOUGH else 0


@part
def wants_changed(policy: Policy, body: Body) -> bool:
    """Whether a layer has come short, or has enough again, since the journal was told."""
    changed = 0
    for kind in range(2):
        for layer in range(policy.reserve.size):
            changed += 1 if is_short(policy, body, kind, layer) != body.outside.told[kind, layer] else 0
    return changed > 0


@part
def note_wants(policy: Policy, body: Body, bar: int) -> None:
    """Write down which layers have come short, of what, and how much they have."""
    outside, journal = body.outside, body.journal
    for kind in range(2):
        for layer in range(policy.reserve.size):
            short = is_short(policy, body, kind, layer)
            if short == 1 and outside.told[kind, layer] == 0:
                number = write(journal, bar, WANTED, -1 - layer, -1, LAYER_RESERVE if kind == 0 else LAYER_GAS)
                have = free_on(outside, body.under_way, body.moving, layer) if kind == 0 else outside.gas[layer]
                journal.figures[number, 4] = have
                journal.figures[number, 5] = policy.reserve[layer] if kind == 0 else policy.gas[layer]
            outside.told[kind, layer] = short
