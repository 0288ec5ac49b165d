"""From a share of a position to the quantity an order would leave: whole lots, exact in print."""

from __future__ import annotations

import math

from perpbook.margin.arrays import Item
from perpbook.model.contract import in_lots

WHOLE = 1e-9
"""Relative: a number of lots this near to a whole one is that one."""


def quantity_at(item: Item, share: float) -> float:
    """The signed quantity left at a share of today's: a multiple of the lot where the share is one, else the product."""
    assert item.position is not None and item.terms is not None
    quantity, lot = item.position.quantity, item.terms.contract.lot_size
    if share >= 1.0 or share <= 0.0:
        return quantity if share > 0.0 else 0.0
    if lot <= 0:
        return quantity * share
    lots = share * abs(quantity) / lot
    nearest = round(lots)
    if abs(lots - nearest) > WHOLE * max(1.0, lots):
        return quantity * share
    return math.copysign(in_lots(nearest, lot), quantity)


def lot_shares(item: Item, share: float) -> tuple[float, float]:
    """The shares just below and just above that whole lots make; equal when `share` is one, or there are no lots; one of a
    position of nothing."""
    assert item.position is not None and item.terms is not None
    lot = item.terms.contract.lot_size
    size = abs(item.position.quantity)
    if size == 0.0:
        return 1.0, 1.0
    if lot <= 0 or share >= 1.0 or share <= 0.0:
        return share, share
    lots = share * size / lot
    nearest = round(lots)
    if abs(lots - nearest) <= WHOLE * max(1.0, lots):
        return nearest * lot / size, nearest * lot / size
    return math.floor(lots) * lot / size, min(math.ceil(lots) * lot / size, 1.0)
