"""A storm's overlay as a run feels it: factors on prices, books and funding, closed venues, what venues take of winners."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perpbook.engine.drill import Surroundings
from perpbook.kernels.tape import NO_ORDERS, NO_PRICE, TAKEN
from perpbook.scenario.overlay import Overlay


def surroundings_of(overlay: Overlay, venues: Sequence[str]) -> Surroundings:
    """What a drill needs of an overlay; `venues` in the order of the run's accounts. A book thinned to a share d costs
    1 / sqrt(d) times the impact, by the square-root law."""
    known = list(dict.fromkeys(venues))
    taken = [(one.step, known.index(one.venue), one.share) for one in overlay.adl if one.venue in known]
    closed = overlay.no_orders * np.uint8(NO_ORDERS) | overlay.halted * np.uint8(NO_PRICE | NO_ORDERS)
    return Surroundings(
        factor=overlay.price,
        low=overlay.low,
        high=overlay.high,
        funding_set=overlay.funding_set,
        funding_add=overlay.funding_add,
        closed=np.ascontiguousarray(closed.astype(np.uint8)),
        spread=overlay.spread,
        impact=1.0 / np.sqrt(overlay.depth),
        taken=np.array(taken, dtype=TAKEN).view(np.recarray),
    )


def unheard(overlay: Overlay) -> tuple[str, ...]:
    """What a storm says that a drill does not act on, in words."""
    out = [
        f"{coin} falls to {float(worth.min()):.2f} of its peg: a drill counts collateral in its own currency, so margin does "
        "not feel it"
        for coin, worth in overlay.collateral.items()
    ]
    if overlay.insurance_empty:
        venues = ", ".join(overlay.insurance_empty)
        out.append(f"the insurance fund of {venues} is empty: only the deleveraging that the storm names is acted on")
    for one in overlay.outages:
        if one.where == "layer" and one.kind == "gas":
            out.append(f"gas on {one.name} is {one.factor:g} times as dear: no rule pays for gas in a drill")
        elif one.where == "venue" and one.kind == "frozen" and one.factor > 0.0:
            out.append(f"{one.name} may keep {one.factor:.0%} of what it holds: accounts there are counted whole")
    return tuple(dict.fromkeys(out))
