"""Figures of a treasury: where money is and will be, places against their bands, what a band of rebalancing costs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.report.figures import Spec, axis, label, layout
from perpbook.report.spoken import money
from perpbook.report.treasury_economics_text import dear_and_fine, gas
from perpbook.report.treasury_told import TreasuryTold, level_title, level_words
from perpbook.treasury.economics import DEAR, MEDIAN, Economics, LayerToll, costs_by_edge
from perpbook.treasury.needs import Level
from perpbook.treasury.planned import Planned
from perpbook.treasury.task import transfers_of

FREE, POSTED, UNDER_WAY, PLANNED, LOCKED = "--fan-close", "--band", "--flow-way", "--flow-plan", "--breach"
LEAST_FLOW = 1.0
"""Dollars: less is in the table alone."""

MOST_FILLS = 3.0
"""A bar ends at so many times what a place is filled up to."""

Flow = tuple[str, str, float, str, str]
"""Where from, where to, dollars, colour, words."""


def figures_of(told: TreasuryTold) -> dict[str, Spec]:
    """What there is to draw."""
    out = {}
    if (drawn := money_figure(told)) is not None:
        out["map"] = drawn
    if told.levels:
        out["levels"] = levels_figure(told.levels, told)
    if told.economics is not None and told.economics.drifts and dear_and_fine(told.economics):
        out["economics"] = economics_figure(told.economics)
    return out


def flows_of(told: TreasuryTold) -> Iterator[Flow]:
    """Money from where it is now to where it will be: what stays, what is under way, what is planned, what is locked."""
    sent = _sent(told.planned) if told.planned else {}
    for one in told.held:
        name = told.name(one.place)
        moves = sent.get((one.place, one.asset), [])
        stays = max(one.free - one.leaving - sum(dollars for _, dollars, _ in moves), 0.0)
        for dollars, colour, what in (
            (stays, FREE, "free"),
            (one.posted, POSTED, "margin"),
            (one.gas, FREE, "gas tank"),
        ):
            yield name, name, dollars, colour, f"{money(dollars)} of {one.asset}, {what}"
        yield name, "Locked or stuck", one.locked, LOCKED, f"{money(one.locked)} of {one.asset} cannot move"
        for to, dollars, words in moves:
            yield name, told.name(to), dollars, PLANNED, f"planned: {money(dollars)} of {one.asset} by {words}"
    for forecast in told.forecasts:
        flight = forecast.flight
        if forecast.counts:
            words = f"under way: {money(flight.dollars)} of {flight.asset} from {told.name(flight.source)}"
            yield "Under way", told.name(flight.destination), flight.dollars, UNDER_WAY, words


def _sent(planned: Planned) -> dict[tuple[str, str], list[tuple[str, float, str]]]:
    """(to, dollars, over what) of every planned transfer, by the place and coin it leaves."""
    task, out = planned.network.task, {}  # type: ignore[var-annotated]
    for one in transfers_of(task, planned.plan):
        lane = one.lanes[0]
        spare = task.spares[lane.spare]
        out.setdefault((spare.place, spare.asset), []).append((task.needs[lane.need].place, one.dollars, lane.words))
    return out


def money_figure(told: TreasuryTold) -> Spec | None:
    """Left: where money is now; right: where it will be. None where there is none to draw."""
    flows = [one for one in flows_of(told) if one[2] >= LEAST_FLOW]
    if not flows:
        return None
    left, right = list(dict.fromkeys(one[0] for one in flows)), list(dict.fromkeys(one[1] for one in flows))
    sums = [sum(one[2] for one in flows if one[0] == name) for name in left]
    sums += [sum(one[2] for one in flows if one[1] == name) for name in right]
    links = {
        "source": [left.index(one[0]) for one in flows], "target": [len(left) + right.index(one[1]) for one in flows],
        "value": [one[2] for one in flows], "color": [one[3] for one in flows],
        "customdata": [escape(one[4]) for one in flows], "hovertemplate": "%{customdata}<extra></extra>",
    }  # fmt: skip
    figure = {
        "type": "sankey", "arrangement": "fixed", "textfont": {"color": "--ink"}, "link": links,
        "node": {
            "label": [label(name, 26) for name in (*left, *right)], "pad": 14, "thickness": 12, "line": {"width": 0},
            "customdata": [f"{escape(name)}: {money(dollars)}" for name, dollars in zip((*left, *right), sums, strict=True)],
            "hovertemplate": "%{customdata}<extra></extra>", "color": ["--quiet"] * len(left) + ["--series-1"] * len(right),
        },
    }  # fmt: skip
    return {"data": [figure], "layout": layout(80 + 42 * max(len(left), len(right)))}


def levels_figure(levels: tuple[Level, ...], told: TreasuryTold) -> Spec:
    """Every place on a scale of its own: 100 % is what it is filled up to."""
    rows = list(range(len(levels)))
    scale = [max(one.band.refill, 1e-9) for one in levels]
    ends = [min(one.band.most / by, MOST_FILLS) for one, by in zip(levels, scale, strict=True)]
    starts = [one.band.least / by for one, by in zip(levels, scale, strict=True)]
    bars = [min(max(one.has, 0.0) / by, MOST_FILLS) for one, by in zip(levels, scale, strict=True)]
    said = [f"{escape(level_title(one, told))}: {money(one.has)}, {escape(level_words(one))}" for one in levels]
    band = {
        "type": "bar", "orientation": "h", "y": rows, "base": starts, "width": 0.78, "marker": {"color": "--band"},
        "x": [end - start for start, end in zip(starts, ends, strict=True)], "hoverinfo": "skip",
    }  # fmt: skip
    held = {
        "type": "bar", "orientation": "h", "y": rows, "x": bars, "width": 0.34, "hovertext": said, "hoverinfo": "text",
        "marker": {"color": ["--breach" if one.short > 0.0 else "--ok" for one in levels]},
    }  # fmt: skip
    lines = {
        "type": "scatter", "mode": "markers", "x": starts, "y": rows, "hoverinfo": "skip",
        "marker": {"symbol": "line-ns", "size": 24, "color": "--ink", "line": {"width": 2.5, "color": "--ink"}},
    }  # fmt: skip
    beyond = [row for row, one in zip(rows, bars, strict=True) if one >= MOST_FILLS]
    on = {
        "type": "scatter", "mode": "markers", "x": [MOST_FILLS * 1.02] * len(beyond), "y": beyond, "hoverinfo": "skip",
        "marker": {"symbol": "triangle-right", "size": 11, "color": "--ok"},
    }  # fmt: skip
    shape = layout(
        60 + 34 * len(levels), barmode="overlay", xaxis=axis(range=[0.0, MOST_FILLS * 1.06], tickformat=".0%"),
        yaxis=axis(tickvals=rows, ticktext=[label(level_title(one, told), 26) for one in levels],
                   range=[len(levels) - 0.5, -0.5], showgrid=False, zeroline=False, tickfont={"color": "--ink"}),
    )  # fmt: skip
    return {"data": [band, held, lines, on], "layout": shape}


def economics_figure(found: Economics) -> Spec:
    """Dollars a year by the half-width of the band: gas at its median and when it is dear, on a dear layer and a fine one."""
    pair = dear_and_fine(found)
    assert pair is not None, "drawn where there are both"
    best = [one.found[name].bands[0].edge for one in pair for name in (MEDIAN, DEAR)]
    edges = np.geomspace(min(best) / 3.0, max(best) * 2.5, 60)
    data = [
        curve
        for layer, colour in zip(pair, ("--series-4", "--series-1"), strict=True)
        for name, dash in ((MEDIAN, "dot"), (DEAR, "solid"))
        for curve in _curves(found, layer, name, (colour, dash), edges)
    ]
    title = {"text": f"half-width of the band around {found.drifts[0].asset}'s target", "font": {"color": "--quiet"}}
    shape = layout(
        320, showlegend=True,
        xaxis=axis(type="log", tickformat="$,.3~s", tickvals=_round_steps(edges[0], edges[-1]), title=title),
        yaxis=axis(tickformat="$,.6~r", rangemode="tozero", title={"text": "a year", "font": {"color": "--quiet"}}),
    )  # fmt: skip
    return {"data": data, "layout": shape}


def _round_steps(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, 20, 50 ... between two numbers."""
    tens = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [step * 10.0**ten for ten in tens for step in (1, 2, 5) if low <= step * 10.0**ten <= high]


def _curves(found: Economics, layer: LayerToll, name: str, stroke: tuple[str, str], edges: Floats) -> list[Spec]:
    toll, best, (colour, dash) = layer.tolls[name], layer.found[name].bands[0], stroke
    costs = costs_by_edge(found.drifts[0], toll, edges)
    words = f"{layer.name}, gas {gas(toll.gas)} ({'dear' if name == DEAR else 'median'})"
    return [
        {
            "type": "scatter", "mode": "lines", "name": escape(words), "x": edges.tolist(), "y": costs.tolist(),
            "line": {"color": colour, "width": 2, "dash": dash},
            "hovertemplate": "±%{x:$,.0f}: %{y:$,.0f} a year<extra>" + escape(words) + "</extra>",
        },
        {
            "type": "scatter", "mode": "markers", "x": [best.edge], "y": [best.cost], "showlegend": False,
            "marker": {"color": colour, "size": 9, "symbol": "diamond"},
            "hovertemplate": "the best: ±%{x:$,.0f}, %{y:$,.0f} a year<extra>" + escape(words) + "</extra>",
        },
    ]  # fmt: skip
