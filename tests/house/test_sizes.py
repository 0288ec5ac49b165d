"""Modules, functions and names keep to the style page's limits."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
LONGEST_MODULE, LONGEST_FUNCTION, MOST_POSITIONAL, MOST_PARAMETERS, LONGEST_INIT = 400, 50, 8, 9, 30
HOMELESS = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "managers", "core", "tools"}
VAGUE = ("Manager", "Helper", "Handler", "Service", "Util", "Base")


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_module_is_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_function_fits_a_screen(path: Path) -> None:
    long = {
        one.name: one.end_lineno - one.lineno + 1
        for one in functions(path)
        if one.end_lineno and one.end_lineno - one.lineno + 1 > LONGEST_FUNCTION
    }
    assert not long


@pytest.mark.parametrize("path", [path for path in SOURCES if "cli" not in path.parts], ids=named)
def test_a_function_takes_few_parameters(path: Path) -> None:
    many = [
        one.name
        for one in functions(path)
        if len(one.args.args) > MOST_POSITIONAL or len(one.args.args) + len(one.args.kwonlyargs) > MOST_PARAMETERS
    ]
    assert not many


def test_no_module_is_a_grab_bag() -> None:
    assert not [named(path) for path in SOURCES if path.stem in HOMELESS]


def test_no_class_has_a_vague_name() -> None:
    vague = [
        f"{named(path)}: {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name.endswith(VAGUE)
    ]
    assert not vague


def test_a_folder_only_hands_names_on() -> None:
    for path in SOURCES:
        if path.name == "__init__.py":
            text = path.read_text(encoding="utf-8")
            assert len(text.splitlines()) <= LONGEST_INIT, named(path)
            kinds = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
            assert all(isinstance(node, kinds) for node in ast.parse(text).body), named(path)
