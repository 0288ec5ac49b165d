"""What sizing by drills found: the largest common scale, the cheapest trims, what binds, and how both fared on other futures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perpbook.model.verdict import Trim


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a size may risk. `chance` : share of futures in which any account is liquidated, at most. `shortfall` : mean loss of
    the worst 2.5 % of futures, at most, as a share of equity now, trims' cost included. None: no such bound."""

    chance: float | None
    shortfall: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A size put through futures, without rules or (`rules`) under the playbook.

    `size` : "held", "uniform" or "trims". `fresh` False: on the futures that it was found with. `deaths` of `paths` liquidate an
    account; `shortfall` dollars against equity now (None: too few futures to tell), `error` its standard error.
    """

    size: str
    fresh: bool
    rules: bool
    paths: int
    deaths: int
    shortfall: float | None
    error: float | None
    keeps: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform:
    """The largest common scale on all positions: `scale`, with a 95 % interval from order statistics where the chance decides it
    (`binds` "chance"), none where the shortfall does. `tested` is the scale that other futures bore out, None when none was."""

    scale: float
    low: float | None
    high: float | None
    binds: str
    cost: float
    tested: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingFuture:
    """A future that a trim is there for: where in it an account stands worst, the moves of what the account holds until then
    (fractions), and what a dollar more there would save."""

    path: int
    hours: float
    account: str
    moves: tuple[tuple[str, float], ...]
    per_dollar: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What one more dollar of collateral in an account is worth: dollars of trimming cost saved, and of positions kept."""

    account: str
    saves: float
    allows: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The cheapest trims in whole lots: their cost, the share of today's notional they keep, what binds, and whether new futures
    bore them out (`tested`) after `tries`. `drawn` : dollars they would cost before lots and tests."""

    trims: tuple[Trim, ...]
    cost: float
    drawn: float
    kept: float
    tested: bool
    tries: int
    binding: tuple[BindingFuture, ...]
    shortfall_binds: bool
    room: tuple[Room, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """All of it. `uniform` None: no common scale keeps the bounds. `cut` None: no trims are needed, or none do (`reached` False).
    `doubts` : where one pass does not tell the size, and what was done about it."""

    bounds: Bounds
    start: float
    uniform: Uniform | None
    cut: Cut | None
    needed: bool
    reached: bool
    tried: tuple[Tried, ...]
    doubts: tuple[str, ...]
    facts: Mapping[str, Any]
    notes: tuple[str, ...]
    not_modelled: tuple[str, ...]
