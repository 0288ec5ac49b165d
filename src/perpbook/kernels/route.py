"""Filling one order from the books of several venues at least cost.

A venue's levels are a ladder: key (what one lot costs, fees included, lower is better; negative for a sale) and whole lots, best
first. Cost is the sum of the keys of the lots taken, plus a fixed cost for every venue that is used. Without fixed costs and least
sizes the cheapest levels in order are the optimum: each venue's cost is convex and piecewise linear, so taking a dearer lot before
a cheaper one can be exchanged. With them, a venue is used or not: every set of venues is tried, its least sizes taken first and
the rest by price, and that is the optimum again, set by set.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.jit import kernel
from perpbook.kernels.types import Floats, Integers


class Ladders(NamedTuple):
    """Levels of all venues, venue by venue, in lots of one size.

    start : (venues + 1,) levels of venue v are start[v] .. start[v+1]-1.  key : (n,) quote per lot.  lots : (n,) >= 0.
    least, most : (venues,) lots; a venue that is used takes between them.  fixed : (venues,) quote, >= 0.
    """

    start: Integers
    key: Floats
    lots: Integers
    least: Integers
    most: Integers
    fixed: Floats


@kernel
def merge_order(ladders: Ladders, order: Integers, owner: Integers) -> None:
    """Levels from cheapest to dearest, ties by venue, and the venue of each: a merge of sorted ladders.

    order, owner : (n,) filled here.
    """
    venues = ladders.start.size - 1
    at = ladders.start[:-1].copy()
    for place in range(order.size):
        best = -1
        for venue in range(venues):
            if at[venue] < ladders.start[venue + 1] and (
                best < 0 or ladders.key[at[venue]] < ladders.key[at[best]]
            ):
                best = venue
        order[place] = at[best]
        owner[place] = best
        at[best] += 1


@kernel
def cheapest_fill(ladders: Ladders, wanted: int, order: Integers, owner: Integers, taken: Integers) -> float:
    """The most that can be filled of `wanted` lots, at its least cost; what is returned is that cost, quote.

    order, owner : from `merge_order`.  taken : (n,) lots by level, filled here.  Sets of venues are tried only where a fixed cost
    or a least size makes a difference.
    """
    venues = ladders.start.size - 1
    room = np.zeros(venues, dtype=np.int64)
    for venue in range(venues):
        for level in range(ladders.start[venue], ladders.start[venue + 1]):
            room[venue] += ladders.lots[level]
        room[venue] = min(room[venue], ladders.most[venue])
    trial = np.zeros(taken.size, dtype=np.int64)
    reachable = min(room.sum(), wanted)
    _, bound = _fill(ladders, -1, wanted, order, owner, room, taken)
    if not ((ladders.fixed > 0.0).any() or (ladders.least > 0).any()):
        return bound
    taken[:] = 0
    best_filled, best_cost = 0, 0.0
    for chosen in range(1, 1 << venues):
        least, most, fixed = _sums(ladders, chosen, room)
        can = min(most, wanted)
        if least > wanted or least < 0 or can < best_filled:
            continue
        if can == best_filled == reachable and bound + fixed >= best_cost:
            continue
        filled, cost = _fill(ladders, chosen, wanted, order, owner, room, trial)
        cost += fixed
        if filled > best_filled or (filled == best_filled and cost < best_cost):
            best_filled, best_cost = filled, cost
            taken[:] = trial
    return best_cost


@kernel
def _sums(ladders: Ladders, chosen: int, room: Integers) -> tuple[int, int, float]:
    """Least and most lots of a set of venues, and its fixed cost; a least of -1 where a venue has not even its own."""
    least, most, fixed = 0, 0, 0.0
    for venue in range(room.size):
        if chosen >> venue & 1:
            if room[venue] < max(ladders.least[venue], 1):
                return -1, 0, 0.0
            least += ladders.least[venue]
            most += room[venue]
            fixed += ladders.fixed[venue]
    return least, most, fixed


@kernel
def _fill(
    ladders: Ladders, chosen: int, wanted: int, order: Integers, owner: Integers, room: Integers, taken: Integers
) -> tuple[int, float]:
    """Lots filled and their cost from a set of venues: each one's least size first, then the cheapest of what is left.

    chosen : bits; below 0 every venue, and no least sizes, which no set is cheaper than.
    """
    venues = room.size
    first, left = np.zeros(venues, dtype=np.int64), room.copy()
    rest, filled, cost, owed = wanted, 0, 0.0, 0
    for venue in range(venues):
        if chosen > 0 and chosen >> venue & 1:
            first[venue] = ladders.least[venue]
            owed += first[venue]
    rest -= owed
    taken[:] = 0
    for place in range(order.size):
        if rest == 0 and owed == 0:
            break
        venue, level = owner[place], order[place]
        if chosen > 0 and not chosen >> venue & 1:
            continue
        forced = min(first[venue], ladders.lots[level])
        more = min(min(ladders.lots[level] - forced, rest), left[venue] - first[venue])
        first[venue] -= forced
        left[venue] -= forced + more
        owed -= forced
        rest -= more
        taken[level] = forced + more
        filled += forced + more
        cost += (forced + more) * ladders.key[level]
    return filled, cost
