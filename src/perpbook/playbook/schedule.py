"""When a playbook's rebalance or drill falls due: its cadence as instants, and those as bars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from perpbook.model.units import SECOND_NS
from perpbook.playbook.cadence import CADENCES
from perpbook.playbook.schema import Rebalance


def due_bars(rebalance: Rebalance, open_ns: NDArray[np.int64], bar_ns: int) -> NDArray[np.uint8]:
    """(B,) 1 at the first bar whose close is at or after each instant of the cadence; none before the first bar opens.

    Of an hour that a change of clocks skips the next minute counts; one that it repeats comes twice.
    """
    from croniter import croniter

    out = np.zeros(open_ns.size, dtype=np.uint8)
    if not open_ns.size:
        return out
    zone, closes = ZoneInfo(rebalance.timezone), open_ns + bar_ns
    first = datetime.fromtimestamp(int(open_ns[0]) // SECOND_NS, tz=UTC).astimezone(zone)
    instants = croniter(CADENCES.get(rebalance.cadence, rebalance.cadence), first)
    while True:
        at = round(instants.get_next(float)) * SECOND_NS
        bar = int(np.searchsorted(closes, at))
        if bar >= out.size:
            return out
        out[bar] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The first instant of a cadence after another, and the time between it and the one before it, ns."""

    at_ns: int
    length_ns: int


def next_due(cadence: str, timezone: str, after_ns: int) -> Due:
    """When something that was done at `after_ns` is due again."""
    from croniter import croniter

    after = datetime.fromtimestamp(after_ns // SECOND_NS, tz=UTC).astimezone(ZoneInfo(timezone))
    instants = croniter(CADENCES.get(cadence, cadence), after)
    at = round(instants.get_next(float))
    before = round(instants.get_prev(float))
    return Due(at_ns=at * SECOND_NS, length_ns=(at - before) * SECOND_NS)
