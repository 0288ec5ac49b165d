"""Ways to pay less funding as one self-contained page: ways with intervals, when each pays for itself, and the carry left."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

from perpbook.model.units import DAY_NS
from perpbook.report.figures import Spec, axis, label, layout
from perpbook.report.html import environment, piece
from perpbook.report.offsets_text import days, details

if TYPE_CHECKING:
    from perpbook.funding.offsets import Bleeding, Offset, Offsets

MOST_DRAWN = 4
"""Positions that get figures: those that pay most. Tables have all."""

COLOURS = ("--series-1", "--series-2", "--series-3", "--series-4", "--ink", "--quiet")
DASHES = ("solid", "dot", "dash")
DOLLARS = {"tickformat": "$,.6~r"}
NARROW = 19
"""Characters of a line of a way beside its mark, two lines of them."""

WIDE = 44
"""Characters of a way that its figure shows."""


def offsets_page(found: Offsets, version: str) -> str:
    """The whole page as text."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    figures: dict[str, Spec] = {}
    for number, one in enumerate(found.positions[:MOST_DRAWN]):
        if one.offsets:
            figures[f"ways-{number}"] = ways_figure(one)
            figures[f"carry-{number}"] = carry_figure(one, one.offsets[0])
            figures[f"pays-{number}"] = pays_figure(one)
    return (
        environment()
        .get_template("offsets.html.jinja")
        .render(
            found=found,
            told=found.told,
            figures=figures,
            days=days,
            details=details,
            version=version,
            css=Markup(piece("page.css")),
            js=Markup(piece("page.js")),
            plotly=Markup(get_plotlyjs()),
        )
    )


def ways_figure(one: Bleeding) -> Spec:
    """Net of every way with its interval, the best on top; open marks are ways of which an account dies or that are refused."""
    ways = list(one.offsets)
    net = [offset.net for offset in ways]
    fails = [bool(offset.refused) or any(each.dies for each in offset.dangers) for offset in ways]
    marks: Spec = {
        "type": "scatter", "mode": "markers", "x": [each.mean for each in net], "y": list(range(len(ways))),
        "marker": {
            "color": ["--series-4" if fail else "--series-1" for fail in fails], "size": 10,
            "symbol": ["circle-open" if fail else "circle" for fail in fails],
        },
        "error_x": {
            "type": "data", "symmetric": False, "array": [each.high - each.mean for each in net],
            "arrayminus": [each.mean - each.low for each in net], "color": "--quiet", "thickness": 1.5,
        },
        "hovertemplate": "net %{x:$,.2f}<extra></extra>",
    }  # fmt: skip
    names = ["<br>".join(label(line) for line in wrap(offset.way.words, NARROW)[:2]) for offset in ways]
    shape = layout(
        70 + 42 * len(ways), xaxis=axis(title={"text": "net over the horizon", "font": {"color": "--quiet"}}, **DOLLARS),
        yaxis=axis(tickvals=list(range(len(ways))), ticktext=names, range=[len(ways) - 0.5, -0.5], zeroline=False,
                   tickfont={"color": "--ink"}),
    )  # fmt: skip
    return {"data": [marks], "layout": shape}


def carry_figure(one: Bleeding, best: Offset) -> Spec:
    """From the carry as it is to the carry that is left: what a way saves, what it costs, what is paid while money travels."""
    bars: Spec = {
        "type": "waterfall", "x": ["as it is", "saved", "cost", "under way", "left"], "measure": ["relative"] * 4 + ["total"],
        "y": [one.carry.mean, best.saved.mean, -best.cost, -best.waiting, one.carry.mean + best.net.mean],
        "increasing": {"marker": {"color": "--series-1"}}, "decreasing": {"marker": {"color": "--series-4"}},
        "totals": {"marker": {"color": "--quiet"}}, "connector": {"line": {"color": "--line", "width": 1}},
        "hovertemplate": "%{x}: %{delta:$,.2f}<extra></extra>",
    }  # fmt: skip
    return {"data": [bars], "layout": layout(260, xaxis=axis(showgrid=False), yaxis=axis(**DOLLARS))}


def pays_figure(one: Bleeding) -> Spec:
    """Net of every way by how long it is held: a way pays for itself where its line comes above nothing."""
    lines: list[dict[str, Any]] = []
    for number, offset in enumerate(one.offsets):
        held = [0.0, *(point.after_ns / DAY_NS for point in offset.course)]
        net = [-offset.cost, *(point.net.mean for point in offset.course)]
        told = label(offset.way.words, WIDE)
        lines.append(
            {
                "type": "scatter", "mode": "lines+markers", "name": told, "x": held, "y": net,
                "line": {
                    "color": COLOURS[number % len(COLOURS)], "width": 2,
                    "dash": DASHES[number // len(COLOURS) % len(DASHES)],
                },
                "marker": {"color": COLOURS[number % len(COLOURS)], "size": 5},
                "hovertemplate": "day %{x:.1f}: %{y:$,.2f}<extra>" + told + "</extra>",
            }
        )  # fmt: skip
    shape = layout(
        300 + 19 * len(lines), showlegend=True, yaxis=axis(**DOLLARS),
        xaxis=axis(title={"text": "days held", "font": {"color": "--quiet"}}),
    )  # fmt: skip
    shape["legend"] |= {"orientation": "v", "y": -0.22, "yanchor": "top"}
    return {"data": lines, "layout": shape}
