"""The joint moves an account must live through for its effective leverage to stay under a cap.

Effective leverage is `1 / (d + m (1 + u d))` with m the requirement over notional where the account dies. Rates only
grow with notional, so m is at least the account's lowest first-tier rate r, and living through
`d = (1/L - r) / (1 + u r)` on both sides (u = -1, +1) is enough for effective leverage <= L. One position of one tier
meets it exactly; more tiers make it a little strict, never loose.
"""

from __future__ import annotations

import numpy as np

from perpbook.kernels.liquidation import LEAST
from perpbook.kernels.types import Floats
from perpbook.margin.arrays import BookArrays


def lowest_rate(arrays: BookArrays, account: int) -> float:
    """The lowest maintenance rate of any tier that an account's positions can stand in; 0 without positions."""
    items = [item.requirement for item in arrays.items if item.account == account]
    return min(
        (min(rate for rate in rule.rates if rate > 0) for rule in items if rule and any(rule.rates)), default=0.0
    )


def calm_prices(arrays: BookArrays, account: int, cap: float) -> list[Floats]:
    """Prices (columns,) on both sides at which the account must still keep its maintenance margin, in the order of the moves
    of a side; none when the cap asks for less than the venue does. Where a price comes to its floor the way bends: surplus is
    concave between bends, so they are points to live through as well."""
    rate = lowest_rate(arrays, account)
    out = []
    for side in (-1.0, 1.0):
        move = (1.0 / cap - rate) / (1.0 + side * rate)
        if move > 0:
            falls = -side * arrays.betas[arrays.betas * side < 0.0]
            bends = sorted(set(((1.0 - LEAST) / falls).tolist()))
            for at in (*(one for one in bends if one < move), move):
                out.append(arrays.prices * np.maximum(1.0 + side * at * arrays.betas, LEAST))
    return out
