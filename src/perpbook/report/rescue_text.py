"""The rescue gap in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perpbook.report.rescue_told import rescue_sentences, rows_of
from perpbook.treasury.gaps import RescueGaps

if TYPE_CHECKING:
    from rich.console import Console


def tell_rescue(console: Console, gaps: RescueGaps) -> None:
    """From where money comes to each account, how soon, and whether in time."""
    from rich.table import Table

    rows = [one for one in rows_of(gaps) if one.way]
    if rows:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("money for", "from", "by", "typically", "1 in 100", "too late"):
            table.add_column(title, justify="right" if title in ("typically", "1 in 100", "too late") else "left")
        for one in rows:
            table.add_row(one.account, one.source, one.way, one.typical, one.worst, one.late)
        console.print(table)
    for told in rescue_sentences(gaps):
        console.print(told)
