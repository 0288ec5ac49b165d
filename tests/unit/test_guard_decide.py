"""The guard decides as `check` does on the same book, and on less where less is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from perpbook.alerts.kinds import kind_of
from perpbook.alerts.of_check import alerts_of_findings
from perpbook.guard.desk import Desk
from perpbook.guard.view import View
from perpbook.guard.watch import AGAIN_NS, Watch
from perpbook.model.action import ActionKind
from perpbook.model.message import AccountSeen, BookSeen, MarkSeen, Wake
from perpbook.model.verdict import Status
from perpbook.playbook.automation_section import Automation
from perpbook.playbook.schema import Playbook
from perpbook.runs.check import CheckResult, check_snapshot, load_all_terms, read_inputs
from perpbook.runs.guard_decide import FIRST_NS, Judge, by_rule, reason_of
from perpbook.runs.guard_settings import settings_of

EXAMPLES = Path("src/perpbook/examples")
Judged = tuple[Judge, View, CheckResult]


@pytest.fixture(scope="module")
def judged() -> Judged:
    """The desk example: the judge of its book, and a view in which every venue says what the book file says."""
    folder = EXAMPLES / "desk"
    snapshot, playbook = read_inputs(folder / "book.toml", folder / "conservative.toml", market=None, now_ns=None)
    terms = load_all_terms(snapshot)
    at = snapshot.market.as_of_ns
    accounts = {one.id: AccountSeen(account=one, at_ns=at, received_ns=at) for one in snapshot.book.accounts}
    marks = {
        key: MarkSeen(
            venue=key[0], symbol=key[1], at_ns=at, received_ns=at, mark_price=one.mark_price, oracle_price=one.oracle_price,
            index_price=one.index_price, funding_rate=one.funding_rate, open_interest=one.open_interest,
        )
        for key, one in snapshot.market.quotes.items()
    }  # fmt: skip
    books = {
        key: BookSeen(venue=key[0], symbol=key[1], depth=one.depth, at_ns=at, received_ns=at)
        for key, one in snapshot.market.quotes.items()
        if one.depth is not None
    }
    view = View(now_ns=at, accounts=accounts, books=books, marks=marks, unknown=frozenset(), desk=Desk())
    return Judge(base=snapshot, playbook=playbook, terms=terms), view, check_snapshot(snapshot, playbook, terms)


def test_the_guard_finds_what_check_finds(judged: Judged) -> None:
    judge, view, checked = judged
    decision = judge(view)
    alerts = {one.key: one for one in decision.alerts if one.kind != "rules.unjudged"}
    accounts, near = [one.id for one in checked.assessment.accounts], judge.playbook.near
    found = alerts_of_findings(checked.verdict.findings, near, view.now_ns, (), accounts)
    assert alerts == {one.key: one for one in found} and len(alerts) < len(decision.alerts)
    assert {one.kind for one in found} == {
        kind_of(one.rule) for one in checked.verdict.findings if one.status is not Status.OK
    }
    assert decision.before is not None
    assert decision.before.equity == pytest.approx(checked.assessment.book.equity, rel=1e-12)


def test_what_it_wants_is_the_cheapest_plan_and_mends_what_a_trim_can(judged: Judged) -> None:
    judge, view, checked = judged
    plan = next(one for one in checked.verdict.plans if one.method == "cheapest")
    wanted = [one for one in judge(view).wanted if one.kind is ActionKind.TRIM]
    legs = {(leg.account, leg.symbol): leg.quantity for one in wanted for leg in one.legs}
    asked = {(one.account, one.symbol): one.quantity_after - one.quantity_before for one in plan.trims}
    assert legs == pytest.approx(asked)
    assert all(leg.reduce_only for one in wanted for leg in one.legs)


def test_without_an_account_only_rules_of_one_account_speak(judged: Judged) -> None:
    judge, view, _ = judged
    gone, *_ = view.accounts
    less = replace(
        view,
        accounts={name: one for name, one in view.accounts.items() if name != gone},
        unknown=frozenset({gone}),
    )
    decision = judge(less)
    assert decision.alerts and not any(one.account == gone for one in decision.alerts)
    rules = [one.kind.removeprefix("rule.") for one in decision.alerts] + [one.rule for one in decision.wanted]
    for rule in rules:
        assert rule.startswith(
            ("survival", "leverage.account", "account.margin", "margin.dead", "unknown.start", "rules.unjudged")
        ), rule


@pytest.mark.parametrize("blind", [True, False])
def test_what_is_not_judged_is_not_over(judged: Judged, blind: bool) -> None:
    """A page on the whole book stands while an account, or a price, is not known."""
    judge, view, _ = judged
    gone, *_ = view.accounts
    desk = Desk()
    desk.alerts = {("rule.leverage.book.gross", "", ""): "page", ("rule.survival.joint", gone, ""): "page"}
    key = next(iter(view.marks))
    unpriced = replace(view.marks[key], mark_price=None, oracle_price=None, index_price=None)
    known = replace(view, desk=desk, marks={**view.marks, key: unpriced} if blind else view.marks)
    if not blind:
        rest = {name: one for name, one in view.accounts.items() if name != gone}
        known = replace(known, accounts=rest, unknown=frozenset({gone}))
    stands = {one.key: one.severity.value for one in judge(known).alerts}
    assert desk.alerts.items() <= stands.items()


def test_without_a_price_nothing_is_judged_and_it_is_told(judged: Judged) -> None:
    judge, view, _ = judged
    key = next(iter(view.marks))
    blind = replace(view.marks[key], mark_price=None, oracle_price=None, index_price=None)
    decision = judge(replace(view, marks={**view.marks, key: blind}))
    assert decision.before is None and not decision.wanted
    assert [one.kind for one in decision.alerts] == ["stale.prices"]


def test_trims_go_together_by_the_rule_that_asks_first(judged: Judged) -> None:
    _, _, checked = judged
    plan = next(one for one in checked.verdict.plans if one.method == "cheapest")
    rules = {one.rule for one in checked.verdict.findings}
    found = by_rule(plan.trims, rules)
    assert sum(len(trims) for trims in found.values()) == len(plan.trims)
    assert by_rule(plan.trims, set()) == {}
    assert reason_of(checked.verdict.findings, rules).count(".") >= 3


def test_settings_hold_what_the_playbook_says(judged: Judged) -> None:
    judge, _, _ = judged
    rules = Automation(
        auto=("survival",), max_per_action=1_000.0, max_per_hour=2_000.0, max_per_day=3_000.0, quiet_hours="22:00-07:00"
    )
    settings = settings_of(judge.base, replace_automation(judge.playbook, rules), judge.terms, live=True)
    band = settings.band("survival.joint")
    assert band is not None and band.action == 1_000.0 and settings.band("leverage.asset") is None
    hour = 3_600 * 10**9
    assert [settings.is_quiet(at * hour) for at in (23, 6, 7, 12)] == [True, True, False, False]
    assert settings.arming and settings.slice == 1_000.0


def replace_automation(playbook: Playbook, rules: Automation) -> Playbook:
    return playbook.model_copy(update={"automation": rules})


def test_a_contract_that_no_venue_priced_has_no_price_and_is_paged_for_after_a_moment(judged: Judged) -> None:
    """The book file's prices are yesterday's: a guard that has just begun decides on none of them."""
    judge, view, _ = judged
    blind = replace(view, marks={}, started_ns=view.now_ns)
    assert judge(blind).before is None and judge(blind).alerts == () and judge(blind).wanted == ()
    assert [one.kind for one in judge(replace(blind, now_ns=view.now_ns + FIRST_NS)).alerts] == ["stale.prices"]


def test_a_look_that_cannot_be_made_is_not_tried_at_every_message(judged: Judged) -> None:
    judge, view, _ = judged
    watch = Watch()
    assert replace(judge, watch=watch)(replace(view, marks={})).before is None
    wakes = [Wake(received_ns=view.now_ns + after) for after in (0, AGAIN_NS - 1, AGAIN_NS)]
    assert [watch(one) for one in wakes] == [False, False, True]
