"""Options that are times, widths of bars, and pairs."""

from __future__ import annotations

from collections.abc import Sequence

from perpbook.errors import InputError


def moment_ns(text: str | None, option: str) -> int | None:
    """An ISO time as nanoseconds UTC; None stays None."""
    from perpbook.model.units import from_iso

    if text is None:
        return None
    try:
        return from_iso(text)
    except ValueError:
        raise InputError(
            f'{option} {text}: this is no ISO time; write one like "2022-05-01" or "2022-05-01T08:00"'
        ) from None


def width_ns(word: str) -> int:
    """A bar's width like 1h as nanoseconds."""
    from perpbook.history.widths import bar_of

    return bar_of(word)


def length_ns(word: str) -> int:
    """Any length like 90m, 1h or 7d as nanoseconds."""
    from perpbook.history.widths import UNITS, WORD

    found = WORD.fullmatch(word.strip())
    if found is None:
        raise InputError(f'"{word}" is no length of time: write it like 15m, 4h or 7d')
    return int(found[1]) * UNITS[found[2].lower()]


def days_of(words: str, option: str) -> tuple[int, ...]:
    """Lengths of whole days with commas, like 1d,30d, each once and rising."""
    from perpbook.model.units import DAY_NS

    found = [length_ns(word) for word in words.split(",")]
    if any(one <= 0 or one % DAY_NS for one in found):
        raise InputError(f"{option} {words}: whole days, like 30d, or 1d,7d,365d")
    return tuple(sorted({one // DAY_NS for one in found}))


def pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    """`key=value` options as a mapping; each key once."""
    out: dict[str, str] = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        if not equals or not key or not value:
            raise InputError(f'{option} "{text}": write it as name=value')
        if key in out:
            raise InputError(f'{option} gives "{key}" twice: give it once')
        out[key] = value
    return out
