"""The market's side of one contract's book: levels around the mark, or as given, less what was taken and is not yet back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from perpbook.model.market import Depth
from perpbook.simulation.order_rules import decimals_of

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

    __slots__ = ("_given", "_lot", "_made", "_mark", "_profile", "_shares", "_spread", "_step_at", "_taken")

    def __init__(self, profile: DepthProfile, lot: float, step_at: Callable[[float], float]) -> None:
        """`step_at` : the price step near a price, 0 where none is known."""
        self._profile, self._lot, self._step_at = profile, lot, step_at
        self._mark, self._spread = 0.0, 1.0
        self._given: Depth | None = None
        self._taken: tuple[dict[float, float], dict[float, float]] = ({}, {})
        self._made: list[list[Level] | None] = [None, None]
        self._shares = 1.0

    def stand_around(self, mark: float, depth: float, spread: float) -> None:
        """Levels of the profile around a mark; `depth`, `spread` : multiples of it."""
        if self._given is not None:
            self._given, self._taken = None, ({}, {})
        self._mark, self._shares, self._spread = mark, depth, spread
        self._made = [None, None]

    def stand_as(self, given: Depth, mark: float) -> None:
        """Levels as they were seen."""
        if self._given is None:
            self._taken = ({}, {})
        self._given, self._mark = given, mark
        self._made = [None, None]

    def age(self, by_ns: int) -> None:
        """Let what was taken come back."""
        for taken in self._taken:
            if taken:
                kept = 0.5 ** (by_ns / self._profile.half_life_ns)
                for key in list(taken):
                    taken[key] *= kept
                    if taken[key] < max(0.5 * self._lot, 1e-12):
                        del taken[key]
                self._made = [None, None]

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
        profile, mark, lot, taken = self._profile, self._mark, self._lot, self._taken[side]
        tick = self._step_at(mark) or mark * 1e-7
        digits, least = decimals_of(tick), max(0.5 * lot, 1e-12)
        away, size = profile.half_spread * self._spread, profile.notional * self._shares / mark
        ticks = math.floor(mark / tick + 1e-9) + (1 if side == BIDS else 0)
        out: list[Level] = []
        for number in range(profile.levels):
            if side == BIDS:
                ticks = min(math.floor(mark * (1.0 - away) / tick + 1e-9), ticks - 1)
            else:
                ticks = max(math.ceil(mark * (1.0 + away) / tick - 1e-9), ticks + 1)
            there = (size // lot * lot if lot else size) - taken.get(number, 0.0)
            if ticks >= 1 and there > least:
                out.append((round(ticks * tick, digits), round(there, 12), number))
            away += profile.step * self._spread
            size *= profile.growth
        return out
