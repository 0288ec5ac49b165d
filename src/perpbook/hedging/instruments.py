"""What a hedge may be made of, as arrays, and the limits on it.

A hedge is h (K,) dollars of notional traded in K contracts, > 0 bought. Split into what is bought and sold, h = u - v with
u, v >= 0, its cost is linear; the margin of a contract already held falls or rises with |held + h|, which a third column m bounds
from above.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.hedging.shortfall import Limits
from perpbook.kernels.types import Floats, Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """K contracts. `low`, `high` dollars that h stays between (low <= 0 <= high); `lots` dollars of one lot, 0 for any size;
    `fees` what a dollar traded costs; `funding` what a dollar held long pays over the horizon (a short receives it); `held`
    dollars in the contract already, > 0 long; `margins` initial margin per dollar; `accounts` whose margin it takes."""

    low: Floats
    high: Floats
    lots: Floats
    fees: Floats
    funding: Floats
    held: Floats
    margins: Floats
    accounts: Integers

    def __post_init__(self) -> None:
        if not ((self.low <= 0.0) & (self.high >= 0.0)).all():
            raise InputError("bounds of a hedge must leave room for none at all")
        if not (self.fees >= 0.0).all() or not (self.lots >= 0.0).all() or not (self.margins >= 0.0).all():
            raise InputError("fees, lots and margins of a hedge are at least 0")

    @property
    def count(self) -> int:
        """K."""
        return int(self.low.size)

    def cost(self, hedge: Floats) -> float:
        """Dollars of fees and funding over the horizon; funding received counts against."""
        return float(self.fees @ np.abs(hedge) + self.funding @ hedge)

    def margin(self, hedge: Floats, accounts: int) -> Floats:
        """(A,) initial margin of these contracts with the hedge in them."""
        out: Floats = np.bincount(self.accounts, self.margins * np.abs(self.held + hedge), accounts).astype(np.float64)
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What hedges may take: `margin` (A,) dollars of initial margin for the contracts of a hedge, by account, infinite for no
    limit; `turnover` dollars traded in all."""

    margin: Floats
    turnover: float = np.inf

    def for_contracts(self, one: Instruments) -> Room:
        """The same, but never less than what the contracts take as they are: no hedge is always allowed."""
        now = one.margin(np.zeros(one.count), self.margin.size)
        return Room(margin=np.maximum(self.margin, now), turnover=self.turnover)


def split(one: Instruments, room: Room, moves: Floats) -> tuple[Limits, Floats]:
    """Limits on the columns (u, v, m), and their effect (S, 3K) on scenarios in which contracts move by `moves` (S, K)."""
    count, eye, nothing = one.count, np.eye(one.count), np.zeros((one.count, one.count))
    rows = [np.hstack([eye, nothing, nothing]), np.hstack([nothing, eye, nothing])]
    most = [one.high, -one.low]
    rows += [np.hstack([eye, -eye, -eye]), np.hstack([-eye, eye, -eye])]
    most += [-one.held, one.held]
    for account in np.flatnonzero(np.isfinite(room.margin)):
        mine = one.margins * (one.accounts == account)
        if mine.any():
            rows.append(np.concatenate([np.zeros(2 * count), mine])[None])
            most.append(room.margin[account : account + 1])
    if np.isfinite(room.turnover):
        rows.append(np.concatenate([np.ones(2 * count), np.zeros(count)])[None])
        most.append(np.array([room.turnover]))
    cost = np.concatenate([one.fees + one.funding, one.fees - one.funding, np.zeros(count)])
    limits = Limits(cost=cost, rows=np.vstack(rows), most=np.concatenate(most))
    return limits, np.hstack([moves, -moves, np.zeros_like(moves)])
