"""What is wrong in a book file: collected while it is read, placed in the file at the end, raised all at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from perpbook.errors import BookError, Problem
from perpbook.files.places import Key, Place, nearest_place, places_of

NOTHING: Any = object()
"""Stands for "no value to show", which is not the same as the value None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One thing wrong at one key of the parsed document."""

    key: Key
    message: str
    value: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a converted table came from: a line of a sheet, or a path in a venue's answer (of `file`, if given)."""

    path: str = ""
    file: str | None = None
    line: int | None = None


@dataclass(slots=True)
class Report:
    """The issues of one file, in the order they were found.

    `text` is the file's TOML, when it is TOML: then lines and columns are found in it. `origins` name the places that a
    converted document's tables came from.
    """

    file: str
    text: str | None = None
    origins: dict[Key, Origin] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)

    def add(self, key: Key, message: str, *, value: Any = NOTHING, hint: str | None = None) -> None:
        """Note an issue."""
        shown = None if value is NOTHING else show(value)
        self.issues.append(Issue(key=key, message=message, value=shown, hint=hint))

    def problems(self) -> list[Problem]:
        """Every issue as a Problem, once; in the order of the file where lines are known."""
        places = places_of(self.text) if self.text is not None and self.issues else {}
        found = dict.fromkeys(self._problem(issue, places) for issue in self.issues)
        return sorted(found, key=lambda problem: (problem.line or 0, problem.column or 0))

    def _problem(self, issue: Issue, places: dict[Key, Place]) -> Problem:
        line, column = nearest_place(places, issue.key) or (None, None)
        origin, rest = self._origin(issue.key)
        key = ".".join(part for part in (origin.path, dotted(rest)) if part).replace(".[", "[")
        return Problem(
            file=origin.file or self.file, line=line or origin.line, column=column, key=key or None,
            message=issue.message, value=issue.value, hint=issue.hint,
        )  # fmt: skip

    def _origin(self, key: Key) -> tuple[Origin, Key]:
        """The innermost known origin of a key, and what is left of the key below it."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.origins:
                return self.origins[key[:length]], key[length:]
        return Origin(), key


def refuse(problems: Sequence[Problem], what: str = "the book") -> None:
    """Raise BookError when there are problems."""
    if problems:
        count = f"{len(problems)} problems" if len(problems) > 1 else "1 problem"
        raise BookError(f"{what} has {count}", problems)


def dotted(key: Key) -> str:
    """A path the way a trader would write it: accounts[0].positions[2].quantity."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).removeprefix(".")


def show(value: Any) -> str:
    """A value short enough for a message."""
    try:
        text = repr(value).lower() if isinstance(value, bool) else repr(value)
    except (ValueError, RecursionError):
        text = f"a very long {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint: the known word that was probably meant, or the known ones."""
    return _nearest(word[:80], tuple(sorted(known)))


@lru_cache(maxsize=1024)
def _nearest(word: str, names: tuple[str, ...]) -> str:
    near = get_close_matches(word, names, n=1, cutoff=0.5)
    return f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(names) or 'none'}"
