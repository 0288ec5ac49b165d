"""When an account is liquidated, against when money arrives, as a Plotly specification."""

from __future__ import annotations

import numpy as np

from perpbook.engine.drilled import Drilled
from perpbook.kernels.types import Floats
from perpbook.report.figures import Spec, axis, layout
from perpbook.treasury.gaps import AccountGap

BINS = 32
MOST = 3
"""Accounts that get a figure: those that die most often."""

LEAST_HOURS = 1.0 / 360.0
"""Ten seconds: sooner arrivals are drawn there, on an axis that is logarithmic."""


def rescue_figures(drilled: Drilled) -> list[tuple[str, str, Spec]]:
    """(name, account in words, figure) of the accounts that die in some future without rules and that money reaches."""
    order = sorted(drilled.rescue.accounts, key=lambda one: -_deaths(one))
    dying = [one for one in order if _deaths(one) and not one.one_future and not _at_once(one)]
    said = ", without the playbook" if drilled.under is not None else ""
    return [(f"rescue-{n}", one.rescue.account + said, _figure(drilled, one)) for n, one in enumerate(dying[:MOST])]


def _deaths(gap: AccountGap) -> int:
    return gap.without.dies if gap.without else 0


def _at_once(gap: AccountGap) -> bool:
    return gap.rescue.best is not None and gap.rescue.best.way.at_once


def _figure(drilled: Drilled, gap: AccountGap) -> Spec:
    assert gap.rescue.best is not None
    futures, hours = drilled.without, drilled.facts["step_hours"]
    step = futures.died[:, drilled.accounts.index(gap.rescue.account)]
    dead = step < futures.steps
    arrivals = gap.rescue.best.seconds / 3_600.0
    edges = np.geomspace(LEAST_HOURS, futures.steps * hours, BINS + 1)
    shown = [
        (
            "liquidated, counted from the start",
            "--series-4",
            _shares((step[dead] + 0.5) * hours, edges, int(dead.sum())),
        ),
        ("money arrives after", "--series-1", _shares(arrivals, edges, arrivals.size)),
    ]
    rung = gap.rescue.alarmed
    if rung is not None and rung.spans.size:
        spans = rung.spans / 3_600.0
        shown.insert(1, ("liquidated, counted from the alarm", "--series-2", _shares(spans, edges, spans.size)))
    data: list[Spec] = [
        {
            "type": "scatter", "mode": "lines", "name": name, "x": edges.tolist(), "y": [*row.tolist(), 0.0],
            "line": {"color": colour, "width": 1.6, "shape": "hv"}, "fill": "tozeroy",
            "hovertemplate": "%{y:.1%} from %{x:.3g} h on<extra>" + name + "</extra>",
        }
        for name, colour, row in shown
    ]  # fmt: skip
    ticks = [value for value in (1 / 60, 1 / 6, 1.0, 6.0, 24.0, 168.0, 720.0) if value <= edges[-1]]
    texts = {1 / 60: "1 min", 1 / 6: "10 min", 1.0: "1 h", 6.0: "6 h", 24.0: "1 d", 168.0: "7 d", 720.0: "30 d"}
    return {
        "data": data,
        "layout": layout(
            240,
            showlegend=True,
            xaxis=axis(type="log", tickvals=ticks, ticktext=[texts[one] for one in ticks], title={"text": "time"}),
            yaxis=axis(tickformat=".0%", title={"text": "share of each"}),
        ),
    }


def _shares(values: Floats, edges: Floats, count: int) -> Floats:
    inside = np.clip(values[np.isfinite(values)], edges[0], None)
    out: Floats = np.histogram(inside, bins=edges)[0] / max(count, 1)
    return out
