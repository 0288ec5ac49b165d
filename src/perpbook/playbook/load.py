"""A playbook file becomes a `Playbook`, or a `PlaybookError` that carries every problem with its line and column."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from perpbook.errors import PlaybookError, Problem
from perpbook.files.places import nearest_place, places_of
from perpbook.files.read import read_text
from perpbook.playbook.complaints import complaints, nearest
from perpbook.playbook.keys import dotted, split_key
from perpbook.playbook.schema import Playbook, Survival
from perpbook.playbook.tell_exit import is_rule_in_force

DEEPEST = 40
"""Tables and lists nested further than this are no playbook."""


def default_playbook() -> Playbook:
    """What a book is checked against without a playbook: the survival moves, and nothing else."""
    return Playbook(schema_version=1, name="no playbook", survival=Survival())


def load_playbook(path: Path) -> Playbook:
    """The playbook in a file.

    Raises
    ------
    PlaybookError : with every Problem of the file, in its order.
    """
    text = read_text(path, "playbook")
    if isinstance(text, Problem):
        raise PlaybookError("the playbook cannot be read", [text])
    return parse_playbook(text, str(path))


def parse_playbook(text: str, file: str) -> Playbook:
    """The playbook in a text; `file` names it in problems."""
    found = read_toml(text, file)
    playbook, problems = None, []
    try:
        playbook = Playbook.model_validate(_lists_as_tuples(found))
    except ValidationError as error:
        problems = complaints(error.errors(), file, found)
    if playbook is not None and not problems:
        problems = [*_dangling(playbook, file), *_unguarded(playbook, file), *_deaf(playbook, file)]
    if problems or playbook is None:
        placed = _in_place(problems, text)
        count = f"{len(placed)} problems" if len(placed) > 1 else "1 problem"
        raise PlaybookError(f"the playbook has {count}", placed)
    return playbook


def read_toml(text: str, file: str) -> dict[str, Any]:
    """The tables of a TOML text, or a `PlaybookError` that says where it stops being TOML."""
    try:
        text.encode()
        found = tomllib.loads(text)
        unfit = _unfit(found)
    except tomllib.TOMLDecodeError as error:
        raise PlaybookError("the playbook is not valid TOML", [_syntax(error, file)]) from None
    except UnicodeEncodeError:
        unfit = "is not UTF-8 text"
    except (ValueError, RecursionError):
        unfit = "holds a number too long, or tables nested too deeply, to read"
    if unfit:
        problem = Problem(
            file=file, message=unfit, hint="write it as a playbook needs it; see `perpbook playbook schema`"
        )
        raise PlaybookError("the playbook cannot be read", [problem])
    return found


def _unfit(found: dict[str, Any]) -> str | None:
    """Why a text that parses is still no playbook to work on: a book in its place, numbers past 64 bits, nesting without end."""
    if str(found.get("schema", "")).startswith("book/"):
        return "is a book: name the book first and the playbook after it"
    left: list[tuple[Any, int]] = [(found, 0)]
    while left:
        value, depth = left.pop()
        if depth > DEEPEST:
            return f"holds tables or lists nested more than {DEEPEST} deep"
        if isinstance(value, int) and abs(value) >= 2**63:
            return "holds a whole number of more than 64 bits"
        if isinstance(value, dict | list):
            left += [(one, depth + 1) for one in (value.values() if isinstance(value, dict) else value)]
    return None


def _syntax(error: tomllib.TOMLDecodeError, file: str) -> Problem:
    where = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    line, column = (int(where[1]), int(where[2])) if where else (None, None)
    message = re.sub(r"\s*\(at .*\)", "", str(error))
    return Problem(file=file, line=line, column=column, message=message, hint="mend the line as TOML; see toml.io")


def _lists_as_tuples(value: Any) -> Any:
    """TOML arrays as tuples: strict models take no lists for them."""
    if isinstance(value, list):
        return tuple(_lists_as_tuples(one) for one in value)
    if isinstance(value, dict):
        return {key: _lists_as_tuples(one) for key, one in value.items()}
    return value


def _dangling(playbook: Playbook, file: str) -> Iterator[Problem]:
    """Sleeves that [margin] names and [capital] does not have."""
    known = [sleeve.name for sleeve in playbook.capital.sleeves] if playbook.capital else []
    for list_name in ("isolated", "cross"):
        for number, name in enumerate(getattr(playbook.margin, list_name, ())):
            if name not in known:
                yield Problem(
                    file=file,
                    key=dotted(("margin", list_name, number)),
                    message="names no sleeve of [capital]",
                    value=repr(name),
                    hint=nearest(name, known, "sleeves"),
                )


def _deaf(playbook: Playbook, file: str) -> Iterator[Problem]:
    """Triggers of [exit] that no rule of this playbook can pull."""
    for number, trigger in enumerate(playbook.exit.triggers if playbook.exit else ()):
        if not is_rule_in_force(playbook, trigger):
            yield Problem(
                file=file,
                key=dotted(("exit", "triggers", number)),
                message="is no rule that this playbook sets",
                value=repr(trigger),
                hint='name a limit by its key, as in "guardrails.daily_drawdown", and set it; "account.margin" always holds',
            )


def _unguarded(playbook: Playbook, file: str) -> Iterator[Problem]:
    """What would move money with nobody looking."""
    if playbook.margin is not None and playbook.margin.top_up == "auto":
        yield Problem(
            file=file,
            key="margin.top_up",
            message="may not be auto: this version has no guard that could send money, and stop",
            value="'auto'",
            hint='write "propose": the check then says what to send, and which way',
        )


def _in_place(problems: Sequence[Problem], text: str) -> list[Problem]:
    """The problems with line and column, in the order of the file."""
    from dataclasses import replace

    places = places_of(text)
    out = []
    for problem in problems:
        place = nearest_place(places, split_key(problem.key or "") or ())
        out.append(replace(problem, line=place[0], column=place[1]) if place else problem)
    return sorted(out, key=lambda problem: (problem.line or 0, problem.column or 0))
