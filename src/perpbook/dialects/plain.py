"""Numbers as the venues write them: decimal strings without an exponent."""

from __future__ import annotations

from decimal import Decimal

PLACES = 12
"""Decimals that are kept: more than any venue has."""


def text(value: float) -> str:
    """A number as the shortest decimal string that says it to twelve places: 0.1, 64000, -3."""
    if value == 0.0:
        return "0"
    digits = format(Decimal(repr(value)), "f")
    if len(digits.partition(".")[2]) > PLACES:
        digits = f"{value:.{PLACES}f}"
    whole = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return whole if whole not in ("", "-", "-0") else "0"


def decimal(value: float) -> str:
    """The same with at least one decimal: 64000.0."""
    plain = text(value)
    return plain if "." in plain else plain + ".0"


def decimals_of(step: float) -> int:
    """How many decimals a step of a price or a size has."""
    return len(text(step).partition(".")[2])


def milliseconds(time_ns: int) -> int:
    """A time in milliseconds UTC, as venues say it."""
    return time_ns // 1_000_000
