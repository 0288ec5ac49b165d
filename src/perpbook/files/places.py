"""Where in a TOML text each key stands, so that a problem can name line and column."""

from __future__ import annotations

from typing import Any

Key = tuple[str | int, ...]
Place = tuple[int, int]


def places_of(text: str) -> dict[Key, Place]:
    """(line, column), counted from 1, of every key and array element, by its path: tables by name, elements by number."""
    import tree_sitter
    import tree_sitter_toml

    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))
    found: dict[Key, Place] = {}
    counts: dict[Key, int] = {}
    for node in parser.parse(text.encode()).root_node.named_children:
        if node.type == "pair":
            _pair(node, (), found)
        elif node.type in ("table", "table_array_element"):
            _table(node, found, counts)
    return found


def nearest_place(places: dict[Key, Place], key: Key) -> Place | None:
    """The place of a key, or of the innermost table around it."""
    for length in range(len(key), 0, -1):
        if key[:length] in places:
            return places[key[:length]]
    return None


def _table(node: Any, found: dict[Key, Place], counts: dict[Key, int]) -> None:
    header, *pairs = node.named_children
    path: Key = ()
    names = _names(header)
    for depth, name in enumerate(names):
        path = (*path, name)
        if node.type == "table_array_element" and depth == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            found.setdefault(path, _place(node))
            path = (*path, counts[path])
    found.setdefault(path, _place(node))
    for pair in pairs:
        if pair.type == "pair":
            _pair(pair, path, found)


def _pair(node: Any, path: Key, found: dict[Key, Place]) -> None:
    key, *rest = node.named_children
    for name in _names(key):
        path = (*path, name)
        found.setdefault(path, _place(node))
    for value in rest[:1]:
        _value(value, path, found)


def _value(node: Any, path: Key, found: dict[Key, Place]) -> None:
    if node.type == "inline_table":
        for pair in node.named_children:
            if pair.type == "pair":
                _pair(pair, path, found)
    elif node.type == "array":
        elements = [child for child in node.named_children if child.type != "comment"]
        for number, element in enumerate(elements):
            found.setdefault((*path, number), _place(element))
            _value(element, (*path, number), found)


def _names(node: Any) -> list[str]:
    if node.type == "dotted_key":
        return [name for child in node.named_children for name in _names(child)]
    text: str = node.text.decode()
    return [text[1:-1] if node.type == "quoted_key" else text]


def _place(node: Any) -> Place:
    return node.start_point[0] + 1, node.start_point[1] + 1
