"""How wide a bar is: "5m", "1h", "1d" as nanoseconds and back."""

from __future__ import annotations

import re

from perpbook.errors import InputError
from perpbook.model.units import DAY_NS, HOUR_NS, SECOND_NS

MILLISECOND_NS = 1_000_000
UNITS = {"s": SECOND_NS, "m": 60 * SECOND_NS, "h": HOUR_NS, "d": DAY_NS}
WORD = re.compile(r"([1-9]\d{0,4})([smhd])", re.IGNORECASE)


def bar_of(word: str) -> int:
    """Nanoseconds of a bar's width; it must divide a day, so that every day has the same bars.

    Raises
    ------
    InputError : the word is not a width, or does not divide a day.
    """
    found = WORD.fullmatch(word.strip())
    width = int(found[1]) * UNITS[found[2].lower()] if found else 0
    if width == 0 or DAY_NS % width:
        raise InputError(f'"{word}" is not the width of a bar: write 1m, 5m, 15m, 1h, 4h or 1d')
    return width


def word_of(bar_ns: int) -> str:
    """The shortest word for a width: 3600 s is "1h"."""
    for unit in ("d", "h", "m", "s"):
        if bar_ns % UNITS[unit] == 0:
            return f"{bar_ns // UNITS[unit]}{unit}"
    return f"{bar_ns / SECOND_NS:g}s"
