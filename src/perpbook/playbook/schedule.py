"""When a playbook's rebalance falls due: its cadence as instants, and those as bars."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from perpbook.model.units import SECOND_NS

if TYPE_CHECKING:
    from perpbook.playbook.schema import Rebalance

CADENCES = {"daily": "0 0 * * *", "weekly": "0 0 * * 1", "monthly": "0 0 1 * *"}

NAMES = "sun|mon|tue|wed|thu|fri|sat|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
FIELD = re.compile(rf"(?:[\d*/,\-#?l]|{NAMES})+", re.IGNORECASE)
"""What a field of a cron line may hold: nothing that croniter would draw at random."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def is_cadence(cadence: str) -> bool:
    """Whether a cadence is daily, weekly, monthly, or a cron line of five fields that comes round."""
    if cadence in CADENCES:
        return True
    fields = cadence.split()
    if len(fields) != 5 or not all(FIELD.fullmatch(field) for field in fields):
        return False
    from croniter import CroniterError, croniter

    try:
        croniter(cadence, EARLIEST).get_next(float)
    except (CroniterError, ValueError, KeyError):
        return False
    return True


def is_timezone(name: str) -> bool:
    """Whether the zone is known by this IANA name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


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
