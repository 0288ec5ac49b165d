"""How fast one trim must go, and whether there is time for its orders to rest.

A leg that is no larger than what its book gives within the collar goes at once. A larger one goes in slices, one for every time
the book would have to be full, as slow and even as keeps the chance that its account is liquidated before the last one within
the budget (`execution.slices`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate

from perpbook.execution.chances import Barrier, Swings, barriers_of
from perpbook.execution.closing import Held, after_closing
from perpbook.execution.slices import slowest_within
from perpbook.margin.arrays import book_arrays
from perpbook.model.market import Snapshot
from perpbook.terms.terms import VenueTerms

MOST_SLICES = 12

FILLS_AGAIN = (1.0, 60.0)
"""Seconds between two slices, at least and at most: how long a book takes to fill again is a guess."""

COUNTED = 1_000_000
"""Into as many parts a position without lots is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    """swings, budget : as in `slices.slowest_within`.  collar : how far a limit price may be from the middle.  seconds : that
    all of it may take at most.  patience : seconds for which an order would rest."""

    swings: Swings
    budget: float
    collar: float
    seconds: float
    patience: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """slices : shares of a leg that may be done after each, () for all at once, one every `every_seconds`. `rests` : there is
    time for orders to rest."""

    slices: tuple[float, ...] = ()
    every_seconds: float = 0.0
    rests: bool = False


def paced(snapshot: Snapshot, terms: Mapping[str, VenueTerms], held: Held, quantity: float, urgency: Urgency) -> Paced:
    """How to close `quantity` (> 0) of a position.

    Raises
    ------
    InputError : a volatility is not known.
    """
    standing = _standing(snapshot, terms, held, quantity, urgency.swings)
    slices, every = _slices(held, quantity, urgency, standing)
    waits = every * max(len(slices) - 1, 0) + urgency.patience * max(len(slices), 1)
    chance = sum(one.chance(waits) for one in standing(1.0))
    rests = urgency.patience > 0.0 and waits < urgency.seconds and chance <= urgency.budget
    return Paced(slices=slices, every_seconds=every, rests=rests)


def _slices(
    held: Held, quantity: float, urgency: Urgency, standing: Callable[[float], tuple[Barrier, ...]]
) -> tuple[tuple[float, ...], float]:
    """Shares, and seconds between them."""
    base, there = abs(held.base) * quantity / abs(held.quantity), within(held, urgency.collar)
    if there is None or base <= there:
        return (), 0.0
    lots = max(round(quantity / held.lot), 1) if held.lot > 0.0 else COUNTED
    count = min(math.ceil(base / there) if there > 0.0 else MOST_SLICES, MOST_SLICES, lots)
    if count == 1:
        return (), 0.0
    shortest, longest = ((count - 1) * seconds for seconds in FILLS_AGAIN)
    found = slowest_within(
        urgency.budget, standing, lots, count, (min(shortest, urgency.seconds), min(longest, urgency.seconds))
    ).schedule
    return (*(done / lots for done in accumulate(found.lots[:-1])), 1.0), found.every_seconds


def within(held: Held, collar: float) -> float | None:
    """Base units that a position's book takes within the collar; None where no depth is known."""
    depth = held.item.quote.depth if held.item.quote is not None else None
    if depth is None or not held.levels:
        return None
    middle = 0.5 * (depth.bids[0][0] + depth.asks[0][0])
    return math.fsum(size for price, size in held.levels if abs(price - middle) <= collar * middle)


def _standing(
    snapshot: Snapshot, terms: Mapping[str, VenueTerms], held: Held, quantity: float, swings: Swings
) -> Callable[[float], tuple[Barrier, ...]]:
    """Where the account dies while a share of the leg is left."""
    mine = tuple(one for one in snapshot.book.accounts if one.id == held.account)
    alone, found = replace(snapshot, book=replace(snapshot.book, accounts=mine)), dict[float, tuple[Barrier, ...]]()

    def at(left: float) -> tuple[Barrier, ...]:
        if left not in found:
            done = quantity * (1.0 - left)
            after = after_closing(alone, terms, {held.key: (held, done, held.cost(done).known)})
            found[left] = barriers_of(book_arrays(after.book, after.market, terms), swings)[held.account]
        return found[left]

    return at
