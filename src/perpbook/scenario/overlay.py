"""What a storm does to given contracts, step by step, as arrays; and what must be known of a book to work it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from perpbook.kernels.types import Flags, Floats
from perpbook.model.bars import SeriesKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a storm falls on: C contracts (`series`) and the asset of each, with the book's figures by asset.

    betas : to the market, 1 where none is known (and told).  exposures : dollars, > 0 long.  funding : (C,) per hour now,
    None when unknown.  volatility : standard deviation of an asset's log move in a day.
    """

    series: tuple[SeriesKey, ...]
    assets: tuple[str, ...]
    betas: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    exposures: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    funding: Floats | None = None
    volatility: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        assert len(self.series) == len(self.assets), "an asset for every contract"
        assert self.funding is None or self.funding.shape == (len(self.series),)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenAt:
    """At the close of a step a venue closes this share of every position in profit there."""

    venue: str
    step: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A layer, route or venue (`where`) is away from the beginning of `start_step` to that of `end_step`.

    name : "*" for every one.  kind, factor : `storm.OUTAGES`.
    """

    where: str
    name: str
    kind: str
    start_step: int
    end_step: int
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Peg:
    """What a coin is worth of its peg, (T,) each: at a step's close, and factors on the least and most of open and close that
    it reaches inside the step (low <= 1 <= high)."""

    close: Floats
    low: Floats
    high: Floats

    @property
    def least(self) -> float:
        """The least it is ever worth."""
        opened = np.concatenate([[1.0], self.close[:-1]])
        return float((np.minimum(opened, self.close) * self.low).min())


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """A storm on C contracts and T steps of `bar_ns`.

    price : (C, T) factor on the close of a step, > 0; the open carries the one before, 1 at first.
    low, high : (C, T) factors on a step's lowest and highest price as `price` makes it, low <= 1 <= high: what the storm
    does inside the step, wicks, and marks away from trades (margin sees lows and highs, trades do not).
    mark : (C, T) the part of `low` (below 1) or `high` (above 1) that is marks away from trades, 1 for none.
    funding_set : (C, T) funding per hour in place of the path's, NaN for none.  funding_add : (C, T) on top, 0 for none.
    spread : (C, T) factors >= 1.  depth : (C, T) share of the order book left, in (0, 1].
    no_orders : (C, T) 1 where nothing reaches the venue, whose margin goes on.
    halted : (C, T) 1 where nobody trades and marks stand still; `price` there is what it would be were it trading.
    collateral : by coin, (T,) the least it is worth of its peg in a step; pegs : the same as a path.  insurance_empty : venues.
    A step that an event touches at all has it. notes : what the reader must be told.
    """

    bar_ns: int
    price: Floats
    low: Floats
    high: Floats
    mark: Floats
    funding_set: Floats
    funding_add: Floats
    spread: Floats
    depth: Floats
    no_orders: Flags
    halted: Flags
    collateral: Mapping[str, Floats]
    pegs: Mapping[str, Peg]
    adl: tuple[TakenAt, ...]
    insurance_empty: tuple[str, ...]
    outages: tuple[Absence, ...]
    notes: tuple[str, ...] = ()

    def peg(self, coin: str) -> Peg | None:
        """A coin's path, however it is spelled; None for one at its peg."""
        return next((peg for name, peg in self.pegs.items() if name.upper() == coin.upper()), None)


def clear_sky(contracts: int, steps: int, bar_ns: int) -> Overlay:
    """The overlay of no storm, with arrays of its own."""
    shape = (contracts, steps)
    return Overlay(
        bar_ns=bar_ns,
        price=np.ones(shape),
        low=np.ones(shape),
        high=np.ones(shape),
        mark=np.ones(shape),
        funding_set=np.full(shape, np.nan),
        funding_add=np.zeros(shape),
        spread=np.ones(shape),
        depth=np.ones(shape),
        no_orders=np.zeros(shape, dtype=np.uint8),
        halted=np.zeros(shape, dtype=np.uint8),
        collateral={},
        pegs={},
        adl=(),
        insurance_empty=(),
        outages=(),
    )
