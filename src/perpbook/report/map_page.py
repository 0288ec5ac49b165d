"""The survival map as one self-contained page."""

from __future__ import annotations

from perpbook.engine.drilled import SurvivalMap
from perpbook.report.drill_map import blend_words, cells_of, legend, map_figure, size_words
from perpbook.report.html import environment, piece


def map_page(found: SurvivalMap) -> str:
    """The whole page as text."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    return (
        environment()
        .get_template("survival.html.jinja")
        .render(
            map=found,
            facts=found.facts,
            cells=cells_of(found),
            bands=legend(found),
            blend_words=blend_words,
            sizes=[size_words(found, number) for number in range(len(found.sizes))],
            figures={"survival": map_figure(found)},
            css=Markup(piece("page.css")),
            js=Markup(piece("page.js")),
            plotly=Markup(get_plotlyjs()),
        )
    )
