"""A drill as one self-contained page: the verdict first, then how equity fans out, who dies when, and the worst paths."""

from __future__ import annotations

from typing import Any

from perpbook.engine.drilled import Drilled, SurvivalMap
from perpbook.report import drill_figures
from perpbook.report.drill_map import legend, map_figure
from perpbook.report.drill_missed import missed_of, missed_sentence
from perpbook.report.drill_orders import death_orders, order_figure
from perpbook.report.drill_replay import replays_of
from perpbook.report.drill_text import lines_of, rescue_words, share, sides_of, sizes_of, verdict_of, with_interval
from perpbook.report.drill_tolls import toll_sentences
from perpbook.report.drill_treasury_text import drill_treasury_part
from perpbook.report.html import environment, piece
from perpbook.report.rescue_figures import rescue_figures
from perpbook.report.rescue_told import headline_of, rescue_sentences, rows_of
from perpbook.report.spoken import clock, length


def drill_page(drilled: Drilled, survival: SurvivalMap | None = None) -> str:
    """The whole page as text."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    under, without = sides_of(drilled)
    hours = drilled.facts["step_hours"]
    figures = figures_of(drilled) if without.paths > 1 else {}
    replays = replays_of(drilled)
    for number, replay in enumerate(replays):
        figures[f"replay-{number}"] = drill_figures.replay_figure(replay, hours)
    rescues = rescue_figures(drilled)
    figures |= {name: figure for name, _, figure in rescues}
    if survival is not None:
        figures["survival"] = map_figure(survival)
    return (
        environment()
        .get_template("drill.html.jinja")
        .render(
            drilled=drilled,
            facts=drilled.facts,
            verdict=verdict_of(drilled),
            standing=standing_of(drilled),
            under=under,
            without=without,
            lines=lines_of(under, without),
            sizes=sizes_of(drilled),
            replays=replays,
            orders=death_orders(drilled, drilled.without),
            missed=missed_of(drilled),
            missed_in_words=missed_sentence(drilled),
            tolls=toll_sentences((under or without).tolls, without.paths),
            rescues=[told for one in (under or without).accounts if (told := rescue_words(one)) is not None],
            rescue_headline=headline_of(drilled.rescue),
            treasurer=drill_treasury_part(drilled.treasured),
            told_rescue=rescue_sentences(drilled.rescue),
            rescue_rows=rows_of(drilled.rescue),
            rescue_figures=[(name, account) for name, account, _ in rescues],
            figures=figures,
            survival=survival,
            bands=legend(survival) if survival else [],
            share_of=share,
            length_of=length,
            clock_of=clock,
            told=with_interval,
            css=Markup(piece("page.css")),
            js=Markup(piece("page.js")),
            plotly=Markup(get_plotlyjs()),
        )
    )


def figures_of(drilled: Drilled) -> dict[str, Any]:
    """What is drawn of many futures."""
    hours = drilled.facts["step_hours"]
    found = {
        "fan": drill_figures.fan_figure(drilled.main, hours, drilled.without),
        "fan-without": drill_figures.fan_figure(drilled.without, hours, drilled.under) if drilled.under else None,
        "deaths": drill_figures.deaths_figure(drilled),
        "orders": order_figure(drilled, drilled.without),
        "size": drill_figures.size_figure(drilled),
    }
    return {name: figure for name, figure in found.items() if figure is not None}


def standing_of(drilled: Drilled) -> str:
    """The colour of the verdict: an account dies in more than one future of a hundred, in any, or in none."""
    under, without = sides_of(drilled)
    dies = (under or without).dies
    return "breach" if dies.share > 0.01 else "near" if dies.count else "ok"
