"""What stands where in a TOML text: every table, pair and list element with its path and bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from perpbook.files.places import Key

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One table ("table": `span` runs from its header to its last pair), pair ("pair" on lines of its own, "inner" in an
    inline table) or list element ("element"). `home` is the path of the table it was written under; bytes, not letters."""

    kind: Literal["table", "pair", "inner", "element"]
    path: Key
    home: Key
    span: Span
    value: Span
    shape: str
    comments: tuple[str, ...]


def outline(text: str) -> tuple[Written, ...]:
    """Everything written in a valid TOML text, in its order; what a value holds comes after the value."""
    import tree_sitter
    import tree_sitter_toml

    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))
    counts: dict[Key, int] = {}
    found: list[Written] = []
    for node in parser.parse(text.encode()).root_node.named_children:
        if node.type == "pair":
            found += _pair(node, (), "pair")
        elif node.type in ("table", "table_array_element"):
            found += _table(node, counts)
    return tuple(found)


def value_text(literal: str) -> str:
    """The value in a text `name = value # perhaps a comment`, as it is written."""
    pair = outline(literal)[0]
    return literal.encode()[slice(*pair.value)].decode()


def _table(node: Any, counts: dict[Key, int]) -> Iterator[Written]:
    header, *rest = node.named_children
    names = _names(header)
    path: Key = ()
    for depth, name in enumerate(names):
        path = (*path, name)
        if node.type == "table_array_element" and depth == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    pairs = [one for one in rest if one.type == "pair"]
    end = max([_header_end(node), *(_value(pair).end_byte for pair in pairs)])
    yield Written(
        kind="table", path=path, home=path, span=(node.start_byte, end), value=(end, end), shape="table", comments=()
    )
    for pair in pairs:
        yield from _pair(pair, path, "pair")


def _header_end(node: Any) -> int:
    return int(max(child.end_byte for child in node.children if child.type in ("]", "]]")))


def _pair(node: Any, home: Key, kind: Literal["pair", "inner"]) -> Iterator[Written]:
    value = _value(node)
    path = (*home, *_names(node.named_children[0]))
    yield _written(kind, path, home, (node.start_byte, value.end_byte), value)
    yield from _inside(value, path)


def _inside(value: Any, path: Key) -> Iterator[Written]:
    if value.type == "inline_table":
        for pair in value.named_children:
            if pair.type == "pair":
                yield from _pair(pair, path, "inner")
    elif value.type == "array":
        elements = [child for child in value.named_children if child.type != "comment"]
        for number, element in enumerate(elements):
            yield _written("element", (*path, number), path, (element.start_byte, element.end_byte), element)
            yield from _inside(element, (*path, number))


def _written(kind: Literal["pair", "inner", "element"], path: Key, home: Key, span: Span, value: Any) -> Written:
    return Written(
        kind=kind,
        path=path,
        home=home,
        span=span,
        value=(value.start_byte, value.end_byte),
        shape=value.type,
        comments=tuple(_comments(value)),
    )


def _value(pair: Any) -> Any:
    return pair.named_children[1]


def _comments(node: Any) -> Iterator[str]:
    for child in node.named_children:
        if child.type == "comment":
            yield child.text.decode().rstrip()
        else:
            yield from _comments(child)


def _names(node: Any) -> tuple[str, ...]:
    """The parts of a key, unquoted as TOML unquotes them."""
    import tomllib

    found, names = tomllib.loads(f"{node.text.decode()} = 0"), []
    while isinstance(found, dict):
        name, found = next(iter(found.items()))
        names.append(name)
    return tuple(names)
