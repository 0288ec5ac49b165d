"""A rebalance as one self-contained page: the steps, the sleeves before and after in their bands, what moves and trades."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from perpbook.allocation.plan import Plan, Send, SleeveMove, Told, Trade, Weight
from perpbook.report.figures import Spec, axis, label, layout
from perpbook.report.html import environment, piece
from perpbook.report.rebalance_text import WHEN, notes_of, remedy_words, steps_of, traded, unshown, verdict_of, weighed
from perpbook.report.spoken import money, share
from perpbook.report.words import lasting

BEFORE, AFTER = "--quiet", "--series-1"


def rebalance_page(found: Told, facts: dict[str, object], version: str) -> str:
    """The whole page as text."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    plan = found.plan
    return (
        environment()
        .get_template("rebalance.html.jinja")
        .render(
            found=found,
            plan=plan,
            facts=facts,
            verdict=verdict_of(plan),
            steps=steps_of(plan),
            notes=notes_of(found),
            unshown=unshown(found.evidence.tracks) if found.evidence else [],
            remedy_words=remedy_words,
            weighed=weighed,
            traded=traded,
            lasting=lasting,
            when=WHEN,
            converting=sum(one.converting for one in plan.sends),
            figures=figures_of(plan),
            version=version,
            css=Markup(piece("page.css")),
            js=Markup(piece("page.js")),
            plotly=Markup(get_plotlyjs()),
        )
    )


def figures_of(plan: Plan) -> dict[str, Spec]:
    """What there is to draw."""
    out = {"sleeves": sleeves_figure(plan.sleeves)} if plan.sleeves else {}
    if plan.sends:
        out["moves"] = moves_figure(plan.sends)
    if plan.trades:
        out["trades"] = trades_figure(plan.trades)
    if plan.weights:
        out["weights"] = weights_figure([one for one in plan.weights if one.account])
    return out


def sleeves_figure(sleeves: Sequence[SleeveMove]) -> Spec:
    """Each sleeve's share before (open) and after (full) on the band it may keep, its target as a line."""
    rows = list(range(len(sleeves)))
    end = 1.08 * max(max(one.before, one.after, one.target or 0.0, one.least, min(one.most, 1.0)) for one in sleeves)
    band = {
        "type": "bar", "orientation": "h", "name": "band", "y": rows, "base": [one.least for one in sleeves],
        "x": [min(one.most, end) - one.least for one in sleeves], "width": 0.6, "marker": {"color": "--band"},
        "hovertext": [f"band {share(one.least)} to {share(one.most)}" for one in sleeves], "hoverinfo": "text",
    }  # fmt: skip
    aims = [(row, one.target) for row, one in zip(rows, sleeves, strict=True) if one.target is not None]
    target = {
        "type": "scatter", "mode": "markers", "name": "target", "x": [aim for _, aim in aims], "y": [row for row, _ in aims],
        "marker": {"symbol": "line-ns", "size": 24, "color": "--ink", "line": {"width": 2, "color": "--ink"}},
        "hovertext": [f"target {share(aim)}" for _, aim in aims], "hoverinfo": "text",
    }  # fmt: skip
    sides = (("before", "diamond-open", BEFORE, [one.before for one in sleeves]),
             ("after", "diamond", AFTER, [one.after for one in sleeves]))  # fmt: skip
    marks = [
        {
            "type": "scatter", "mode": "markers", "name": name, "x": values, "y": rows,
            "marker": {"symbol": symbol, "size": 13, "color": colour, "line": {"width": 2, "color": colour}},
            "hovertext": [f"{escape(one.name)} {name}: {share(value)}" for one, value in zip(sleeves, values, strict=True)],
            "hoverinfo": "text",
        }
        for name, symbol, colour, values in sides
    ]  # fmt: skip
    least = min(0.0, *[min(one.before, one.after) for one in sleeves], 0.0) * 1.08
    shape = layout(
        90 + 46 * len(sleeves), showlegend=True, xaxis=axis(range=[least, end], tickformat="~%"),
        yaxis=axis(tickvals=rows, ticktext=[label(one.name) for one in sleeves], range=[len(sleeves) - 0.5, -0.5],
                   showgrid=False, zeroline=False, tickfont={"color": "--ink"}),
    )  # fmt: skip
    return {"data": [band, target, *marks], "layout": shape}


def moves_figure(sends: Sequence[Send]) -> Spec:
    """Money from where it leaves to where it lands, in coins of a dollar each or next to it."""
    sources = list(dict.fromkeys(one.source for one in sends))
    targets = list(dict.fromkeys(one.target for one in sends))
    flow = {
        "type": "sankey", "arrangement": "fixed", "textfont": {"color": "--ink"},
        "node": {
            "label": [label(name) for name in (*sources, *targets)], "pad": 18, "thickness": 14, "hoverinfo": "skip",
            "color": [BEFORE] * len(sources) + [AFTER] * len(targets), "line": {"width": 0},
        },
        "link": {
            "source": [sources.index(one.source) for one in sends],
            "target": [len(sources) + targets.index(one.target) for one in sends],
            "value": [one.amount for one in sends], "color": ["--fan-close"] * len(sends),
            "customdata": [f"{one.amount:,.2f} {escape(one.asset)}, {escape(one.by)}" for one in sends],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
    }  # fmt: skip
    return {"data": [flow], "layout": layout(90 + 50 * max(len(sources), len(targets), len(sends)))}


def trades_figure(trades: Sequence[Trade]) -> Spec:
    """Dollars bought (right) and sold (left), in the order of the steps."""
    rows = [(one, one.notional if traded(one) > 0 else -one.notional) for one in trades]
    bars = {
        "type": "bar", "orientation": "h", "y": list(range(len(rows))), "x": [dollars for _, dollars in rows], "width": 0.6,
        "marker": {"color": ["--series-1" if dollars > 0 else "--series-4" for _, dollars in rows]},
        "hovertext": [
            f"{'buy' if dollars > 0 else 'sell'} {money(one.notional)} of {escape(one.symbol)} @ {escape(one.account)}, "
            f"costs {money(one.cost)}" for one, dollars in rows
        ],
        "hoverinfo": "text",
    }  # fmt: skip
    shape = layout(
        60 + 34 * len(rows), xaxis=axis(tickformat="$,.6~r"),
        yaxis=axis(tickvals=list(range(len(rows))), ticktext=[label(f"{one.symbol} @ {one.account}", 28) for one, _ in rows],
                   range=[len(rows) - 0.5, -0.5], showgrid=False, zeroline=False, tickfont={"color": "--ink"}),
    )  # fmt: skip
    return {"data": [bars], "layout": shape}


def weights_figure(weights: Sequence[Weight]) -> Spec:
    """Each position's part of the sleeve's size: held, wanted, after."""
    names = [label(weighed(one), 28) for one in weights]
    sides = (("after", AFTER, [one.after for one in weights]), ("wanted", "--series-3", [one.wanted for one in weights]),
             ("held", BEFORE, [one.before for one in weights]))  # fmt: skip
    bars = [
        {
            "type": "bar", "orientation": "h", "name": name, "y": names, "x": values, "marker": {"color": colour},
            "hovertext": [f"{name}: {share(value)}" for value in values], "hoverinfo": "text",
        }
        for name, colour, values in sides
    ]  # fmt: skip
    shape = layout(
        90 + 60 * len(names), showlegend=True, barmode="group", xaxis=axis(tickformat="~%"),
        yaxis=axis(autorange="reversed", tickfont={"color": "--ink"}),
    )  # fmt: skip
    return {"data": bars, "layout": shape}
