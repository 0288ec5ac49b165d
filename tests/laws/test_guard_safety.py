"""What stops the guard, what it refuses to believe, and what it says when the journal and a venue disagree."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from perpbook.guard.desk import fold
from perpbook.guard.guard import Guard
from perpbook.guard.turn import Turn
from perpbook.guard.view import Decision, View, Wanted, WantedLeg
from perpbook.model.account import Order, Position
from perpbook.model.action import ActionKind
from perpbook.model.alert import Alert, Severity
from perpbook.model.effect import Send, Write
from perpbook.model.market import Depth
from perpbook.model.message import (
    Acknowledge,
    Adopt,
    ExitWord,
    FillSeen,
    KillLevel,
    MarkSeen,
    Message,
    NoAnswer,
    OrderSeen,
    Stale,
    Wake,
)
from perpbook.model.order import OrderState
from perpbook.model.record import RecordKind
from tests.laws.guarded import ACCOUNT, CALM, SETTINGS, VENUE, Exchange, World, only, ready, trim


def restarted(world: World) -> World:
    """The same journal and venue, a new guard, everything read."""
    world.boot()
    world.run(2)
    return world


def adopt(world: World) -> None:
    """A person adopts the account."""
    world.give(Adopt(account=ACCOUNT, who="ann", received_ns=world.now_ns))


@pytest.mark.parametrize("level", [KillLevel.PAUSE, KillLevel.CANCEL])
def test_nothing_is_proposed_approved_or_sent_while_the_switch_is_pulled(level: KillLevel) -> None:
    world = ready([trim("BTC", -2.0)], BTC=5.0)
    world.kill(level)
    world.answer(only(world))
    world.wanted = [trim("ETH", 1.0, "other")]
    world.run(60)
    assert not world.sent and world.phases() == ["proposed"]


def test_an_approved_proposal_ends_when_the_switch_is_pulled() -> None:
    world = ready([trim("BTC", -2.0)], BTC=5.0)
    world.wanted = ()
    world.answer(only(world))
    world.kill(KillLevel.PAUSE)
    world.kill(KillLevel.NONE)
    world.run(10)
    assert not world.sent and world.phases() == ["aborted"]


def test_only_a_person_lets_go_of_the_switch_and_only_as_a_whole() -> None:
    world = ready(BTC=5.0)
    world.kill(KillLevel.CANCEL)
    world.kill(KillLevel.PAUSE)
    world.kill(KillLevel.NONE, who="guard")
    assert world.guard.desk.kill is KillLevel.CANCEL
    world = restarted(world)
    assert world.guard.desk.kill.name == "CANCEL"
    world.kill(KillLevel.NONE)
    assert world.guard.desk.kill.name == "NONE"


def test_cancel_takes_back_what_opens_risk_and_leaves_protective_stops() -> None:
    world = ready(BTC=5.0)
    opens = Order(symbol="BTC", quantity=1.0, limit_price=900.0, id="opens")
    turns = Order(symbol="BTC", quantity=-6.0, limit_price=1_100.0, id="turns")
    stop = Order(symbol="BTC", quantity=-5.0, limit_price=900.0, id="stop")
    flagged = replace(opens, symbol="ETH", reduce_only=True, id="flagged")
    world.venue.resting = (opens, turns, stop, flagged)
    world.kill(KillLevel.CANCEL)
    world.run(10)
    assert [order.id for order in world.venue.resting] == ["stop", "flagged"]


def test_an_order_without_an_id_is_paged() -> None:
    world = ready(BTC=5.0)
    world.venue.resting = (Order(symbol="BTC", quantity=1.0, limit_price=900.0),)
    world.kill(KillLevel.CANCEL)
    world.run(5)
    assert len(world.told("kill.order")) == 1


def test_a_failing_decision_pauses_the_guard_and_pages() -> None:
    world = ready(BTC=5.0)
    world.stands = [None]  # type: ignore[list-item]
    world.run(40)
    assert world.guard.desk.kill is KillLevel.PAUSE
    assert [alert.severity for alert in world.told("guard.error")] == [Severity.PAGE]
    assert fold(world.journal) == world.guard.desk


def test_what_fails_after_an_intent_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready([trim("BTC", -2.0)], BTC=5.0)
    world.wanted = ()
    world.answer(only(world))
    do = Turn.do

    def failing(turn: Turn, effect: object) -> None:
        do(turn, effect)  # type: ignore[arg-type]
        if isinstance(effect, Send):
            raise OSError("disk")

    monkeypatch.setattr(Turn, "do", failing)
    world.post()
    assert not world.sent and world.guard.desk.kill is KillLevel.PAUSE
    (ticket,) = world.guard.desk.tickets.values()
    assert ticket.state is OrderState.UNKNOWN


def test_a_guard_that_cannot_even_stop_writes_that_it_is_killed_and_takes_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(view: View) -> Decision:
        raise ValueError("no")

    def say(turn: Turn, *alert: object, **stands: object) -> None:
        raise ValueError("no")

    guard = Guard(fold([]), SETTINGS, broken)
    monkeypatch.setattr(Turn, "say", say)
    effects = guard.receive(Wake(received_ns=10**12))
    writes = [one.record for one in effects if isinstance(one, Write)]
    assert writes[-1].kind is RecordKind.KILL and guard.is_broken
    assert guard.receive(Wake(received_ns=2 * 10**12)) == []


def test_a_feed_that_falls_silent_while_orders_run_pauses_the_guard() -> None:
    world = ready([trim("BTC", -2.0)], BTC=5.0)
    world.wanted = ()
    world.answer(only(world))
    world.until_sent()
    world.give(Stale(venue=VENUE, stream="books", received_ns=world.now_ns))
    world.run(10)
    assert world.guard.desk.kill is KillLevel.PAUSE and len(world.sent) == 1


def test_a_feed_that_is_silent_lets_nothing_be_proposed_or_sent() -> None:
    world = ready([trim("BTC", -2.0)], BTC=5.0)
    world.give(Stale(venue=VENUE, stream="books", received_ns=world.now_ns))
    world.answer(only(world))
    world.wanted = [trim("ETH", 1.0, "other")]
    world.run(60)
    assert not world.sent and world.phases() == ["aborted"]
    assert world.told("refused.proposal")[0].severity is Severity.WARN


def test_the_first_run_takes_what_the_venue_has() -> None:
    world = ready(BTC=5.0)
    assert world.guard.desk.positions == {ACCOUNT: {"BTC": 5.0}} and not world.guard.desk.incidents


def test_a_journal_that_disagrees_halts_risk_and_self_approval_until_adopted() -> None:
    world = ready(BTC=5.0)
    world.venue.positions["BTC"] = 4.0
    world = restarted(world)
    assert list(world.guard.desk.incidents) == [f"reconcile.{ACCOUNT}"]
    world.wanted = [trim("BTC", -1.0, "auto")]
    world.run(31)
    assert world.phases() == ["proposed"] and not world.sent
    adopt(world)
    assert not world.guard.desk.incidents and world.guard.desk.positions[ACCOUNT] == {"BTC": 4.0}


def test_reducing_is_allowed_while_an_incident_is_open_if_a_person_says_so() -> None:
    world = ready(BTC=5.0)
    world.venue.positions["BTC"] = 4.0
    world = restarted(world)
    world.wanted = [trim("BTC", -1.0, "auto")]
    world.run(31)
    world.wanted = ()
    world.answer(only(world))
    world.run(5)
    assert world.venue.positions["BTC"] == 3.0


def test_opening_is_refused_while_an_incident_is_open() -> None:
    world = ready(BTC=5.0)
    world.venue.positions["BTC"] = 4.0
    world = restarted(world)
    leg = WantedLeg(account=ACCOUNT, symbol="ETH", quantity=1.0, reduce_only=False)
    world.wanted = [Wanted(kind=ActionKind.TRIM, rule="hedge", reason="open.", after=CALM, legs=(leg,))]
    world.run(40)
    assert not world.guard.desk.cases and "incident" in world.told("refused.proposal")[0].sentence


def test_an_empty_account_is_an_error_and_never_flat() -> None:
    world = ready(BTC=5.0)
    world.venue.positions["BTC"] = 0.0
    world.run(60)
    assert list(world.guard.desk.incidents) == [f"empty.{ACCOUNT}"]
    assert world.guard.desk.positions[ACCOUNT] == {"BTC": 5.0}


def test_a_position_that_only_the_venue_has_is_seen_too() -> None:
    world = ready(BTC=5.0)
    world.venue.positions["ETH"] = 3.0
    assert "ETH 0 in the journal, 3 at the venue" in restarted(world).told("incident")[0].sentence


def test_somebody_elses_trade_is_told_and_remembered() -> None:
    world = ready(BTC=5.0)
    world.venue.positions["BTC"] = 4.0
    world.run(60)
    assert len(world.told("positions.changed")) == 1
    assert world.guard.desk.positions[ACCOUNT] == {"BTC": 4.0}


def test_an_incident_is_open_until_it_is_acknowledged() -> None:
    world = ready(BTC=5.0)
    world.venue.positions["BTC"] = 4.0
    world = restarted(restarted(world))
    assert {alert.account for alert in world.told("incident")} == {ACCOUNT}
    world.give(Acknowledge(key=f"reconcile.{ACCOUNT}", who="ann", received_ns=world.now_ns))
    assert not world.guard.desk.incidents


def test_an_account_that_cannot_be_read_is_unknown() -> None:
    world = World(venue=Exchange(positions={"BTC": 5.0}), wanted=[trim("BTC", -1.0)])
    for _ in range(60):
        world.mail.clear()
        world.pass_time()
    assert [alert.account for alert in world.told("unknown.account")] == [ACCOUNT]
    assert not world.guard.desk.cases


def test_malformed_messages_are_refused_and_nothing_is_taken_from_them() -> None:
    world = ready(BTC=5.0)
    now, good = world.now_ns, world.venue.book("BTC", world.now_ns)
    level = (1_000.0, 1.0)
    books = [
        Depth(bids=(level,), asks=(level,)),
        Depth(bids=(level,)),
        Depth(bids=((math.nan, 1.0),), asks=((1_001.0, 1.0),)),
        Depth(bids=(("999", 1.0),), asks=((1_001.0, 1.0),)),  # type: ignore[arg-type]
        Depth(bids=(level, (1_000.5, 1.0)), asks=((1_001.0, 1.0),)),
        Depth(bids=((999.0, -1.0),), asks=((1_001.0, 1.0),)),
    ]
    bad = [replace(good, depth=depth, at_ns=now + 1) for depth in books]
    bad += [replace(good, symbol="DOGE"), replace(good, at_ns=now + 10**11)]
    before = world.guard._turn.known.books.copy()
    for message in bad:
        world.give(replace(message, received_ns=now))
    world.give(MarkSeen(venue=VENUE, symbol="BTC", at_ns=now, received_ns=now, mark_price=math.inf))
    assert world.guard._turn.known.books == before and not world.guard._turn.known.marks
    assert world.guard.desk.kill is KillLevel.NONE


def test_an_account_of_a_stranger_or_with_numbers_that_are_none_is_refused() -> None:
    world = ready(BTC=5.0)
    seen = world.venue.account(world.now_ns)
    position = Position(symbol="BTC", quantity=math.nan, entry_price=1.0)
    for account in (replace(seen.account, id="theirs"), replace(seen.account, positions=(position,))):
        world.give(replace(seen, account=account))
    assert set(world.guard._turn.known.accounts) == {ACCOUNT}
    assert world.guard.desk.positions[ACCOUNT] == {"BTC": 5.0}


def test_reports_and_trades_that_do_not_fit_their_order_are_refused() -> None:
    world = ready([trim("BTC", -2.0)], BTC=5.0)
    world.wanted = ()
    world.answer(only(world))
    name = world.until_sent()
    report = next(one.report for one in world.mail if isinstance(one, OrderSeen))
    fill = next(one.fill for one in world.mail if isinstance(one, FillSeen))
    before = world.guard.desk.tickets[name].filled
    for wrong in (replace(report, symbol="ETH"), replace(report, filled=1.0), replace(report, filled=math.nan)):
        world.give(OrderSeen(report=wrong, received_ns=world.now_ns))
    for odd in (replace(fill, account="theirs"), replace(fill, quantity=1.0), replace(fill, price=-1.0)):
        world.give(FillSeen(fill=odd, received_ns=world.now_ns))
    assert world.guard.desk.tickets[name].filled == before == 0.0


def test_a_trade_beyond_its_order_is_an_incident() -> None:
    world = ready([trim("BTC", -2.0)], BTC=5.0)
    world.wanted = ()
    world.answer(only(world))
    world.until_sent()
    fill = next(one.fill for one in world.mail if isinstance(one, FillSeen))
    world.give(FillSeen(fill=replace(fill, quantity=-9.0, trade_id="more"), received_ns=world.now_ns))
    world.run(5)
    assert world.phases() == ["incident"] and len(world.sent) == 1


def test_a_trade_after_the_end_is_an_incident() -> None:
    world = ready([trim("BTC", -2.0)], BTC=5.0)
    world.wanted, world.venue.mood = (), "reject"
    world.answer(only(world))
    world.run(5)
    fill = world.venue._fill(world.sent[0], -0.5, world.now_ns)
    world.give(FillSeen(fill=fill, received_ns=world.now_ns))
    assert list(world.guard.desk.incidents) == [f"late.{fill.client_id}"]


def test_orders_are_taken_back_by_proposal() -> None:
    world = ready(BTC=5.0)
    world.venue.resting = (Order(symbol="BTC", quantity=1.0, limit_price=900.0, id="theirs"),)
    world.wanted = [Wanted(kind=ActionKind.CANCEL, rule="liquidity", reason="far.", after=CALM, cancels=("theirs",))]
    world.run(40)
    world.wanted = ()
    world.answer(only(world))
    world.run(5)
    assert not world.venue.resting and world.phases() == ["closed"]


def test_an_exit_plan_survives_a_restart_and_ends() -> None:
    world = ready(BTC=5.0)
    world.give(ExitWord(plan="all", body={"stage": 1}, who="ann", received_ns=world.now_ns))
    assert restarted(world).guard.desk.exits == {"all": {"stage": 1}}
    world.give(ExitWord(plan="all", body=None, who="ann", received_ns=world.now_ns))
    assert world.guard.desk.exits == {}


def test_an_alert_is_told_once_while_it_stands_and_once_when_it_is_over() -> None:
    world = ready(BTC=5.0)
    alert = Alert(kind="rule.leverage", severity=Severity.WARN, at_ns=0, sentence="near", account=ACCOUNT)
    world.stands = [alert]
    world.run(120)
    world.stands = [replace(alert, severity=Severity.PAGE)]
    world.run(40)
    world.stands = []
    world.run(120)
    told = world.told("rule.leverage")
    assert [(one.severity.value, one.resolved) for one in told] == [("warn", False), ("page", False), ("page", True)]


def test_what_is_wanted_and_cannot_be_is_refused_once() -> None:
    world = ready(
        [trim("DOGE", -2.0), trim("BTC", math.nan, "nan"), trim("BTC", -1.0, "strange", account="theirs")], BTC=5.0
    )
    world.run(120)
    assert not world.guard.desk.cases
    assert len(world.told("refused.proposal")) == 3


def test_only_the_newest_of_a_contract_is_known() -> None:
    world = ready(BTC=5.0)
    known, now = world.guard._turn.known, world.now_ns
    mark = MarkSeen(venue=VENUE, symbol="BTC", at_ns=now, received_ns=now, mark_price=1_000.0, funding_rate=1e-4)
    book, seen = world.venue.book("BTC", now), world.venue.account(now)
    for late in (0, -1):
        world.give(replace(mark, at_ns=now + late))
        world.give(replace(book, at_ns=now + late))
        world.give(replace(seen, at_ns=now + late))
    assert {known.marks[VENUE, "BTC"].at_ns, known.books[VENUE, "BTC"].at_ns, known.accounts[ACCOUNT].at_ns} == {now}
    world.give(replace(mark, at_ns=now + 1, funding_rate=math.nan))
    assert known.marks[VENUE, "BTC"].at_ns == now and world.told("feed.refused")


def test_a_feed_that_speaks_again_is_over_when_all_of_it_does() -> None:
    world = ready(BTC=5.0)
    for stream, fresh in (("books", False), ("marks", False), ("books", True), ("marks", True)):
        assert not any(alert.resolved for alert in world.told("stale.feed"))
        world.give(Stale(venue=VENUE, stream=stream, received_ns=world.now_ns, fresh=fresh))
    assert world.told("stale.feed")[-1].resolved


def test_an_account_that_could_not_be_read_is_not_known_until_it_is() -> None:
    world = ready(BTC=5.0)
    world.give(NoAnswer(account=ACCOUNT, venue=VENUE, client_id="", received_ns=world.now_ns, why="500"))
    assert ACCOUNT not in world.guard._turn.known.accounts
    world.run(2)
    assert ACCOUNT in world.guard._turn.known.accounts


def test_flatten_pages_for_a_contract_it_does_not_trade() -> None:
    world = ready(BTC=5.0)
    world.venue.positions["DOGE"], world.venue.mids["DOGE"] = 100.0, 0.1
    world.kill(KillLevel.FLATTEN)
    world.run(60)
    assert world.venue.positions == {"BTC": 0.0, "DOGE": 100.0}
    assert [alert.symbol for alert in world.told("kill.contract")] == ["DOGE"]


def test_orders_that_will_not_go_are_an_incident() -> None:
    world = ready(BTC=5.0)
    world.venue.resting = (Order(symbol="BTC", quantity=1.0, limit_price=900.0, id="theirs"),)
    world.wanted = [Wanted(kind=ActionKind.CANCEL, rule="liquidity", reason="far.", after=CALM, cancels=("theirs",))]
    world.run(40)
    world.wanted, world.venue.stuck = (), True
    world.answer(only(world))
    world.run(40)
    assert world.phases() == ["incident"]


def test_exit_plans_of_a_decision_are_kept_once() -> None:
    world = ready(BTC=5.0)
    world.exits = {"all": {"stage": 1}}
    world.run(100)
    assert world.guard.desk.exits == {"all": {"stage": 1}}
    assert [record.kind for record in world.journal].count(RecordKind.EXIT) == 1


def test_a_week_later_what_ended_is_forgotten() -> None:
    world = ready([trim("BTC", -1.0)], BTC=5.0)
    world.wanted = ()
    world.answer(only(world))
    world.run(5)
    first = only(world)
    world.pass_time(8 * 86_400)
    world.run(2)
    world.wanted = [trim("BTC", -1.0)]
    world.run(31)
    world.answer(world.guard.desk.live[0], approve=False)
    assert first not in world.guard.desk.cases and not world.guard.desk.tickets
    assert fold(world.journal) == world.guard.desk


class OnMarks:
    """A watch that wants a decision at every mark."""

    until_ns = 2**62

    def __call__(self, message: Message) -> bool:
        return isinstance(message, MarkSeen)


def test_a_decision_is_made_when_the_watch_says_so() -> None:
    seen: list[int] = []

    def decide(view: View) -> Decision:
        seen.append(view.now_ns)
        return Decision(before=None)

    guard = Guard(fold([]), SETTINGS, decide, watch=OnMarks())
    guard.start(10**12)
    for number in range(1, 4):
        at_ns = 10**12 + number
        guard.receive(MarkSeen(venue=VENUE, symbol="BTC", at_ns=at_ns, received_ns=at_ns, mark_price=1.0))
        guard.receive(MarkSeen(venue=VENUE, symbol="BTC", at_ns=at_ns, received_ns=at_ns, mark_price=-1.0))
        guard.receive(Wake(received_ns=at_ns))
    assert seen == [10**12 + 1, 10**12 + 2, 10**12 + 3]


def test_an_account_that_holds_a_contract_both_ways_is_refused() -> None:
    world = ready(BTC=5.0)
    seen = world.venue.account(world.now_ns)
    short = Position(symbol="BTC", quantity=-1.0, entry_price=1_000.0)
    world.give(replace(seen, account=replace(seen.account, positions=(*seen.account.positions, short))))
    assert "hedge mode" in world.told("feed.refused")[0].sentence


def test_a_clock_behind_the_journal_is_told() -> None:
    world = ready(BTC=5.0)
    late = world.now_ns
    world.give(Wake(received_ns=late + 10**12))
    world.give(Wake(received_ns=late))
    assert world.guard.desk.at_ns >= late + 10**12
    assert [alert.severity for alert in world.told("clock.behind")] == [Severity.PAGE]
    world.give(Wake(received_ns=late + 10**12))
    assert world.told("clock.behind")[-1].resolved
