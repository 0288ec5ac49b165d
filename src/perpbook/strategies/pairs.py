"""Legs in pairs of one asset on two venues, and what a round trip in a pair costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.model.bars import Floats, Integers
from perpbook.strategies.changes import Wish
from perpbook.strategies.table import Leg
from perpbook.terms.find import find_contract
from perpbook.terms.load import load_terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two legs of one `asset`, by number."""

    asset: str
    first: int
    second: int


def pairs_of(legs: Sequence[Leg]) -> tuple[Pair, ...]:
    """Legs paired by the base asset of their contracts, in the order in which assets first appear.

    Raises
    ------
    InputError : an asset has one leg, or more than two.
    TermsError : a venue or contract is unknown.
    """
    if not legs:
        raise InputError("there are no legs: name two for each asset, one on each venue")
    found: dict[str, list[int]] = {}
    for number, leg in enumerate(legs):
        found.setdefault(find_contract(load_terms(leg.venue), leg.symbol).contract.base, []).append(number)
    for asset, numbers in found.items():
        if len(numbers) != 2:
            named = ", ".join(legs[number].name for number in numbers)
            raise InputError(f"{asset} has {len(numbers)} leg(s) ({named}): this strategy takes two for each asset")
    return tuple(Pair(asset=asset, first=one, second=two) for asset, (one, two) in found.items())


def round_trip(legs: Sequence[Leg], pair: Pair, fee: float | None, slippage: float) -> float:
    """Cost of opening and closing both legs of a pair, as a fraction of one leg's notional.

    `fee` and `slippage` are fractions of notional per fill; a fee of None is each venue's taker rate at its dearest tier.

    Raises
    ------
    InputError : a venue's terms state no fee.
    """
    out = 0.0
    for number in (pair.first, pair.second):
        rate = fee
        if rate is None:
            tiers = load_terms(legs[number].venue).fees
            if not tiers:
                raise InputError(f"the terms of {legs[number].venue} state no fee: give one with fee=0.0005")
            rate = tiers[0].taker_fee_rate
        out += 2.0 * (rate + slippage)
    return out


def wishes_of(pair: Pair, bar: Integers, side: Floats, share: float) -> tuple[Wish, Wish]:
    """Opposite wishes for a pair: `side` +1 is long the first leg and short the second, each of `share` of equity."""
    first = side * share
    return Wish(leg=pair.first, bar=bar, exposure=first), Wish(leg=pair.second, bar=bar, exposure=0.0 - first)


def unless_known(known: Floats, state: Floats) -> Floats:
    """`state` from the first bar at which `known` is a number; NaN before."""
    seen = np.logical_or.accumulate(~np.isnan(known)) if known.size else np.zeros(0, dtype=np.bool_)
    out: Floats = np.where(seen, state, np.nan)
    return out
