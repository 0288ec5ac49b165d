"""Ranges of a strategy's options, and the one way an option out of range is refused."""

from __future__ import annotations

import math

from perpbook.errors import InputError

MOST_BARS = 1_000_000
MOST_GROSS = 100.0
MOST_HOURS = 24.0 * 365.0


def within(name: str, value: float, low: float, high: float, unit: str) -> None:
    """Refuse an option that is not a number from `low` to `high`, both included.

    Raises
    ------
    InputError : naming the option, its value, its range and its unit.
    """
    if not (math.isfinite(value) and low <= value <= high):
        raise InputError(f"{name} is {value:g}: it must be from {low:g} to {high:g} ({unit})")


def bars_within(name: str, value: int, low: int) -> None:
    """Refuse a window that is shorter than `low` bars or longer than any history."""
    within(name, value, low, MOST_BARS, "bars")


def gross_within(value: float) -> None:
    """Refuse a gross exposure that is not above 0."""
    if value == 0:
        raise InputError("gross is 0: it must be above 0 (share of book equity, all legs together)")
    within("gross", value, 0.0, MOST_GROSS, "share of book equity, all legs together")
