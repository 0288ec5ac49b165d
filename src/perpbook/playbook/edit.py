"""One key of a playbook changed in its text: comments and layout survive, and a change that breaks it is refused."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

from perpbook.errors import PlaybookError, Problem
from perpbook.files.places import Key
from perpbook.playbook.complaints import nearest
from perpbook.playbook.keys import holds_many, holds_names, inner_model, split_key
from perpbook.playbook.load import parse_playbook, read_toml
from perpbook.playbook.outline import value_text
from perpbook.playbook.schema import Playbook
from perpbook.playbook.splice import with_value, without

UNSET = "unset"


def edit(text: str, key: str, value: str, *, file: str) -> str:
    """The playbook text with one key set to a TOML value; a bare word is text, and "unset" removes the key.

    Parameters
    ----------
    key : dotted: `leverage.asset.BTC`, `capital.sleeves[0].target` or, by the sleeve's name, `capital.sleeves.core.target`.
        `capital.sleeves[2].name` adds a third sleeve.

    Raises
    ------
    PlaybookError : the key is unknown, or the playbook would not load with this value.
    """
    if value.strip() == UNSET:
        return unset(text, key, file=file)
    found = _readable(text, key, value, file)
    path = resolve(key, found, file)
    _refuse_tables(path, key, file)
    literal = _literal(value)
    changed = with_value(text, path, literal)
    return _checked(changed, _with(found, path, tomllib.loads(f"v = {literal}")["v"]), key, file)


def unset(text: str, key: str, *, file: str) -> str:
    """The playbook text without a key, or without a whole table; its own comments go with it."""
    found = _readable(text, key, "", file)
    path = resolve(key, found, file)
    changed = without(text, path)
    if changed is None:
        raise _error(
            file, key, "is not set, so there is nothing to remove", "`perpbook playbook show` prints what is set"
        )
    return _checked(changed, _with(found, path, None), key, file)


def resolve(key: str, found: Mapping[str, Any], file: str) -> Key:
    """The path a key means in this playbook: known to the schema, sleeves by number.

    Raises
    ------
    PlaybookError : with the nearest known key.
    """
    parts = split_key(key)
    if parts is None:
        raise _error(
            file, key, "is not a key", 'write it like leverage.asset.BTC; names with dots or spaces in "quotes"'
        )
    annotation: Any = Playbook
    path: Key = ()
    for part in parts:
        path, annotation = _step(path, annotation, part, found, (file, key))
    if path[:2] == ("capital", "sleeves") and len(path) == 4 and path[3] != "name" and _at(found, path[:3]) is None:
        hint = f"set capital.sleeves[{path[2]}].name first: that adds one"
        raise _error(file, key, f"there is no sleeve number {path[2]}", hint)
    return path


def _step(
    path: Key, annotation: Any, part: str | int, found: Mapping[str, Any], where: tuple[str, str]
) -> tuple[Key, Any]:
    """One part further: the path so far and what the schema holds there (None below a value)."""
    model = inner_model(annotation) if annotation is not None else None
    if holds_many(annotation):
        many: Sequence[Any] = _at(found, path) or ()
        return (*path, _number(part, many, model is not None, where)), model
    if model is not None and part in model.model_fields:
        return (*path, part), model.model_fields[str(part)].annotation
    if model is None and holds_names(annotation) and isinstance(part, str):
        return (*path, part), None
    known = list(model.model_fields) if model else []
    raise _unknown(part, known, where)


def _number(part: str | int, many: Sequence[Any], tables: bool, where: tuple[str, str]) -> int:
    """Which element of a list is meant: by number, or a sleeve by its name. A sleeve may be one beyond the last."""
    if isinstance(part, int):
        if part < len(many) + tables:
            return part
        raise _error(
            *where, f"there is no number {part}", f"numbers run from 0 to {len(many) - 1}" if many else "it is empty"
        )
    names = [str(one.get("name")) if isinstance(one, dict) else "" for one in many] if tables else []
    if part in names:
        return names.index(part)
    near = get_close_matches(part, names, n=1, cutoff=0.5)
    listed = (
        f"sleeves: {', '.join(names) or 'none'}; capital.sleeves[{len(many)}].name adds one"
        if tables
        else "number it: [0]"
    )
    raise _error(*where, f'there is no "{part}" here', f'did you mean "{near[0]}"?' if near else listed)


def _unknown(part: str | int, known: Sequence[str], where: tuple[str, str]) -> PlaybookError:
    return _error(*where, f'"{part}" is not a key of the playbook', nearest(str(part), known, "known here"))


def _refuse_tables(path: Key, key: str, file: str) -> None:
    """A whole table is not set at once: its comments would be lost."""
    annotation: Any = Playbook
    for part in path:
        model = inner_model(annotation)
        many = holds_many(annotation) and isinstance(part, int)
        annotation = model if many else model.model_fields[str(part)].annotation if model else None
    model = inner_model(annotation)
    if model is not None or holds_names(annotation):
        inside = ", ".join(f"{key}.{name}" for name in list(model.model_fields)[:3]) if model else f"{key}.NAME"
        raise _error(file, key, "is a table, not one value", f"set its keys one at a time: {inside}")


def _readable(text: str, key: str, value: str, file: str) -> dict[str, Any]:
    try:
        (text + key + value).encode()
    except UnicodeEncodeError:
        raise _error(file, None, "key or value is not UTF-8 text", "type it again") from None
    return read_toml(text, file)


def _literal(value: str) -> str:
    """The value as TOML: as given where it is one TOML value, else as text in quotes."""
    import tomlkit

    try:
        given = tomllib.loads(f"v = {value}")
    except (ValueError, RecursionError):
        given = {}
    return value_text(f"v = {value}") if list(given) == ["v"] else str(tomlkit.string(value.strip()).as_string())


def _checked(changed: str, wanted: Any, key: str, file: str) -> str:
    """The changed text, once it loads and says what was wanted."""
    by_hand = _error(file, key, "cannot be changed where it is written", "change it in the file by hand")
    try:
        said = tomllib.loads(changed)
    except (ValueError, RecursionError):
        raise by_hand from None
    try:
        parse_playbook(changed, file)
    except PlaybookError as error:
        raise PlaybookError(f"the change of {key} is refused: {error.message} with it", error.problems) from None
    if _without_empty(said) != _without_empty(wanted):
        raise by_hand
    return changed


def _without_empty(value: Any) -> Any:
    """Tables that hold nothing mean nothing."""
    if isinstance(value, dict):
        kept = {name: _without_empty(one) for name, one in value.items()}
        return {name: one for name, one in kept.items() if one != {}}
    return [_without_empty(one) for one in value] if isinstance(value, list) else value


def _with(found: dict[str, Any], path: Key, value: Any) -> Any:
    """A copy of the parsed playbook with one value set, or removed (None)."""
    out: Any = copy.deepcopy(found)
    place = out
    for part, following in pairwise(path):
        if isinstance(part, int):
            place.extend({} for _ in range(part + 1 - len(place)))
            place = place[part]
        else:
            place = place.setdefault(part, [] if isinstance(following, int) else {})
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return out


def _at(found: Any, path: Key) -> Any:
    """What stands at a path of the parsed playbook, None for nothing."""
    for part in path:
        try:
            found = found[part]
        except (KeyError, IndexError, TypeError):
            return None
    return found


def _error(file: str, key: str | None, message: str, hint: str) -> PlaybookError:
    return PlaybookError("nothing was changed", [Problem(file=file, key=key, message=message, hint=hint)])
