"""Time at the edges: ISO 8601 text to int64 nanoseconds UTC and back. Prices and quantities have no conversions."""

from __future__ import annotations

from datetime import UTC, datetime

SECOND_NS = 1_000_000_000
HOUR_NS = 3_600 * SECOND_NS
DAY_NS = 24 * HOUR_NS


def from_datetime(moment: datetime) -> int:
    """Nanoseconds UTC of a datetime; one without a zone is read as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    whole = int(aware.replace(microsecond=0).timestamp())
    return whole * SECOND_NS + aware.microsecond * 1_000


def from_iso(text: str) -> int:
    """Nanoseconds UTC of an ISO 8601 text; ValueError when it is none."""
    return from_datetime(datetime.fromisoformat(text))


def to_iso(time_ns: int) -> str:
    """ISO 8601 UTC text, to the second."""
    return datetime.fromtimestamp(time_ns // SECOND_NS, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
