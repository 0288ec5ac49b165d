"""A drill as one self-contained page: the verdict first, then how equity fans out, who dies when, and the worst paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perpbook.engine.drilled import Drilled
from perpbook.engine.outcome import Outcome
from perpbook.kernels import journal as codes
from perpbook.kernels.drill import END
from perpbook.report import drill_figures
from perpbook.report.drill_text import lines_of, rescue_words, share, sides_of, sizes_of, verdict_of, with_interval
from perpbook.report.drill_tolls import toll_sentences
from perpbook.report.html import environment, piece

WORST = 3
MOST_STEPS = 24
"""Steps of a replay that are told."""

WORDS = {
    codes.LIQUIDATION: "liquidated", codes.BACKSTOP: "taken over by the venue", codes.SEIZED_REST: "what was left is seized",
    codes.INSURED_LOSS: "its debt is the venue's", codes.RULE: "rule", codes.FILL: "fill", codes.REFUSED: "refused",
    codes.HALT: "new risk halted",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One of the worst paths, told: where it ends with the playbook and without, and what happened, hour by hour."""

    path: int
    end: float
    end_without: float
    told: tuple[tuple[float, str], ...]
    more: int


def drill_page(drilled: Drilled) -> str:
    """The whole page as text."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    under, without = sides_of(drilled)
    hours = drilled.facts["step_hours"]
    figures: dict[str, Any] = {
        "fan": drill_figures.fan_figure(drilled.main, hours),
        "size": drill_figures.size_figure(drilled),
    }
    if drilled.under is not None:
        figures["fan-without"] = drill_figures.fan_figure(drilled.without, hours)
    deaths = drill_figures.deaths_figure(drilled)
    if deaths is not None:
        figures["deaths"] = deaths
    replays = []
    for number, path in enumerate(drilled.worst(WORST)):
        outcome = drilled.replay(path)
        figures[f"replay-{number}"] = drill_figures.replay_figure(outcome, hours)
        replays.append(replay_of(drilled, path, outcome))
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
            tolls=toll_sentences((under or without).tolls, without.paths),
            rescues=[told for one in (under or without).accounts if (told := rescue_words(one)) is not None],
            figures=figures,
            share_of=share,
            told=with_interval,
            css=Markup(piece("page.css")),
            js=Markup(piece("page.js")),
            plotly=Markup(get_plotlyjs()),
        )
    )


def standing_of(drilled: Drilled) -> str:
    """The colour of the verdict: an account dies in more than one future of a hundred, in any, or in none."""
    under, without = sides_of(drilled)
    dies = (under or without).dies
    return "breach" if dies.share > 0.01 else "near" if dies.count else "ok"


def replay_of(drilled: Drilled, path: int, outcome: Outcome) -> Replay:
    """What happened on one path, fills of rules told by their rule, those of venues as such."""
    hours, told = drilled.facts["step_hours"], []
    for (tick, kind, account, row, reason), figures in zip(
        outcome.what.tolist(), outcome.figures.tolist(), strict=True
    ):
        taken = kind == codes.FILL and reason == codes.BY_VENUE
        if (kind == codes.FILL and not taken) or kind not in WORDS:
            continue
        name = outcome.arrangement.accounts[account].id if account >= 0 else "the book"
        symbol = outcome.arrangement.rows[row].symbol if row >= 0 else ""
        words = outcome.reasons.get(reason, "") if kind == codes.RULE or taken else WORDS[kind]
        said = f"{name} {symbol}: {words}".replace(" :", ":")
        if (taken or kind in (codes.RULE, codes.LIQUIDATION, codes.BACKSTOP)) and figures[0]:
            said += f", {figures[0]:+,.6g} at {figures[1]:,.6g}"
        told.append(((tick + 1) * hours, said))
    return Replay(
        path=path,
        end=float(drilled.main.figures[path, END]),
        end_without=float(drilled.without.figures[path, END]),
        told=tuple(told[:MOST_STEPS]),
        more=max(0, len(told) - MOST_STEPS),
    )
