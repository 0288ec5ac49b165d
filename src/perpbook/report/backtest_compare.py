"""Two backtests side by side in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perpbook.model.difference import Difference

if TYPE_CHECKING:
    from rich.console import Console


def tell_differences(console: Console, names: tuple[str, str], found: Sequence[Difference]) -> None:
    """A table of both runs, what the first has more, and the interval where one is drawn."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for title in (*names, "more", "95 % of draws"):
        table.add_column(title, justify="right", overflow="fold")
    for one in found:
        drawn = ""
        if one.low is not None and one.high is not None and one.better is not None:
            drawn = f"{figure(one.low, one.unit)} to {figure(one.high, one.unit)} (more in {one.better:.0%})"
        table.add_row(
            one.name,
            figure(one.one, one.unit),
            figure(one.other, one.unit),
            figure(one.more, one.unit, signed=True),
            drawn,
        )
    console.print(table)


def figure(value: float, unit: str, *, signed: bool = False) -> str:
    """Dollars in whole ones, shares in percent."""
    sign = "+" if signed else ""
    return f"{value:{sign}.2%}" if unit == "share" else f"{value:{sign},.0f}"
