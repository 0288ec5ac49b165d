"""Objects as JSON that gives exactly them back, whatever their fields hold: NaN, text where a number should be, a wrong type.

Dataclasses are {"Name": [fields in order]}, enums {"#Name": value}, mappings {"{}": [[key, value], ...]}, sets {"{,}": [...]},
numbers that JSON has not {"#float": "nan"}. Sequences come back as tuples. Where an object may be nonsense, `files.plain` would
lose what was wrong with it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence, Set
from enum import Enum
from functools import cache
from typing import Any

AS_THEY_ARE = (str, int, bool, type(None))
PAIRS, MEMBERS, NUMBER = "{}", "{,}", "#float"


def exact(value: object) -> Any:
    """A value as JSON."""
    if type(value) in AS_THEY_ARE:
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {NUMBER: repr(float(value))}
    if isinstance(value, Enum):
        return {f"#{type(value).__name__}": value.value}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {type(value).__name__: [exact(getattr(value, name)) for name in _fields(type(value))]}
    if isinstance(value, Mapping):
        return {PAIRS: [[exact(key), exact(one)] for key, one in value.items()]}
    if isinstance(value, Set):
        return {MEMBERS: [exact(one) for one in sorted(value, key=repr)]}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [exact(one) for one in value]
    if hasattr(value, "item"):
        return exact(value.item())
    return repr(value)


def again(value: Any, kinds: Mapping[str, type]) -> Any:
    """The value that JSON holds. kinds : dataclasses and enums by name; last fields that are not there have their defaults.

    Raises
    ------
    KeyError, TypeError, ValueError : it is not what `exact` makes, or of a kind that is not there.
    """
    if isinstance(value, list):
        return tuple(again(one, kinds) for one in value)
    if not isinstance(value, dict):
        return value
    ((name, inner),) = value.items()
    if name == PAIRS:
        return {again(key, kinds): again(one, kinds) for key, one in inner}
    if name == MEMBERS:
        return {again(one, kinds) for one in inner}
    if name == NUMBER:
        return float(inner)
    if name.startswith("#"):
        return kinds[name[1:]](inner)
    kind = kinds[name]
    names, parts = _fields(kind), [again(one, kinds) for one in inner]
    if len(parts) > len(names):
        raise ValueError(f"{name} has no more than {len(names)} fields")
    return kind(**dict(zip(names, parts, strict=False)))


@cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind) if field.init)
