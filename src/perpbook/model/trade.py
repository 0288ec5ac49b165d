"""A trade that somebody thinks of, and what it would do."""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.model.verdict import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """`quantity` signed in the contract's own unit: > 0 buys, < 0 sells. `leverage` is the user's setting, None: as is."""

    account: str
    symbol: str
    quantity: float
    leverage: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """One number before and after a trade. `unit` as in `Finding`, or "price" or "move"."""

    name: str
    unit: str
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a trade changes: numbers side by side, rules it newly breaks or breaks further, and what the venue says.

    `free_collateral` is the account's after the trade, dollars; below 0 the venue refuses unless risk falls.
    `largest` is the largest quantity of this trade that is allowed, None when it was not asked for.
    """

    trade: Trade
    price: float
    notional: float
    cost: float
    slippage_known: bool
    sides: tuple[Sides, ...]
    worse: tuple[Finding, ...]
    mended: tuple[Finding, ...]
    free_collateral: float
    venue_refuses: bool
    simulated: bool
    largest: float | None = None

    @property
    def is_allowed(self) -> bool:
        """The venue takes it and no rule is broken by it."""
        return not self.worse and not self.venue_refuses
