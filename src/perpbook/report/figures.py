"""The page's three figures as Plotly specifications: plain dictionaries, ready for JSON.

Colours are names of CSS variables ("--ink"); the page's own script looks them up, so that a figure follows the
reader's light or dark scheme. Names given by users pass through `label`, because Plotly reads tags inside its texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from perpbook.margin.assessment import StressOutcome
from perpbook.model.verdict import SleeveShare
from perpbook.report.sections import KINDS, fate, in_band
from perpbook.report.spoken import money, move, share

Spec = dict[str, Any]

LABEL_WIDTH = 20
"""Characters of a name that a figure shows; tables show all of it."""

MAX_DYING = 12
"""Accounts listed in the order of death; the table has every one."""

STROKES = {"joint": "solid", "asset": "dot", "beta": "dash", "broken": "longdashdot"}
SYMBOLS = {"joint": "circle", "asset": "square", "beta": "diamond", "broken": "triangle-up"}
COLOURS = {"joint": "--series-1", "asset": "--series-2", "beta": "--series-3", "broken": "--series-4"}


def label(name: str, width: int = LABEL_WIDTH) -> str:
    """A name as figure text: shortened in its middle, its tags harmless."""
    return escape(name if len(name) <= width else f"{name[: width - 8]}…{name[-7:]}")


def axis(**more: Any) -> Spec:
    """A quiet axis: thin grid, no box, not to be dragged."""
    return {
        "fixedrange": True, "gridcolor": "--line", "linecolor": "--line", "zerolinecolor": "--quiet", "zerolinewidth": 1,
        "automargin": True, "ticks": "", "tickfont": {"color": "--quiet"}, **more,
    }  # fmt: skip


def layout(height: int, **more: Any) -> Spec:
    """What all figures share; `height` in pixels."""
    return {
        "height": height, "autosize": True, "margin": {"l": 8, "r": 12, "t": 8, "b": 8}, "dragmode": False,
        "paper_bgcolor": "--clear", "plot_bgcolor": "--clear", "showlegend": False, "hovermode": "closest",
        "font": {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 12, "color": "--ink"},
        "hoverlabel": {"bgcolor": "--card", "bordercolor": "--line", "font": {"color": "--ink"}, "align": "left"},
        "legend": {
            "orientation": "h", "traceorder": "normal", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"color": "--ink"},
        },
        **more,
    }  # fmt: skip


def _quiet(title: str) -> Spec:
    return {"text": title, "font": {"color": "--quiet", "size": 12}, "standoff": 8}


def stress_figure(outcomes: Sequence[StressOutcome]) -> Spec | None:
    """Change of book equity by size of the move, a line per kind; below it, who dies at which point of the move."""
    if not outcomes:
        return None
    kinds = list(dict.fromkeys(outcome.kind for outcome in outcomes))
    lines = [_kind_line(kind, [one for one in outcomes if one.kind == kind]) for kind in kinds]
    dying = _dying(outcomes)
    marks = [_death_marks(kind, outcomes, dying) for kind in kinds] if dying else []
    rows = len(dying)
    height = 330 + (70 + 26 * rows if rows else 0)
    split = (40.0 + 26 * rows) / height if rows else 0.0
    widest = max(abs(outcome.size) for outcome in outcomes) * 1.08 or 1.0
    moves = axis(range=[-widest, widest], tickformat="~%", title=_quiet("size of the move"))
    shape = layout(
        height,
        showlegend=True,
        xaxis={**moves, "anchor": "y2" if rows else "y"},
        yaxis=axis(domain=[split + 0.06 if rows else 0.0, 1.0], tickformat="~%", title=_quiet("change of book equity")),
    )
    if rows:
        ticks = [label(name) for name in dying]
        shape["yaxis2"] = axis(
            domain=[0.0, split], tickvals=list(range(rows)), ticktext=ticks, range=[rows - 0.5, -0.5], zeroline=False
        )
    return {"data": [*lines, *[mark for mark in marks if mark["x"]]], "layout": shape}


def _kind_line(kind: str, outcomes: Sequence[StressOutcome]) -> Spec:
    """The worst outcome of each size, through no change at no move."""
    worst = {size: max((one for one in outcomes if one.size == size), key=lambda one: one.loss_share)
             for size in sorted({one.size for one in outcomes})}  # fmt: skip
    points = sorted([(0.0, 0.0, ""), *[(size, -one.loss_share, _told(one)) for size, one in worst.items()]])
    several = len(worst) < len(outcomes)
    return {
        "type": "scatter", "mode": "lines+markers", "name": KINDS.get(kind, escape(kind)) + (" (the worst)" if several else ""),
        "x": [x for x, _, _ in points], "y": [y for _, y, _ in points], "hovertext": [text for *_, text in points],
        "hoverinfo": "text", "line": {"color": COLOURS.get(kind, "--ink"), "width": 2, "dash": STROKES.get(kind, "solid")},
        "marker": {
            "color": COLOURS.get(kind, "--ink"), "symbol": SYMBOLS.get(kind, "circle"),
            "size": [7 if text else 0 for *_, text in points],
        },
    }  # fmt: skip


def _told(outcome: StressOutcome) -> str:
    return f"{escape(outcome.scenario)}: {move(-outcome.loss_share)} of equity<br>{escape(fate(outcome))}"


def _dying(outcomes: Sequence[StressOutcome]) -> list[str]:
    """Accounts that die in any scenario, the smallest move first."""
    nearest: dict[str, float] = {}
    for outcome in outcomes:
        for death in outcome.deaths:
            at = abs(death.fraction * outcome.size)
            nearest[death.account] = min(at, nearest.get(death.account, at))
    return sorted(nearest, key=lambda name: (nearest[name], name))[:MAX_DYING]


def _death_marks(kind: str, outcomes: Sequence[StressOutcome], dying: Sequence[str]) -> Spec:
    """Where along the move each account dies, one mark per place."""
    marks: dict[tuple[int, float], str] = {}
    for outcome in outcomes:
        for death in outcome.deaths:
            if outcome.kind == kind and death.account in dying:
                place = (dying.index(death.account), round(death.fraction * outcome.size, 4))
                text = f"{escape(death.account)} dies at {move(place[1])}<br>{share(death.fraction, 0)} of the way to "
                marks.setdefault(place, text + escape(outcome.scenario))
    return {
        "type": "scatter", "mode": "markers", "name": KINDS.get(kind, escape(kind)), "showlegend": False, "yaxis": "y2",
        "x": [at for _, at in marks], "y": [row for row, _ in marks], "hovertext": list(marks.values()), "hoverinfo": "text",
        "marker": {
            "color": COLOURS.get(kind, "--ink"), "symbol": f"{SYMBOLS.get(kind, 'circle')}-open", "size": 10,
            "line": {"width": 2},
        },
    }  # fmt: skip


def sleeves_figure(sleeves: Sequence[SleeveShare]) -> Spec | None:
    """Each sleeve's share as a bar on the band it is allowed, its target as a mark."""
    if not sleeves:
        return None
    end = 1.12 * max(
        *[value for one in sleeves for value in (one.share, one.target or 0.0, one.most or 0.0, one.least or 0.0)], 0.05
    )
    rows = range(len(sleeves))
    banded = [
        (row, one) for row, one in zip(rows, sleeves, strict=True) if one.least is not None or one.most is not None
    ]
    targets = [(row, one.target) for row, one in zip(rows, sleeves, strict=True) if one.target is not None]
    band = {
        "type": "bar", "orientation": "h", "y": [row for row, _ in banded], "base": [one.least or 0.0 for _, one in banded],
        "x": [(one.most if one.most is not None else end) - (one.least or 0.0) for _, one in banded],
        "width": 0.78, "marker": {"color": "--band"}, "hoverinfo": "skip",
    }  # fmt: skip
    held = {
        "type": "bar", "orientation": "h", "y": list(rows), "x": [one.share for one in sleeves], "width": 0.34,
        "marker": {"color": [_sleeve_colour(one) for one in sleeves]},
        "hovertext": [f"{escape(one.name)}: {money(one.capital)}, {share(one.share)}" for one in sleeves], "hoverinfo": "text",
    }  # fmt: skip
    target = {
        "type": "scatter", "mode": "markers", "x": [aim for _, aim in targets], "y": [row for row, _ in targets],
        "marker": {"symbol": "line-ns", "size": 24, "color": "--ink", "line": {"width": 2.5, "color": "--ink"}},
        "hovertext": [f"target {share(aim)}" for _, aim in targets], "hoverinfo": "text",
    }  # fmt: skip
    shape = layout(
        46 + 44 * len(sleeves), barmode="overlay",
        xaxis=axis(range=[min(0.0, *[one.share for one in sleeves], 0.0) * 1.12, end], tickformat="~%"),
        yaxis=axis(
            tickvals=list(rows), ticktext=[_sleeve_name(one) for one in sleeves], range=[len(sleeves) - 0.5, -0.5],
            showgrid=False, zeroline=False, tickfont={"color": "--ink"},
        ),
    )  # fmt: skip
    return {"data": [band, held, target], "layout": shape}


def _sleeve_name(sleeve: SleeveShare) -> str:
    return f"{'' if in_band(sleeve) else '✕ '}{label(sleeve.name)} <b>{share(sleeve.share)}</b>"


def _sleeve_colour(sleeve: SleeveShare) -> str:
    if sleeve.least is None and sleeve.most is None:
        return "--quiet"
    return "--ok" if in_band(sleeve) else "--breach"
