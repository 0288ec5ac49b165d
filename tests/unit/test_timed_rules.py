"""Playbooks with rules that need time: when a cadence falls due, what a bad one says, what a check leaves unjudged."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from perpbook.errors import PlaybookError, Problem
from perpbook.examples.catalogue import EXAMPLES, PLAYBOOKS, book_file, playbook_file
from perpbook.playbook.compile import compile_policy, names_of
from perpbook.playbook.diff import diff
from perpbook.playbook.explain import explain
from perpbook.playbook.load import load_playbook, parse_playbook
from perpbook.playbook.schedule import due_bars
from perpbook.playbook.schema import Playbook, Rebalance
from perpbook.playbook.timed import rules_that_need_history
from perpbook.runs.check import run_check

HOUR_NS = 3_600_000_000_000


def parsed(text: str) -> Playbook:
    return parse_playbook(f"schema_version = 1\n{text}", "p.toml")


def only(text: str) -> Problem:
    with pytest.raises(PlaybookError) as caught:
        parsed(text)
    (problem,) = caught.value.problems
    return problem


def due(rebalance: Rebalance, first: datetime, bars: int, bar_ns: int = HOUR_NS) -> list[datetime]:
    """The closes of the bars at which a rebalance falls due."""
    open_ns = int(first.timestamp()) * 10**9 + np.arange(bars, dtype=np.int64) * bar_ns
    marks = due_bars(rebalance, open_ns, bar_ns)
    assert marks.shape == (bars,) and marks.dtype == np.uint8
    return [datetime.fromtimestamp(int(at + bar_ns) // 10**9, tz=UTC) for at in open_ns[marks == 1]]


def at(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def test_a_cadence_falls_due_at_the_bar_that_closes_then() -> None:
    mondays = [at(2, 0), at(9, 0), at(16, 0)]
    assert due(Rebalance(cadence="weekly"), at(1, 0), 24 * 20) == mondays
    assert due(Rebalance(cadence="daily"), at(1, 12), 48) == [at(2, 0), at(3, 0)]
    assert due(Rebalance(cadence="monthly"), at(20, 0), 24 * 20) == [at(1, 0, month=4)]


def test_between_two_closes_the_later_one_counts() -> None:
    assert due(Rebalance(cadence="20 * * * *"), at(1, 0), 3) == [at(1, 1), at(1, 2), at(1, 3)]
    assert due(Rebalance(cadence="*/20 * * * *"), at(1, 0), 2) == [at(1, 1), at(1, 2)]


def test_the_instant_the_first_bar_opens_is_before_it() -> None:
    assert due(Rebalance(cadence="daily"), at(1, 0), 24) == [at(2, 0)]
    assert due(Rebalance(cadence="daily"), at(1, 0), 23) == []
    assert due(Rebalance(), at(1, 0), 0) == []


def test_a_zone_keeps_its_own_clock_through_the_change_of_clocks() -> None:
    zurich = Rebalance(cadence="0 8 * * *", timezone="Europe/Zurich")
    assert due(zurich, at(28, 0), 72) == [at(28, 7), at(29, 6), at(30, 6)]
    skipped = Rebalance(cadence="30 2 * * *", timezone="Europe/Zurich")
    assert due(skipped, at(28, 0), 48) == [at(28, 2), at(29, 1)]


@pytest.mark.parametrize(
    "cadence", ["hourly", "0 8 * *", "61 8 * * 1", "0 0 30 2 *", "R 8 * * 1", "H 8 * * 1", "0 8 * * monday x"]
)
def test_a_cadence_nobody_keeps_is_a_problem_with_its_line(cadence: str) -> None:
    problem = only(f'[rebalance]\ndrift = 0.1\ncadence = "{cadence}"')
    assert (problem.key, problem.line, problem.value) == ("rebalance.cadence", 4, repr(cadence))
    assert problem.message == "should be daily, weekly, monthly or a cron line that comes round"
    assert "0 8 * * 1" in (problem.hint or "")


@pytest.mark.parametrize("zone", ["Mars/Phobos", "Europe", "../etc", "CET+1"])
def test_a_zone_nobody_knows_is_a_problem_with_its_line(zone: str) -> None:
    problem = only(f'[rebalance]\ntimezone = "{zone}"')
    assert (problem.key, problem.line, problem.message) == ("rebalance.timezone", 3, "is not a known time zone")
    assert "Europe/Zurich" in (problem.hint or "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "take_profit = [{ gain = 0.2, close = 0.5 }, { gain = 0.2, close = 0.5 }]",
            "the gains must rise from step to step",
        ),
        ('rearm = "never"', "should be 'next' or 'manual'"),
        ("take_profit = [{ gain = 0.2, close = 50 }]", "should be less than or equal to 1"),
        ("cooldown_minutes = -1", "should be greater than or equal to 0"),
        ("slack = 1", "should be less than 1"),
    ],
)
def test_a_guardrail_out_of_order_is_refused(text: str, message: str) -> None:
    problem = only(f"[guardrails]\n{text}")
    assert (problem.message, problem.line) == (message, 3)


def test_a_playbook_without_guardrails_cuts_like_one_that_writes_the_defaults(tmp_path: Path) -> None:
    found = run_check(book_file("hedged"), playbook_file("hedged", "aggressive"))
    names = names_of(found.assessed, found.playbook)
    written = found.playbook.model_copy(update={"guardrails": parsed("[guardrails]").guardrails})
    policies = [compile_policy(one, names, found.assessed.scenarios) for one in (found.playbook, written)]
    assert [(one.slack, one.cooldown_ns) for one in policies] == [(0.05, HOUR_NS)] * 2


def test_explain_says_every_timed_rule_in_a_sentence() -> None:
    sentences = explain(
        parsed(
            '[rebalance]\ncadence = "daily"\nminimum_trade = 100\n[guardrails]\ndaily_drawdown = 0.05\n'
            'weekly_drawdown = 0.1\ndrawdown_action = "halt"\nrearm = "manual"\n'
            "take_profit = [{ gain = 0.25, close = 0.25 }, { gain = 0.5, close = 0.5 }]\nslack = 0\ncooldown_minutes = 90\n"
            "[funding]\ndaily_cap = 0.002\ndaily_cap_asset = { BTC = 0.001, default = 0.0005 }\n"
        )
    )
    then = "positions that paid are cut, once a day, to the part that would have cost that much."
    for said in (
        "Over time, a rule that cuts a position cuts it no further than its limit asks, and rules that rank below survival "
        "then leave that position alone for 90 minutes.",
        "Every day at 00:00 (UTC), positions that strayed from what the strategy wants by more than 5 % of book equity "
        "(less where trading is cheap, more where it is dear) are brought back to it; trades under $100 are left out.",
        "Once the book has lost more than 5 % since the UTC day began, no position may grow until somebody re-arms the book "
        "by hand.",
        "Once the book has lost more than 10 % since Monday, 00:00 UTC, no position may grow until somebody re-arms the "
        "book by hand.",
        "Profit on a position is taken once per step, measured on what it cost: 25 % of it is closed at a gain of 25 % and "
        "50 % of the rest at 50 %.",
        f"Once funding has cost the book more than 0.2 % of its equity in a UTC day, {then}",
        "By asset, funding may cost so much of book equity in a UTC day: BTC 0.1 % and every other asset 0.05 %; beyond "
        f"that, {then}",
    ):
        assert said in sentences


def test_what_a_drawdown_leads_to_means_nothing_where_none_is_limited() -> None:
    manual = '[guardrails]\nrearm = "manual"\ndrawdown_action = "halt"'
    assert diff(parsed(""), parsed(manual)) == ()
    cap = "\ndaily_drawdown = 0.1"
    changes = diff(parsed("[guardrails]" + cap), parsed(manual + cap))
    assert [(one.key, one.stricter) for one in changes] == [
        ("guardrails.drawdown_action", False),
        ("guardrails.rearm", True),
    ]


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_check_names_the_rules_it_cannot_judge(example: str, playbook: str) -> None:
    path = playbook_file(example, playbook)
    rules = rules_that_need_history(load_playbook(path))
    found = run_check(book_file(example), path)
    told = [one.message for one in found.assessment.cautions if one.code == "history"]
    assert rules and len(told) == 1 and told[0].startswith("not judged by check: ")
    assert all(rule in told[0] for rule in rules)


def test_a_check_with_nothing_timed_says_nothing_of_it() -> None:
    assert rules_that_need_history(parsed("[guardrails]\nposition_loss = 0.1\n[funding]\ndaily_cap_asset = {}")) == ()
    assert not [one for one in run_check(book_file("desk")).assessment.cautions if one.code == "history"]
