"""Dataclasses read back from the plain data that JSON keeps of them (`files.plain`), by the types of their fields.

Infinities are texts there and come back; a number that is none is null there, and comes back as such, or as None where its
field may be None.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Sequence
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

Kind = TypeVar("Kind")


def rebuild(kind: type[Kind], value: Any) -> Kind:
    """An object of a dataclass from plain data, and of those in its fields.

    Raises
    ------
    KeyError : a field is missing.  TypeError, ValueError : a value is not what its field takes.
    """
    found: Kind = _built(kind, value)
    return found


def _built(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        return _built(next(one for one in get_args(kind) if one is not type(None)), value)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{one.name: _built(hints[one.name], value[one.name]) for one in dataclasses.fields(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if origin is np.ndarray:
        return np.array(value, dtype=np.float64)
    if origin is tuple:
        inner = get_args(kind)
        each = [inner[0]] * len(value) if len(inner) == 2 and inner[1] is Ellipsis else list(inner)
        return tuple(_built(one, part) for one, part in zip(each, value, strict=True))
    if origin is not None and issubclass(origin, Sequence):
        return tuple(_built(get_args(kind)[0], part) for part in value)
    if kind is float:
        return float(value) if value is not None else float("nan")
    if kind in (int, str, bool) and not isinstance(value, kind):
        raise TypeError(f"{value!r} is not the {kind.__name__} that its field takes")
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
