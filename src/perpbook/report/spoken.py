"""How a page says numbers: as `words.py`, but what is missing or endless is said in words, never as a sign.

Every function gives plain text; a true minus sign is used throughout.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from perpbook.model.units import to_iso
from perpbook.report import words

NOT_KNOWN = "not known"
MINUS = "\u2212"


def _say(value: float | None, write: Callable[[float], str], *, missing: str = "none", endless: str = "endless") -> str:
    if value is None:
        return missing
    if math.isnan(value):
        return NOT_KNOWN
    if math.isinf(value):
        return endless if value > 0 else f"minus {endless}"
    return write(value).replace("-", MINUS)


def money(value: float | None) -> str:
    """Dollars; "none" when there are none to speak of."""
    return _say(value, words.money)


def change(value: float | None) -> str:
    """Dollars gained (+) or lost (−)."""
    return _say(value, lambda dollars: f"{'+' if dollars > 0 else ''}{words.money(dollars)}")


def share(value: float | None, digits: int = 1) -> str:
    """A fraction as a percentage."""
    return _say(value, lambda fraction: _unsigned_zero(f"{fraction:.{digits}%}"))


def move(value: float | None) -> str:
    """A signed fraction as a percentage that always shows its sign."""
    return _say(value, lambda fraction: _unsigned_zero(f"{fraction:+.1%}"))


def multiple(value: float | None) -> str:
    """A leverage; infinite when the equity is gone."""
    return _say(value, words.multiple, endless="infinite")


def ratio(value: float | None) -> str:
    """A margin ratio; it has no end when no equity is left."""
    return _say(value, lambda fraction: f"{fraction:.1%}", endless="no equity left")


def used(value: float) -> str:
    """How much of a limit is used."""
    return _say(value, lambda fraction: f"{fraction:.0%}", endless="off the scale")


def price(value: float | None) -> str:
    """A price."""
    return _say(value, words.price)


def quantity(value: float) -> str:
    """A signed quantity; nothing left is written 0."""
    return _say(value, lambda amount: words.quantity(amount) if amount else "0")


def moment(time_ns: int) -> str:
    """A time as people write it, UTC."""
    return to_iso(time_ns).replace("T", " ").replace("Z", " UTC")


def length(hours: float) -> str:
    """A length of time in the unit that suits it: 5 minutes, 3.5 hours, 7 days."""
    if hours < 1.0:
        return counted(round(hours * 60.0), "minute", "minutes")
    if hours < 48.0 and hours != 24.0:
        return "1 hour" if hours == 1.0 else f"{hours:.3g} hours"
    return "1 day" if hours == 24.0 else f"{hours / 24.0:.3g} days"


def clock(hours: float) -> str:
    """Hours and minutes since the start: 0:05, 37:00."""
    minutes = round(hours * 60.0)
    return f"{minutes // 60:,}:{minutes % 60:02d}"


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun: "no rule", "1 rule", "7 rules"."""
    if number == 1:
        return f"1 {one}"
    return f"{number:,} {many}" if number else f"no {one}"


def listed(names: list[str] | tuple[str, ...]) -> str:
    """Names in a row: a, b and c."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _unsigned_zero(text: str) -> str:
    return text.lstrip("+-") if not text.strip("+-0.%") else text
