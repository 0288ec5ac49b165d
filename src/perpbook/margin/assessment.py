"""What a book means under its terms: plain values, ready to be decided on and shown.

Money is US dollars (a stablecoin counts as one unless the market says otherwise), long > 0 > short, ratios are
fractions. `None` says "there is none", never "unknown".
"""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.model.account import MarginMode, Reported


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginSummary:
    """Equity and what must stand against it; summaries add, and `ZERO` is their zero."""

    equity: float
    initial_margin: float
    maintenance_margin: float

    def __add__(self, other: MarginSummary) -> MarginSummary:
        return MarginSummary(
            equity=self.equity + other.equity,
            initial_margin=self.initial_margin + other.initial_margin,
            maintenance_margin=self.maintenance_margin + other.maintenance_margin,
        )

    @property
    def free_collateral(self) -> float:
        """Equity above the initial margin; < 0: no new risk may be taken."""
        return self.equity - self.initial_margin

    @property
    def margin_ratio(self) -> float:
        """Maintenance margin / equity: liquidation at 1. inf when equity is gone."""
        if self.maintenance_margin == 0:
            return 0.0
        return self.maintenance_margin / self.equity if self.equity > 0 else float("inf")


ZERO = MarginSummary(equity=0.0, initial_margin=0.0, maintenance_margin=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionAssessment:
    """One position. `liquidation_price` freezes every other price, as venues show it.

    `first_closed` is the notional that the venue closes first when it liquidates, and `share_to_close` how much of the
    position must go now for the account to have its margin again: 0 when it has it. `settle_price` is the dollars
    in one unit of the currency that `reported` is in: 1, or the coin's price.
    """

    account: str
    venue: str
    symbol: str
    asset: str
    quantity: float
    entry_price: float
    mark_price: float
    notional: float
    exposure: float
    unrealized_pnl: float
    initial_margin: float
    maintenance_margin: float
    maintenance_margin_fraction: float
    liquidation_price: float | None
    liquidation_distance: float | None
    bankruptcy_price: float | None
    first_closed: float
    share_to_close: float
    equity_share: float
    beta: float
    leverage: float | None
    tags: tuple[str, ...]
    mode: MarginMode
    settle_price: float
    reported: Reported


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanExposure:
    """What the rest of the book is left holding in one asset (dollars, signed) if an account dies."""

    asset: str
    exposure_now: float
    exposure_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAssessment:
    """One margin bucket.

    `liquidation_move` is the joint, beta-weighted move (signed fraction) nearest to zero at which it dies; `move_down`
    and `move_up` are the two sides. `net_leverage` is beta-weighted exposure over equity, signed.
    """

    id: str
    venue: str
    layer: str | None
    mode: MarginMode
    summary: MarginSummary
    collateral: float
    unrealized_pnl: float
    notional: float
    gross_leverage: float
    net_leverage: float
    effective_leverage: float
    liquidation_move: float | None
    move_down: float | None
    move_up: float | None
    is_liquidatable: bool
    equity_share: float
    orphans: tuple[OrphanExposure, ...]
    settle_price: float
    reported: Reported


@dataclass(frozen=True, slots=True, kw_only=True)
class BookAssessment:
    """The whole book. `effective_leverage` is that of the account that dies first."""

    equity: float
    accounts_equity: float
    layers_value: float
    in_transit: float
    summary: MarginSummary
    notional: float
    unrealized_pnl: float
    gross_leverage: float
    net_leverage: float
    effective_leverage: float
    liquidation_move: float | None
    first_to_die: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """An account that is liquidated on the way to a scenario: after `fraction` of the move."""

    account: str
    fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StressOutcome:
    """One scenario. `loss` is dollars of equity lost (>= 0 is a loss), a dead account counting as lost whole.

    `worst_surplus` is the smallest equity minus maintenance margin minus required buffer over accounts, dollars, and
    `worst_account` where it is; `survives` says that no account dies and every buffer holds.
    """

    scenario: str
    kind: str
    size: float
    loss: float
    loss_share: float
    equity_after: float
    deaths: tuple[Death, ...]
    worst_account: str | None
    worst_surplus: float
    survives: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueDifference:
    """Our number beside the venue's own, where they differ by more than the tolerance."""

    account: str
    symbol: str | None
    quantity: str
    ours: float | None
    theirs: float | None
    relative: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """Something the reader must know before trusting a number: stale terms, an assumed price, a difference."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Everything `assess` found; `decide` and the reports read nothing else."""

    as_of_ns: int
    book_source: str
    market_source: str
    simulated: bool
    terms: tuple[tuple[str, str], ...]
    book: BookAssessment
    accounts: tuple[AccountAssessment, ...]
    positions: tuple[PositionAssessment, ...]
    stress: tuple[StressOutcome, ...]
    differences: tuple[VenueDifference, ...]
    cautions: tuple[Caution, ...]
