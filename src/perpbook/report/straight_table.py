"""A table whose every cell fits on its line, written straight; any other is left to Rich, which measures and wraps each cell.

To lay out a hundred short rows takes Rich longer than to judge the book they tell of.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style, StyleType
from rich.table import Column, Table
from rich.text import Text

HEAD = box.SIMPLE_HEAD


class StraightTable(Table):
    """A plain table with a rule under its head: reads as Rich's own would, to the character."""

    def __init__(self, title: str) -> None:
        super().__init__(title=title or None, title_justify="left", title_style="bold", box=HEAD, pad_edge=False)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = None if options.legacy_windows or options.ascii_only else self._cells()
        widths = [_width(*of) for of in zip(self.columns, columns, strict=True)] if columns else []
        room = options.max_width - sum(widths) - 3 * (len(widths) - 1) - len("  ")
        if not columns or room < 0 or cell_len(str(self.title or "")) > options.max_width - room:
            yield from super().__rich_console__(console, options)
            return
        yield from self._written(console, columns, widths)

    def _cells(self) -> list[list[Text]] | None:
        """Head and cells of every column; None where one is more than a short text of one style."""
        if any(row.style or row.end_section for row in self.rows):
            return None
        columns = [[_text(cell) for cell in (column.header, *column.cells)] for column in self.columns]
        found = [[cell for cell in column if cell is not None] for column in columns]
        return found if all(len(column) == len(self.rows) + 1 for column in found) else None

    def _written(self, console: Console, columns: list[list[Text]], widths: list[int]) -> Iterator[Segment]:
        edges = [width + 2 - (number == 0) - (number == len(widths) - 1) for number, width in enumerate(widths)]
        head, line = console.get_style("table.header"), Segment.line()
        if self.title:
            yield from (Segment(str(self.title).ljust(sum(edges) + len(edges) + 1), Style(bold=True)), line)
        yield from (Segment(HEAD.get_top(edges)), line)
        for number, row in enumerate(zip(*columns, strict=True)):
            cells = [_padded(*of) for of in zip(row, self.columns, widths, strict=True)]
            styles: list[StyleType] = [cell.style if number else head for cell in row]
            yield Segment(" ")
            for last, (cell, style) in enumerate(zip(cells, styles, strict=True), 1 - len(cells)):
                yield Segment(cell, console.get_style(style) if style else None)
                yield Segment("   " if last else " ")
            yield line
            if not number:
                yield from (Segment(HEAD.get_row(edges, "head")), line)
        yield from (Segment(HEAD.get_bottom(edges)), line)


def _text(cell: RenderableType) -> Text | None:
    """A cell as text; None where Rich would do more than write it: wrap, mark up, put in a picture, change style within."""
    made = Text(cell) if isinstance(cell, str) and "[" not in cell and cell.count(":") < 2 else cell
    return made if isinstance(made, Text) and not made.spans and made.plain.isprintable() else None


def _width(column: Column, cells: list[Text]) -> int:
    return max(column.min_width or 0, *(cell_len(cell.plain) for cell in cells)) or 1


def _padded(cell: Text, column: Column, width: int) -> str:
    plain = cell.plain.rstrip() if column.justify == "right" else cell.plain
    blank = " " * (width - cell_len(plain))
    return blank + plain if column.justify == "right" else plain + blank
