"""A book's treasury as one self-contained page: where money is and will be, what is short, what to move, what may fail, layers'
health, and how finely it pays to rebalance."""

from __future__ import annotations

from perpbook.report.html import environment, piece
from perpbook.report.treasury_audit_text import break_sentences, verdict_of
from perpbook.report.treasury_economics_text import band_row, fee_row, notes_of, sentences
from perpbook.report.treasury_figures import figures_of
from perpbook.report.treasury_plan_text import failure_words, moves_of, reduced_words, trial_words
from perpbook.report.treasury_plan_text import verdict_of as plan_verdict
from perpbook.report.treasury_status_text import flight_words
from perpbook.report.treasury_told import TreasuryTold, clock_rows, gap_rows, level_title, level_words, unmoved
from perpbook.report.words import lasting

PARTS = (
    ("Free", "free"), ("Posted", "posted"), ("Gas", "gas"), ("Coming", "arriving"), ("Going", "leaving"), ("Owed", "owed"),
    ("Locked", "locked"),
)  # fmt: skip
"""Columns of the table of money, shown where there is any."""


def treasury_page(told: TreasuryTold, facts: dict[str, object], version: str) -> str:
    """The whole page as text."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    planned, audit, economics = told.planned, told.audit, told.economics
    return (
        environment()
        .get_template("treasury.html.jinja")
        .render(
            told=told,
            facts=facts,
            verdicts=verdicts_of(told),
            parts=[(name, part) for name, part in PARTS if any(getattr(one, part) for one in told.held)],
            flights=[flight_words(one) for one in told.forecasts],
            level_title=level_title,
            level_words=level_words,
            lasting=lasting,
            plan_verdict=plan_verdict(planned) if planned else "",
            moves=list(moves_of(planned)) if planned else [],
            plan_words=list(dict.fromkeys((*reduced_words(planned), *trial_words(planned), *failure_words(planned))))
            if planned
            else [],
            binds=planned.plan.binds if planned else (),
            audit_words=break_sentences(audit) if audit else [],
            gaps=gap_rows(audit) if audit else [],
            unmoved=unmoved(audit) if audit else [],
            clocks=clock_rows(told.layers, told.names, told.health),
            fees=[fee_row(one) for one in economics.layers] if economics else [],
            bands=[band_row(one) for one in economics.layers] if economics and economics.drifts else [],
            economics_words=sentences(economics) if economics else [],
            economics_notes=notes_of(economics) if economics else [],
            figures=figures_of(told),
            version=version,
            css=Markup(piece("page.css")),
            js=Markup(piece("page.js")),
            plotly=Markup(get_plotlyjs()),
        )
    )


def verdicts_of(told: TreasuryTold) -> list[tuple[str, str]]:
    """(class, sentence): may anything start, is anything short, is the book safe against any one failure."""
    out = []
    if not told.holdings.may_start:
        out.append(("breach", f"Nothing new may start: {'; '.join(told.holdings.unread)}."))
    if told.levels is not None:
        short = [one for one in told.levels if one.short > 0.0]
        words = ", ".join(f"{level_title(one, told)} ({level_words(one)})" for one in short)
        out.append(("breach", f"Short: {words}.") if short else ("ok", "Every place holds what it should."))
    if told.audit is not None:
        mark = {True: "ok", False: "breach", None: "near"}[told.audit.safe]
        out.append((mark, verdict_of(told.audit)))
    return out
