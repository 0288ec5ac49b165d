"""The spreads of what is held, held against the playbook's alert."""

from __future__ import annotations

import math
from collections.abc import Iterator

from perpbook.margin.assess import Assessed
from perpbook.model.market import Depth
from perpbook.model.verdict import Finding, Status
from perpbook.playbook.figures import percent
from perpbook.playbook.words import position_name, status_of

SPREAD = "liquidity.spread_alert"


def spread_of(depth: Depth | None) -> float | None:
    """(best ask - best bid) / mid; None where a side is empty, or both cross: such a book is none."""
    if depth is None or not depth.bids or not depth.asks:
        return None
    bid, ask = depth.bids[0][0], depth.asks[0][0]
    return (ask - bid) / (0.5 * (ask + bid)) if ask >= bid else None


def judge_spreads(assessed: Assessed, limit: float, near: float) -> Iterator[Finding]:
    """The finding of every position; one whose book is not known is near, never inside."""
    arrays = assessed.arrays
    for row in arrays.positions():
        item = arrays.items[row]
        if item.delta == 0.0:
            continue
        who, spread = position_name(assessed, item), spread_of(item.quote.depth if item.quote else None)
        measured = 0.0 if spread is None else spread
        status = Status.NEAR if spread is None else status_of(spread, limit, near)
        told = f"The spread of {who} is {spread:.3%} of its price" if spread is not None else (
            f"The spread of {who} is unknown, because its book is"
        )  # fmt: skip
        yield Finding(
            rule=SPREAD, subject=who, measured=measured, limit=limit, unit="share",
            used=measured / limit if limit > 0.0 else (math.inf if measured > 0.0 else 0.0), status=status,
            sentence=f"{told}; the alert is at {percent(limit)}.",
            hint="No trade is asked for: closing now pays half of the spread; prefer limit orders, or wait."
            if status is Status.BREACH
            else None,
        )  # fmt: skip
