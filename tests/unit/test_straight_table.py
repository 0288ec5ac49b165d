"""A table written straight reads as Rich's own, to the character."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perpbook.report.straight_table import StraightTable

WORDS = st.text(st.sampled_from("ab 1-,.%:[]é値█"), max_size=9)
CELLS = st.one_of(WORDS, st.builds(Text, WORDS, st.sampled_from(["", "red", "bold yellow"])))
ROWS = st.integers(1, 5).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=1, max_size=5))


def rich_own(title: str) -> Table:
    return Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)


def written(made: Table, rows: list[list[str | Text]], width: int, colour: bool) -> str:
    for number, head in enumerate(rows[0]):
        made.add_column(
            str(head), justify="right" if number % 2 else "left", overflow="fold", min_width=3 * (number == 0)
        )
    for row in rows[1:]:
        made.add_row(*row)
    console = Console(
        width=width, markup=False, emoji=False, highlight=False, force_terminal=colour, file=io.StringIO()
    )
    console.print(made)
    assert isinstance(console.file, io.StringIO)
    return Text.from_ansi(console.file.getvalue()).plain


@given(title=st.sampled_from(["", "Rows", "A rather long title of a table"]), rows=ROWS, width=st.integers(8, 60))
def test_it_reads_as_richs_own(title: str, rows: list[list[str | Text]], width: int) -> None:
    for colour in (False, True):
        ours = written(StraightTable(title), rows, width, colour)
        assert ours == written(rich_own(title), rows, width, colour)


def test_colours_are_kept() -> None:
    console = Console(width=40, force_terminal=True, color_system="standard", file=io.StringIO())
    made = StraightTable("")
    made.add_column("status")
    made.add_row(Text("BREACH", style="red"))
    console.print(made)
    assert isinstance(console.file, io.StringIO) and "\x1b[31mBREACH\x1b[0m" in console.file.getvalue()
