"""Modules, functions and names keep to the style page's limits."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house.sources import ROOT, SOURCES, Function, module

LONGEST_MODULE, LONGEST_FUNCTION, MOST_POSITIONAL, MOST_PARAMETERS, LONGEST_INIT = 400, 50, 8, 9, 30
HOMELESS = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "managers", "core", "tools"}
VAGUE = ("Manager", "Helper", "Handler", "Service", "Util", "Base")


def functions() -> Iterator[tuple[str, Function]]:
    """(file and name, function) of every function."""
    for path in SOURCES:
        for one in module(path).functions:
            yield f"{named(path)}: {one.name}", one


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_a_module_is_at_most_400_lines() -> None:
    lines = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert not {name: count for name, count in lines.items() if count > LONGEST_MODULE}


def test_a_function_fits_a_screen() -> None:
    lines = [(name, one.lines) for name, one in functions()]
    assert len(lines) > len(SOURCES)
    assert not [(name, count) for name, count in lines if count > LONGEST_FUNCTION]


def test_a_function_takes_few_parameters() -> None:
    assert not [
        name
        for name, one in functions()
        if "/cli/" not in name and (one.positional > MOST_POSITIONAL or one.parameters > MOST_PARAMETERS)
    ]


def test_no_module_is_a_grab_bag() -> None:
    assert not [named(path) for path in SOURCES if path.stem in HOMELESS]


def test_no_class_has_a_vague_name() -> None:
    assert not [f"{named(path)}: {name}" for path in SOURCES for name in module(path).classes if name.endswith(VAGUE)]


def test_a_folder_only_hands_names_on() -> None:
    for path in SOURCES:
        if path.name == "__init__.py":
            text = path.read_text(encoding="utf-8")
            assert len(text.splitlines()) <= LONGEST_INIT, named(path)
            kinds = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
            assert all(issubclass(kind, kinds) for kind in module(path).body), named(path)
