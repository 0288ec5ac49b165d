"""Filling one order from the books of several venues at least cost.

A venue's levels are a ladder: key (what one lot costs, fees included, lower is better; negative for a sale) and whole lots, best
first. Cost is the sum of the keys of the lots taken, plus a fixed cost for every venue that is used. Without fixed costs and
least sizes the cheapest levels in order are the optimum: each venue's cost is convex and piecewise linear, so taking a dearer
lot before a cheaper one can be exchanged. With them, a venue is used or not: every set of venues is tried, its least sizes
taken first and the rest by price, and that is the optimum again, set by set.
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
def cheapest_fill(ladders: Ladders, wanted: int, taken: Integers) -> float:
    """The most that can be filled of `wanted` lots, at its least cost; what is returned is that cost, quote.

    taken : (n,) lots by level, filled here.  Sets of venues are tried only where a fixed cost or a least size makes a difference.
    """
    venues = ladders.start.size - 1
    order, owner = np.zeros(taken.size, dtype=np.int64), np.zeros(taken.size, dtype=np.int64)
    reachable, bound = _merge(ladders, wanted, taken)
    if not ((ladders.fixed > 0.0).any() or (ladders.least > 0).any()):
        return bound
    _order(ladders, order, owner)
    room, trial = _room(ladders), np.zeros(taken.size, dtype=np.int64)
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
def _merge(ladders: Ladders, wanted: int, taken: Integers) -> tuple[int, float]:
    """The cheapest lots of every venue, none of which must be used and none of which has a fixed cost; no set does better."""
    venues = ladders.start.size - 1
    at, left, head = np.zeros(venues, dtype=np.int64), np.zeros(venues, dtype=np.int64), np.zeros(venues)
    for venue in range(venues):
        at[venue], left[venue] = ladders.start[venue], ladders.most[venue]
        head[venue] = ladders.key[at[venue]] if at[venue] < ladders.start[venue + 1] else np.inf
    taken[:] = 0
    rest, cost = wanted, 0.0
    while rest > 0:
        venue = _cheapest(head)
        if head[venue] == np.inf:
            break
        take = min(min(ladders.lots[at[venue]], left[venue]), rest)
        taken[at[venue]] = take
        cost += take * head[venue]
        rest -= take
        left[venue] -= take
        at[venue] += 1
        more = at[venue] < ladders.start[venue + 1] and left[venue] > 0
        head[venue] = ladders.key[at[venue]] if more else np.inf
    return wanted - rest, cost


@kernel
def _cheapest(head: Floats) -> int:
    """The venue whose next level is the cheapest, the first of equals."""
    best = 0
    for venue in range(1, head.size):
        if head[venue] < head[best]:
            best = venue
    return best


@kernel
def _order(ladders: Ladders, order: Integers, owner: Integers) -> None:
    """Levels from cheapest to dearest, ties by venue, and the venue of each."""
    venues = ladders.start.size - 1
    at, head = np.zeros(venues, dtype=np.int64), np.zeros(venues)
    for venue in range(venues):
        at[venue] = ladders.start[venue]
        head[venue] = ladders.key[at[venue]] if at[venue] < ladders.start[venue + 1] else np.inf
    for place in range(order.size):
        venue = _cheapest(head)
        order[place], owner[place] = at[venue], venue
        at[venue] += 1
        head[venue] = ladders.key[at[venue]] if at[venue] < ladders.start[venue + 1] else np.inf


@kernel
def _room(ladders: Ladders) -> Integers:
    """(venues,) lots that each may fill."""
    room = np.zeros(ladders.start.size - 1, dtype=np.int64)
    for venue in range(room.size):
        for level in range(ladders.start[venue], ladders.start[venue + 1]):
            room[venue] += ladders.lots[level]
        room[venue] = min(room[venue], ladders.most[venue])
    return room


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

    chosen : bits, one by venue.
    """
    first, left = np.zeros(room.size, dtype=np.int64), room.copy()
    filled, cost, owed = 0, 0.0, 0
    for venue in range(room.size):
        if chosen >> venue & 1:
            first[venue] = ladders.least[venue]
            owed += first[venue]
    rest = wanted - owed
    taken[:] = 0
    for place in range(order.size):
        if rest == 0 and owed == 0:
            break
        venue, level = owner[place], order[place]
        if not chosen >> venue & 1:
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
