"""A backtest as one self-contained page: the verdict first, then the curves, the money, the rules, and what to doubt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perpbook.engine.outcome import ROW_KINDS, Outcome
from perpbook.engine.result import BacktestResult
from perpbook.model.units import to_iso
from perpbook.report import run_figures, run_overlay
from perpbook.report.html import environment, piece
from perpbook.report.run_measures import deaths_of, measures_of
from perpbook.report.run_text import LINES, verdict_of, warnings_of
from perpbook.report.run_treasury import treasury_part

MOST_DEATHS = 40
MOST_LEGS = 60


def write_backtest_page(path: Path, result: BacktestResult) -> None:
    """Write the page; OSError when the file cannot be written."""
    path.write_text(backtest_page(result), encoding="utf-8")


def backtest_page(result: BacktestResult) -> str:
    """The whole page as text."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    figures: dict[str, Any] = {
        "equity": run_figures.equity_figure(result),
        "drawdown": run_figures.drawdown_figure(result),
        "attribution": run_figures.attribution_figure(result),
        **run_figures.room_figures(result),
        **run_overlay.overlay_figures(result),
    }
    rules = run_figures.rules_figure(result)
    if rules is not None:
        figures["rules"] = rules
    return (
        environment()
        .get_template("run.html.jinja")
        .render(
            result=result,
            facts=result.facts,
            verdict=verdict_of(result),
            standing=standing_of(result),
            warnings=warnings_of(result),
            main=measures_of(result.main),
            control=measures_of(result.control),
            hopeful=measures_of(result.hopeful),
            lines=LINES,
            deaths=[(to_iso(int(result.main.bars.open_ns[one.bar])), one) for one in deaths_of(result.main)[:MOST_DEATHS]],
            more_deaths=max(0, len(deaths_of(result.main)) - MOST_DEATHS),
            venues=venues_of(result.main),
            sleeves=sleeves_of(result),
            overlay=overlay_part(result),
            treasury=treasury_part(result.treasured, result.main),
            figures=figures,
            css=Markup(piece("page.css")),
            js=Markup(piece("page.js")),
            plotly=Markup(get_plotlyjs()),
        )
    )  # fmt: skip


def overlay_part(result: BacktestResult) -> dict[str, Any] | None:
    """What the page says of options held beside; None where there are none."""
    if result.overlay is None:
        return None
    legs = run_overlay.legs_of(result)
    return {
        "verdict": run_overlay.verdict_of_overlay(result),
        "sides": run_overlay.sides_of(result),
        "legs": [run_overlay.leg_cells(leg) for leg in legs[:MOST_LEGS]],
        "more": max(0, len(legs) - MOST_LEGS),
        "not_modelled": run_overlay.NOT_MODELLED,
    }


def standing_of(result: BacktestResult) -> str:
    """The colour of the verdict: an account lost, money lost, or neither."""
    main = measures_of(result.main)
    return "breach" if main.dead or result.main.stopped else "near" if main.returned < 0 else "ok"


def venues_of(outcome: Outcome) -> list[tuple[str, dict[str, float], float]]:
    """(venue, dollars by kind, end equity) of every venue."""
    arrangement = outcome.arrangement
    out = []
    for number, venue in enumerate(arrangement.venues):
        rows = arrangement.slots.rows.venue == number
        amounts = {name: float(outcome.totals[rows, kind].sum()) for name, kind in ROW_KINDS.items()}
        accounts = [a for a, account in enumerate(arrangement.accounts) if account.venue == venue]
        out.append((venue, amounts, float(outcome.curve[accounts, outcome.ended - 1].sum())))
    return out


def sleeves_of(result: BacktestResult) -> list[tuple[str, dict[str, float]]]:
    """(sleeve, dollars by kind) of every sleeve of the playbook, and of what is in none."""
    outcome, names = result.main, result.facts.get("sleeves", [])
    if not names:
        return []
    out = []
    for number, name in [*enumerate(names), (-1, "in none")]:
        rows = (outcome.arrangement.slots.rows.sleeve == number) & (outcome.arrangement.slots.rows.coin == 0)
        if number >= 0 or rows.any():
            out.append((name, {kind: float(outcome.totals[rows, at].sum()) for kind, at in ROW_KINDS.items()}))
    return out
