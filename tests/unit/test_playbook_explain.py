"""A playbook in plain English: every acting key is told, in words a trader reads."""

from __future__ import annotations

import pytest

from perpbook.examples.catalogue import EXAMPLES, PLAYBOOKS, playbook_file
from perpbook.playbook.explain import explain
from perpbook.playbook.figures import listing, multiple, percent
from perpbook.playbook.load import load_playbook, parse_playbook
from tests.playbooks import BASE, SETTINGS, base_with, built_keys


def told(text: str) -> tuple[str, ...]:
    return explain(parse_playbook(f"schema_version = 1\n{text}", "p.toml"))


def test_every_built_key_has_a_setting_here() -> None:
    assert {key.path for key in built_keys()} == set(SETTINGS)


@pytest.mark.parametrize("path", [path for path in SETTINGS if path != "schema_version"])
def test_a_key_that_acts_changes_a_sentence(path: str) -> None:
    assert explain(base_with(path)) != explain(parse_playbook(BASE, "base.toml"))


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_examples_are_told_in_sentences(example: str, playbook: str) -> None:
    sentences = explain(load_playbook(playbook_file(example, playbook)))
    assert len(set(sentences)) == len(sentences) > 3
    assert all(one.endswith(".") and "  " not in one and "None" not in one for one in sentences)


def test_nothing_set_sets_no_limits() -> None:
    assert told("") == ("This playbook sets no limits.",)
    assert told("[leverage]\n[venues]") == ("This playbook sets no limits.",)


def test_targets_alone_limit_nothing() -> None:
    assert told('[[capital.sleeves]]\nname = "reserve"\ntarget = 0.2') == (
        'Sleeve "reserve" takes idle money; it should hold 20 % of book equity.',
        "This playbook sets no limits.",
    )


def test_survival_reads_as_a_trader_would_say_it() -> None:
    assert told("[survival]\nmoves = [0.15, 0.05, 0.1]\nbuffer = 0.2")[-1] == (
        "Each of ±5 %, ±10 % and ±15 % must be survived by every account, all assets together and one at a time, "
        "with 20 % of the maintenance margin left over."
    )
    assert told('[survival]\nmoves = [0.125]\nkinds = ["asset"]')[-1] == (
        "A move of ±12.5 % must be survived by every account, one asset at a time."
    )


def test_a_playbook_with_limits_says_when_no_move_need_be_survived() -> None:
    assert "No price move has to be survived." in told("[leverage.book]\ngross = 3")
    assert "No price move has to be survived." not in told("[survival]\n[leverage.book]\ngross = 3")


def test_assets_without_a_cap_are_said_to_have_none() -> None:
    assert told("[leverage.asset]\nBTC = 3")[-2] == (
        "Over all accounts, notional may be: BTC at most 3x book equity; other assets are not capped."
    )
    assert told("[leverage.asset]\nBTC = 3\nETH = 2.5\ndefault = 1")[-2] == (
        "Over all accounts, notional may be: BTC at most 3x book equity, ETH 2.5x and every other asset 1x."
    )


def test_idle_money_without_a_reserve_is_said_to_be_nowhere() -> None:
    assert 'Idle money is in no sleeve, because none is called "reserve".' in told('[[capital.sleeves]]\nname = "core"')


def test_figures_are_exact_and_plain() -> None:
    assert [percent(one) for one in (0.1, 0.07, 1, 0.00025, -0.0)] == ["10 %", "7 %", "100 %", "0.025 %", "0 %"]
    assert [multiple(one) for one in (3.0, 0.5, 100.0)] == ["3x", "0.5x", "100x"]
    assert [listing("abc"[:n], "or") for n in range(4)] == ["", "a", "a or b", "a, b or c"]
