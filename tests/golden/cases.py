"""Reading golden case files: a venue list of cases, or a risk set `{name, cases: [{inp, out, tol}]}`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.golden.compare import Tolerance


class CaseFileError(Exception):
    """A case file that cannot be read: one line saying which, where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCase:
    """One case; `skippable` when it belongs to a set that may lack an adapter altogether."""

    id: str
    venue: str
    topic: str
    inputs: Mapping[str, Any]
    expected: Mapping[str, Any]
    tolerance: Tolerance = field(default_factory=Tolerance)
    reproduced: bool = True
    skippable: bool = False


def read_cases(path: Path) -> list[GoldenCase]:
    """Every case of one file, in order."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as problem:
        raise CaseFileError(f"{path}: not readable as JSON: {problem}") from problem
    if isinstance(content, list):
        return [_venue_case(path, number, one) for number, one in enumerate(content, 1)]
    if isinstance(content, dict) and isinstance(content.get("cases"), list):
        topic = str(content.get("name", path.stem))
        return [_risk_case(path, topic, number, one) for number, one in enumerate(content["cases"], 1)]
    raise CaseFileError(f"{path}: holds neither a list of cases nor a set with a list under 'cases'")


def _venue_case(path: Path, number: int, raw: object) -> GoldenCase:
    case = _require(path, number, raw, ("venue", "topic", "inputs", "expected"))
    rtol = case.get("rtol", 0.0)
    if isinstance(rtol, bool) or not isinstance(rtol, int | float):
        raise CaseFileError(f"{path}: case {number}: rtol is {rtol!r}, not a number")
    return GoldenCase(
        id=str(case.get("id", f"{path.stem}#{number}")),
        venue=str(case["venue"]),
        topic=str(case["topic"]),
        inputs=_mapping(path, number, "inputs", case["inputs"]),
        expected=_mapping(path, number, "expected", case["expected"]),
        tolerance=Tolerance(
            relative=max(rtol, 1e-9), exact=rtol == 0, printed=rtol > 0 and case.get("provenance") == "venue_docs"
        ),
        reproduced=case.get("reproduced") is not False,
    )


def _risk_case(path: Path, topic: str, number: int, raw: object) -> GoldenCase:
    case = _require(path, number, raw, ("inp", "out"))
    absolute, relative = case.get("tol"), case.get("tol_rel")
    if relative is None:
        relative = 1e-9 if absolute is None else 1e-12
    outputs = case["out"]
    return GoldenCase(
        id=f"{topic}#{number}",
        venue="risk",
        topic=topic,
        inputs=_mapping(path, number, "inp", case["inp"]),
        expected=_mapping(path, number, "out", outputs if isinstance(outputs, dict) else {"value": outputs}),
        tolerance=Tolerance(relative=float(relative), absolute=float(absolute or 0.0)),
        skippable=True,
    )


def _require(path: Path, number: int, raw: object, keys: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise CaseFileError(f"{path}: case {number} is not an object")
    missing = [key for key in keys if key not in raw]
    if missing:
        raise CaseFileError(f"{path}: case {number} lacks {', '.join(missing)}")
    return raw


def _mapping(path: Path, number: int, key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CaseFileError(f"{path}: case {number}: {key} is not an object")
    if not value and key in ("expected", "out"):
        raise CaseFileError(f"{path}: case {number} expects nothing")
    return value
