"""A check as one self-contained page: markup, style, script and figures in one file that fetches nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perpbook.margin.assessment import Assessment
from perpbook.model.units import to_iso
from perpbook.model.verdict import Status, Verdict
from perpbook.report import sections, spoken
from perpbook.report.figures import sleeves_figure, stress_figure
from perpbook.report.liquidation_map import liquidation_map
from perpbook.report.moves_text import move_sentences
from perpbook.report.treasury_check import money_sentences
from perpbook.report.treasury_figures import money_figure

if TYPE_CHECKING:
    from jinja2 import Environment

    from perpbook.report.treasury_told import TreasuryTold

NEAR = 0.8
"""Where the near line stands when the caller does not say what the playbook says."""

FILTERS = ("money", "change", "share", "move", "multiple", "ratio", "used", "price", "quantity", "moment", "listed")


def render_html(
    assessment: Assessment,
    verdict: Verdict,
    *,
    title: str,
    playbook_name: str,
    version: str,
    near: float = NEAR,
    treasury: TreasuryTold | None = None,
) -> str:
    """The whole page as text. `near` is the share of a limit from which the playbook calls it near. treasury : where money
    stands, None for no section on it."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    return (
        environment()
        .get_template("page.html.jinja")
        .render(
            a=assessment,
            book=assessment.book,
            verdict=verdict,
            title=title,
            playbook=playbook_name,
            version=version,
            near=near,
            css=Markup(piece("page.css")),
            js=Markup(piece("page.js")),
            plotly=Markup(get_plotlyjs()),
            **_derived(assessment, verdict, treasury),
        )
    )


def _derived(assessment: Assessment, verdict: Verdict, treasury: TreasuryTold | None) -> dict[str, Any]:
    """What the template shows besides the values themselves."""
    drawn = liquidation_map(assessment)
    figures = {
        "stress": stress_figure(assessment.stress),
        "map": drawn.spec if drawn else None,
        "sleeves": sleeves_figure(verdict.sleeves),
        "money": money_figure(treasury) if treasury else None,
    }
    return {
        "bars": {status.value: sections.rule_bars(verdict.findings, status) for status in Status},
        "groups": sections.stress_groups(assessment.stress),
        "plans": sections.plans_in_order(verdict.plans),
        "unplanned": verdict.unplanned,
        "money_wanted": verdict.money_wanted,
        "moves": move_sentences(verdict.moves),
        "asked": verdict.asked,
        "money_told": money_sentences(treasury) if treasury else [],
        "map": drawn,
        "figures": {name: figure for name, figure in figures.items() if figure},
        "orphaned": [account for account in assessment.accounts if account.orphans],
    }


def environment() -> Environment:
    """The templates with the filters that turn numbers into words."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    made = Environment(
        autoescape=True, loader=FunctionLoader(piece), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters.update({name: getattr(spoken, name) for name in FILTERS}, iso=to_iso)
    made.globals.update(
        counted=spoken.counted,
        inf=float("inf"),
        track=sections.TRACK,
        in_band=sections.in_band,
        standing=sections.standing,
        move_of=sections.liquidation_move,
        in_dollars=sections.in_dollars,
    )
    return made


def piece(name: str) -> str:
    """A file of the page's folder."""
    from importlib.resources import files

    return files("perpbook.report").joinpath("page", name).read_text(encoding="utf-8")
