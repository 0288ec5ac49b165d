"""What JSON keeps of an object; `rebuild` makes the object again."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import date
from enum import Enum
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

AS_THEY_ARE = frozenset((str, int, bool, type(None)))


def plain(value: object) -> Any:
    """Dataclasses, enums, dates, tuples and sets (sorted) as JSON has them; infinities as "inf" and "-inf", NaN as null."""
    kind: Any = type(value)
    return value if kind in AS_THEY_ARE else _way(kind)(value)


@cache
def _way(kind: type) -> Callable[[Any], Any]:
    """How an object of a kind is made plain."""
    if issubclass(kind, float):
        return _number
    if issubclass(kind, Enum):
        return attrgetter("value")
    if dataclasses.is_dataclass(kind):
        names = tuple(field.name for field in dataclasses.fields(kind))
        return lambda value: {name: plain(getattr(value, name)) for name in names}
    if issubclass(kind, Mapping):
        return lambda value: {_key(key): plain(one) for key, one in value.items()}
    if hasattr(kind, "tolist"):
        return lambda value: plain(value.tolist())
    if issubclass(kind, Sequence) and not issubclass(kind, str):
        return lambda value: [plain(one) for one in value]
    if issubclass(kind, Set):
        return lambda value: sorted(plain(one) for one in value)
    return str if issubclass(kind, date | Path) else lambda value: value


def _number(value: float) -> float | str | None:
    if math.isfinite(value):
        return value
    return None if math.isnan(value) else ("inf" if value > 0 else "-inf")


def _key(key: object) -> str:
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)
