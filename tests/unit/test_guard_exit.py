"""An exit in the guard: begun by a word or a rule, stage by stage down to flat, paused, and taken up again after a restart."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from perpbook.files.plain import plain
from perpbook.guard.desk import Desk
from perpbook.guard.view import Decision, View
from perpbook.model.action import ActionKind
from perpbook.model.verdict import Status
from perpbook.playbook.exit_section import Exit
from perpbook.runs.guard_decide import Judge
from perpbook.runs.guard_exit import EXIT
from tests.unit.test_guard_decide import Judged, judged

__all__ = ["judged"]


def with_exit(view: View, body: dict[str, Any] | None) -> View:
    desk = Desk()
    if body is not None:
        desk.exits[EXIT] = body
    return replace(view, desk=desk)


Begun = tuple[Decision, dict[str, Any]]


@pytest.fixture(scope="module")
def begun(judged: Judged) -> Begun:
    """A first look at an exit that a word began, and its body as a journal gives it back."""
    judge, view, _ = judged
    decision = judge(with_exit(view, {"who": "me", "paused": False}))
    assert decision.exits is not None
    return decision, json.loads(json.dumps(plain(decision.exits[EXIT]), allow_nan=False))


def test_a_word_begins_an_exit_and_nothing_else_is_wanted(begun: Begun) -> None:
    decision, body = begun
    assert [one.kind for one in decision.wanted] == [ActionKind.EXIT] and body["plan"]["stages"]
    assert all(leg.reduce_only for leg in decision.wanted[0].legs)
    assert any(one.kind == "exit.stage" for one in decision.alerts)


def test_it_goes_stage_by_stage_to_flat_whatever_forgets_it(judged: Judged, begun: Begun) -> None:
    judge, view, _ = judged
    _, body = begun
    for _ in range(200):
        decision = judge(with_exit(view, json.loads(json.dumps(body))))
        if not decision.wanted:
            break
        view = traded(view, decision)
    assert decision.exits == {EXIT: None}
    assert not any(position.quantity for seen in view.accounts.values() for position in seen.account.positions)


def traded(view: View, decision: Decision) -> View:
    """Every leg done."""
    accounts = dict(view.accounts)
    for leg in decision.wanted[0].legs:
        seen = accounts[leg.account]
        moved = [
            replace(one, quantity=round(one.quantity + leg.quantity, 9)) if one.symbol == leg.symbol else one
            for one in seen.account.positions
        ]
        kept = tuple(one for one in moved if one.quantity)
        accounts[leg.account] = replace(seen, account=replace(seen.account, positions=kept))
    return replace(view, accounts=accounts)


def test_paused_it_wants_nothing_and_keeps_its_plan(judged: Judged, begun: Begun) -> None:
    judge, view, _ = judged
    _, body = begun
    decision = judge(with_exit(view, {**body, "paused": True}))
    assert decision.wanted == () and decision.exits is not None
    assert decision.exits[EXIT] is not None and any("paused" in one.sentence for one in decision.alerts)


@pytest.mark.parametrize("plan", [{}, {"stages": "none"}, 7])
def test_a_plan_that_cannot_be_read_stands_still_and_pages(judged: Judged, plan: object) -> None:
    judge, view, _ = judged
    decision = judge(with_exit(view, {"who": "me", "paused": False, "plan": plan}))
    assert decision.wanted == () and any("stands still" in one.sentence for one in decision.alerts)


def test_a_broken_trigger_begins_one(judged: Judged) -> None:
    judge, view, checked = judged
    broken = next(
        one.rule for one in checked.verdict.findings if one.status is Status.BREACH and one.rule.startswith("leverage.")
    )
    rules = judge.playbook.model_copy(update={"exit": Exit(triggers=(broken,))})
    decision = Judge(base=judge.base, playbook=rules, terms=judge.terms)(with_exit(view, None))
    assert decision.exits is not None
    body = decision.exits[EXIT]
    assert body is not None and body["who"] == broken
