"""The same run under requirements several times as large: an account "dies" when its margin ratio reaches one over that."""

from __future__ import annotations

import numpy as np

from perpbook.engine.backtest import Ready
from perpbook.kernels.types import Floats

PER_ROW = ("per_unit", "close_fee", "bankruptcy_fee", "least_collateral", "sqrt_fraction")
"""Figures of a row that its requirement is proportional to, beside rates and deductions."""


def strain(ready: Ready, times: Floats) -> None:
    """Multiply the maintenance requirement of every account, in place, by its own factor."""
    slots, holding = ready.arrangement.slots, ready.arrangement.holding
    by = np.repeat(times, np.diff(slots.start))
    for tiers in (slots.rate, slots.deduction, holding.lines.slope, holding.lines.offset):
        tiers *= by[:, None]
    holding.lines.reciprocal[:] *= by
    for name in PER_ROW:
        slots.rows[name] *= by
    holding.rows["floor_rate"] *= by
