"""An options overlay as one self-contained page: the ways side by side, payoffs, storms before and after."""

from __future__ import annotations

from typing import Any

import numpy as np

from perpbook.hedging.laying import Laying, legs_of, overlay_of, ways_of
from perpbook.report.figures import Spec, axis, label, layout
from perpbook.report.html import environment, piece
from perpbook.report.overlay_text import (
    NO_RESCUE,
    NOT_MODELLED,
    binding_words,
    deaths_words,
    futures_words,
    many_words,
    verdict_of,
)

SERIES = ("--series-1", "--series-2", "--series-3", "--series-4")
DRAWN = np.linspace(-0.5, 0.3, 81)
MOST_STORMS = 16


def overlay_page(laying: Laying, version: str) -> str:
    """The whole page as text."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    best = laying.chosen[0] if laying.chosen else None
    return (
        environment()
        .get_template("overlay.html.jinja")
        .render(
            verdict=verdict_of(laying),
            ways=ways_of(laying),
            days=laying.wanted.hold_days,
            best=best,
            legs=legs_of(laying, best) if best else [],
            binds=binding_words(laying, best) if best else "",
            many=many_words(laying, best) if best else "",
            futures=futures_words(laying),
            deaths=deaths_words(laying),
            no_rescue=NO_RESCUE,
            doubts=(*laying.notes, *(f"not faced: {why}" for why in laying.unfaced), *NOT_MODELLED),
            version=version,
            figures=figures_of(laying),
            css=Markup(piece("page.css")),
            js=Markup(piece("page.js")),
            plotly=Markup(get_plotlyjs()),
        )
    )


def figures_of(laying: Laying) -> dict[str, Spec]:
    """Payoffs and storms; nothing where no overlay is needed."""
    return {"payoff": payoff_figure(laying), "storms": storms_figure(laying)} if laying.chosen else {}


def payoff_figure(laying: Laying) -> Spec:
    """Dollars that each overlay gains where every price moves alike: at once (full), and after the days it is held (dotted)."""
    lines: list[dict[str, Any]] = []
    for one, colour in zip(laying.chosen, SERIES, strict=False):
        overlay = overlay_of(laying.wanted, one)
        for days, dash, when in ((0.0, "solid", "at once"), (laying.wanted.hold_days, "dot", "when given up")):
            gained = overlay.gains_if_all_move(1.0 + DRAWN, days)
            lines.append(
                {
                    "type": "scatter", "mode": "lines", "name": f"{one.structure}, {when}", "x": DRAWN.tolist(),
                    "y": gained.tolist(), "line": {"color": colour, "width": 1.6, "dash": dash},
                    "hovertemplate": "%{x:+.0%}: %{y:$,.0f}<extra>" + one.structure + ", " + when + "</extra>",
                }
            )  # fmt: skip
    return {
        "data": lines,
        "layout": layout(380, showlegend=True, xaxis=axis(tickformat="+.0%"), yaxis=axis(tickformat="$~s")),
    }


def storms_figure(laying: Laying) -> Spec:
    """The largest loss in the storms that take most, without the overlay and with the best one; the limit as a line."""
    moments, best = laying.wanted.moments, laying.chosen[0]
    before = moments.losses[moments.worst_of(moments.losses)]
    after = best.losses[moments.worst_of(best.losses)]
    order = np.argsort(before)[::-1][:MOST_STORMS][::-1]
    names = [label(moments.paths[int(one)].name, 28) for one in order]
    bars = [
        {
            "type": "bar", "orientation": "h", "name": name, "y": names, "x": values[order].tolist(), "marker": {"color": colour},
            "hovertemplate": "%{y}: %{x:$,.0f}<extra>" + name + "</extra>",
        }
        for name, values, colour in (("with the overlay", after, SERIES[0]), ("without", before, SERIES[3]))
    ]  # fmt: skip
    limit = {
        "type": "line", "x0": laying.wanted.limit, "x1": laying.wanted.limit, "y0": 0, "y1": 1, "yref": "paper",
        "line": {"color": "--ink", "width": 1, "dash": "dash"},
    }  # fmt: skip
    shape = layout(
        80 + 34 * len(names),
        showlegend=True,
        barmode="group",
        xaxis=axis(tickformat="$~s"),
        yaxis=axis(),
        shapes=[limit],
    )
    return {"data": bars, "layout": shape}
