"""One margin bucket on a venue, and what stands in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class MarginMode(Enum):
    """CROSS: the account's whole equity backs every position. ISOLATED: one position, its own margin."""

    CROSS = "cross"
    ISOLATED = "isolated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What the venue itself said, kept to be shown beside our own number. None: not reported.

    Money in the account's settle currency, prices in quote per base. `no_liquidation_price` is True when the venue
    said there is none, which is not the same as saying nothing.
    """

    liquidation_price: float | None = None
    no_liquidation_price: bool = False
    initial_margin: float | None = None
    maintenance_margin: float | None = None
    unrealized_pnl: float | None = None
    equity: float | None = None
    free_collateral: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """An amount of one asset in coins, > 0 held, < 0 owed."""

    asset: str
    amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A holding in one contract.

    `quantity` is signed (see `Contract`); `entry_price` quote per base; `leverage` is the user's own setting and moves
    initial margin only; `tags` are the trader's words and decide sleeves and margin mode.
    """

    symbol: str
    quantity: float
    entry_price: float
    leverage: float | None = None
    tags: tuple[str, ...] = ()
    reported: Reported = Reported()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A resting order. `quantity` signed, what is left of it: buy > 0 > sell; `limit_price` quote per base. `id` : what it can be
    cancelled by, our own id of it or else the venue's; "" where it is not known."""

    symbol: str
    quantity: float
    limit_price: float
    reduce_only: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One margin bucket: a cross pool, a subaccount, or one isolated position.

    `collateral` is deposits and realised cash, before unrealised profit: equity is collateral at its haircut value plus
    the unrealised profit of `positions`. An isolated bucket holds exactly one position, its margin being its
    collateral, and names in `parent` the account it hangs on.
    """

    id: str
    venue: str
    layer: str | None = None
    mode: MarginMode = MarginMode.CROSS
    parent: str | None = None
    collateral: tuple[Balance, ...] = ()
    positions: tuple[Position, ...] = ()
    orders: tuple[Order, ...] = ()
    reported: Reported = Reported()

    def __post_init__(self) -> None:
        assert self.mode is MarginMode.CROSS or len(self.positions) <= 1, "an isolated bucket holds one position"
