"""A drill's figures as Plotly specifications, coloured by the page's own variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from perpbook.engine.drill import Futures
from perpbook.engine.drilled import Drilled
from perpbook.report.drill_measures import fan_quantiles, survival_by_scale
from perpbook.report.drill_replay import Replay
from perpbook.report.figures import Spec, axis, label, layout

SERIES = ("--series-1", "--series-2", "--series-3", "--series-4")
BARS = 28
"""Bars of the histogram of deaths."""


def fan_figure(futures: Futures, hours: float, beside: Futures | None = None) -> Spec:
    """Book equity through the drill: the middle nine tenths and the middle half of futures as bands, the median, and the worst
    hundredth. It begins at the start's equity, and has the heights of the fan `beside` it too."""
    when = [0.0, *((np.arange(futures.steps) + 1) * hours).tolist()]
    rows = [[futures.start, *row] for row in fan_quantiles(futures).tolist()]

    def edge(row: int, name: str, **how: Any) -> Spec:
        return {
            "type": "scatter", "mode": "lines", "x": when, "y": rows[row], "name": name,
            "hovertemplate": "%{y:,.4~g}<extra>" + name + "</extra>", "line": {"width": 0, "color": "--series-1"}, **how,
        }  # fmt: skip

    data = [
        edge(5, "a twentieth is above", showlegend=False),
        edge(1, "nine tenths of futures", fill="tonexty", fillcolor="--fan-wide"),
        edge(4, "a quarter is above", showlegend=False),
        edge(2, "half of futures", fill="tonexty", fillcolor="--fan-close"),
        edge(3, "median", line={"color": "--series-1", "width": 2}),
        edge(0, "a hundredth is below", line={"color": "--breach", "width": 1.6, "dash": "dot"}),
    ]
    seen = [fan_quantiles(one)[:6] for one in (futures, beside) if one is not None]
    low, high = min(futures.start, *(one.min() for one in seen)), max(futures.start, *(one.max() for one in seen))
    spare = 0.04 * (high - low) or 1.0
    shape = layout(
        340,
        showlegend=True,
        xaxis=axis(title={"text": "hours"}),
        yaxis=axis(tickformat="~s", range=[float(low - spare), float(high + spare)]),
    )
    return {"data": data, "layout": shape}


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
    most = np.sum([one["y"] for one in data], axis=0).max()
    shape = layout(
        260,
        showlegend=True,
        barmode="stack",
        xaxis=axis(title={"text": "hours until liquidation"}),
        yaxis=axis(tickformat=",d", **({"dtick": 1} if most < 6 else {})),
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


def replay_figure(replay: Replay, hours: float) -> Spec:
    """Equity along one path: of every account, of the whole book, and of the book had the playbook not acted."""

    def line(name: str, values: Sequence[float], **how: Any) -> Spec:
        when = [round((step + 1) * hours, 6) for step in range(len(values))]
        said = "%{y:,.4~g}<extra>" + name + "</extra>"
        return {
            "type": "scatter", "mode": "lines", "name": name, "x": when, "y": list(values), "line": how, "hovertemplate": said,
        }  # fmt: skip

    data = [line("the book", replay.book, color="--ink", width=2.2)]
    if replay.without is not None:
        data.append(line("the same, no playbook", replay.without, color="--ink", width=1.6, dash="dot"))
    data += [
        line(
            label(name),
            curve,
            color=SERIES[number % len(SERIES)],
            width=1.6,
            dash=("solid", "dash")[number >= len(SERIES)],
        )
        for number, (name, curve) in enumerate(replay.accounts)
    ]
    shape = layout(260, showlegend=True, xaxis=axis(title={"text": "hours"}), yaxis=axis(tickformat="~s"))
    return {"data": data, "layout": shape}
