"""The array shapes kernels take, and the two NamedTuples that carry a book through them.

A book is a list of **items**, sorted by account and within an account by price column. An item is a position, or an
amount of a coin held as collateral. The one idea: in dollars, an item's equity and its maintenance requirement are
both simple functions of *one* price, linear and inverse contracts alike,

    equity      = delta p                         (+ cash, per account)
    requirement = max_k (slope_k p + offset_k) + reciprocal / p

because progressive tiers are `max_k (rate_k N - deduction_k)` with N = |q| p for a linear contract, and N = |q| with
a deduction that is worth more dollars as the coin rises for an inverse one. The requirement is convex in the price and
in the size, so surplus (equity - requirement) is concave: liquidation prices, joint moves and largest sizes are all
roots of concave functions, and one root finder serves them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.uint8]
Rows = Any
"""An array of records (`numpy.recarray`), one field by name at a time. NumPy has no type for those fields."""


class Holdings(NamedTuple):
    """A book's items with their sizes still free to scale.

    start : (accounts + 1,) items of account a are start[a] .. start[a+1]-1.
    column : (n,) the price column the item reads.  price : (n,) that price now, dollars.
    delta : (n,) dollars of equity per dollar of price, signed: base units of exposure.
    rate, deduction : (n, k) tiers, fractions of notional and settle currency; `pieces` (n,) of them are used.
    notional_slope, notional_offset : (n,) dollar notional is slope p + offset.
    in_coin : (n,) 1 where deductions are in the coin itself (inverse contracts).
    curve_slope, curve_reciprocal : (n,) requirement growing with the square of size: scale^2 (slope p + reciprocal/p).
    close_cost : (n,) dollars that closing the whole item costs.  scalable : (n,) 1 for positions, 0 for coins.
    cash : (accounts,) dollars that do not move with prices, unrealised linear profit included.
    """

    start: Integers
    column: Integers
    price: Floats
    delta: Floats
    rate: Floats
    deduction: Floats
    pieces: Integers
    notional_slope: Floats
    notional_offset: Floats
    in_coin: Flags
    curve_slope: Floats
    curve_reciprocal: Floats
    close_cost: Floats
    scalable: Flags
    cash: Floats


class Lines(NamedTuple):
    """The same items at fixed sizes: equity and requirement as lines in the item's price (see the module)."""

    start: Integers
    column: Integers
    delta: Floats
    slope: Floats
    offset: Floats
    pieces: Integers
    reciprocal: Floats
    cash: Floats
