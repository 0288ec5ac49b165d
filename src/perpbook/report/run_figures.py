"""A backtest's figures as Plotly specifications, coloured by the page's own variables."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perpbook.engine.outcome import Outcome
from perpbook.engine.result import BacktestResult
from perpbook.kernels import journal as codes
from perpbook.model.units import to_iso
from perpbook.report.figures import Spec, axis, label, layout
from perpbook.report.run_measures import drawdowns, through_time

BUCKETS = 700
"""Stretches a curve is drawn in; each keeps its lowest and its highest point."""

SAMPLES = 300
SERIES = ("--series-1", "--series-2", "--series-3", "--series-4")


def drawn_bars(curve: NDArray[np.float64]) -> NDArray[np.int64]:
    """Bars that are drawn: the lowest and highest of every stretch, and both ends."""
    if curve.size <= 2 * BUCKETS:
        return np.arange(curve.size)
    edges = np.linspace(0, curve.size, BUCKETS + 1).astype(np.int64)
    kept = [0, curve.size - 1]
    for low, high in pairwise(edges.tolist()):
        kept += [int(low + curve[low:high].argmin()), int(low + curve[low:high].argmax())]
    return np.unique(kept)


def times(outcome: Outcome, bars: NDArray[np.int64]) -> list[str]:
    """Closes of bars as ISO texts."""
    closes = outcome.bars.open_ns[bars] + outcome.bars.bar_ns
    return [to_iso(int(one)) for one in closes]


def line(outcome: Outcome, values: NDArray[np.float64], name: str, colour: str, **more: Any) -> Spec:
    """One curve, drawn in stretches."""
    bars = drawn_bars(np.nan_to_num(values))
    return {
        "type": "scatter", "mode": "lines", "name": name, "x": times(outcome, bars), "y": [float(one) for one in values[bars]],
        "line": {"color": colour, "width": 1.6, **more}, "hovertemplate": "%{y:,.4~g}<extra>" + label(name) + "</extra>",
    }  # fmt: skip


def equity_figure(result: BacktestResult) -> Spec:
    """Book equity under the playbook, without it, and with the most hopeful fills."""
    curves = []
    if result.guarded is not None:
        curves.append(line(result.guarded, result.guarded.equity, "under the playbook", SERIES[0]))
    name = "without the playbook" if curves else "the run"
    curves.append(line(result.control, result.control.equity, name, SERIES[3] if curves else SERIES[0]))
    curves.append(line(result.hopeful, result.hopeful.equity, "most hopeful fills", SERIES[2], dash="dot"))
    shape = layout(360, showlegend=True, xaxis=axis(type="date"), yaxis=axis(tickformat="~s"))
    return {"data": curves, "layout": shape}


def drawdown_figure(result: BacktestResult) -> Spec:
    """How far below its highest point the book stands."""
    curves = []
    if result.guarded is not None:
        curves.append(line(result.guarded, -drawdowns(result.guarded.equity), "under the playbook", SERIES[0]))
    name = "without the playbook" if curves else "the run"
    curves.append(line(result.control, -drawdowns(result.control.equity), name, SERIES[3] if curves else SERIES[0]))
    shape = layout(240, showlegend=True, xaxis=axis(type="date"), yaxis=axis(tickformat="~%"))
    return {"data": curves, "layout": shape}


def attribution_figure(result: BacktestResult) -> Spec:
    """Where the money came from and went, as steps from start to end."""
    main = result.main
    amounts = {name: value for name, value in main.attribution().items() if abs(value) >= 0.5}
    start = float(main.start_equity.sum())
    names = ["start", *amounts, "end"]
    shape = layout(300, yaxis=axis(tickformat="~s"), xaxis=axis())
    return {
        "data": [
            {
                "type": "waterfall", "x": names, "y": [start, *amounts.values(), 0.0],
                "measure": ["absolute", *("relative" for _ in amounts), "total"],
                "increasing": {"marker": {"color": "--series-3"}}, "decreasing": {"marker": {"color": "--series-4"}},
                "totals": {"marker": {"color": "--series-1"}}, "connector": {"line": {"color": "--line"}},
                "hovertemplate": "%{y:,.0f}<extra></extra>",
            }
        ],
        "layout": shape,
    }  # fmt: skip


def room_figures(result: BacktestResult) -> dict[str, Spec]:
    """Gross leverage, liquidation distance, and maintenance margin as a share of equity, of every account through time."""
    main = result.main
    bars = np.unique(np.linspace(0, main.ended - 1, min(SAMPLES, main.ended)).astype(np.int64))
    found = through_time(main, bars)
    when = times(main, bars)
    out = {}
    for name, values, form in (
        ("leverage", found.leverage, "~g"),
        ("distance", found.distance, "~%"),
        ("used", found.used, "~%"),
    ):
        data = [
            {
                "type": "scatter", "mode": "lines", "name": label(account.id), "x": when,
                "y": [None if np.isnan(one) else float(one) for one in values[number]],
                "line": {"color": SERIES[number % len(SERIES)], "width": 1.6, "dash": "solid" if number < 4 else "dot"},
                "hovertemplate": "%{y:" + form + "}<extra>" + label(account.id) + "</extra>",
            }
            for number, account in enumerate(main.arrangement.accounts)
        ]  # fmt: skip
        shape = layout(240, showlegend=True, xaxis=axis(type="date"), yaxis=axis(tickformat=form, rangemode="tozero"))
        out[name] = {"data": data, "layout": shape}
    return out


def rules_figure(result: BacktestResult) -> Spec | None:
    """When each rule gave an order or asked for money, and when an account was liquidated."""
    main = result.main
    marks: dict[str, list[int]] = {}
    for tick, kind, _, _, reason in main.what.tolist():
        if kind in (codes.RULE, codes.WANTED):
            marks.setdefault(main.reasons.get(reason, str(reason)), []).append(tick)
        elif kind in (codes.LIQUIDATION, codes.BACKSTOP):
            marks.setdefault("liquidation", []).append(tick)
    if not marks:
        return None
    data = [
        {
            "type": "scatter", "mode": "markers", "x": times(main, np.unique(ticks)), "y": [label(name, 34)] * len(set(ticks)),
            "marker": {"symbol": "line-ns-open", "size": 13, "color": "--series-4" if name == "liquidation" else "--series-1"},
            "hovertemplate": "%{x}<extra>" + label(name, 34) + "</extra>",
        }
        for name, ticks in marks.items()
    ]  # fmt: skip
    span = times(main, np.array([0, main.ended - 1]))
    shape = layout(70 + 34 * len(marks), xaxis=axis(type="date", range=span), yaxis=axis(type="category"))
    return {"data": data, "layout": shape}
