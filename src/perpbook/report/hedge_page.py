"""A hedge as one self-contained page: what it is worth by correlation, in the calm against the tail, and storm by storm."""

from __future__ import annotations

from html import escape
from typing import Any

from perpbook.hedging.plan import HedgePlan
from perpbook.report.figures import Spec, axis, label, layout
from perpbook.report.hedge_tables import GRID, tables_of
from perpbook.report.hedge_text import remarks_of, sentences_of
from perpbook.report.html import environment, piece
from perpbook.report.spoken import change, money

SAID = {
    "sets": "Mean loss of the worst moves without the hedge and with it, by kind of correlation.",
    "nets": "The book as it is in dollars of a factor, by four ways to see its betas, with 95 % intervals.",
    "effect": "How the hedge works in the calm against the tails (full, with 95 % intervals), and how Gaussian moves of the same "
    "correlation would show it (open). Unhedged: the share of the losing side's loss that the other does not make good.",
    "calm": "Beta in the calm, in all moves, and in both tails, with 95 % intervals.",
    "storms": "Change of book equity in every storm that touches the book, without the hedge and with it.",
}


def hedge_page(plan: HedgePlan) -> str:
    """The whole page as text."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    drawn = {
        "sets": sets_figure(plan), "nets": nets_figure(plan), "effect": effect_figure(plan), "calm": calm_figure(plan),
        "storms": storms_figure(plan),
    }  # fmt: skip
    figures = {name: spec for name, spec in drawn.items() if spec is not None}
    return (
        environment()
        .get_template("hedge.html.jinja")
        .render(
            plan=plan,
            facts=plan.facts,
            sentences=list(sentences_of(plan)),
            remarks=list(remarks_of(plan)),
            tables=[_plain(one) for one in tables_of(plan)],
            figures=figures,
            said=SAID,
            css=Markup(piece("page.css")),
            js=Markup(piece("page.js")),
            plotly=Markup(get_plotlyjs()),
        )
    )


def _plain(made: Any) -> dict[str, Any]:
    """A terminal's table as headings and rows; True for columns of numbers."""
    columns = [(str(one.header), one.justify == "right") for one in made.columns]
    rows = list(zip(*(one.cells for one in made.columns), strict=True))
    return {"title": str(made.title), "columns": columns, "rows": rows}


def sets_figure(plan: HedgePlan) -> Spec | None:
    """Shortfall by set, without and with."""
    if not plan.sets or plan.chosen is None:
        return None
    sides = (("no hedge", "--series-4", [one.without for one in plan.sets]),
             ("hedged", "--series-1", [one.hedged for one in plan.sets]))  # fmt: skip
    names = [f"{one.name} correlation" for one in plan.sets]
    bars = [
        {
            "type": "bar", "name": name, "x": names, "y": values, "marker": {"color": colour},
            "hovertext": [f"{name}: {money(one)}" for one in values], "hoverinfo": "text",
        }
        for name, colour, values in sides
    ]  # fmt: skip
    shape = layout(300, showlegend=True, barmode="group", xaxis=axis(), yaxis=axis(tickformat="$~s"))
    return {"data": bars, "layout": shape}


def nets_figure(plan: HedgePlan) -> Spec | None:
    """The unhedged book in dollars of each factor, by four ways to see its betas, with their intervals."""
    nets = [one for one in plan.weighted.nets if not one.hedged]
    ways = (
        ("least squares", "--series-1"),
        ("recent", "--series-2"),
        ("robust", "--series-3"),
        ("in its tail", "--series-4"),
    )
    points = []
    for at, (name, colour) in enumerate(ways):
        known = [
            (row, found.value, found.low, found.high)
            for row, one in enumerate(nets)
            for found in [(one.ols, one.ewma, one.robust, one.tail)[at]]
            if found.value is not None and found.low is not None and found.high is not None
        ]
        points.append(
            {
                "type": "scatter", "mode": "markers", "name": name, "x": [value for _, value, *_ in known],
                "y": [row + 0.16 * (at - 1.5) for row, *_ in known], "marker": {"color": colour, "size": 9}, "hoverinfo": "text",
                "hovertext": [f"{name}: {change(value)}, {change(low)} to {change(high)}" for _, value, low, high in known],
                "error_x": {
                    "type": "data", "symmetric": False, "color": colour, "thickness": 1.5,
                    "array": [high - value for _, value, _, high in known],
                    "arrayminus": [value - low for _, value, low, _ in known],
                },
            }
        )  # fmt: skip
    if not any(one["x"] for one in points):
        return None
    rows = list(range(len(nets)))
    shape = layout(
        90 + 62 * len(nets), showlegend=True, xaxis=axis(tickformat="$~s"),
        yaxis=axis(tickvals=rows, ticktext=[label(one.factor) for one in nets], range=[len(rows) - 0.5, -0.5], zeroline=False),
    )  # fmt: skip
    return {"data": points, "layout": shape}


def effect_figure(plan: HedgePlan) -> Spec | None:
    """Correlation, what stays unhedged and shortfall left, calm against both tails, beside Gaussian moves; None where too few
    moves are known."""
    found = plan.quality or plan.legs
    if found is None:
        return None
    tails = {str(one.side): one for one in found.tails}
    lower, upper = tails["lower"], tails["upper"]
    told = [
        ("correlation, calm", found.calm_correlation), ("correlation, it falls hardest", lower.correlation),
        ("correlation, it rallies hardest", upper.correlation), ("unhedged, book falls hardest", lower.unhedged),
        ("unhedged, it rallies hardest", upper.unhedged), ("shortfall left", found.shortfall_left),
    ]  # fmt: skip
    known = [(name, one.estimate, one.null) for name, one in told if one.estimate.value is not None]
    if len(known) < 2:
        return None
    names, values = [name for name, *_ in known], [one.value or 0.0 for _, one, _ in known]
    ends = [(one.low, one.high) if one.low is not None and one.high is not None else (value, value)
            for (_, one, _), value in zip(known, values, strict=True)]  # fmt: skip
    seen = {
        "type": "scatter", "mode": "markers", "name": "seen", "x": values, "y": names,
        "marker": {"color": "--series-1", "size": 10}, "hovertemplate": "%{y}: %{x:.2f}<extra></extra>",
        "error_x": {
            "type": "data", "symmetric": False, "color": "--series-1", "thickness": 1.5,
            "array": [high - value for (_, high), value in zip(ends, values, strict=True)],
            "arrayminus": [value - low for (low, _), value in zip(ends, values, strict=True)],
        },
    }  # fmt: skip
    gaussian = {
        "type": "scatter", "mode": "markers", "name": "Gaussian moves", "x": [null for *_, null in known], "y": names,
        "marker": {"color": "--series-4", "size": 10, "symbol": "diamond-open", "line": {"width": 2}},
        "hovertemplate": "%{y}, Gaussian: %{x:.2f}<extra></extra>",
    }  # fmt: skip
    shape = layout(
        90 + 38 * len(known), showlegend=True, xaxis=axis(), yaxis=axis(autorange="reversed", zeroline=False)
    )
    return {"data": [seen, gaussian], "layout": shape}


def calm_figure(plan: HedgePlan) -> Spec | None:
    """Beta of the book on the hedge with its intervals: calm, all, where the hedge falls, where it rallies."""
    found = plan.quality or plan.legs
    if found is None:
        return None
    tails = {str(one.side): one.beta.estimate for one in found.tails}
    shown = [("calm", found.calm_beta), ("all moves", found.beta), ("it falls hardest", tails["lower"]),
             ("it rallies hardest", tails["upper"])]  # fmt: skip
    told = [(name, one.value, one.low, one.high) for name, one in shown]
    known = [
        (name, v, low, high) for name, v, low, high in told if v is not None and low is not None and high is not None
    ]
    points = {
        "type": "scatter", "mode": "markers", "x": [name for name, *_ in known], "y": [v for _, v, *_ in known],
        "marker": {"color": "--series-1", "size": 9}, "hoverinfo": "text",
        "hovertext": [f"beta {v:.2f}, 95 % {low:.2f} to {high:.2f}" for _, v, low, high in known],
        "error_y": {
            "type": "data", "symmetric": False, "color": "--series-1", "array": [high - v for _, v, _, high in known],
            "arrayminus": [v - low for _, v, low, _ in known],
        },
    }  # fmt: skip
    if not known:
        return None
    title = f"beta of {label(found.asset)} on {label(found.hedge)}"
    span = [min(low for *_, low, _ in known) - 0.1, max(high for *_, high in known) + 0.1]
    return {"data": [points], "layout": layout(280, xaxis=axis(), yaxis=axis(title={"text": title}, range=span))}


def storms_figure(plan: HedgePlan) -> Spec | None:
    """Every storm as a point: without across, with upwards; below the line the hedge costs."""
    felt = [one for one in plan.storms if one.felt and one.kind != GRID]
    if not felt:
        return None
    ends = [value for one in felt for value in (one.change_without, one.change)]
    span = [min(ends), max(ends)]
    line = {
        "type": "scatter", "mode": "lines", "x": span, "y": span, "name": "as without", "hoverinfo": "skip",
        "line": {"color": "--quiet", "width": 1, "dash": "dot"},
    }  # fmt: skip
    groups = [("the hedge holds", "--series-3", [one for one in felt if not one.fails]),
              ("the hedge fails", "--series-4", [one for one in felt if one.fails])]  # fmt: skip
    points = [
        {
            "type": "scatter", "mode": "markers", "name": name, "x": [one.change_without for one in group],
            "y": [one.change for one in group], "marker": {"color": colour, "size": 9}, "hoverinfo": "text",
            "hovertext": [
                f"{escape(one.storm)}: {change(one.change_without)} without, {change(one.change)} with" for one in group
            ],
        }
        for name, colour, group in groups
        if group
    ]  # fmt: skip
    money_axis = {"tickformat": "$~s"}
    shape = layout(
        360, showlegend=True, xaxis=axis(title={"text": "change without the hedge"}, **money_axis),
        yaxis=axis(title={"text": "with it"}, **money_axis),
    )  # fmt: skip
    return {"data": [line, *points], "layout": shape}
