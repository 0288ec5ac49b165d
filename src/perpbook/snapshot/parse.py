"""The text of a native file as a plain document, or one issue about its syntax."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from perpbook.errors import Problem
from perpbook.files.read import read_text

MAP_JSON = "mend it as JSON, or write the file again with `perpbook book export`"


def text_of(path: Path, what: str = "book") -> str | Problem:
    """The text of a file that is not empty."""
    text = read_text(path, what)
    if isinstance(text, str) and not text.strip():
        return Problem(file=str(path), message="is empty", hint=f"an empty file is not a flat {what}: write it again")
    return text


def kind_of(path: Path, text: str) -> str:
    """What a text is written in: "json", "csv" or "toml", by its suffix, else by how it begins."""
    suffix = path.suffix.lower().removeprefix(".")
    if suffix in ("toml", "json", "csv"):
        return suffix
    first = text.lstrip().split("\n", 1)[0]
    if first.startswith("{") or (first.startswith("[") and _is_json(text)):
        return "json"
    return "csv" if "," in first and "=" not in first else "toml"


def parse_toml(text: str, file: str) -> dict[str, Any] | Problem:
    """A TOML document."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(where[1]), int(where[2])) if where else (None, None)
        message = "is not valid TOML: " + re.sub(r"\s*\(at .*\)", "", str(error))
        return Problem(file=file, line=line, column=column, message=message, hint="mend the line as TOML; see toml.io")
    except (ValueError, RecursionError) as error:
        return Problem(file=file, message=f"is not valid TOML: {_reason(error)}", hint="mend it as TOML; see toml.io")


def parse_json(text: str, file: str) -> Any | Problem:
    """A JSON document in which no key is given twice."""
    twice: list[str] = []

    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice.extend(key for number, (key, _) in enumerate(pairs) if key in dict(pairs[:number]))
        return found

    try:
        document = json.loads(text, object_pairs_hook=table)
    except json.JSONDecodeError as error:
        message = f"is not valid JSON: {error.msg}"
        return Problem(file=file, line=error.lineno, column=error.colno, message=message, hint=MAP_JSON)
    except (ValueError, RecursionError) as error:
        return Problem(file=file, message=f"is not valid JSON: {_reason(error)}", hint=MAP_JSON)
    if twice:
        return Problem(file=file, key=twice[0], message="is given twice in one table", hint="keep one of the two")
    return document


def _reason(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
