"""Fractions, multiples and lists as a trader reads them: 0.15 is "15 %", 3.0 is "3x", three names are "a, b and c"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal


def plain(value: float) -> str:
    """A number exactly as written, without trailing zeros: 0.10 is "0.1", 1e6 is "1000000"."""
    number = Decimal(repr(float(value) + 0.0)).normalize()
    exponent = number.as_tuple().exponent
    return f"{number:f}" if isinstance(exponent, int) and -12 <= exponent <= 12 else f"{number}"


def percent(value: float) -> str:
    """A fraction in percent, exactly: 0.125 is "12.5 %"."""
    number = (Decimal(repr(float(value) + 0.0)) * 100).normalize()
    exponent = number.as_tuple().exponent
    return f"{number:f} %" if isinstance(exponent, int) and -12 <= exponent <= 12 else f"{number} %"


def multiple(value: float) -> str:
    """A leverage: 2.5 is "2.5x"."""
    return f"{plain(value)}x"


def listing(parts: Iterable[str], word: str = "and") -> str:
    """Parts in a sentence: "a", "a and b", "a, b and c"."""
    found = list(parts)
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} {word} {found[-1]}"


def quoted(names: Sequence[str]) -> list[str]:
    """Names in quotes."""
    return [f'"{name}"' for name in names]
