"""Values become JSON: one envelope for every command, plain dictionaries inside."""

from __future__ import annotations

import json
from typing import Any

from perpbook.errors import InputError, PerpbookError, Problem
from perpbook.files.plain import plain


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
