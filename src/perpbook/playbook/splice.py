"""One value of a TOML text set or removed by replacing only its own bytes: layout and comments stay as they are."""

from __future__ import annotations

from perpbook.files.places import Key
from perpbook.playbook.keys import dotted
from perpbook.playbook.outline import Span, Written, outline


def with_value(text: str, path: Key, literal: str) -> str:
    """The text with `literal` at a path: in place of what is there, else as a new line in its table, or a new table."""
    written = outline(text)
    for one in written:
        if one.path == path and one.kind != "table":
            return _replaced(text, one, literal)
    for length in range(len(path) - 1, 0, -1):
        changed = _added(text, written, path, length, literal)
        if changed is not None:
            return changed
    if len(path) == 1:
        return _at_root(text, written, f"{dotted(path)} = {literal}")
    return _in_new_table(text, written, path, literal)


def without(text: str, path: Key) -> str | None:
    """The text without what stands at a path; None when nothing does."""
    written = outline(text)
    under = [one for one in written if one.path[: len(path)] == path and one.kind != "table"]
    exact = [one for one in under if one.path == path]
    if exact and exact[0].kind != "pair":
        return _cut_inside(text, written, exact[0])
    tables = [one.span for one in written if one.kind == "table" and one.path[: len(path)] == path]
    pairs = [one.span for one in under if one.kind == "pair" and one.home[: len(path)] != path]
    if not tables and not pairs:
        return None
    for span in sorted([*tables, *pairs], reverse=True):
        text = _cut_lines(text, span)
    return text


def _spliced(text: str, span: Span, new: str) -> str:
    raw = text.encode()
    return (raw[: span[0]] + new.encode() + raw[span[1] :]).decode()


def _replaced(text: str, one: Written, literal: str) -> str:
    """The value replaced; comments inside the old one move to lines above."""
    changed = _spliced(text, one.value, literal)
    if not one.comments:
        return changed
    start = _line_start(text, one.span[0])
    indent = _indent(text, one.span[0])
    above = "".join(f"{indent}{comment}{_newline(text)}" for comment in one.comments)
    return _spliced(changed, (start, start), above)


def _added(text: str, written: tuple[Written, ...], path: Key, length: int, literal: str) -> str | None:
    """The value as a new pair where the first `length` parts of its path are written; None when that is no place."""
    parent, rest = path[:length], path[length:]
    beside: Written | None = None
    for one in written:
        if one.path == parent and one.shape == "inline_table":
            return _into_brackets(text, written, one, f"{dotted(rest)} = {literal}")
        if one.path == parent and one.shape == "array" and isinstance(rest[0], int):
            return _into_brackets(text, written, one, f"{{ {dotted(rest[1:])} = {literal} }}")
        if one.path == parent and one.kind == "table" and len(rest) == 1:
            return _after(text, one.span[1], [f"{dotted(rest)} = {literal}"])
        if one.kind == "pair" and one.path[:length] == parent and len(one.home) < length:
            beside = one
    if beside is None:
        return None
    return _after(text, beside.span[1], [f"{dotted(path[len(beside.home) :])} = {literal}"])


def _into_brackets(text: str, written: tuple[Written, ...], home: Written, new: str) -> str:
    """The last of an inline table or list."""
    inside = [one for one in written if one.kind in ("inner", "element") and one.home == home.path]
    if inside:
        end = inside[-1].span[1]
        return _spliced(text, (end, end), f", {new}")
    start = home.value[0] + 1
    return _spliced(text, (start, start), f" {new} " if home.shape == "inline_table" else new)


def _at_root(text: str, written: tuple[Written, ...], line: str) -> str:
    pairs = [one for one in written if one.kind == "pair" and not one.home]
    return _after(text, pairs[-1].span[1], [line]) if pairs else line + _newline(text) + text


def _in_new_table(text: str, written: tuple[Written, ...], path: Key, literal: str) -> str:
    """Under a header of its own: after the last table of its section, else at the end."""
    *table, name = path
    many = isinstance(table[-1], int)
    header = f"[[{dotted(tuple(table[:-1]))}]]" if many else f"[{dotted(tuple(table))}]"
    lines = [header, f"{dotted((name,))} = {literal}"]
    near = [one for one in written if one.kind == "table" and one.path[:1] == path[:1]]
    if near:
        return _after(text, near[-1].span[1], ["", *lines])
    newline = _newline(text)
    gap = "" if not text or text.endswith("\n") else newline
    return f"{text}{gap}{newline if text else ''}{newline.join(lines)}{newline}"


def _after(text: str, at: int, lines: list[str]) -> str:
    """New lines below the line that holds byte `at`, indented like it."""
    raw = text.encode()
    end = raw.find(b"\n", at)
    end = len(raw) if end < 0 else end
    if raw[end - 1 : end] == b"\r":
        end -= 1
    newline, indent = _newline(text), _indent(text, _first_byte(raw, at))
    return _spliced(text, (end, end), "".join(f"{newline}{indent if line else ''}{line}" for line in lines))


def _first_byte(raw: bytes, at: int) -> int:
    """The first byte of the line that holds byte `at` that is not blank."""
    start = raw.rfind(b"\n", 0, at) + 1
    return start + len(raw[start:]) - len(raw[start:].lstrip(b" \t"))


def _cut_inside(text: str, written: tuple[Written, ...], one: Written) -> str:
    """Without one element of an inline table or list, and without its comma."""
    row = [other for other in written if other.kind == one.kind and other.home == one.home]
    number = row.index(one)
    if number + 1 < len(row):
        return _spliced(text, (one.span[0], row[number + 1].span[0]), "")
    start = row[number - 1].span[1] if number else one.span[0]
    return _spliced(text, (start, one.span[1]), "")


def _cut_lines(text: str, span: Span) -> str:
    """Without the whole lines of a span, and without a blank line that would then follow another."""
    raw = text.encode()
    start, end = _line_start(text, span[0]), raw.find(b"\n", span[1]) + 1 or len(raw)
    before, after = raw[:start], raw[end:]
    if not before.strip() or before.replace(b"\r", b"").endswith(b"\n\n"):
        first, newline, rest = after.partition(b"\n")
        after = rest if newline and not first.strip() else after
    return (before + after).decode()


def _line_start(text: str, at: int) -> int:
    return text.encode().rfind(b"\n", 0, at) + 1


def _indent(text: str, at: int) -> str:
    return text.encode()[_line_start(text, at) : at].decode()


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
