"""The page says everything the check found, fetches nothing, and trusts no name."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest

from perpbook.margin.assessment import Assessment
from perpbook.model.verdict import SleeveShare, Status, Verdict
from perpbook.report.figures import label, sleeves_figure, stress_figure
from perpbook.report.html import render_html
from perpbook.report.liquidation_map import FURTHEST, MAX_POSITIONS, liquidation_map
from perpbook.report.sections import TRACK, fate, in_band, liquidation_move, plans_in_order, rule_bars
from tests.unit.report_example import (
    ASSESSMENT,
    CHEAPEST,
    FINDINGS,
    STRESS,
    UNIFORM,
    VERDICT,
    account,
    finding,
    outcome,
    position,
)

VOID = {"meta", "link", "br", "img", "input", "hr"}
HOSTILE = "<script>alert('x')</script>&{{ 7*7 }}\"--ink"


class Page(HTMLParser):
    """A page taken apart: its elements with their attributes, its visible text, its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif not self.open or self.open[-1] not in ("style", "title"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def attributes(self, name: str) -> list[str]:
        return [value for _, attrs in self.elements if (value := attrs.get(name)) is not None]


def render(assessment: Assessment = ASSESSMENT, verdict: Verdict = VERDICT, **more: Any) -> str:
    return render_html(assessment, verdict, title="Four-venue desk", playbook_name="calm", version="9.8.7", **more)


def page_of(assessment: Assessment = ASSESSMENT, verdict: Verdict = VERDICT) -> Page:
    return Page(render(assessment, verdict))


@pytest.fixture(scope="module")
def page() -> Page:
    return page_of()


def test_nothing_is_fetched(page: Page) -> None:
    links = [link for name in ("src", "href", "srcset", "action", "data", "poster") for link in page.attributes(name)]
    assert links
    assert all(link.startswith(("#", "data:,")) for link in links)
    style = piece("page.css")
    assert "url(" not in style and "@import" not in style and "http" not in style
    policy = next(attrs["content"] for tag, attrs in page.elements if tag == "meta" and "http-equiv" in attrs)
    assert policy is not None and policy.startswith("default-src 'none';")
    assert "http" not in policy and "unsafe-eval" not in policy


def test_every_element_is_closed_and_every_anchor_leads_somewhere(page: Page) -> None:
    assert page.open == []
    targets = set(page.attributes("id"))
    assert len(targets) == len(page.attributes("id"))
    assert {link[1:] for link in page.attributes("href") if link.startswith("#")} <= targets


def test_every_sentence_hint_and_name_is_there(page: Page) -> None:
    for one in FINDINGS:
        assert one.sentence in page.text
        assert one.rule in page.text
        assert one.hint is None or one.hint in page.text
    for name in [one.id for one in ASSESSMENT.accounts] + [one.symbol for one in ASSESSMENT.positions]:
        assert name in page.text
    for caution in ASSESSMENT.cautions:
        assert caution.message in page.text
    for scenario in STRESS:
        assert scenario.scenario in page.text
        assert fate(scenario) in page.text
    for venue, day in ASSESSMENT.terms:
        assert f"{venue} {day}" in page.text
    assert "2026-11-20 12:00:00 UTC" in page.text
    assert "9.8.7" in page.text


def test_the_verdict_comes_first_and_the_sections_in_order(page: Page) -> None:
    order = [
        "rules",
        "stress",
        "map",
        "sleeves",
        "proposals",
        "accounts",
        "positions",
        "differences",
        "orphans",
        "cautions",
    ]
    assert [attrs["id"] for tag, attrs in page.elements if tag == "section"] == order
    first = page.text[: page.text.index("Stress ladder")]
    assert (
        first.index("4 rules are broken")
        < first.index("$500,000")
        < first.index("bybit-doge")
        < first.index("Broken (4)")
    )


def test_example_prices_wear_a_badge_and_market_prices_do_not(page: Page) -> None:
    assert "Example prices." in page.text
    assert "Example prices." not in page_of(replace(ASSESSMENT, simulated=False)).text


@pytest.mark.parametrize(
    ("status", "findings", "words"),
    [
        (Status.NEAR, FINDINGS[4:], "No rule is broken, 2 are near their limits"),
        (Status.OK, FINDINGS[6:], "Every rule holds"),
        (Status.OK, (), "No rule to break"),
        (Status.BREACH, FINDINGS[3:], "1 rule is broken"),
    ],
)
def test_the_verdict_is_said_in_words(status: Status, findings: tuple[object, ...], words: str) -> None:
    verdict = Verdict(status=status, findings=findings, plans=())  # type: ignore[arg-type]
    assert words in page_of(verdict=verdict).text


def test_names_from_files_are_text_and_never_markup() -> None:
    rename: Callable[[str], str] = lambda text: f"{HOSTILE} {text}"  # noqa: E731
    assessment = replace(
        ASSESSMENT,
        book_source=rename(ASSESSMENT.book_source),
        accounts=tuple(replace(one, id=rename(one.id), layer=HOSTILE) for one in ASSESSMENT.accounts),
        positions=tuple(
            replace(one, symbol=rename(one.symbol), account=rename(one.account), tags=(HOSTILE,))
            for one in ASSESSMENT.positions
        ),
        stress=tuple(
            replace(
                one,
                scenario=rename(one.scenario),
                deaths=tuple(replace(d, account=rename(d.account)) for d in one.deaths),
            )
            for one in STRESS
        ),
        cautions=tuple(replace(one, message=rename(one.message)) for one in ASSESSMENT.cautions),
    )
    verdict = replace(
        VERDICT,
        findings=tuple(replace(one, sentence=rename(one.sentence), subject=HOSTILE) for one in FINDINGS),
        sleeves=tuple(replace(one, name=rename(one.name)) for one in VERDICT.sleeves),
    )
    text = render_html(assessment, verdict, title=HOSTILE, playbook_name=HOSTILE, version="9.8.7")
    found = Page(text)
    assert len([tag for tag, _ in found.elements if tag == "script"]) == 3
    assert "<script>alert" not in text
    assert rename(ASSESSMENT.accounts[0].id) in found.text
    assert "alert" not in found.scripts[0] or "<script" not in found.scripts[0]
    for spec in json.loads(found.scripts[0]).values():
        assert not [one for one in strings(spec) if re.search(r"<(?!/?b>|br>)", one)]


def test_what_is_missing_or_endless_is_said_in_words(page: Page) -> None:
    assert not re.search(r"\b(nan|inf|None-|Infinity|undefined)\b", page.text, re.IGNORECASE)
    assert "∞" not in page.text
    assert "None" not in page.text.replace("None no joint", "")
    assert "off the scale" in page.text
    assert "venue: none" in page.text
    assert "not known: no depth given" in page.text


def test_an_account_without_an_end_and_one_past_it() -> None:
    dead = account(
        "gone-1", "bybit", equity=-5.0, notional=900.0, maintenance=9.0, is_liquidatable=True, liquidation_move=0.0
    )
    book = replace(ASSESSMENT.book, first_to_die=None, liquidation_move=None, effective_leverage=math.inf)
    text = page_of(replace(ASSESSMENT, accounts=(dead,), book=book)).text
    assert "past its end now" in text
    assert "no equity left" in text
    assert "infinite of the account that dies first" in text
    assert "no joint move of all prices liquidates an account" in text


def test_plans_that_pass_come_first_then_the_cheaper() -> None:
    dearer = replace(CHEAPEST, cost=1_000.0)
    assert [one.plan for one in plans_in_order((UNIFORM, dearer, CHEAPEST))] == [CHEAPEST, dearer, UNIFORM]


def test_proposals_say_cost_binding_and_what_stays_broken(page: Page) -> None:
    start = page.text.index("Proposals Cheapest trims: $90.15")
    told = page.text[start : page.text.index("Accounts Dies falling")]
    assert "re-check passed" in told and "re-check not passed" in told
    assert "scaled to 35.0%" in told
    assert "One more dollar of collateral there saves $0.02" in told
    assert "A thousand dollars more collateral there save $3.10" in told
    assert "no trim mends it: venues.max_share" in told
    assert "+110 → +74.5" in told


def test_a_sound_book_needs_no_proposal() -> None:
    verdict = Verdict(status=Status.OK, findings=FINDINGS[6:], plans=())
    assert "No rule is broken: there is nothing to mend." in page_of(verdict=verdict).text


def test_an_empty_book_has_a_page_without_figures() -> None:
    empty = replace(ASSESSMENT, accounts=(), positions=(), stress=(), differences=(), cautions=(), terms=())
    text = render(empty, Verdict(status=Status.OK, findings=(), plans=()))
    assert len(text) < 100_000
    assert "The book has no account." in text and "The book has no position." in text


def test_a_bar_at_its_limit_ends_on_the_limit_line() -> None:
    at, beyond, none = (rule_bars([finding("r", "s", used, "told")], status)[0]
                        for used, status in ((1.0, Status.NEAR), (7.0, Status.BREACH), (0.0, Status.OK)))  # fmt: skip
    assert at.width == pytest.approx(100 / TRACK) and not at.clipped
    assert beyond.width == 100 and beyond.clipped
    assert none.width == 0 and not none.clipped


def test_the_near_line_stands_where_the_playbook_says() -> None:
    text = render(near=0.6)
    assert "near, from 60%" in text
    assert f'near-line" style="left:{60 / TRACK:.2f}%"' in text


def test_tables_name_their_columns_and_rows_and_headings_skip_no_level(page: Page) -> None:
    assert all(attrs.get("scope") in ("row", "col") for tag, attrs in page.elements if tag == "th")
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_figures_are_what_plotly_takes() -> None:
    from plotly.graph_objects import Figure

    drawn = liquidation_map(ASSESSMENT)
    assert drawn is not None
    for spec in (stress_figure(STRESS), drawn.spec, sleeves_figure(VERDICT.sleeves)):
        assert spec is not None
        assert len(Figure(with_colours(spec)).data) == len(spec["data"])


def test_every_colour_of_a_figure_is_defined_for_both_schemes() -> None:
    light, dark = schemes()
    drawn = liquidation_map(ASSESSMENT)
    assert drawn is not None
    used = {one for spec in (stress_figure(STRESS), drawn.spec, sleeves_figure(VERDICT.sleeves)) for one in strings(spec)
            if one.startswith("--")}  # fmt: skip
    assert used <= set(light)
    assert used - {"--clear"} <= set(dark)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_stand_out_from_their_ground(scheme: int) -> None:
    colours = schemes()[scheme]
    pairs = [(f"--{ink}", "--paper") for ink in ("ink", "quiet", "ok", "near", "breach", "series-1")]
    pairs += [(f"--{status}", f"--{status}-tint") for status in ("ok", "near", "breach")]
    pairs += [("--ink", "--near-tint"), ("--ink", "--band"), ("--quiet", "--band")]
    for ink, ground in pairs:
        assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


def test_the_stress_figure_marks_a_death_where_it_happens() -> None:
    spec = stress_figure(STRESS)
    assert spec is not None
    marks = [(x, spec["layout"]["yaxis2"]["ticktext"][y]) for trace in spec["data"] if trace.get("yaxis") == "y2"
             for x, y in zip(trace["x"], trace["y"], strict=True)]  # fmt: skip
    assert (pytest.approx(-0.15), "dydx-0") in marks
    assert (pytest.approx(-0.279), "hyperliquid-main") in marks
    assert len(marks) == sum(len(one.deaths) for one in STRESS)


def test_the_stress_lines_show_the_worst_of_each_size() -> None:
    spec = stress_figure(STRESS)
    assert spec is not None
    line = next(trace for trace in spec["data"] if trace["name"] == "One asset alone (the worst)")
    assert list(zip(line["x"], line["y"], strict=True)) == [(-0.3, -0.198), (0.0, 0.0), (0.3, 0.14)]


def test_survival_by_a_hair_names_who_is_inside_the_buffer() -> None:
    assert (
        fate(outcome("joint", "all -15%", -0.15, 1.0, inside=-740.0))
        == "none dies, but dydx-0 is $740.00 inside its buffer"
    )
    assert fate(outcome("joint", "all -5%", -0.05, 1.0)) == "all survive"


def test_the_map_says_how_many_it_leaves_out() -> None:
    many = tuple(position("dydx-0", f"C{number}", "ETH", 1.0, dies=-0.01 * number) for number in range(1, 20))
    crowded = replace(ASSESSMENT, positions=many)
    drawn = liquidation_map(crowded)
    assert drawn is not None
    assert drawn.hidden_positions == 19 - MAX_POSITIONS
    names = drawn.spec["layout"]["yaxis"]["ticktext"]
    assert names[names.index("<b>dydx-0</b>") + 1 :][:2] == ["C1", "C2"]
    assert f"{19 - MAX_POSITIONS} more positions are in the tables below" in page_of(crowded).text


def test_the_map_keeps_far_moves_at_its_end_with_their_true_figure() -> None:
    drawn = liquidation_map(ASSESSMENT)
    assert drawn is not None
    ends = drawn.spec["data"][1]
    far = ends["text"].index(" +162.0% ")
    assert ends["x"][far] == FURTHEST
    assert ends["marker"]["symbol"][far] == "triangle-right"


def test_a_long_name_keeps_both_ends_in_a_figure() -> None:
    assert label("hyperliquid-subaccount-main-07") == "hyperliquid-…main-07"
    assert label("a<b>") == "a&lt;b&gt;"


def test_a_move_is_signed_by_the_price_and_not_by_the_side() -> None:
    assert liquidation_move(position("a", "S", "ETH", -5.0, dies=-0.4)) == pytest.approx(-0.4)
    assert liquidation_move(position("a", "S", "ETH", -5.0, dies=None)) is None


@pytest.mark.parametrize(
    ("least", "most", "inside"),
    [
        (None, None, True),
        (0.2, None, True),
        (0.21, None, False),
        (None, 0.2, True),
        (None, 0.19, False),
        (0.1, 0.3, True),
    ],
)
def test_a_band_without_a_side_is_open_there(least: float | None, most: float | None, inside: bool) -> None:
    assert in_band(SleeveShare(name="s", capital=1.0, share=0.2, target=None, least=least, most=most)) is inside


def piece(name: str) -> str:
    return files("perpbook.report").joinpath("page", name).read_text(encoding="utf-8")


def strings(value: object) -> list[str]:
    """Every string in a nested value."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in strings(one)]
    if isinstance(value, list):
        return [text for one in value for text in strings(one)]
    return [value] if isinstance(value, str) else []


def with_colours(value: object) -> object:
    """A specification as the page's script hands it to Plotly, every colour red."""
    if isinstance(value, dict):
        return {key: with_colours(one) for key, one in value.items()}
    if isinstance(value, list):
        return [with_colours(one) for one in value]
    return "#ff0000" if isinstance(value, str) and value.startswith("--") else value


def schemes() -> tuple[dict[str, str], dict[str, str]]:
    """The colours of the light and the dark scheme; what the dark one does not change it keeps."""
    light, dark = (
        dict(re.findall(r"(--[\w-]+): ([^;]+);", block))
        for block in re.findall(r":root \{([^}]+)\}", piece("page.css"))
    )
    return light, {**light, **dark}


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two #rrggbb colours as WCAG 2 defines it."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
