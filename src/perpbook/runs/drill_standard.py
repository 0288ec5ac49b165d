"""The usual metrics of the book that a drill is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from perpbook.model.market import STABLECOINS

if TYPE_CHECKING:
    from perpbook.engine.standard import Standard
    from perpbook.margin.arrays import BookArrays
    from perpbook.model.bars import Bars
    from perpbook.model.market import Snapshot
    from perpbook.terms.terms import VenueTerms


def standard_metrics(
    snapshot: Snapshot, terms: Mapping[str, VenueTerms], past: Bars | None, horizon_ns: int
) -> Standard:
    """Leverage, margin and distance now, and, where there is a past, the normal law of the loss over the horizon.

    As in the drill, stablecoins outside accounts count as equity and do not move, and other coins there are left out.
    """
    from perpbook.engine.standard import normal_law, standard_of
    from perpbook.margin.assess import assess
    from perpbook.terms.find import find_contract

    assessed = assess(snapshot, terms)
    coins = sum(value for asset, value in assessed.outside.exposures.items() if asset not in STABLECOINS)
    equity, law = assessed.assessment.book.equity - coins, None
    if past is not None and equity > 0.0:
        bases = [find_contract(terms[key.venue], key.symbol).contract.base for key in past.series]
        assets = list(dict.fromkeys(bases))
        moves = np.diff(np.log(past.close[[bases.index(asset) for asset in assets]]), axis=1)
        law = normal_law(exposures_of(assessed.arrays), moves, assets, steps=horizon_ns / past.bar_ns, equity=equity)
    return standard_of(assessed.assessment, law)


def exposures_of(arrays: BookArrays) -> dict[str, float]:
    """Dollars by asset, signed, of positions and coins in accounts."""
    out: dict[str, float] = {}
    for item in arrays.items:
        out[item.asset] = out.get(item.asset, 0.0) + item.delta * float(arrays.prices[item.column])
    return out
