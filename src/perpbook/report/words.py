"""How numbers are written for people: money, shares, multiples, prices, and what is not there."""

from __future__ import annotations

import math

NONE = "–"

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


def money(value: float | None) -> str:
    """Dollars without cents from a thousand up: $12,345; with them below."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    text = f"${size:,.0f}" if size >= 1_000 else f"${size:,.2f}"
    return f"-{text}" if value < 0 and text != "$0.00" else text


def change(value: float | None) -> str:
    """Dollars gained or lost, with their sign."""
    text = money(value)
    return text if value is None or value < 0 or text in ("$0.00", NONE) else f"+{text}"


def share(value: float | None, digits: int = 1) -> str:
    """A fraction as a percentage."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{_whole(value, digits + 2):.{digits}%}"


def move(value: float | None) -> str:
    """A price move as a signed percentage; a dash when none does it."""
    return NONE if value is None or math.isnan(value) else f"{value:+.1%}"


def multiple(value: float | None) -> str:
    """A leverage."""
    if value is None or math.isnan(value):
        return NONE
    return f"{_whole(value, 2):.2f}x" if math.isfinite(value) else "∞"


def _whole(value: float, digits: int) -> float:
    """A value that would round to nothing as a plain zero, so that no "-0.00" is written."""
    return 0.0 if round(value, digits) == 0 else value


def price(value: float | None) -> str:
    """A price to six significant figures, and every digit of its whole part."""
    if value is None or math.isnan(value):
        return NONE
    size = abs(value)
    if size >= 1_000:
        return f"{value:,.1f}"
    return f"{value:.6g}" if size > 0 else "0"


def quantity(value: float) -> str:
    """A quantity with its sign, to ten significant figures."""
    return f"{value:+,.10g}"


def bar(used: float, width: int = 12) -> str:
    """How much of a limit is used, as a bar that is full at the limit."""
    filled = width if not math.isfinite(used) else min(width, max(0, round(used * width)))
    return "█" * filled + "░" * (width - filled)


def lasting(seconds: float) -> str:
    """A length of time as a person says it."""
    if not math.isfinite(seconds):
        return "not before the drill ends"
    if seconds < 1.0:
        return "at once"
    for least, unit, name in ((1.5 * DAY, DAY, "days"), (1.5 * HOUR, HOUR, "h"), (1.5 * MINUTE, MINUTE, "min")):
        if seconds >= least:
            return f"{seconds / unit:.2g} {name}" if seconds < 10 * unit else f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"
