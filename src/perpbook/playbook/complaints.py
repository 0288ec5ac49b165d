"""What the schema finds wrong becomes a `Problem` in the trader's words: what, which value, what to write instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from perpbook.errors import Problem
from perpbook.files.places import Key
from perpbook.playbook.keys import dotted, known_keys

ADVICE = {
    "missing": ("is missing", "add it"),
    "string_type": ("should be text", 'write it in "quotes"'),
    "string_too_short": ("should not be empty", "write a name"),
    "bool_type": ("should be true or false", None),
    "tuple_type": ("should be a list", "write it in [brackets], even a single value"),
    "too_short": ("should not be empty", "write at least one value, or remove the key"),
    "dict_type": ("should be a table", "write its keys below a [header]"),
    "model_type": ("should be a table", "write its keys below a [header]"),
    "finite_number": ("should be a finite number", "remove the key where there is no limit"),
    "float_type": ("should be a number", "fractions are written 0.15, not 15 or 15%; multiples 3, not 3x"),
    "int_type": ("should be a whole number", None),
    "cadence": (None, 'write "daily", "weekly", "monthly", or minute, hour, day, month, weekday: "0 8 * * 1"'),
    "timezone": (None, 'write an IANA name such as "UTC" or "Europe/Zurich"'),
    "length": (None, "write hours or days: 24h, 7d"),
    "less_than": (None, "fractions are written 0.15, not 15"),
    "less_than_equal": (None, "fractions are written 0.15, not 15"),
    "greater_than": (None, "remove the key where there is no limit"),
}


def complaints(errors: Sequence[Any], file: str, found: Any) -> list[Problem]:
    """The schema's errors on a parsed text, without those that only follow from a deeper one."""
    deeper = {tuple(one["loc"])[:length] for one in errors for length in range(1, len(one["loc"]))}
    told = [one for one in errors if one["type"] != "too_short" or tuple(one["loc"]) not in deeper]
    return [_problem(one, file, found) for one in told]


def _problem(error: Any, file: str, found: Any) -> Problem:
    key: Key = tuple(part for part in error["loc"] if part != "[key]")
    while key and not _has(found, key[:-1]):
        key = key[:-1]
    kind = error["type"]
    value = None if kind in ("missing", "model_type", "extra_forbidden") else shown(error["input"])
    message, hint = ADVICE.get(kind, (None, None))
    if message is None:
        message = error["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
        message = message[:1].lower() + message[1:]
    if kind == "extra_forbidden":
        message, hint = "is not a key of the playbook", nearest(str(key[-1]), known_keys(key[:-1]), "known here")
    elif key == ("schema_version",):
        hint = "write schema_version = 1 at the top"
    elif kind == "literal_error":
        hint = nearest(str(error["input"]), re.findall(r"'([^']+)'", message), "choose from")
    return Problem(file=file, key=dotted(key), message=message, value=value, hint=hint)


def nearest(name: str, known: Sequence[str], offer: str) -> str:
    """The hint for a name that is not known."""
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f'did you mean "{near[0]}"?' if near else f"{offer}: {', '.join(known) or 'none'}"


def _has(found: Any, key: Key) -> bool:
    for part in key:
        try:
            found = found[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def shown(value: Any) -> str:
    """A value roughly as TOML has it, cut short."""
    if isinstance(value, tuple):
        text = f"[{', '.join(shown(one) for one in value[:8])}{', ...' if len(value) > 8 else ''}]"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, dict):
        text = "a table"
    else:
        text = repr(value) if isinstance(value, str | int | float) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
