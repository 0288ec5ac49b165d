"""What changed between two playbooks: in meaning, not in text."""

from __future__ import annotations

import pytest

from perpbook.playbook.diff import Change, diff
from perpbook.playbook.load import parse_playbook
from tests.playbooks import BASE, SETTINGS, base_with


def changes(before: str, after: str) -> tuple[Change, ...]:
    first, second = (parse_playbook(f"schema_version = 1\n{text}", "p.toml") for text in (before, after))
    return diff(first, second)


def only(before: str, after: str) -> Change:
    (change,) = changes(before, after)
    return change


@pytest.mark.parametrize("path", [path for path in SETTINGS if path != "schema_version"])
def test_a_key_that_acts_is_a_change(path: str) -> None:
    base = parse_playbook(BASE, "base.toml")
    found = diff(base, base_with(path))
    assert found
    assert all(change.sentence.startswith(change.key) for change in found)
    section = path.split(".")[0]
    assert {change.key.split(".")[0] for change in found} == {section}


SLEEVES = '[[capital.sleeves]]\nname = "a"\ntags = ["x", "y"]\n[[capital.sleeves]]\nname = "b"\nvenues = ["dydx"]\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("survival.moves = [0.05, 0.1]", "survival.moves = [0.10, 0.05, 0.1]"),
        ('survival.kinds = ["joint", "asset"]', "[survival]\nmoves = [0.05, 0.10, 0.15] # the default"),
        ("near = 0.80", ""),
        ("[leverage.asset]\ndefault = 2", "[leverage.asset]\nBTC = 2.0\ndefault = 2"),
        ("[venues]\nmax_share = 0.4", "[venues]\nmax_share = 0.4\nshares = { dydx = 0.4 }"),
        ("", "[leverage]\n[leverage.book]\n[guardrails]\n[capital]\nsleeves = []"),
        ("[survival]\ncorrelation_stress = 0.1", "[survival]\ncorrelation_stress = 0.9"),
        (SLEEVES, SLEEVES.replace('"x", "y"', '"y", "x", "x"').replace('"a"', '"a"\nmin = 0')),
        (SLEEVES + '[[capital.sleeves]]\nname = "r"', '[[capital.sleeves]]\nname = "r"\n' + SLEEVES),
    ],
)
def test_other_text_of_one_meaning_is_no_change(before: str, after: str) -> None:
    assert changes(before, after) == changes(after, before) == ()


def test_a_cap_is_told_as_the_brief_of_it() -> None:
    change = only("leverage.asset.BTC = 3", "leverage.asset.BTC = 2")
    assert change.sentence == "leverage.asset.BTC: 3x becomes 2x (stricter)"
    assert (change.key, change.before, change.after, change.stricter) == ("leverage.asset.BTC", "3x", "2x", True)


def test_a_name_taken_out_falls_back_to_the_default() -> None:
    change = only("[leverage.asset]\nBTC = 3\ndefault = 1", "[leverage.asset]\ndefault = 1")
    assert change.sentence == "leverage.asset.BTC: 3x becomes 1x (stricter)"


@pytest.mark.parametrize(
    ("before", "after", "stricter"),
    [
        ("", "leverage.book.gross = 3", True),
        ("venues.max_share = 0.3", "venues.max_share = 0.4", False),
        ("venues.max_share = 0.3", "", False),
        ("survival.buffer = 0.1", "survival.buffer = 0.2", True),
        ("survival.moves = [0.1]", "survival.moves = [0.1, 0.2]", True),
        ("survival.moves = [0.1, 0.15]", "survival.moves = [0.2]", True),
        ("survival.moves = [0.05, 0.2]", "survival.moves = [0.1, 0.2]", None),
        ('survival.kinds = ["joint"]', 'survival.kinds = ["asset"]', None),
        ('survival.kinds = ["joint"]', 'survival.kinds = ["joint", "beta"]', True),
        ("", "[survival]", True),
        ("[survival]", "", False),
        ("data.prices_max_age_minutes = 5", "", False),
        ("near = 0.7", "near = 0.9", False),
        ('name = "a"', 'name = "b"', None),
        ("", "hedge.tail_budget = 0.2", True),
        ("hedge.tail_budget = 0.1", "hedge.tail_budget = 0.2", False),
        ("hedge.options = true", "hedge.options = false", True),
        ("hedge.options = false", "", False),
        ("", "hedge.options = true", None),
        ("", 'hedge.beta = "tail"', None),
        (SLEEVES, SLEEVES + "min = 0.2", True),
        (SLEEVES, SLEEVES + "max = 0.2", True),
        (SLEEVES, SLEEVES + "target = 0.2", None),
        (SLEEVES, SLEEVES + '[margin]\nisolated = ["a"]', True),
        (SLEEVES + '[margin]\nisolated = ["a"]', SLEEVES + '[margin]\ncross = ["a"]', None),
    ],
)
def test_stricter_is_told_where_it_is_certain(before: str, after: str, stricter: bool | None) -> None:
    change = only(before, after)
    assert change.stricter is stricter
    assert change.sentence.endswith({True: "(stricter)", False: "(looser)"}.get(bool(stricter), "")) or stricter is None


def test_the_order_of_sleeves_is_meaning() -> None:
    first, second = SLEEVES.split("[[capital.sleeves]]\n")[1:]
    turned = f"[[capital.sleeves]]\n{second}[[capital.sleeves]]\n{first}"
    assert only(SLEEVES, turned).sentence == (
        "capital.sleeves: the order a and b becomes the order b and a; a position belongs to the first sleeve that "
        "matches it"
    )


def test_sleeves_that_come_and_go_are_told_by_name() -> None:
    new = SLEEVES + '[[capital.sleeves]]\nname = "lab"\nsymbols = ["PEPE*"]\nmax = 0.1\n'
    assert only(SLEEVES, new).sentence == (
        'capital.sleeves.lab: is new, number 3 of 3. Sleeve "lab" takes positions in PEPE*; it may hold at most 10 % '
        "of book equity."
    )
    assert only(new, SLEEVES).sentence == "capital.sleeves.lab: is gone"


def test_hedges_failing_bring_their_stress() -> None:
    keys = [change.key for change in changes("[survival]", 'survival.kinds = ["joint", "asset", "broken"]')]
    assert keys == ["survival.kinds", "survival.correlation_stress"]


def test_a_band_for_more_assets_is_stricter() -> None:
    banded = "[hedge]\ndelta_band = 0.1\n"
    named, others = banded + 'assets = ["BTC", "ETH"]\n', banded + 'assets = ["SOL"]\n'
    assert only(named, banded).sentence == "hedge.assets: BTC and ETH becomes every asset (stricter)"
    assert only(banded, named).stricter is False and only(named, others).stricter is None
    assert only("", banded).key == "hedge.delta_band"
