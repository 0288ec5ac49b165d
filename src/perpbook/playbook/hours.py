"""Hours of a day, as in 22:00-07:00."""

from __future__ import annotations

import re

from perpbook.model.units import SECOND_NS

HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def is_hours(text: str) -> bool:
    """Two different times of day."""
    found = HOURS.fullmatch(text)
    return found is not None and (found[1], found[2]) != (found[3], found[4])


def ends_ns(hours: str) -> tuple[int, int]:
    """Both times of day, in nanoseconds since midnight."""
    found = HOURS.fullmatch(hours)
    assert found is not None, "hours were checked when the playbook was read"
    first, last = (60 * int(found[one]) + int(found[one + 1]) for one in (1, 3))
    return first * 60 * SECOND_NS, last * 60 * SECOND_NS
