"""Which venue a saved answer is from, told by its shape; unsure is said, not guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from perpbook.errors import Problem

VENUE_FORMATS = ("hyperliquid", "dydx", "binance", "bybit", "okx", "deribit", "ccxt")
EMPTY_HINT = (
    "an empty answer is not a flat book: save the venue's answer again, whole, with the balances of the account"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One parsed file."""

    path: Path
    found: Any


def recognise(documents: Sequence[Document], format: str | None) -> tuple[str, list[Problem]]:
    """The format of all the documents together, and what is wrong with that."""
    shown = [one for one in documents if one.found not in ([], {})]
    empty = [one for one in documents if one.found == {}] if shown else documents
    problems = [Problem(file=str(one.path), message="holds nothing", hint=EMPTY_HINT) for one in empty]
    known = [candidates(one.found) for one in shown]
    if format is not None:
        wanted = format.partition(":")[0]
        problems += [
            Problem(
                file=str(one.path), message=f"is not an answer of {wanted} that can be imported", hint=_looks(names)
            )
            for one, names in zip(shown, known, strict=True)
            if wanted not in names
        ]
        return format, problems
    shared = [name for name in VENUE_FORMATS if all(name in names for names in known)]
    if len(shared) == 1 or problems:
        return (shared or ["?"])[0], problems
    for one, names in zip(shown, known, strict=True):
        if len(names) != 1 or not shared:
            problems.append(
                Problem(file=str(one.path), message="cannot be told apart by its shape", hint=_looks(names))
            )
    return "?", problems


def candidates(found: Any) -> list[str]:
    """The formats whose shape a document has."""
    return [name for name in VENUE_FORMATS if import_module(f"perpbook.snapshot.{name}").recognises(found)]


def _looks(names: Sequence[str]) -> str:
    known = ", ".join((*VENUE_FORMATS, "csv"))
    looks = f"it looks like {' or '.join(names)}" if names else "it looks like none of them"
    return f"{looks}; name the format, one of {known}"


def venue_error(document: Document) -> Problem | None:
    """A venue's refusal, saved in place of an answer."""
    found = document.found
    if not isinstance(found, dict):
        return None
    message = None
    if found.get("retCode", 0) not in (0, "0"):
        message = found.get("retMsg")
    elif found.get("code", 0) not in (0, "0", 200) and ("msg" in found or "message" in found):
        message = found.get("msg") or found.get("message")
    elif isinstance(found.get("error"), dict):
        message = found["error"].get("message")
    elif found.get("errors"):
        message = found["errors"]
    else:
        return None
    text = f"the venue answered with an error: {str(message)[:200]}"
    return Problem(file=str(document.path), message=text, hint="put that right, and ask the venue again")
