"""What JSON keeps of an object; `rebuild` makes the object again."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence, Set
from datetime import date
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

AS_THEY_ARE = (str, int, bool, type(None))


def plain(value: object) -> Any:
    """Dataclasses, enums, dates, tuples and sets (sorted) as JSON has them; infinities as "inf" and "-inf", NaN as null."""
    if type(value) in AS_THEY_ARE:
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in _fields(type(value))}
    if isinstance(value, Mapping):
        return {
            " ".join(map(str, key)) if isinstance(key, tuple) else str(key): plain(one) for key, one in value.items()
        }
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(one) for one in value]
    if isinstance(value, Set):
        return sorted(plain(one) for one in value)
    return str(value) if isinstance(value, date | Path) else value


@cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))
