"""A book's funding as one self-contained page: what is expected by position, the fan ahead, venues side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perpbook.model.units import DAY_NS
from perpbook.report.figures import Spec, axis, label, layout
from perpbook.report.funding import length, rate
from perpbook.report.html import environment, piece
from perpbook.report.spoken import NOT_KNOWN, change, share
from perpbook.report.words import NONE

if TYPE_CHECKING:
    from perpbook.funding.desk import FundingDesk, PositionFunding, TermRow

MOST_FANS = 4
"""Positions that get a fan: those that most is expected of."""


def funding_page(desk: FundingDesk, version: str) -> str:
    """The whole page as text."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    fans = {f"fan-{n}": one for n, one in enumerate(_costliest(desk)[:MOST_FANS])}
    figures: dict[str, Spec] = {name: fan_figure(one) for name, one in fans.items()}
    if any(one.ahead for one in desk.positions):
        figures["waterfall"] = waterfall_figure(desk)
    window = longest_paid(desk)
    if window is not None:
        figures["paid"] = paid_figure(desk, window)
    if desk.term_structure:
        figures["venues"] = venues_figure(desk)
    return (
        environment()
        .get_template("funding.html.jinja")
        .render(
            desk=desk,
            fans=fans,
            figures=figures,
            days=list(desk.drag),
            window=window,
            book=next((row.cash for row in desk.paid if row.kind == "book"), {}),
            paid_by_then=paid_by_then,
            spans=list(desk.term_structure[0].trailing) if desk.term_structure else [],
            length=length,
            rate=rate,
            percent=_percent,
            version=version,
            css=Markup(piece("page.css")),
            js=Markup(piece("page.js")),
            plotly=Markup(get_plotlyjs()),
        )
    )


def _percent(value: float | None) -> str:
    return NONE if value is None else share(value)


def _costliest(desk: FundingDesk) -> list[PositionFunding]:
    told = [one for one in desk.positions if one.ahead is not None and len(one.ahead.fan) > 1]
    return sorted(told, key=lambda one: -abs(one.ahead.mean if one.ahead else 0.0))


def longest_paid(desk: FundingDesk) -> int | None:
    """Days of the longest window that is known of every position."""
    known = [days for row in desk.paid if row.kind == "book" for days, cash in row.cash.items() if cash is not None]
    return max(known, default=None)


def paid_by_then(value: float | None) -> str:
    """Cash of a window, or that settlements do not reach back so far."""
    return NOT_KNOWN if value is None else change(value)


def paid_figure(desk: FundingDesk, days: int) -> Spec:
    """What each position would have been paid over a window at its present size, and what it adds up to."""
    rows = [(row.key, row.cash[days] or 0.0) for row in desk.paid if row.kind == "position"]
    return {"data": [_falling([name for name, _ in rows], [cash for _, cash in rows])], "layout": _dollars(260)}


def _dollars(height: int) -> Spec:
    return layout(height, xaxis=axis(showgrid=False), yaxis=axis(tickformat="$,.6~r"))


def _falling(names: list[str], cash: list[float]) -> Spec:
    """Cash by name and together, as a waterfall."""
    return {
        "type": "waterfall", "x": [*map(label, names), "together"], "y": [*cash, sum(cash)],
        "measure": ["relative"] * len(cash) + ["total"],
        "increasing": {"marker": {"color": "--series-1"}}, "decreasing": {"marker": {"color": "--series-4"}},
        "totals": {"marker": {"color": "--quiet"}}, "connector": {"line": {"color": "--line", "width": 1}},
        "hovertemplate": "%{x}: %{delta:$,.2f}<extra></extra>",
    }  # fmt: skip


def waterfall_figure(desk: FundingDesk) -> Spec:
    """Cash expected of each position, and what it adds up to, with every interval."""
    told = [one for one in desk.positions if one.ahead is not None]
    names = [f"{one.account} {one.symbol}" for one in told]
    mean = [one.ahead.mean for one in told if one.ahead]
    up = [one.ahead.high - one.ahead.mean for one in told if one.ahead]
    down = [one.ahead.mean - one.ahead.low for one in told if one.ahead]
    running = [sum(mean[: n + 1]) for n in range(len(mean))]
    spread: Spec = {
        "type": "scatter", "mode": "markers", "x": [label(name) for name in names], "y": running,
        "marker": {"color": "--ink", "size": 5},
        "error_y": {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "color": "--ink", "thickness": 1},
        "hovertemplate": "%{x}: %{error_y.array:$,.2f} up, %{error_y.arrayminus:$,.2f} down<extra></extra>",
    }  # fmt: skip
    return {"data": [_falling(names, mean), spread], "layout": _dollars(300)}


def fan_figure(one: PositionFunding) -> Spec:
    """The cash of a position from now on: the mean, and the interval of each horizon on the way."""
    assert one.ahead is not None
    days = [0.0, *(told.horizon_ns / DAY_NS for told in one.ahead.fan)]
    sides = [sorted((-one.exposure * told.low, -one.exposure * told.high)) for told in one.ahead.fan]
    means = [0.0, *(-one.exposure * told.mean for told in one.ahead.fan)]
    names = ["", *(told.model for told in one.ahead.fan)]
    line = {"color": "--series-1", "width": 0}
    data: list[Spec] = [
        {"type": "scatter", "mode": "lines", "x": days, "y": [0.0, *(low for low, _ in sides)], "line": line,
         "hovertemplate": "day %{x:.1f}: from %{y:$,.2f}<extra></extra>"},
        {"type": "scatter", "mode": "lines", "x": days, "y": [0.0, *(high for _, high in sides)], "line": line,
         "fill": "tonexty", "fillcolor": "--line", "hovertemplate": "day %{x:.1f}: to %{y:$,.2f}<extra></extra>"},
        {"type": "scatter", "mode": "lines+markers", "x": days, "y": means, "text": names,
         "line": {"color": "--series-1", "width": 2}, "marker": {"color": "--series-1", "size": 5},
         "hovertemplate": "day %{x:.1f}: %{y:$,.2f} expected (%{text})<extra></extra>"},
    ]  # fmt: skip
    shape = layout(
        240, xaxis=axis(title={"text": "days", "font": {"color": "--quiet"}}), yaxis=axis(tickformat="$,.6~r")
    )
    return {"data": data, "layout": shape}


def venues_figure(desk: FundingDesk) -> Spec:
    """Venues and assets against spans, annualised simply: red costs a long, blue pays it."""
    spans = [("last", None), *((f"{days} d", days) for days in desk.term_structure[0].trailing), ("next", -1)]
    rows = [[_value(row, days) for _, days in spans] for row in desk.term_structure]
    most = max((abs(cell) for row in rows for cell in row if cell is not None), default=0.01)
    text = [[_percent(cell) for cell in row] for row in rows]
    heat: Spec = {
        "type": "heatmap", "z": rows, "x": [name for name, _ in spans],
        "y": [label(f"{row.asset} {row.venue} {row.symbol}", 28) for row in desk.term_structure],
        "zmin": -most, "zmax": most, "showscale": False, "xgap": 2, "ygap": 2, "text": text, "texttemplate": "%{text}",
        "colorscale": [[0.0, "#7ba7cf"], [0.5, "#e9e6df"], [1.0, "#e58a4b"]], "textfont": {"color": "#1b1b1b"},
        "hovertemplate": "%{y}, %{x}: %{text} a year<extra></extra>",
    }  # fmt: skip
    shape = layout(60 + 28 * len(rows), xaxis=axis(side="top", showgrid=False), yaxis=axis(autorange="reversed"))
    shape["margin"] = {"l": 8, "r": 12, "t": 30, "b": 8}
    return {"data": [heat], "layout": shape}


def _value(row: TermRow, days: int | None) -> float | None:
    found: Any = row.last if days is None else row.expected if days < 0 else row.trailing[days]
    return None if found is None else float(found)
