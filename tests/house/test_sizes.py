"""Modules, functions and names keep to the style page's limits."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
LONGEST_MODULE, LONGEST_FUNCTION, MOST_POSITIONAL, MOST_PARAMETERS, LONGEST_INIT = 400, 50, 8, 9, 30
HOMELESS = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "managers", "core", "tools"}
VAGUE = ("Manager", "Helper", "Handler", "Service", "Util", "Base")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """(file and name, function) of every function."""
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{named(path)}: {node.name}", node


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_a_module_is_at_most_400_lines() -> None:
    lines = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert not {name: count for name, count in lines.items() if count > LONGEST_MODULE}


def test_a_function_fits_a_screen() -> None:
    lines = [(name, one.end_lineno - one.lineno + 1) for name, one in functions() if one.end_lineno]
    assert len(lines) > len(SOURCES)
    assert not [(name, count) for name, count in lines if count > LONGEST_FUNCTION]


def test_a_function_takes_few_parameters() -> None:
    taken = [
        (name, len(one.args.args), len(one.args.args) + len(one.args.kwonlyargs))
        for name, one in functions()
        if "/cli/" not in name
    ]
    assert not [
        name for name, positional, all_of_them in taken if positional > MOST_POSITIONAL or all_of_them > MOST_PARAMETERS
    ]


def test_no_module_is_a_grab_bag() -> None:
    assert not [named(path) for path in SOURCES if path.stem in HOMELESS]


def test_no_class_has_a_vague_name() -> None:
    vague = [
        f"{named(path)}: {node.name}"
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.name.endswith(VAGUE)
    ]
    assert not vague


def test_a_folder_only_hands_names_on() -> None:
    for path in SOURCES:
        if path.name == "__init__.py":
            text = path.read_text(encoding="utf-8")
            assert len(text.splitlines()) <= LONGEST_INIT, named(path)
            kinds = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
            assert all(isinstance(node, kinds) for node in tree(path).body), named(path)
