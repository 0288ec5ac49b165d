"""Instants in book files: ISO 8601 text to nanoseconds UTC and back, without losing a nanosecond."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from perpbook.model.units import SECOND_NS, from_datetime

FRACTION = re.compile(r"(?P<before>.*:\d\d)[.,](?P<digits>\d+)(?P<zone>[^.,\d]?.*)", re.ASCII)
LATEST_NS = 2**63 - 1
FUTURE_ALLOWANCE_NS = 300 * SECOND_NS
"""How far a clock may be ahead of ours before a time counts as being in the future."""


def parse_moment(value: object) -> int | None:
    """Nanoseconds UTC of ISO 8601 text or a TOML date-time (no zone: UTC); None when it is neither, or before 1970."""
    try:
        if isinstance(value, str):
            found = _from_text(value)
        elif isinstance(value, datetime):
            found = from_datetime(value)
        elif isinstance(value, date):
            found = from_datetime(datetime(value.year, value.month, value.day, tzinfo=UTC))
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return found if 0 <= found <= LATEST_NS else None


def _from_text(text: str) -> int:
    match = FRACTION.fullmatch(text)
    if match is None:
        return from_datetime(datetime.fromisoformat(text))
    whole = from_datetime(datetime.fromisoformat(match["before"] + match["zone"]))
    return whole + int(match["digits"][:9].ljust(9, "0"))


def moment_text(time_ns: int) -> str:
    """ISO 8601 UTC text of nanoseconds, with as many digits as they need."""
    seconds, rest = divmod(time_ns, SECOND_NS)
    whole = datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{whole}{fraction}Z"
