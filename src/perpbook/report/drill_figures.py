"""A drill's figures as Plotly specifications, coloured by the page's own variables."""

from __future__ import annotations

import numpy as np

from perpbook.engine.drill import Futures
from perpbook.engine.drilled import Drilled
from perpbook.engine.outcome import Outcome
from perpbook.report.drill_measures import fan_quantiles, survival_by_scale
from perpbook.report.figures import Spec, axis, label, layout

SERIES = ("--series-1", "--series-2", "--series-3", "--series-4")
BARS = 28
"""Bars of the histogram of deaths."""


def fan_figure(futures: Futures, hours: float) -> Spec:
    """Book equity through the drill: the middle half and the middle nine tenths of futures, and the worst hundredth."""
    when = ((np.arange(futures.steps) + 1) * hours).tolist()
    rows = fan_quantiles(futures)
    data: list[Spec] = []
    for row, name, colour, dash in (
        (3, "median", SERIES[0], "solid"), (2, "a quarter is below", SERIES[0], "dot"),
        (4, "a quarter is above", SERIES[0], "dot"),
        (1, "a twentieth is below", SERIES[1], "dash"), (0, "a hundredth is below", SERIES[3], "solid"),
    ):  # fmt: skip
        data.append(
            {
                "type": "scatter", "x": when, "y": rows[row].tolist(), "mode": "lines", "name": name,
                "line": {"color": colour, "width": 1.6, "dash": dash}, "hovertemplate": "%{y:,.4~g}<extra>" + name + "</extra>",
            }
        )  # fmt: skip
    return {
        "data": data,
        "layout": layout(340, showlegend=True, xaxis=axis(title={"text": "hours"}), yaxis=axis(tickformat="~s")),
    }


def deaths_figure(drilled: Drilled) -> Spec | None:
    """When accounts are liquidated, without the playbook: a histogram for each account."""
    futures, hours = drilled.without, drilled.facts["step_hours"]
    edges = np.linspace(0, futures.steps, min(BARS, futures.steps) + 1)
    data = []
    for number, name in enumerate(drilled.accounts):
        when = futures.died[:, number]
        counts = np.histogram(when[when < futures.steps], bins=edges)[0]
        if counts.any():
            data.append(
                {
                    "type": "bar", "name": label(name), "x": ((edges[:-1] + edges[1:]) / 2 * hours).tolist(),
                    "y": counts.tolist(), "marker": {"color": SERIES[number % len(SERIES)]},
                    "hovertemplate": "%{y:,} futures<extra>" + label(name) + "</extra>",
                }
            )  # fmt: skip
    if not data:
        return None
    shape = layout(
        260, showlegend=True, barmode="stack", xaxis=axis(title={"text": "hours until liquidation"}), yaxis=axis()
    )
    return {"data": data, "layout": shape}


def size_figure(drilled: Drilled) -> Spec:
    """The share of futures in which every account lives, by size of the book, without rules."""
    worst = drilled.scales.min(axis=1)
    sizes = np.linspace(0.1, max(2.0, min(4.0 * float(np.median(worst)), 12.0)), 160)
    now = {"type": "line", "x0": 1, "x1": 1, "y0": 0, "y1": 1, "yref": "paper"}
    shape = layout(
        260,
        xaxis=axis(title={"text": "times the positions held now"}),
        yaxis=axis(tickformat="~%", range=[0, 1.02]),
        shapes=[now | {"line": {"color": "--quiet", "width": 1, "dash": "dot"}}],
    )
    data = [
        {
            "type": "scatter", "mode": "lines", "x": sizes.tolist(), "y": survival_by_scale(drilled, sizes).tolist(),
            "line": {"color": SERIES[0], "width": 2}, "hovertemplate": "%{x:.2f} times: %{y:.2%} live<extra></extra>",
        }
    ]  # fmt: skip
    return {"data": data, "layout": shape}


def replay_figure(outcome: Outcome, hours: float) -> Spec:
    """Equity of every account along one path."""
    when = ((np.arange(outcome.ended) + 1) * hours).tolist()
    data = [
        {
            "type": "scatter", "mode": "lines", "name": label(account.id), "x": when,
            "y": outcome.curve[number, : outcome.ended].tolist(),
            "line": {"color": SERIES[number % len(SERIES)], "width": 1.6, "dash": "solid" if number < 4 else "dot"},
            "hovertemplate": "%{y:,.4~g}<extra>" + label(account.id) + "</extra>",
        }
        for number, account in enumerate(outcome.arrangement.accounts)
    ]  # fmt: skip
    return {
        "data": data,
        "layout": layout(220, showlegend=True, xaxis=axis(title={"text": "hours"}), yaxis=axis(tickformat="~s")),
    }
