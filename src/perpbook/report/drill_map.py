"""The survival map: in a terminal, and as a heatmap."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from perpbook.engine.drilled import Cell, SurvivalMap
from perpbook.report.figures import Spec, axis, layout

if TYPE_CHECKING:
    from rich.console import Console

BANDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
"""Where one colour ends and the next begins: what matters happens near certainty."""

COLOURS = ("#8c1d18", "#c8472f", "#e58a4b", "#f2c27d", "#c9d7e3", "#7ba7cf", "#2f6ea5")
"""From death to survival, red to blue: told apart by the colour-blind, readable on light and dark paper."""

NAMES = ("under 50 %", "50 to 80", "80 to 90", "90 to 95", "95 to 99", "99 to 99.9", "over 99.9 %")
WIDEST_GAP = 0.018


def blend_words(blend: float) -> str:
    """A blend of correlation in words."""
    if blend == 0.0:
        return "as it was"
    if abs(blend) == 1.0:
        return "one" if blend > 0 else "none"
    return f"{abs(blend):.0%} to {'one' if blend > 0 else 'none'}"


def tell_map(console: Console, found: SurvivalMap) -> None:
    """Who lives at the size held now, how large the book may be, and who lives at which size; sizes and moves downwards,
    correlation across."""
    cells = cells_of(found)
    tables: tuple[tuple[str, Callable[[Cell], str]], ...] = (
        ("Futures in which every account lives at the size held now, without rules", lambda one: f"{one.lives:.1%}"),
        (
            f"Times the positions held now up to which at most {found.chance:.1%} of futures lose one",
            lambda one: f"{one.scale:.3g}",
        ),
    )
    for title, form in tables:
        rows = [(f"x {shock:g}", [form(cells[shock, blend]) for blend in found.blends]) for shock in found.shocks]
        _tell(console, title, ("moves \\ correlation", found), rows)
    for shock in found.shocks:
        rows = [
            (size_words(found, number), [f"{cells[shock, blend].by_size[number]:.1%}" for blend in found.blends])
            for number in range(0, len(found.sizes))
        ]
        _tell(
            console,
            f"Futures in which every account lives, by size, moves x {shock:g}",
            ("size \\ correlation", found),
            rows,
        )


def _tell(console: Console, title: str, head: tuple[str, SurvivalMap], rows: list[tuple[str, list[str]]]) -> None:
    from rich.table import Table

    console.print(title)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(head[0])
    for blend in head[1].blends:
        table.add_column(blend_words(blend), justify="right", no_wrap=True)
    for name, texts in rows:
        table.add_row(name, *texts)
    console.print(table)


def cells_of(found: SurvivalMap) -> dict[tuple[float, float], Cell]:
    """Cells by shock and blend."""
    return {(one.shock, one.blend): one for one in found.cells}


def size_words(found: SurvivalMap, number: int) -> str:
    """A size as a multiple and as leverage."""
    size = found.sizes[number]
    return f"x {size:g} ({size * found.leverage:.2g}x equity)"


def map_figure(found: SurvivalMap) -> Spec:
    """Survival as a heatmap: a panel for each size of moves, correlation across, size of the book upwards. Without correlations
    to vary there is one panel, moves across."""
    cells = cells_of(found)
    panels: list[tuple[str, list[str], list[Cell]]] = [
        (
            f"moves × {shock:g}",
            [_short(blend) for blend in found.blends],
            [cells[shock, blend] for blend in found.blends],
        )
        for shock in found.shocks
    ]
    if len(found.blends) == 1:
        blend = found.blends[0]
        names = [f"× {shock:g}" for shock in found.shocks]
        panels = [("size of moves", names, [cells[shock, blend] for shock in found.shocks])]
    shape = layout(
        64 + 27 * len(found.sizes), annotations=[], margin={"l": 8, "r": 12, "t": 30, "b": 8},
        yaxis=axis(
            tickvals=list(range(len(found.sizes))), showgrid=False, zeroline=False, title=_title("times the positions held now"),
            ticktext=[_size_tick(size, found.leverage) for size in found.sizes],
        ),
    )  # fmt: skip
    data = [_panel(shape, number, len(panels), *panel) for number, panel in enumerate(panels)]
    return {"data": data, "layout": shape}


def _size_tick(size: float, leverage: float) -> str:
    told = f"× {size:g}  ({size * leverage:.2g}x)"
    return f"<b>{told}</b>" if size == 1.0 else told


def _short(blend: float) -> str:
    if blend == 0.0:
        return "as is"
    return f"{'+' if blend > 0 else '−'}{abs(blend):g}"


def _title(text: str) -> Spec:
    return {"text": text, "font": {"color": "--quiet", "size": 12}, "standoff": 8}


def _panel(shape: Spec, number: int, count: int, title: str, names: list[str], cells: list[Cell]) -> Spec:
    """One panel, its axis and title put into the figure's shape."""
    gap = WIDEST_GAP if count > 1 else 0.0
    width = (1.0 - gap * (count - 1)) / count
    left = number * (width + gap)
    tail = "" if number == 0 else str(number + 1)
    shape[f"xaxis{tail}"] = axis(
        domain=[left, left + width], tickvals=list(range(len(names))), ticktext=names, showgrid=False, zeroline=False,
        anchor="y", tickangle=0,
    )  # fmt: skip
    shape["annotations"].append(
        {
            "text": title, "x": left + width / 2, "y": 1.0, "xref": "paper", "yref": "paper", "xanchor": "center",
            "yanchor": "bottom", "showarrow": False, "font": {"color": "--ink", "size": 12},
        }
    )  # fmt: skip
    rows = list(zip(*(cell.by_size for cell in cells), strict=True))
    return {
        "type": "heatmap", "z": [[bisect_right(BANDS, value) for value in row] for row in rows], "zmin": -0.5,
        "zmax": len(COLOURS) - 0.5, "colorscale": _scale(), "showscale": False, "xaxis": f"x{tail}", "yaxis": "y", "xgap": 1,
        "ygap": 1, "text": [[_cell(value) for value in row] for row in rows], "texttemplate": "%{text}",
        "textfont": {"size": 10, "color": "auto"}, "hovertemplate": "%{text} % live<extra>" + title + "</extra>",
    }  # fmt: skip


def _cell(value: float) -> str:
    """A share in percent, without its sign: 100 only when nobody dies."""
    if value == 1.0:
        return "100"
    return f"{min(value, 0.9999) * 100:.2f}" if value > 0.999 else f"{min(value, 0.999) * 100:.1f}"


def _scale() -> list[list[Any]]:
    """Plotly's scale of the bands, each flat."""
    edges = [number / len(COLOURS) for number in range(len(COLOURS) + 1)]
    return [[edge, colour] for number, colour in enumerate(COLOURS) for edge in edges[number : number + 2]]


def legend(found: SurvivalMap) -> list[tuple[str, str]]:
    """(colour, meaning) of the bands that occur."""
    used = {bisect_right(BANDS, value) for cell in found.cells for value in cell.by_size}
    return [(COLOURS[band], NAMES[band]) for band in sorted(used)]
