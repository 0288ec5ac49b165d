"""How a playbook writes a cadence and a time zone, and which of them mean something."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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


LENGTH = re.compile(r"([1-9]\d{0,3})([hd])")
LONGEST_HOURS = 90 * 24


def is_length(text: str) -> bool:
    """Whether a text is a length of whole hours or days, 90 days at most: 24h, 7d."""
    return LENGTH.fullmatch(text) is not None and length_hours(text) <= LONGEST_HOURS


def length_hours(text: str) -> int:
    """The hours in a text that is a length."""
    found = LENGTH.fullmatch(text)
    assert found is not None, "a length"
    return int(found[1]) * (24 if found[2] == "d" else 1)


def is_timezone(name: str) -> bool:
    """Whether the zone is known by this IANA name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
