"""Dataclasses read back from the plain data that JSON keeps of them (`files.plain`), by the types of their fields.

Infinities are texts there and come back; a number that is none is null there, and comes back as such, or as None where its
field may be None.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Hashable, Sequence
from enum import Enum
from functools import cache, partial
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

Kind = TypeVar("Kind")


def rebuild(kind: type[Kind], value: Any) -> Kind:
    """An object of a dataclass from plain data, and of those in its fields.

    Raises
    ------
    KeyError : a field without a default is missing.  TypeError, ValueError : a value is not what its field takes.
    """
    build: Build = _builder(cast("Hashable", kind))
    found: Kind = build(value)
    return found


Build = Callable[[Any], Any]


@cache
def _builder(kind: Any) -> Build:
    """How a value of a type is made; found out once for each type."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _optional(_builder(next(one for one in get_args(kind) if one is not type(None))))
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _dataclass(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if origin is np.ndarray:
        return partial(np.array, dtype=np.float64)
    if origin is not None and issubclass(origin, Sequence):
        return _row(get_args(kind), origin is tuple)
    if kind is float:
        return lambda value: float(value) if value is not None else float("nan")
    return _checked(kind) if kind in (int, str, bool) else lambda value: value


def _optional(build: Build) -> Build:
    return lambda value: None if value is None else build(value)


def _dataclass(kind: type) -> Build:
    parts: dict[str, Build] = {}
    usual: set[str] = set()

    def build(value: Any) -> Any:
        if not parts:
            hints = get_type_hints(kind)
            fields = dataclasses.fields(kind)
            parts.update({one.name: _builder(hints[one.name]) for one in fields})
            usual.update(one.name for one in fields if _has_default(one))
        return kind(**{name: part(value[name]) for name, part in parts.items() if name in value or name not in usual})

    return build


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _row(inner: tuple[Any, ...], is_tuple: bool) -> Build:
    """A tuple of as many as its types say, or any number of one."""
    if is_tuple and not (len(inner) == 2 and inner[1] is Ellipsis):
        each = [_builder(one) for one in inner]
        return lambda value: tuple(build(part) for build, part in zip(each, value, strict=True))
    one = _builder(inner[0])
    return lambda value: tuple(one(part) for part in value)


def _checked(kind: type) -> Build:
    def build(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError(f"{value!r} is not the {kind.__name__} that its field takes")
        return value

    return build
