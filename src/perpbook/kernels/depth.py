"""Walking an order book: what taking a quantity from resting levels costs against the best price."""

from __future__ import annotations

from perpbook.kernels.jit import kernel
from perpbook.kernels.types import Floats


@kernel
def walk(prices: Floats, quantities: Floats, quantity: float) -> tuple[float, float]:
    """Average price of taking `quantity` (> 0) from levels best first, and the quantity that was there.

    prices, quantities : (levels,) quote per base, base units.  Less than asked comes back when the levels run out.
    """
    filled, paid = 0.0, 0.0
    for level in range(prices.size):
        take = min(quantities[level], quantity - filled)
        if take <= 0.0:
            break
        filled += take
        paid += take * prices[level]
    return (paid / filled if filled > 0.0 else 0.0), filled
