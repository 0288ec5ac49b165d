"""From sizes in shares to sizes in lots, towards safety: every rounding is checked against all limits again."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.margin.arrays import Item
from perpbook.sizing.limits import Limits, MarginLimits, worst_shortfall
from perpbook.sizing.quantities import lot_shares

EXHAUSTIVE = 6
"""Up to this many positions between two lots, every way of rounding is tried."""


def round_to_lots(
    limits: Limits, laid: MarginLimits, items: Sequence[Item], sizes: Floats, tolerance: float
) -> Floats | None:
    """Sizes in whole lots, next to `sizes`, at which every limit holds, closing as little as may be; None when no
    rounding does.

    Smaller is not always safer: cutting one leg of a hedge further can break a limit, so both directions are tried.
    """
    choices = [lot_shares(item, float(size)) for item, size in zip(items, sizes, strict=True)]
    open_ = [k for k, (down, up) in enumerate(choices) if down != up]
    rounded = np.array([down for down, _ in choices])
    if len(open_) > EXHAUSTIVE:
        return _one_by_one(limits, laid, (rounded, choices, open_), tolerance)
    worth = np.array([abs(item.delta) * item.mark * item.ratio for item in items])
    best: Floats | None = None
    for pick in itertools.product((0, 1), repeat=len(open_)):
        tried = rounded.copy()
        for k, side in zip(open_, pick, strict=True):
            tried[k] = choices[k][side]
        if (best is None or tried @ worth > best @ worth) and worst_shortfall(limits, laid, tried) <= tolerance:
            best = tried
    return best


def _one_by_one(
    limits: Limits,
    laid: MarginLimits,
    start: tuple[Floats, list[tuple[float, float]], list[int]],
    tolerance: float,
) -> Floats | None:
    """Start from all down, turn up whichever mends most until every limit holds, then whatever may be turned up."""
    current, choices, open_ = start
    short = worst_shortfall(limits, laid, current)
    while short > tolerance:
        tries = [(worst_shortfall(limits, laid, _turned_up(current, choices, k)), k) for k in open_]
        best, k = min(tries, default=(short, -1))
        if best >= short:
            return None
        current, short = _turned_up(current, choices, k), best
    for k in open_:
        tried = _turned_up(current, choices, k)
        if worst_shortfall(limits, laid, tried) <= tolerance:
            current = tried
    return current


def _turned_up(sizes: Floats, choices: list[tuple[float, float]], k: int) -> Floats:
    out = sizes.copy()
    out[k] = choices[k][1]
    return out
