"""The market's side of one contract's book: levels around the mark, or as given, less what was taken and is not yet back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from perpbook.model.market import Depth
from perpbook.simulation.order_rules import exponent, whole_parts

BIDS, ASKS = 0, 1
"""Sides of a book."""

Level = tuple[float, float, float]
"""Price, base quantity that is there, and what the level is known by: its number, or in a given book its price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthProfile:
    """A calm book around the mark. half_spread, step : fractions of the mark from it to the first level, and from one level to
    the next. notional : quote in the first level, `growth` times as much in each further one. half_life_ns : how long until half
    of what was taken is back."""

    levels: int = 10
    half_spread: float = 0.0001
    step: float = 0.0001
    notional: float = 100_000.0
    growth: float = 1.3
    half_life_ns: int = 10_000_000_000

    def __post_init__(self) -> None:
        assert self.levels >= 1 and self.half_life_ns > 0, "a profile has a level, and comes back some time"
        assert self.half_spread >= 0 and self.step >= 0 and self.notional > 0 and self.growth > 0
        assert self.half_spread + self.step * self.levels < 1.0, "a bid is worth something"


class Ladder:
    """Levels of both sides, best first. What is taken is remembered by level and comes back by halves."""

    __slots__ = (
        "_aways",
        "_given",
        "_lot",
        "_lots",
        "_made",
        "_mark",
        "_near",
        "_profile",
        "_shares",
        "_sized",
        "_spread",
        "_step_at",
        "_taken",
        "_times",
    )

    def __init__(self, profile: DepthProfile, lot: float, step_at: Callable[[float], float]) -> None:
        """`step_at` : the price step near a price, 0 where none is known."""
        self._profile, self._lot, self._step_at = profile, lot, step_at
        self._mark, self._spread = 0.0, 1.0
        self._given: Depth | None = None
        self._taken: tuple[dict[float, float], dict[float, float]] = ({}, {})
        self._made: list[list[Level] | None] = [None, None]
        self._shares = 1.0
        self._aways = [profile.half_spread + profile.step * number for number in range(profile.levels)]
        self._times = [profile.growth**number for number in range(profile.levels)]
        self._sized: list[float] = []
        self._lots = whole_parts(lot) if lot else (1, 1)
        self._near = (0.0, 0.0, 1, 1)

    def stand_around(self, mark: float, depth: float, spread: float) -> None:
        """Levels of the profile around a mark; `depth`, `spread` : multiples of it."""
        if self._given is not None:
            self._given, self._taken = None, ({}, {})
        self._mark, self._shares, self._spread = mark, depth, spread
        self._made, self._sized = [None, None], []

    def stand_as(self, given: Depth, mark: float) -> None:
        """Levels as they were seen."""
        if self._given is None:
            self._taken = ({}, {})
        self._given, self._mark = given, mark
        self._made = [None, None]

    def age(self, by_ns: int) -> bool:
        """Let what was taken come back; whether anything did."""
        stirred = by_ns > 0 and any(self._taken)
        for taken in self._taken if stirred else ():
            kept = 0.5 ** (by_ns / self._profile.half_life_ns)
            for key in list(taken):
                taken[key] *= kept
                if taken[key] < max(0.5 * self._lot, 1e-12):
                    del taken[key]
        if stirred:
            self._made = [None, None]
        return stirred

    def levels(self, side: int) -> list[Level]:
        """What can be traded with, best first; nothing of no size."""
        made = self._made[side]
        if made is None:
            made = self._made[side] = self._seen(side) if self._given is not None else self._drawn(side)
        return made

    def take(self, side: int, key: float, quantity: float) -> None:
        """Remember what was traded away of a level, base units > 0."""
        self._taken[side][key] = self._taken[side].get(key, 0.0) + quantity
        self._made[side] = None

    def _seen(self, side: int) -> list[Level]:
        assert self._given is not None
        taken, least = self._taken[side], max(0.5 * self._lot, 1e-12)
        rows = self._given.bids if side == BIDS else self._given.asks
        left = [(price, quantity - taken.get(price, 0.0), price) for price, quantity in rows]
        return [level for level in left if level[1] > least]

    def _drawn(self, side: int) -> list[Level]:
        taken, least = self._taken[side], max(0.5 * self._lot, 1e-12)
        steps, parts = self._grid()
        at = self._ticks(side)
        out = [
            (ticks * steps / parts, size, number)
            for number, (ticks, size) in enumerate(zip(at, self._sizes(), strict=True))
        ]
        if taken:
            out = [(price, round(size - taken.get(number, 0.0), 12), number) for price, size, number in out]
        return [level for level in out if level[1] > least and level[0] > 0.0]

    def _ticks(self, side: int) -> list[int]:
        """Prices of the levels in steps: each rounded away from the mark, and beyond the one before."""
        steps, parts = self._grid()
        mark, spread = self._mark * parts / steps, self._spread
        if side == BIDS:
            at = [int(mark * (1.0 - away * spread) + 1e-9) for away in self._aways]
            last = int(mark + 1e-9) + 1
        else:
            at = [int(mark * (1.0 + away * spread) - 1e-9) + 1 for away in self._aways]
            last = int(mark + 1e-9)
        sign = 1 if side == ASKS else -1
        if mark * self._profile.step * spread < 2.0 or sign * at[0] <= sign * last:
            for number, ticks in enumerate(at):
                at[number] = last = max(ticks, last + 1) if side == ASKS else min(ticks, last - 1)
        return at

    def _sizes(self) -> list[float]:
        """What stands in each level in base units, whole lots where they are known."""
        if not self._sized:
            first, lot = self._profile.notional * self._shares / self._mark, self._lot
            if lot:
                steps, parts = self._lots
                self._sized = [int(first * times / lot + 1e-6) * steps / parts for times in self._times]
            else:
                self._sized = [first * times for times in self._times]
        return self._sized

    def _grid(self) -> tuple[int, int]:
        """The price step around the mark, as a fraction of whole numbers."""
        low, high, steps, parts = self._near
        if not low <= self._mark < high:
            decade = 10.0 ** exponent(self._mark)
            steps, parts = whole_parts(self._step_at(self._mark) or decade * 1e-7)
            self._near = (decade, 10.0 * decade, steps, parts)
        return steps, parts
