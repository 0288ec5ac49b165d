"""Whole-position tiers: what a position saves by falling into a lower one.

Such a table takes one rate on everything, so the requirement jumps at every tier's end and is no convex function of
size. The rest of `sizing` reads it by today's rate at every smaller size; here stands what that reading leaves out:
`(rate today - rate of the tier) x notional`, tier by tier, as shares of today's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.margin.arrays import BookArrays, Item
from perpbook.margin.requirement import requirement_of, size_in_tier_units
from perpbook.sizing.quantities import quantity_at
from perpbook.terms.terms import TierMode


@dataclass(frozen=True, slots=True, kw_only=True)
class TierSteps:
    """The tiers a position can fall into, lowest first, today's own last.

    `position` is its number among the positions. `low`, `high` (tiers,) bound the share of today's size that stands in
    each tier, `low` outside and `high` inside; `saving` (tiers,) is today's rate less the tier's, a fraction of notional.
    """

    position: int
    item: Item
    low: Floats
    high: Floats
    saving: Floats

    def at(self, share: float) -> float:
        """The saving at a share, by the tier its quantity truly stands in."""
        assert self.item.terms is not None
        if share <= 0.0:
            return 0.0
        terms = self.item.terms
        size = size_in_tier_units(terms, abs(quantity_at(self.item, share)), self.item.mark)
        tier = terms.tiers.tiers.index(terms.tiers.tier_of(size))
        return float(self.saving[min(tier, self.saving.size - 1)])


def tier_steps(arrays: BookArrays, items: Sequence[Item]) -> tuple[TierSteps, ...]:
    """The steps of every position that a trim can take into a tier with another rate.

    A requirement with a floor (least collateral) is left at today's rate: its tiers and its floor do not add up.
    """
    found = (_steps(arrays, number, item) for number, item in enumerate(items))
    return tuple(steps for steps in found if steps is not None and steps.saving.any())


def _steps(arrays: BookArrays, number: int, item: Item) -> TierSteps | None:
    terms, position, rule = item.terms, item.position, item.requirement
    assert terms is not None and position is not None and rule is not None
    table = terms.tiers
    if table.mode is not TierMode.WHOLE_POSITION or len(rule.rates) != 1:
        return None
    size = size_in_tier_units(terms, abs(position.quantity), item.mark)
    count = table.tiers.index(table.tier_of(size)) + 1
    low = np.array([tier.lower for tier in table.tiers[:count]]) / size
    inside = 0.0 if table.upper_inclusive else _one_lot(item)
    high = np.append(low[1:] - inside, 1.0)
    rates = [_rate_at(arrays, item, float(share) * (1.0 - 1e-9)) for share in high]
    return TierSteps(position=number, item=item, low=low, high=high, saving=rule.rates[0] - np.array(rates))


def _one_lot(item: Item) -> float:
    """The least share by which a size can differ."""
    assert item.terms is not None and item.position is not None
    return max(item.terms.contract.lot_size / abs(item.position.quantity), 1e-9)


def _rate_at(arrays: BookArrays, item: Item, share: float) -> float:
    """The whole maintenance rate (fees the venue adds included) at a share of today's size."""
    assert item.terms is not None and item.position is not None
    smaller = replace(item.position, quantity=item.position.quantity * share)
    mode = arrays.accounts[item.account].mode
    interest = (item.quote.open_interest or 0.0) * item.mark if item.quote else 0.0
    return requirement_of(
        smaller, item.terms, mode=mode, price=item.mark, ratio=item.ratio, open_interest=interest
    ).rates[0]


def true_savings(steps: Sequence[TierSteps], scale: Floats) -> Floats:
    """(n,) fraction of notional that each position's true tier asks less than today's at sizes `scale`."""
    out = np.zeros(scale.size)
    for one in steps:
        out[one.position] = one.at(float(scale[one.position]))
    return out


def breaks(steps: Sequence[TierSteps]) -> list[float]:
    """The shares, lowest first, at which some position changes tier; 0 and 1 included."""
    inner = {float(edge) for one in steps for edge in one.high}
    return sorted({0.0, 1.0} | inner)
