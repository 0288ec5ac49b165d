"""The trades that rules on funding ask for, read off what `decide` proposes: the same that a run would start."""

from __future__ import annotations

import math
from collections.abc import Iterator

from perpbook.kernels.state import FUNDING_BOOK, FUNDING_MOVED
from perpbook.margin.arrays import Item
from perpbook.margin.assess import Assessed
from perpbook.model.verdict import Asked
from perpbook.playbook.decision import Decision
from perpbook.playbook.words import WORDINGS
from perpbook.sizing.quantities import lot_shares, quantity_at


def asked_for_funding(decision: Decision, assessed: Assessed) -> tuple[Asked, ...]:
    """Every position that a rule on funding wants cut, closed or moved, in the book's order."""
    return tuple(_asked(decision, assessed))


def _asked(decision: Decision, assessed: Assessed) -> Iterator[Asked]:
    arrays, proposals = assessed.arrays, decision.proposals
    for k, row in enumerate(arrays.positions()):
        item, reason = arrays.items[row], int(proposals.reason[k])
        assert item.position is not None and item.terms is not None
        if not FUNDING_BOOK <= reason <= FUNDING_MOVED or item.position.quantity == 0.0:
            continue
        before, after = item.position.quantity, _after(item, float(proposals.scale[k]), float(proposals.target[k]))
        dollars = abs(after - before) * (1.0 if item.terms.contract.is_inverse else item.mark)
        yield Asked(
            account=arrays.accounts[item.account].id,
            symbol=item.position.symbol,
            quantity_before=before,
            quantity_after=after,
            notional=dollars,
            fees=dollars * max(item.taker_fee_rate, 0.0),
            rule=WORDINGS[reason].rule,
        )


def _after(item: Item, scale: float, target: float) -> float:
    """The quantity that is left of a cut, in whole lots, or that a target in dollars comes to."""
    assert item.position is not None and item.terms is not None
    if scale < 1.0 or math.isnan(target):
        return quantity_at(item, lot_shares(item, scale)[0])
    return target if item.terms.contract.is_inverse else target / item.mark
