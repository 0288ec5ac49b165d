"""BitMEX inverse contracts in whole satoshis: a contract's value is rounded before it is multiplied.

Quantities are contracts of one US dollar, long > 0 > short; money is satoshis. A position's value and cost carry the
opposite sign of its quantity, so that profit is value less cost on both sides. Source: one recorded session of
2018-08-27.
"""

from __future__ import annotations

import math
from fractions import Fraction

from perpbook.errors import TermsError

SATOSHIS = 10**8
"""Satoshis in a bitcoin."""


def contract_value(price: float) -> int:
    """Satoshis that one contract is worth at a price in dollars, to the nearest whole one."""
    if not (price > 0 and math.isfinite(price)):
        raise TermsError(f"a contract has no value at a price of {price}: give one above 0")
    return math.floor(SATOSHIS / Fraction(str(price)) + Fraction(1, 2))


def position_value(quantity: int, price: float) -> int:
    """Satoshis of a position's value at a price, or of its cost when the price is that of its entry; long < 0 < short."""
    return -quantity * contract_value(price)


def unrealized_pnl(quantity: int, price: float, cost: int) -> int:
    """Profit (> 0) or loss at a price of a position with this cost, satoshis."""
    return position_value(quantity, price) - cost


def commission(cost: int, initial_margin: int, taker_fee_rate: float) -> int:
    """Satoshis set aside to close: the fee on cost and initial margin together, rounded up.

    One recorded figure (5,799.3 shown as 5,800) is all that the rounding rests on.
    """
    return math.ceil((abs(cost) + initial_margin) * Fraction(str(taker_fee_rate)))
