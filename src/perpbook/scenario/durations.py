"""Lengths of time as a storm writes them: "90s", "20m", "8h", "3d", or a bare number of minutes."""

from __future__ import annotations

import math
import re

from perpbook.model.units import DAY_NS, HOUR_NS, SECOND_NS

MILLISECOND_NS = SECOND_NS // 1_000
MINUTE_NS = 60 * SECOND_NS

UNITS = {"d": DAY_NS, "h": HOUR_NS, "m": MINUTE_NS, "s": SECOND_NS}

LONGEST_NS = 400 * DAY_NS
"""Nothing in a storm lies further off than this."""


def read_duration(value: object) -> int | None:
    """Nanoseconds of a length of time, 0 or more; None when it is none, or longer than any storm.

    Parts may follow one another: "1h30m". A number alone is minutes.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str):
        parts = re.findall(r"(\d+(?:\.\d+)?)\s*([dhms])", value)
        if not parts or re.sub(r"(\d+(?:\.\d+)?)\s*([dhms])|\s", "", value):
            return None
        length = sum(float(number) * UNITS[unit] for number, unit in parts)
    else:
        length = value * MINUTE_NS if math.isfinite(value) else -1.0
    return round(length / MILLISECOND_NS) * MILLISECOND_NS if 0 <= length <= LONGEST_NS else None


def write_duration(length_ns: int) -> str:
    """The text that `read_duration` reads as the same length, to the millisecond: "1h30m"."""
    left, text = length_ns, ""
    for unit in "dhm":
        count, left = divmod(left, UNITS[unit])
        text += f"{count}{unit}" if count else ""
    seconds = f"{left / SECOND_NS:.3f}".rstrip("0").rstrip(".")
    return text + (f"{seconds}s" if seconds != "0" else "") or "0m"
