"""What the usual metrics say of a book before it is drilled: leverage, margin, distance, and the loss of a normal law.

The normal law is the textbook's: volatilities of the past, one average correlation for every pair, the square root of time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.margin.assessment import Assessment

LOSS_95 = 1.6448536269514722
"""Standard deviations that a normal loss exceeds in 5 % of cases."""

TAIL_MEAN_975 = 2.3378027922014133
"""Mean of a standard normal's worst 2.5 %, in standard deviations: density at 1.959964 over 0.025."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalLaw:
    """The book as one normal number over the drill's horizon: shares of book equity, losses > 0. `correlation` is the mean over
    pairs of different assets (None for a single asset)."""

    correlation: float | None
    volatility: float
    value_at_risk: float
    shortfall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """The metrics of one look. `tightest` is the account with the highest margin ratio (liquidation at 1), `nearest` the
    position whose own price has least far to go (`distance`, a signed move of it, every other price standing still),
    `joint_move` the move of all prices by beta at which `first_to_die` does. None: there is none.
    `law` None: no history was drawn from. `holds` : by account, its largest positions in words ("SOL long")."""

    equity: float
    gross_leverage: float
    net_leverage: float
    tightest: str | None
    margin_ratio: float
    nearest: str | None
    distance: float | None
    joint_move: float | None
    first_to_die: str | None
    law: NormalLaw | None
    holds: tuple[tuple[str, str], ...] = ()


def standard_of(found: Assessment, law: NormalLaw | None) -> Standard:
    """Read them off an assessment."""
    tightest = max(found.accounts, key=lambda one: one.summary.margin_ratio, default=None)
    moves = {
        f"{one.symbol} in {one.account}": one.liquidation_price / one.mark_price - 1.0
        for one in found.positions
        if one.liquidation_price is not None and one.mark_price > 0.0
    }
    nearest = min(moves, key=lambda name: abs(moves[name]), default=None)
    return Standard(
        equity=found.book.equity,
        gross_leverage=found.book.gross_leverage,
        net_leverage=found.book.net_leverage,
        tightest=tightest.id if tightest else None,
        margin_ratio=tightest.summary.margin_ratio if tightest else 0.0,
        nearest=nearest,
        distance=moves[nearest] if nearest else None,
        joint_move=found.book.liquidation_move,
        first_to_die=found.book.first_to_die,
        law=law,
        holds=tuple((one.id, legs_of(found, one.id)) for one in found.accounts),
    )


def legs_of(found: Assessment, account: str) -> str:
    """What an account holds, in words: its two largest positions; empty for none."""
    held = sorted((one for one in found.positions if one.account == account), key=lambda one: -one.notional)
    words = [f"{one.asset} {'long' if one.quantity > 0 else 'short'}" for one in held[:2]]
    return " and ".join(dict.fromkeys(words)) + (" and more" if len(held) > 2 else "")


def normal_law(
    exposures: Mapping[str, float], moves: Floats, assets: Sequence[str], *, steps: float, equity: float
) -> NormalLaw:
    """The normal law of a book's loss.

    Parameters
    ----------
    exposures : dollars by asset, signed; assets that `moves` lacks stand still.
    moves : (k, n) log moves by step of each of `assets`.
    steps : of the horizon. equity : dollars, > 0.
    """
    spread = moves.std(axis=1, ddof=1) * math.sqrt(steps)
    together: Floats = np.atleast_2d(np.corrcoef(moves))
    pairs = together[np.triu_indices(len(assets), 1)] if len(assets) > 1 else np.empty(0)
    correlation = float(pairs.mean()) if pairs.size else None
    parts = np.array([exposures.get(asset, 0.0) for asset in assets]) * spread
    alone = float((parts**2).sum())
    variance = alone + (correlation or 0.0) * (float(parts.sum()) ** 2 - alone)
    volatility = math.sqrt(max(variance, 0.0)) / equity
    return NormalLaw(
        correlation=correlation,
        volatility=volatility,
        value_at_risk=LOSS_95 * volatility,
        shortfall=TAIL_MEAN_975 * volatility,
    )
