"""A hedge as it is told: what the book is exposed to, what takes it away, where it should sit, and where it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perpbook.hedging.betas import Weighted
from perpbook.hedging.trust import Part
from perpbook.model.verdict import Finding, Status
from perpbook.tails.hedge import HedgeReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One trade of a hedge: `quantity` in the contract's own unit, > 0 bought; `dollars` of notional, signed; `cost` dollars of
    fees and slippage; `funding` dollars paid over the horizon (< 0 received); `smaller` of an opposite position it closes."""

    account: str
    symbol: str
    asset: str
    quantity: float
    dollars: float
    cost: float
    slippage_known: bool
    funding: float
    smaller: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMargin:
    """An account before and after. `move` : the nearest joint move at which it is liquidated, None for none."""

    account: str
    mode: str
    equity: float
    free_collateral: float
    margin_ratio_before: float
    margin_ratio: float
    move_before: float | None
    move: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A hedge at one place, assessed again with it in the book.

    `kind` : "same account" as the one that dies first, "same venue", "other venue", "spread". `mode` : the margin mode of its
    account; `isolated` : each leg stands alone beside it, in a bucket of its own. `fits` : the share of the wanted hedge that
    its margin has room for, and `lacking` dollars of free collateral for the rest. `deaths` accounts that die somewhere in the
    playbook's grid, `worst_loss` of its scenarios, share of equity. `breaks` : rules broken, or broken further, by it. `first`
    dies at `first_move`; `protected` is the move of the account that died first without it.
    `refused` says why there is no hedge here, "" when there is.
    """

    where: str
    kind: str
    mode: str
    isolated: bool = False
    legs: tuple[Leg, ...] = ()
    objective: float = 0.0
    shortfall: float = 0.0
    fits: float = 1.0
    lacking: float = 0.0
    accounts: tuple[AccountMargin, ...] = ()
    deaths: tuple[str, ...] = ()
    worst_loss: float = 0.0
    breaks: tuple[str, ...] = ()
    first: str | None = None
    first_move: float | None = None
    protected: float | None = None
    notes: tuple[str, ...] = ()
    refused: str = ""

    @property
    def cost(self) -> float:
        """Dollars to put it on."""
        return sum(one.cost for one in self.legs)


@dataclass(frozen=True, slots=True, kw_only=True)
class InSet:
    """One set of scenarios: shortfall (dollars) without and with the hedge, the correlation of the book with what the hedge
    makes (-1: it takes all away), the dollars by asset that would leave least variance there, and by account the share of
    moves that end below its maintenance margin, without and with."""

    name: str
    without: float
    hedged: float
    liquidated_without: Mapping[str, float]
    liquidated: Mapping[str, float]
    correlation: float | None
    least_variance: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class InStorm:
    """A storm gone through twice. `change` dollars of book equity by its end, `dies` accounts; `fails` says how the hedge makes
    it worse, "" when it does not; `felt` that the storm does something to the book at all. `not_faced` says why it was not gone
    through."""

    storm: str
    kind: str
    change_without: float = 0.0
    change: float = 0.0
    dies_without: tuple[str, ...] = ()
    dies: tuple[str, ...] = ()
    fails: str = ""
    not_faced: str = ""
    felt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Dollars of one asset, > 0 long, without and with the hedge."""

    asset: str
    without: float
    hedged: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgePlan:
    """All of it. `beta` is the estimator by which assets count as one another ("none": they do not); `judged` holds findings
    of the playbook's [hedge]. `chosen` is one of `placements`, None where no hedge is wanted or none fits. `quality` is of the
    book against the hedge, `legs` of what the book is long against what it is short of, None without one."""

    method: str
    beta: str
    judged: tuple[Finding, ...]
    against: tuple[str, ...]
    equity: float
    tail: float
    horizon_hours: float
    exposures: tuple[Exposure, ...]
    weighted: Weighted
    parts: tuple[Part, ...]
    unhedged: Placement
    placements: tuple[Placement, ...]
    chosen: Placement | None
    sets: tuple[InSet, ...]
    quality: HedgeReport | None
    legs: HedgeReport | None
    storms: tuple[InStorm, ...]
    facts: Mapping[str, Any]
    notes: tuple[str, ...]
    not_modelled: tuple[str, ...]

    @property
    def breaks(self) -> bool:
        """Whether the hedge breaks a rule, or what is left breaks one of [hedge]."""
        broken = any(one.status is Status.BREACH for one in self.judged)
        return broken or (self.chosen is not None and bool(self.chosen.breaks))

    @property
    def failures(self) -> tuple[InStorm, ...]:
        """Storms in which the hedge leaves the book worse off."""
        return tuple(one for one in self.storms if one.fails)
