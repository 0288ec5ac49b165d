"""What may be held in a run, one row each, and a row's margin at any size.

A row is a contract in an account, or an amount of a coin held there as collateral. The rules of a row never change in a
run; its quantity and entry do, and with them its lines (see `kernels.types`): `draw_row` is `margin.requirement` for
one row, compiled, because in a run sizes are not scaled copies of what was held at first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.jit import part
from perpbook.kernels.types import Floats, Integers, Lines, Rows

BY_NOTIONAL, BY_BASE, BY_CONTRACTS = 0, 1, 2


ROW = np.dtype(
    [
        *[
            (name, np.int64)
            for name in ("account", "column", "asset", "venue", "sleeve", "pays", "place", "unit", "pieces")
        ],
        *[(name, np.int64) for name in ("coin", "inverse", "on_entry", "whole", "inclusive", "in_coin")],
        *[(name, np.int64) for name in ("isolated", "wanted")],
        *[(name, np.float64) for name in ("weight", "contract_size", "sqrt_fraction", "per_unit", "initial_per_unit")],
        *[(name, np.float64) for name in ("close_fee", "bankruptcy_fee", "least_collateral", "leverage", "beta")],
        *[(name, np.float64) for name in ("taker", "maker", "lot", "least_trade")],
    ],
    align=True,
)
"""What never changes of a row.

`account`, `column` (of prices), `asset`, `venue`, `sleeve` (-1 none) are numbers; `pays` the row of the coin that profit is
paid in, -1 for dollars; `place` its number among positions, -1 for a coin; `unit` what tier bounds are measured in; `pieces`
how many tiers. Flags: `coin` (an amount of a coin, counted at `weight`), `inverse`, `on_entry` (margin taken at the entry
price), `whole` (whole-position tiers), `inclusive` (a size on a tier's bound belongs to the lower tier), `in_coin`
(deductions in the coin), `isolated`; `wanted` mode: 0 any, 1 isolated, 2 cross. `close_fee` and `bankruptcy_fee` count as
maintenance margin; `leverage` is the user's, 0 none; `least_trade` dollars.
"""

ACCOUNT = np.dtype(
    [
        *[
            (name, np.int64)
            for name in ("at_or_below", "remainder_lost", "manner", "queue", "cooldown_ns", "home", "layer")
        ],
        *[(name, np.float64) for name in ("penalty", "partial_fraction", "partial_above", "partial_least")],
        *[(name, np.float64) for name in ("backstop_ratio", "fillable_spread")],
    ],
    align=True,
)
"""What never changes of an account: how its venue liquidates (`manner`: `kernels.seize`; `fillable_spread` in maintenance
margins, 0 none) and ranks winners (`queue`: `kernels.deleverage`), its venue `home` and its `layer` (-1 none)."""


class Slots(NamedTuple):
    """n rows in order of account, then of column. start : (A + 1,) rows of account a are start[a]..start[a+1]-1.

    rows : (n,) of `ROW`.  accounts : (A,) of `ACCOUNT`.  column : (n,) as in `rows`.  positions : (P,) rows that are
    contracts.  lower, rate, initial, deduction : (n, K) tiers.
    """

    start: Integers
    rows: Rows
    accounts: Rows
    column: Integers
    positions: Integers
    lower: Floats
    rate: Floats
    initial: Floats
    deduction: Floats


@part
def tier_number(slots: Slots, i: int, size: float, price: float) -> int:
    """The tier that a position of |quantity| `size` belongs to at a price."""
    if slots.rows[i].unit == BY_CONTRACTS:
        measured = size / slots.rows[i].contract_size
    elif slots.rows[i].unit == BY_BASE:
        measured = size / price if slots.rows[i].inverse else size
    else:
        measured = size / price if slots.rows[i].inverse else size * price
    found = 0
    for k in range(1, slots.rows[i].pieces):
        if measured > slots.lower[i, k] or (measured == slots.lower[i, k] and not slots.rows[i].inclusive):
            found = k
    return found


@part
def with_premium(slots: Slots, i: int, fraction: float, size: float) -> float:
    """A margin fraction with Drift's premium on size."""
    if slots.rows[i].sqrt_fraction == 0.0:
        return fraction
    return max(fraction, 0.8 * fraction + slots.rows[i].sqrt_fraction * size**0.5)


@part
def initial_fraction(slots: Slots, i: int, size: float, price: float) -> float:
    """Initial margin over notional at this size, before the fee: the venue's, or one over the user's leverage."""
    asked = with_premium(slots, i, slots.initial[i, tier_number(slots, i, size, price)], size)
    asked += slots.rows[i].initial_per_unit * (size / price if slots.rows[i].inverse else size)
    if slots.rows[i].leverage > 0.0:
        return max(asked, 1.0 / slots.rows[i].leverage)
    return asked


@part
def closing_fee(slots: Slots, i: int, quantity: float, price: float) -> float:
    """The estimated fee to close that counts as maintenance margin, a fraction of notional."""
    if slots.rows[i].bankruptcy_fee == 0.0:
        return slots.rows[i].close_fee
    leverage = slots.rows[i].leverage
    if leverage == 0.0:
        leverage = 1.0 / initial_fraction(slots, i, abs(quantity), price)
    side = 1.0 if quantity > 0.0 else -1.0
    return slots.rows[i].bankruptcy_fee * (1.0 - side / leverage)


@part
def draw_row(slots: Slots, i: int, quantity: float, entry: float, price: float, lines: Lines) -> float:
    """Write row i's lines at a quantity, and give the dollars it adds whatever the price.

    `price` is the column's now: what a tier by notional of an inverse contract, or a fee by leverage, is frozen at.
    """
    lines.pieces[i], lines.reciprocal[i], lines.delta[i] = 0, 0.0, 0.0
    if slots.rows[i].coin:
        lines.delta[i] = quantity * (slots.rows[i].weight if quantity > 0.0 else 1.0)
        return 0.0
    if quantity == 0.0:
        return 0.0
    size = abs(quantity)
    if slots.rows[i].inverse:
        slope, offset = (size / entry, 0.0) if slots.rows[i].on_entry else (0.0, size)
        lines.delta[i], constant = quantity / entry, -quantity
        lines.reciprocal[i] = slots.rows[i].per_unit * size * size
    else:
        slope, offset = (0.0, size * entry) if slots.rows[i].on_entry else (size, 0.0)
        lines.delta[i], constant = quantity, -quantity * entry
    draw_tiers(slots, i, quantity, price, slope, offset, lines)
    return constant


@part
def draw_tiers(slots: Slots, i: int, quantity: float, price: float, slope: float, offset: float, lines: Lines) -> None:
    """Write the lines of row i's requirement; its dollar notional is slope p + offset."""
    size, fee, curve = abs(quantity), closing_fee(slots, i, quantity, price), 0.0
    if not slots.rows[i].inverse:
        curve = slots.rows[i].per_unit * size * size
    pieces, at = slots.rows[i].pieces, 0
    only = tier_number(slots, i, size, price) if slots.rows[i].whole else 0
    if slots.rows[i].whole:
        pieces = 1
    if slots.rows[i].least_collateral > 0.0:
        lines.slope[i, 0] = fee * slope + curve
        lines.offset[i, 0] = fee * offset + slots.rows[i].least_collateral
        at = 1
    for k in range(pieces):
        rate = with_premium(slots, i, slots.rate[i, only + k], size) + fee
        fixed = 0.0 if slots.rows[i].whole else slots.deduction[i, k]
        lines.slope[i, at + k], lines.offset[i, at + k] = rate * slope + curve, rate * offset
        if slots.rows[i].in_coin:
            lines.slope[i, at + k] -= fixed
        else:
            lines.offset[i, at + k] -= fixed
    lines.pieces[i] = at + pieces


@part
def floor_rate(slots: Slots, i: int, quantity: float, price: float) -> float:
    """The lowest rate above zero that row i's requirement can have at this quantity; inf for none."""
    if slots.rows[i].coin or quantity == 0.0:
        return np.inf
    size, lowest = abs(quantity), np.inf
    fee = closing_fee(slots, i, quantity, price)
    first, last = 0, slots.rows[i].pieces
    if slots.rows[i].whole:
        first = tier_number(slots, i, size, price)
        last = first + 1
    for k in range(first, last):
        rate = with_premium(slots, i, slots.rate[i, k], size) + fee
        if rate > 0.0:
            lowest = min(lowest, rate)
    if slots.rows[i].least_collateral > 0.0 and fee > 0.0:
        lowest = min(lowest, fee)
    return lowest
