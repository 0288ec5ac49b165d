"""What an overlay may be made of: options bought, and sold ones that those cover.

puts : options are bought that gain where the book loses (calls, for a coin the book is short of).
spreads : such options farther out are sold as well, never more than nearer ones of the same expiry are bought.
collars : options on the other side are sold, of an expiry never more than are bought and never more than the book holds coins
for; what they bring pays for those at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perpbook.hedging.candidates import Board, Candidates
from perpbook.kernels.types import Floats, Integers

STRUCTURES = ("puts", "spreads", "collars")

NEAREST = 1.02
"""An option is bought or sold up to a strike this far in the money (over the forward for a put)."""

COLLAR_FROM, COLLAR_TO = 0.7, 1.03
"""A collar is bought no farther out than the first (over the forward) and sold no nearer than the second: cover that is all but
worthless covers nothing, and selling at the money is no hedge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """n choices: `number` in the candidates of `base`, `sign` 1 to buy and -1 to sell, lot (coins), most lots, and price (dollars
    for one coin: paid or received, fees in it)."""

    base: NDArray[np.str_]
    number: Integers
    sign: Floats
    lot: Floats
    most: Floats
    price: Floats
    call: Floats
    expiry: Integers
    strike: Floats


def columns_of(board: Board, exposure: Mapping[str, float], structure: str) -> Columns:
    """The choices of a structure on a book's exposures (coins, > 0 long)."""
    rows = [
        (base, number, sign)
        for base, found in board.items()
        if exposure.get(base, 0.0) != 0.0
        for sign, numbers in _choices(found, exposure[base] > 0.0, structure)
        for number in numbers
    ]
    found = [board[base] for base, _, _ in rows]
    contracts = [one.contracts[number] for one, (_, number, _) in zip(found, rows, strict=True)]
    lots = np.array([one.lot_size for one in contracts], dtype=np.float64)
    most = [one.most_bought[k] if sign > 0 else one.most_sold[k] for one, (_, k, sign) in zip(found, rows, strict=True)]
    return Columns(
        base=np.array([base for base, _, _ in rows]),
        number=np.array([number for _, number, _ in rows], dtype=np.int64),
        sign=np.array([sign for _, _, sign in rows], dtype=np.float64),
        lot=lots,
        most=np.floor(np.array(most, dtype=np.float64) / lots + 1e-9),
        price=np.array(
            [one.pay[k] if sign > 0 else one.receive[k] for one, (_, k, sign) in zip(found, rows, strict=True)],
            dtype=np.float64,
        ),
        call=np.array([one.is_call for one in contracts], dtype=np.float64),
        expiry=np.array([one.expiry_ns for one in contracts], dtype=np.int64),
        strike=np.array([one.strike for one in contracts], dtype=np.float64),
    )


def _choices(found: Candidates, long: bool, structure: str) -> list[tuple[float, list[int]]]:
    """(1 or -1, numbers of candidates) that a structure may buy and sell."""
    money = found.laid.strike / found.laid.forward
    protects = (found.laid.call == 0) == long
    near = money <= NEAREST if long else money >= 1.0 / NEAREST
    bought = protects & near & np.isfinite(found.pay) & (found.most_bought > 0.0)
    if structure == "collars":
        bought &= money >= COLLAR_FROM if long else money <= 1.0 / COLLAR_FROM
    if not bought.any():
        return []
    out = [(1.0, np.flatnonzero(bought).tolist())]
    sellable = np.isfinite(found.receive) & (found.most_sold > 0.0)
    if structure == "spreads":
        out.append((-1.0, np.flatnonzero(protects & near & sellable).tolist()))
    elif structure == "collars":
        outside = money >= COLLAR_TO if long else money <= 1.0 / COLLAR_TO
        out.append((-1.0, np.flatnonzero(~protects & outside & sellable).tolist()))
    return out


def rows_of(columns: Columns, exposure: Mapping[str, float], cover: float | None) -> tuple[Floats, Floats]:
    """(rows, n) per lot and (rows,) the most they add up to: that what is sold is covered, and what is bought within `cover`."""
    rows: list[Floats] = []
    most: list[float] = []
    sold = columns.sign < 0.0
    if cover is not None:
        for base in dict.fromkeys(columns.base.tolist()):
            rows.append(np.where((columns.base == base) & ~sold, columns.lot, 0.0))
            most.append(cover * abs(exposure[base]))
    for base in dict.fromkeys(columns.base[sold].tolist()):
        mine = columns.base == base
        crossed = bool((columns.call[mine & sold] != columns.call[mine & ~sold][0]).any())
        for expiry in np.unique(columns.expiry[mine & sold]):
            here = mine & (columns.expiry == expiry)
            net = np.where(here, -columns.sign * columns.lot, 0.0)
            if crossed:
                rows.append(net)
                most.append(0.0)
                continue
            for strike in np.unique(columns.strike[here & sold]):
                nearer = columns.strike <= strike if columns.call[here][0] else columns.strike >= strike
                rows.append(np.where(nearer, net, 0.0))
                most.append(0.0)
        if crossed:
            rows.append(np.where(mine & sold, columns.lot, 0.0))
            most.append(abs(exposure[base]))
            rows.append(np.where(mine, -columns.sign * columns.lot * columns.price, 0.0))
            most.append(0.0)
    return np.array(rows).reshape(len(rows), columns.lot.size), np.array(most)
