"""A venue's published rules, as one dated value. The figures live in `data/`; `load.py` reads them.

Fractions are fractions of notional, money is the venue's settle currency, time is nanoseconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

from perpbook.errors import TermsError
from perpbook.model.contract import Contract


class TierUnit(Enum):
    """What a tier's bounds are measured in."""

    NOTIONAL = "notional"
    BASE = "base"
    CONTRACTS = "contracts"


class TierMode(Enum):
    """MARGINAL: a deduction keeps the requirement continuous. WHOLE_POSITION: the tier's rate on everything."""

    MARGINAL = "marginal"
    WHOLE_POSITION = "whole_position"


class PriceSource(Enum):
    """The price a venue margins and liquidates on. MIN_MAX: bid for longs, ask for shorts (GMX)."""

    MARK = "mark"
    ORACLE = "oracle"
    MIN_MAX = "min_max"


class Trigger(Enum):
    """When equity E and maintenance margin M liquidate: BELOW is E < M, AT_OR_BELOW is E <= M."""

    BELOW = "below"
    AT_OR_BELOW = "at_or_below"


class Manner(Enum):
    """How a venue liquidates an account. WHOLE: everything at once. FRACTION: a part at a time. TIERS: down the tiers,
    then a takeover. AS_NEEDED: just enough to restore the margin."""

    WHOLE = "whole"
    FRACTION = "fraction"
    TIERS = "tiers"
    AS_NEEDED = "as_needed"


class Queue(Enum):
    """How a venue ranks winners for auto-deleveraging. PROFIT: profit over cost times leverage. PRICE: mark over entry (for
    shorts entry over mark) times leverage. CHANCE: it does not."""

    PROFIT = "profit"
    PRICE = "price"
    CHANCE = "chance"


class CloseFeeBasis(Enum):
    """What the estimated fee to close is charged on: the notional now, or the value at the bankruptcy price."""

    NOTIONAL = "notional"
    BANKRUPTCY = "bankruptcy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """From `lower` (in the table's unit) upwards these fractions of notional hold."""

    lower: float
    maintenance_margin_fraction: float
    initial_margin_fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TierTable:
    """A contract's tiers, lowest first.

    `upper_inclusive` True: a size exactly on a boundary still belongs to the lower tier (OKX). `covers` is the largest
    size the figures are known for: above it the venue may ask for more than this table says.
    """

    tiers: tuple[Tier, ...]
    unit: TierUnit = TierUnit.NOTIONAL
    mode: TierMode = TierMode.MARGINAL
    upper_inclusive: bool = False
    covers: float = math.inf

    def __post_init__(self) -> None:
        if not self.tiers or self.tiers[0].lower != 0:
            raise TermsError("a tier table starts at 0")
        for low, high in zip(self.tiers, self.tiers[1:], strict=False):
            if high.lower <= low.lower:
                raise TermsError(f"tiers overlap: one starts at {high.lower:g}, not above {low.lower:g} before it")
            if self.mode is TierMode.MARGINAL and high.maintenance_margin_fraction < low.maintenance_margin_fraction:
                raise TermsError(f"the maintenance fraction falls at {high.lower:g}: not a progressive table")
        if self.mode is TierMode.WHOLE_POSITION and self.unit is TierUnit.NOTIONAL:
            raise TermsError("whole-position tiers by notional are not modelled: the requirement would jump with price")

    def deductions(self) -> tuple[float, ...]:
        """What makes a marginal table continuous: `d[n] = d[n-1] + lower[n] (r[n] - r[n-1])`; zeros otherwise."""
        out = [0.0]
        for low, high in zip(self.tiers, self.tiers[1:], strict=False):
            step = high.lower * (high.maintenance_margin_fraction - low.maintenance_margin_fraction)
            out.append(out[-1] + step if self.mode is TierMode.MARGINAL else 0.0)
        return tuple(out)

    def tier_of(self, size: float) -> Tier:
        """The tier that a size (>= 0, in the table's unit) belongs to."""
        found = self.tiers[0]
        for tier in self.tiers[1:]:
            if size > tier.lower or (size == tier.lower and not self.upper_inclusive):
                found = tier
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInterestScaling:
    """Initial margin grows linearly to 1 as the market's open interest goes from `lower` to `upper` (quote)."""

    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeSlope:
    """Fractions that grow with the position: added per base unit of size (Deribit)."""

    initial_per_unit: float
    maintenance_per_unit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseFee:
    """The estimated fee to close that some venues add to the maintenance margin."""

    rate: float
    basis: CloseFeeBasis


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTerms:
    """One contract and its margin rules.

    `size_sqrt_fraction` is Drift's imf factor (0: none). `isolated_only`: the venue allows no cross margin here.
    `isolated_margin_on_entry`: an isolated position's requirement is taken at the entry price (Bybit).
    """

    contract: Contract
    tiers: TierTable
    open_interest_scaling: OpenInterestScaling | None = None
    size_slope: SizeSlope | None = None
    size_sqrt_fraction: float = 0.0
    close_fee: CloseFee | None = None
    isolated_only: bool = False
    isolated_margin_on_entry: bool = False
    minimum_collateral: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeTier:
    """Fees from a traded volume (quote over the venue's window) upwards; a rebate is < 0."""

    minimum_volume: float
    maker_fee_rate: float
    taker_fee_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingTerms:
    """How funding is set and paid. Rates are fractions per interval unless named `_8h`."""

    interval_ns: int
    price: PriceSource
    interest_rate_8h: float | None = None
    clamp: float | None = None
    cap: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationTerms:
    """What the venue does at the trigger.

    `partial_fraction` of a position above `partial_above` (notional), but not less than `partial_least`, goes first,
    then nothing for `cooldown_ns`;
    under `backstop_ratio` x maintenance margin the venue takes position and margin. `penalty_rate` is a fraction of the
    liquidated notional. `remainder_lost`: what is left of the bucket's margin goes to the venue. `fillable_spread`: how
    far below the oracle a liquidation order may fill at bankruptcy, in maintenance margins (dYdX; 0 none). `queue`: whose
    winning positions are closed first where the loser's cannot be.
    """

    trigger: Trigger
    procedure: str
    manner: Manner = Manner.WHOLE
    penalty_rate: float = 0.0
    partial_fraction: float | None = None
    partial_above: float | None = None
    partial_least: float = 0.0
    cooldown_ns: int | None = None
    backstop_ratio: float | None = None
    remainder_lost: bool = True
    fillable_spread: float = 0.0
    queue: Queue = Queue.PROFIT


@dataclass(frozen=True, slots=True, kw_only=True)
class CollateralTerms:
    """What one coin of an asset counts for, as a fraction of its price."""

    asset: str
    initial_weight: float
    maintenance_weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """The safety orders a venue offers, in words a trader can act on."""

    reduce_only: str
    post_only: str
    dead_mans_switch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where figures come from, and when they were read."""

    what: str
    where: str
    retrieved: date


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueTerms:
    """Everything Perpbook knows of one venue's rules on one date (`as_of`)."""

    venue: str
    name: str
    as_of: date
    risk_price: PriceSource
    settle: str
    contracts: Mapping[str, ContractTerms]
    collateral: Mapping[str, CollateralTerms]
    fees: tuple[FeeTier, ...]
    funding: FundingTerms
    liquidation: LiquidationTerms
    orders: OrderTerms
    sources: tuple[Source, ...]
    not_modelled: tuple[str, ...] = ()
