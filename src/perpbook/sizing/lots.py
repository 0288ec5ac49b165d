"""From sizes in shares to sizes in lots, towards safety: every rounding is checked against all limits again."""

from __future__ import annotations

import itertools
import math

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.margin.arrays import Item
from perpbook.sizing.limits import Limits, MarginLimits, worst_shortfall

EXHAUSTIVE = 10
"""Up to this many trimmed positions, every way of rounding is tried."""


def lot_shares(item: Item, share: float) -> tuple[float, float]:
    """The shares just below and just above that whole lots make; equal when `share` is one, or there are no lots."""
    assert item.position is not None and item.terms is not None
    lot = item.terms.contract.lot_size
    size = abs(item.position.quantity)
    if lot <= 0 or share >= 1.0 or share <= 0.0:
        return share, share
    lots = share * size / lot
    nearest = round(lots)
    if abs(lots - nearest) < 1e-9 * max(1.0, lots):
        return nearest * lot / size, nearest * lot / size
    return math.floor(lots) * lot / size, min(math.ceil(lots) * lot / size, 1.0)


def round_to_lots(
    limits: Limits, laid: MarginLimits, items: list[Item], sizes: Floats, tolerance: float
) -> Floats | None:
    """The largest sizes in whole lots, next to `sizes`, at which every limit holds; None when no rounding does.

    Smaller is not always safer: cutting one leg of a hedge further can break a limit, so both directions are tried.
    """
    choices = [lot_shares(item, float(size)) for item, size in zip(items, sizes, strict=True)]
    open_ = [k for k, (down, up) in enumerate(choices) if down != up]
    rounded = np.array([down for down, _ in choices])
    if len(open_) > EXHAUSTIVE:
        return _one_by_one(limits, laid, rounded, choices, open_, tolerance)
    best: Floats | None = None
    for pick in itertools.product((0, 1), repeat=len(open_)):
        tried = rounded.copy()
        for k, side in zip(open_, pick, strict=True):
            tried[k] = choices[k][side]
        if worst_shortfall(limits, laid, tried) <= tolerance and (best is None or tried.sum() > best.sum()):
            best = tried
    return best


def _one_by_one(
    limits: Limits,
    laid: MarginLimits,
    rounded: Floats,
    choices: list[tuple[float, float]],
    open_: list[int],
    tolerance: float,
) -> Floats | None:
    """Start from all down and turn up whichever mends most, until every limit holds."""
    current, short = rounded, worst_shortfall(limits, laid, rounded)
    while short > tolerance:
        tries = []
        for k in open_:
            tried = current.copy()
            tried[k] = choices[k][1]
            tries.append((worst_shortfall(limits, laid, tried), k))
        best, k = min(tries, default=(short, -1))
        if best >= short:
            return None
        current = current.copy()
        current[k], short = choices[k][1], best
    return current
