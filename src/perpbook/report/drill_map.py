"""The survival map in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from perpbook.engine.drilled import Cell

if TYPE_CHECKING:
    from rich.console import Console


def blend_words(blend: float) -> str:
    """A blend of correlation in words."""
    if blend == 0.0:
        return "as it was"
    if abs(blend) == 1.0:
        return "one" if blend > 0 else "none"
    return f"{abs(blend):.0%} to {'one' if blend > 0 else 'none'}"


def tell_map(console: Console, cells: Sequence[Cell], chance: float) -> None:
    """Two tables: who lives at the size held now, and how large the book may be; moves downwards, correlation across."""
    from rich.table import Table

    blends = list(dict.fromkeys(one.blend for one in cells))
    shocks = list(dict.fromkeys(one.shock for one in cells))
    found = {(one.shock, one.blend): one for one in cells}
    tables: tuple[tuple[str, Callable[[Cell], str]], ...] = (
        ("Futures in which every account lives at the size held now, without rules", lambda one: f"{one.lives:.1%}"),
        (
            f"Times the positions held now up to which at most {chance:.1%} of futures lose one",
            lambda one: f"{one.scale:.3g}",
        ),
    )
    for title, form in tables:
        console.print(title)
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("moves \\ correlation")
        for blend in blends:
            table.add_column(blend_words(blend), justify="right", no_wrap=True)
        for shock in shocks:
            table.add_row(f"x {shock:g}", *(form(found[shock, blend]) for blend in blends))
        console.print(table)
