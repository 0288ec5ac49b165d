"""The keys a playbook may have: the schema, walked by path, and paths written the trader's way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from perpbook.files.places import Key
from perpbook.playbook.schema import Playbook


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """One key of the schema: `capital.sleeves[].target`, `leverage.asset.*`."""

    path: str
    field: FieldInfo
    table: bool


def schema_keys(model: type[BaseModel] = Playbook, prefix: str = "") -> Iterator[KnownKey]:
    """Every key of the schema in its order, tables before what is in them; `*` stands for any name."""
    for name, field in model.model_fields.items():
        inner = inner_model(field.annotation)
        path = f"{prefix}{name}"
        yield KnownKey(path=path, field=field, table=inner is not None)
        if inner is not None:
            yield from schema_keys(inner, f"{path}[]." if holds_many(field.annotation) else f"{path}.")
        elif holds_names(field.annotation):
            yield KnownKey(path=f"{path}.*", field=field, table=False)


def inner_model(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation such as `Sleeve`, `Survival | None` or `tuple[Sleeve, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = inner_model(part)
        if found:
            return found
    return None


def holds_many(annotation: Any) -> bool:
    """True for a list."""
    return _mentions(annotation, tuple)


def holds_names(annotation: Any) -> bool:
    """True for a table whose keys are the trader's own names."""
    return _mentions(annotation, dict)


def _mentions(annotation: Any, kind: type) -> bool:
    if getattr(annotation, "__origin__", None) is kind:
        return True
    return any(_mentions(part, kind) for part in getattr(annotation, "__args__", ()))


def model_at(key: Key, model: type[BaseModel] = Playbook) -> type[BaseModel] | None:
    """The model of the table at a path, None where the path leaves the schema."""
    for part in key:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(str(part))
        inner = inner_model(field.annotation) if field else None
        if inner is None:
            return None
        model = inner
    return model


def known_keys(key: Key) -> list[str]:
    """The keys that the table at a path may have."""
    model = model_at(key)
    return list(model.model_fields) if model else []


def dotted(key: Key) -> str:
    """A path the way a trader would write it: capital.sleeves[0].target."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{_written(part)}" for part in key).removeprefix(".")


def _written(part: str) -> str:
    """A name as TOML writes it in a key: bare, else in quotes."""
    if re.fullmatch(r"[A-Za-z0-9_-]+", part):
        return part
    return json.dumps(part, ensure_ascii=False).replace("\x7f", "\\u007f")


def split_key(text: str) -> Key | None:
    """The path in `capital.sleeves[0].target` or `leverage.asset."BTC.P"`; None when it is not one."""
    parts: list[str | int] = []
    rest = text.strip()
    while rest:
        match = re.match(r"""\[([0-9]{1,6})\]|\.?(?:("(?:[^"\\]|\\.)*")|'([^']*)'|([^.\[\]"'\s]+))""", rest)
        if match is None or (rest[0] == "." and not parts) or (parts and rest[0] not in ".["):
            return None
        number, double, single, bare = match.groups()
        name = _unquoted(double) if double else single if single is not None else bare
        parts.append(int(number) if number else name or "")
        rest = rest[match.end() :]
    return tuple(parts) or None


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return text[1:-1]
