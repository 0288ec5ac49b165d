"""Trims that a rule of the whole book asks for, laid on the legs that `reduce` finds best.

Such a rule asks for less of an asset, not for a position: any account's leg on that side serves it. What another rule asks of one
position stays where it is, and is done first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from perpbook.execution.closing import Held, PositionKey, after_closing, positions_held
from perpbook.execution.reduce import Target, Weighing, reduce
from perpbook.margin.arrays import book_arrays
from perpbook.model.market import Snapshot
from perpbook.model.verdict import Trim
from perpbook.terms.terms import VenueTerms

OF_THE_BOOK = ("leverage.asset", "leverage.book", "hedge.delta_band")
"""Rules that any leg of an asset serves; a key stands for those below it."""

Group = tuple[str, float]
"""An asset, and the side of its positions: 1.0 long, -1.0 short."""


def is_of_the_book(rules: Sequence[str]) -> bool:
    """Whether nothing but rules of the whole book asks."""
    return all(any(rule == one or rule.startswith(f"{one}.") for one in OF_THE_BOOK) for rule in rules)


def placed(
    snapshot: Snapshot, terms: Mapping[str, VenueTerms], trims: Sequence[Trim], weighing: Weighing
) -> tuple[Trim, ...]:
    """As much of every asset and side as these trims, on the best legs; the same trims where the depth of a leg that might be
    taken is not known.

    Raises
    ------
    InputError : a volatility is not known, or an account holds one contract on both sides.
    MissingData : a price is not known.
    """
    held = {one.key: one for one in positions_held(book_arrays(snapshot.book, snapshot.market, terms))}
    free = [one for one in trims if is_of_the_book(one.rules)]
    groups: dict[Group, list[Trim]] = {}
    for trim in free:
        groups.setdefault(_group(held[trim.account, trim.symbol]), []).append(trim)
    if any(_group(one) in groups and not one.levels for one in held.values()):
        return tuple(trims)
    stay = {(one.account, one.symbol): one for one in trims if one not in free}
    closed = {key: _closed(one) for key, one in stay.items()}
    asked = {key: one.rules for key, one in stay.items()}
    for group, mine in groups.items():
        now = _after(snapshot, terms, held, closed)
        rules = tuple(dict.fromkeys(rule for trim in mine for rule in trim.rules))
        wanted = math.fsum(_closed(one) * _base(held[one.account, one.symbol]) for one in mine)
        exposure = _exposure(now, terms, group[0])
        found = reduce(now, terms, Target(asset=group[0], exposure=exposure - group[1] * wanted), weighing)
        for cut in found.cuts:
            key = (cut.account, cut.symbol)
            closed[key] = min(closed.get(key, 0.0) + abs(cut.quantity), abs(held[key].quantity))
            asked[key] = tuple(dict.fromkeys([*asked.get(key, ()), *rules]))
    return tuple(
        stay[key] if key in stay and quantity == _closed(stay[key]) else _trim(held[key], quantity, asked[key])
        for key, quantity in closed.items()
    )


def _group(held: Held) -> Group:
    return held.item.asset, math.copysign(1.0, held.base)


def _closed(trim: Trim) -> float:
    return abs(trim.quantity_before - trim.quantity_after)


def _base(held: Held) -> float:
    """Base units of exposure in one unit of a position."""
    return abs(held.base / held.quantity)


def _after(
    snapshot: Snapshot,
    terms: Mapping[str, VenueTerms],
    held: Mapping[PositionKey, Held],
    closed: Mapping[PositionKey, float],
) -> Snapshot:
    made = {key: (held[key], quantity, held[key].cost(quantity).known) for key, quantity in closed.items()}
    return after_closing(snapshot, terms, made)


def _exposure(snapshot: Snapshot, terms: Mapping[str, VenueTerms], asset: str) -> float:
    items = book_arrays(snapshot.book, snapshot.market, terms).items
    return math.fsum(item.delta for item in items if item.asset == asset)


def _trim(held: Held, quantity: float, rules: tuple[str, ...]) -> Trim:
    cost, whole = held.cost(quantity), quantity >= abs(held.quantity)
    return Trim(
        account=held.account, symbol=held.symbol, quantity_before=held.quantity,
        quantity_after=0.0 if whole else held.quantity - math.copysign(quantity, held.quantity),
        notional_closed=held.notional * quantity / abs(held.quantity), fees=cost.fees, slippage=cost.slippage or 0.0,
        slippage_known=cost.slippage is not None, rules=rules,
    )  # fmt: skip
