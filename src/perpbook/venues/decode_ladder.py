"""A book that is told in changes: one side each, prices in order, sizes by price."""

from __future__ import annotations

from bisect import bisect_left, insort
from math import inf

from perpbook.venues.decode_parts import Levels, Reason, Unfit

DEEPEST = 5_000
"""Levels that one side may hold: more is not a book but an attack (our choice; venues give 1,000)."""


class Side:
    """Resting sizes of one side. `way` : 1 asks, -1 bids. Each level keeps the number of the message that set it."""

    def __init__(self, way: float) -> None:
        self._way = way
        self._ranks: list[float] = []
        self._sizes: dict[float, tuple[float, int]] = {}

    def clear(self) -> None:
        """Nothing rests."""
        self._ranks.clear()
        self._sizes.clear()

    def put(self, price: float, size: float, number: int, stream: tuple[str, str]) -> None:
        """The size that rests at a price now; 0 takes the level away."""
        if not (0.0 < price < inf and 0.0 <= size < inf):
            raise Unfit(*stream, Reason.NUMBER)
        rank = self._way * price
        if size == 0.0:
            if self._sizes.pop(rank, None) is not None:
                del self._ranks[bisect_left(self._ranks, rank)]
            return
        if rank not in self._sizes:
            if len(self._ranks) >= DEEPEST:
                raise Unfit(*stream, Reason.OVERFLOW)
            insort(self._ranks, rank)
        self._sizes[rank] = (size, number)

    def best(self, levels: int, skip: int = 0) -> Levels:
        """So many levels from the `skip`-th best on."""
        return tuple((self._way * rank, self._sizes[rank][0]) for rank in self._ranks[skip : skip + levels])

    def at(self, number: int) -> tuple[float, float, int] | None:
        """(price, size, number of the message) of the `number`-th best level."""
        if number >= len(self._ranks):
            return None
        rank = self._ranks[number]
        size, of = self._sizes[rank]
        return self._way * rank, size, of


class Ladder:
    """Both sides of a book."""

    def __init__(self) -> None:
        self.bids, self.asks = Side(-1.0), Side(1.0)

    def clear(self) -> None:
        """Nothing rests."""
        self.bids.clear()
        self.asks.clear()

    def uncrossed(self, levels: int) -> tuple[Levels, Levels]:
        """Both sides without the levels that cross: of two that do, the older is out of date and is left out; of the same age,
        the smaller goes, and what it took is taken off the other (docs.dydx.xyz, "Uncrossing the orderbook")."""
        i = j = 0
        taken: dict[int, float] = {-1: 0.0, 1: 0.0}
        while (bid := self.bids.at(i)) is not None and (ask := self.asks.at(j)) is not None and bid[0] >= ask[0]:
            left_bid, left_ask = bid[1] - taken[-1], ask[1] - taken[1]
            if bid[2] < ask[2] or (bid[2] == ask[2] and left_bid <= left_ask):
                taken[1] += left_bid if bid[2] == ask[2] else 0.0
                i, taken[-1] = i + 1, 0.0
                if bid[2] == ask[2] and left_bid == left_ask:
                    j, taken[1] = j + 1, 0.0
            else:
                taken[-1] += left_ask if bid[2] == ask[2] else 0.0
                j, taken[1] = j + 1, 0.0
        return _less(self.bids.best(levels, i), taken[-1]), _less(self.asks.best(levels, j), taken[1])


def _less(levels: Levels, taken: float) -> Levels:
    """Levels with something taken off the first."""
    if not taken or not levels:
        return levels
    return ((levels[0][0], levels[0][1] - taken), *levels[1:])
