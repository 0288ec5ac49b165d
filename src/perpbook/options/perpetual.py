"""What a perpetual future is worth without arbitrage, from what its funding pays (Ackerer, Hugonnier and Jermann, 2023).

Notation: S spot, f the perpetual, kappa the share of f - S that funding pays and iota the interest it takes off, both per
interval of dt years, or per year where funding is continuous; r the rate of the quote currency, q that of the coin.
"""

from __future__ import annotations

import math

from perpbook.errors import InputError


def fair_price(
    spot: float, *, kappa: float, iota: float, rate: float, coin_rate: float, years: float = 0.0,
    inverse: bool = False, on_current: bool = False,
) -> float:  # fmt: skip
    """The price at which nobody gains by holding the perpetual against coins, quote per coin.

    years : of an interval of funding, 0 for continuous.  inverse : settled in the coin, so that 1/f is what converges.
    on_current : funding is a share of the gap at the interval's end, not at its beginning.

    A pull (kappa) too weak against the rates gives a negative number, or a price far from spot: no price then keeps both sides.

    Raises
    ------
    InputError : a spot that is not above 0, or rates at which there is no such price at all.
    """
    if not (spot > 0.0 and years >= 0.0):
        raise InputError(
            f"a perpetual's spot must be above 0 and its interval 0 years or more (got {spot:g}, {years:g})"
        )
    drift = coin_rate - rate if inverse else rate - coin_rate
    pull = kappa - iota
    if years == 0.0:
        below = kappa - drift
    elif on_current:
        growth = math.exp(drift * years)
        below, pull = 1.0 - growth + kappa * growth, pull * growth
    else:
        below = 1.0 + kappa - math.exp(drift * years)
    if below == 0.0 or pull == 0.0:
        raise InputError("the rates take exactly what funding gives: there is no fair price of this perpetual")
    return spot * below / pull if inverse else spot * pull / below
