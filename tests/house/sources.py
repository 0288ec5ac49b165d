"""What the sources hold, read once for every test of the house."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))


@dataclass(frozen=True, slots=True)
class Function:
    """`lines` : from its first word to its last; `parameters` : positional ones and those by keyword."""

    name: str
    lines: int
    positional: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Module:
    """`imports` : first words of what it imports, anywhere in it; `body` : kinds of its own statements."""

    functions: tuple[Function, ...]
    classes: tuple[str, ...]
    imports: frozenset[str]
    body: tuple[type[ast.stmt], ...]


@cache
def module(path: Path) -> Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions, classes, imports = list[Function](), list[str](), set[str]()
    for node in statements(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.append(_function(node))
        elif isinstance(node, ast.ClassDef):
            classes.append(node.name)
        elif isinstance(node, ast.Import):
            imports |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            imports.add(node.module.split(".")[0])
    body = tuple(type(node) for node in tree.body)
    return Module(functions=tuple(functions), classes=tuple(classes), imports=frozenset(imports), body=body)


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Every statement in a tree, at any depth; expressions, most of a tree, hold none and are not gone through."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for one in getattr(node, name, ()):
            if isinstance(one, ast.stmt):
                yield one
            yield from statements(one)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Function:
    positional = len(node.args.args)
    return Function(
        name=node.name,
        lines=(node.end_lineno or node.lineno) - node.lineno + 1,
        positional=positional,
        parameters=positional + len(node.args.kwonlyargs),
    )
