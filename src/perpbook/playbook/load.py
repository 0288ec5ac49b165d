"""A playbook file becomes a `Playbook`, or a `PlaybookError` that carries every problem with its line and column."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from perpbook.errors import PlaybookError, Problem
from perpbook.files.places import Key, nearest_place, places_of
from perpbook.files.read import read_text
from perpbook.playbook.keys import dotted, inner_model, is_later, known_keys, split_key
from perpbook.playbook.schema import Playbook, Survival

ADVICE = {
    "missing": "add it",
    "string_type": 'write it as text, in "quotes"',
    "bool_type": "write true or false",
    "tuple_type": "write a list, in [brackets]",
    "dict_type": "write a table",
    "model_type": "write a table",
    "finite_number": "write a finite number",
    "float_type": "write a number; fractions as 0.15, not 15 or 15%",
    "int_type": "write a whole number",
    "less_than": "fractions are written 0.15, not 15",
    "less_than_equal": "fractions are written 0.15, not 15",
}


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
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlaybookError("the playbook is not valid TOML", [_syntax(error, file)]) from None
    playbook, problems = None, []
    try:
        playbook = Playbook.model_validate(_lists_as_tuples(found))
    except ValidationError as error:
        problems = [_problem(one, file, found) for one in error.errors()]
    problems += [_later(key, file) for key in _not_built(Playbook, found)]
    if playbook is not None and not problems:
        problems = [*_dangling(playbook, file)]
    if problems or playbook is None:
        placed = _in_place(problems, text)
        count = f"{len(placed)} problems" if len(placed) > 1 else "1 problem"
        raise PlaybookError(f"the playbook has {count}", placed)
    return playbook


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


def _problem(error: Any, file: str, found: Any) -> Problem:
    key, kind = tuple(error["loc"]), error["type"]
    while key and not _has(found, key[:-1]):
        key = key[:-1]
    value = None if kind in ("missing", "model_type") else _shown(error["input"])
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    hint = ADVICE.get(kind)
    if kind == "extra_forbidden":
        message, value = "is not a key of the playbook", None
        near = get_close_matches(str(key[-1]), known_keys(key[:-1]), n=1, cutoff=0.5)
        hint = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known_keys(key[:-1])) or 'none'}"
    elif kind == "missing":
        message = "is missing"
        hint = "write schema_version = 1 at the top" if key == ("schema_version",) else hint
    return Problem(file=file, key=dotted(key), message=message[:1].lower() + message[1:], value=value, hint=hint)


def _has(found: Any, key: Key) -> bool:
    for part in key:
        try:
            found = found[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _shown(value: Any) -> str | None:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _not_built(model: type[BaseModel], found: Any, key: Key = ()) -> Iterator[Key]:
    """Paths of everything written whose behaviour does not exist yet."""
    if not isinstance(found, dict):
        return
    for name, field in model.model_fields.items():
        if name not in found:
            continue
        if is_later(field):
            yield (*key, name)
            continue
        inner, value = inner_model(field.annotation), found[name]
        if inner is None:
            continue
        for number, one in enumerate(value) if isinstance(value, list) else [(None, value)]:
            yield from _not_built(inner, one, (*key, name) if number is None else (*key, name, number))


def _later(key: Key, file: str) -> Problem:
    return Problem(
        file=file,
        key=dotted(key),
        message="is not acted on by this version, so it is refused rather than silently accepted",
        hint="remove it, or put # before its lines, until a version that acts on it",
    )


def _dangling(playbook: Playbook, file: str) -> Iterator[Problem]:
    """Sleeves that [margin] names and [capital] does not have."""
    known = [sleeve.name for sleeve in playbook.capital.sleeves] if playbook.capital else []
    for list_name in ("isolated", "cross"):
        for number, name in enumerate(getattr(playbook.margin, list_name, ())):
            if name not in known:
                near = get_close_matches(name, known, n=1)
                yield Problem(
                    file=file,
                    key=dotted(("margin", list_name, number)),
                    message="names no sleeve of [capital]",
                    value=repr(name),
                    hint=f'did you mean "{near[0]}"?' if near else f"sleeves: {', '.join(known) or 'none'}",
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
