"""Notional and profit of positions, in the currency the contract settles in.

Notation: q quantity (long > 0; base units if linear, quote units if inverse), p price, e entry price.
Linear: N = |q| p, PnL = q (p - e), in quote. Inverse: N = |q| / p, PnL = q (1/e - 1/p), in base coins.
"""

from __future__ import annotations

from perpbook.kernels.jit import kernel
from perpbook.kernels.types import Flags, Floats


@kernel
def notionals(quantities: Floats, prices: Floats, inverse: Flags, out: Floats) -> None:
    """Write |q| p, or |q| / p where `inverse` is 1. All (n,); prices > 0."""
    for i in range(quantities.size):
        size = abs(quantities[i])
        out[i] = size / prices[i] if inverse[i] else size * prices[i]


@kernel
def unrealized_pnls(quantities: Floats, entries: Floats, prices: Floats, inverse: Flags, out: Floats) -> None:
    """Write the profit (> 0) or loss since entry, in the settle currency. All (n,); entries and prices > 0."""
    for i in range(quantities.size):
        if inverse[i]:
            out[i] = quantities[i] * (1.0 / entries[i] - 1.0 / prices[i])
        else:
            out[i] = quantities[i] * (prices[i] - entries[i])
