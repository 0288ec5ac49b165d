"""Values become JSON: one envelope for every command, plain dictionaries inside."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any

from perpbook.errors import InputError, PerpbookError, Problem


def plain(value: object) -> Any:
    """Dataclasses, enums, dates and tuples as JSON has them; infinities as "inf" and "-inf", NaN as null."""
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {
            " ".join(map(str, key)) if isinstance(key, tuple) else str(key): plain(one) for key, one in value.items()
        }
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, date | Path) else value


def envelope(schema: str, *, data: object = None, error: PerpbookError | None = None) -> str:
    """The one JSON document a command prints."""
    document = {
        "schema": schema,
        "ok": error is None,
        "data": plain(data),
        "errors": [] if error is None else errors_of(error),
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False)


def errors_of(error: PerpbookError) -> list[dict[str, Any]]:
    """An error as a list: one entry per problem of a file, or the one message."""
    kind = type(error).__name__
    problems: tuple[Problem, ...] = error.problems if isinstance(error, InputError) else ()
    if problems:
        return [{"type": kind, **plain(problem)} for problem in problems]
    return [{"type": kind, "message": str(error)}]
