"""What a day and a week began with: kept in the journal, measured by, and told where it is not known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from perpbook.guard.desk import Desk, Start, fold
from perpbook.guard.guard import Guard
from perpbook.guard.view import Decision, View
from perpbook.guard.watch import Watch
from perpbook.model.action import ActionKind
from perpbook.model.effect import Effect, Write
from perpbook.model.message import AccountSeen, MarkSeen, Wake
from perpbook.model.record import Record, RecordKind
from perpbook.model.units import DAY_NS, HOUR_NS, SECOND_NS
from perpbook.playbook.load import parse_playbook
from perpbook.playbook.schema import Playbook
from perpbook.runs.check import load_all_terms, read_inputs
from perpbook.runs.guard_decide import Judge
from perpbook.runs.guard_starts import DAILY, WEEKLY
from tests.laws.guarded import ACCOUNT, CALM, SETTINGS, Exchange

BOOK = Path("src/perpbook/examples/directional/book.toml")
MIDNIGHT = 20_780 * DAY_NS
NOON = MIDNIGHT + 12 * HOUR_NS
WEEK = (20_780 + 3) // 7


def playbook(rules: str) -> Playbook:
    return parse_playbook(f"schema_version = 1\n[guardrails]\n{rules}\n", "asked")


@pytest.fixture(scope="module")
def seen() -> tuple[Judge, View]:
    """The directional example, and a view of it at noon."""
    snapshot, _ = read_inputs(BOOK, None, market=None, now_ns=None)
    accounts = {one.id: AccountSeen(account=one, at_ns=NOON, received_ns=NOON) for one in snapshot.book.accounts}
    marks = {
        key: MarkSeen(
            venue=key[0], symbol=key[1], at_ns=NOON, received_ns=NOON, mark_price=one.mark_price, oracle_price=one.oracle_price
        )
        for key, one in snapshot.market.quotes.items()
    }  # fmt: skip
    view = View(now_ns=NOON, accounts=accounts, books={}, marks=marks, unknown=frozenset(), desk=Desk())
    rules = playbook('daily_drawdown = 0.05\nweekly_drawdown = 0.10\ndrawdown_action = "halt"')
    return Judge(base=snapshot, playbook=rules, terms=load_all_terms(snapshot), watch=Watch()), view


def begun(view: View, equity: float, at_ns: int = MIDNIGHT, day: int = 20_780) -> View:
    """The same view of a guard that saw the whole book at a time."""
    start = Start(number=day, equity=equity, at_ns=at_ns)
    return replace(view, desk=Desk(day=start, week=replace(start, number=(day + 3) // 7)))


def told(decision: Decision, kind: str) -> set[str]:
    return {one.symbol or one.kind for one in decision.alerts if one.kind.startswith(kind)}


def test_a_day_that_lost_too_much_is_told_and_everything_is_to_be_closed(seen: tuple[Judge, View]) -> None:
    judge, view = seen
    rules = playbook('daily_drawdown = 0.05\ndrawdown_action = "flatten"')
    worth = judge(view).before
    assert worth is not None
    decision = replace(judge, playbook=rules)(begun(view, worth.equity / 0.94))
    (wanted,) = decision.wanted
    assert (wanted.kind, wanted.rule) == (ActionKind.EXIT, DAILY) and "lost 6.0% today" in wanted.reason
    held = {one.symbol: -one.quantity for one in judge.base.book.accounts[0].positions}
    assert {leg.symbol: leg.quantity for leg in wanted.legs} == held and wanted.after.effective == 0.0
    assert decision.before is not None and decision.before.broken == (DAILY,)


@pytest.mark.parametrize(("lost", "broken"), [(0.04, set()), (0.06, {DAILY}), (0.11, {DAILY, WEEKLY})])
def test_what_is_lost_is_measured_from_the_starts(seen: tuple[Judge, View], lost: float, broken: set[str]) -> None:
    judge, view = seen
    worth = judge(view).before
    assert worth is not None
    decision = judge(begun(view, worth.equity / (1.0 - lost)))
    assert decision.before is not None and set(decision.before.broken) == broken
    assert not decision.wanted and not told(decision, "unknown.start")


def test_a_start_that_nobody_saw_is_told_and_measured_from_where_it_was_seen(seen: tuple[Judge, View]) -> None:
    judge, view = seen
    worth = judge(view).before
    assert worth is not None
    decision = judge(begun(view, worth.equity / 0.94, at_ns=MIDNIGHT + 2 * HOUR_NS))
    assert told(decision, "unknown.start") == {DAILY, WEEKLY} and set(decision.before.broken) == {DAILY}  # type: ignore[union-attr]
    late = next(one for one in decision.alerts if one.kind == "unknown.start")
    assert "what was lost before 2026-11-23T02:00:00Z is not known" in late.sentence


def test_yesterdays_start_measures_nothing_today(seen: tuple[Judge, View]) -> None:
    judge, view = seen
    decision = judge(begun(view, 1e9, at_ns=MIDNIGHT - 7 * DAY_NS, day=20_773))
    assert decision.before is not None and not decision.before.broken


def test_while_an_account_is_not_known_nothing_is_measured_and_it_is_told(seen: tuple[Judge, View]) -> None:
    judge, view = seen
    less = replace(view, unknown=frozenset({"another"}))
    decision = judge(replace(less, desk=begun(view, 1e9).desk))
    assert decision.before is not None and not decision.before.broken
    assert told(judge(less), "unknown.start") == {DAILY, WEEKLY}


def test_rules_that_the_guard_cannot_judge_are_named(seen: tuple[Judge, View]) -> None:
    judge, view = seen
    rules = playbook("take_profit = [{ gain = 1.0, close = 0.5 }]\ndaily_drawdown = 0.5\n[funding]\ndaily_cap = 0.01")
    (alert,) = [one for one in replace(judge, playbook=rules)(view).alerts if one.kind == "rules.unjudged"]
    assert "funding.daily_cap" in alert.sentence and "guardrails" not in alert.sentence
    assert not told(judge(view), "rules.unjudged")


def looked_at(desk: Desk, times: Sequence[int], equities: Sequence[float]) -> list[Record]:
    """What a guard writes that looks at a book worth so much at these times."""
    worth = iter(equities)
    guard = Guard(desk, SETTINGS, lambda view: Decision(before=replace(CALM, equity=next(worth))))
    effects: list[Effect] = guard.start(times[0] - 1)
    for at in times:
        effects += guard.receive(replace(Exchange().account(at), received_ns=at))
        effects += guard.receive(Wake(received_ns=at + 31 * SECOND_NS))
    return [
        replace(one.record, body=json.loads(json.dumps(one.record.body))) for one in effects if isinstance(one, Write)
    ]


def test_the_first_whole_look_of_a_day_is_kept_and_a_restart_keeps_it() -> None:
    first = looked_at(Desk(), [NOON, NOON + HOUR_NS], range(100, 200))
    (day,) = [one for one in first if one.kind is RecordKind.DAY]
    assert day.body == {"day": 20_780, "week": WEEK, "equity": 100.0}
    again = looked_at(fold(first), [NOON + 2 * HOUR_NS, MIDNIGHT + DAY_NS], range(300, 400))
    (next_day,) = [one for one in again if one.kind is RecordKind.DAY]
    assert next_day.body["day"] == 20_781 and next_day.at_ns >= MIDNIGHT + DAY_NS
    desk = fold([*first, *again])
    assert desk.day is not None and desk.week is not None and desk.day.equity >= 300.0
    assert desk.week == Start(number=WEEK, equity=100.0, at_ns=day.at_ns)
    assert ACCOUNT in desk.positions


@pytest.mark.parametrize(("days", "told_"), [(0, True), (1, False), (7, True), (10, False)])
def test_a_rebalance_is_told_for_a_day_after_it_fell_due(seen: tuple[Judge, View], days: int, told_: bool) -> None:
    """Day 20,780 is a Monday, as the cadence is."""
    judge, view = seen
    weekly = parse_playbook("schema_version = 1\n[rebalance]\n", "asked")
    alerts = replace(judge, playbook=weekly)(replace(view, now_ns=NOON + days * DAY_NS)).alerts
    due = [one.sentence for one in alerts if one.kind == "rebalance.due"]
    assert bool(due) is told_ and all("perpbook rebalance" in one for one in due)
    assert not [one for one in alerts if one.kind == "rules.unjudged"]
