"""A proposal's way through the guard, one stop at a time."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from perpbook.errors import Refused
from perpbook.guard.settings import Caps
from perpbook.guard.view import Wanted
from perpbook.model.action import ActionKind
from perpbook.model.message import BookSeen, KillLevel
from perpbook.model.order import OrderState
from tests.laws.guarded import ACCOUNT, CALM, SETTINGS, VENUE, Exchange, World, only, ready, trim


def proposed(quantity: float = -2.0, symbol: str = "BTC", rule: str = "leverage.asset", **positions: float) -> World:
    """A world with one proposal that waits, and nothing wanted after it."""
    world = ready([trim(symbol, quantity, rule)], SETTINGS, **(positions or {"BTC": 5.0, "ETH": -40.0}))
    world.wanted = ()
    return world


def approved(mood: str = "fill", seconds: int = 0) -> World:
    """A world whose one proposal was just approved; its first order goes as the mood says."""
    world = proposed()
    world.venue.mood = mood
    world.answer(only(world))
    if seconds:
        world.run(seconds)
    return world


def test_an_approved_trim_is_sliced_executed_verified_and_closed() -> None:
    world = approved(seconds=5)
    assert world.phases() == ["closed"]
    assert world.venue.positions["BTC"] == 3.0
    assert [order.quantity for order in world.sent] == [-1.01, -0.99]
    assert world.guard.desk.positions[ACCOUNT] == {"BTC": 3.0, "ETH": -40.0}


def test_an_answer_counts_for_its_own_digest_only() -> None:
    world = proposed()
    digest = only(world)
    for wrong in ("", digest[:12], digest[:-1] + ("0" if digest[-1] != "0" else "1")):
        world.answer(wrong)
    world.run(3)
    assert world.phases() == ["proposed"] and not world.sent
    assert len(world.told("refused.answer")) == 3


def test_an_answer_counts_once() -> None:
    world = approved(seconds=5)
    world.answer(only(world))
    world.run(5)
    assert len(world.sent) == 2
    assert "answered before" in world.told("refused.answer")[0].sentence


def test_no_answer_is_a_no() -> None:
    world = proposed()
    world.run(301)
    world.answer(only(world))
    world.run(3)
    assert world.phases() == ["expired"] and not world.sent


def test_a_no_ends_it_and_the_same_wish_rests() -> None:
    world = proposed()
    world.answer(only(world), approve=False)
    world.wanted = [trim("BTC", -2.0)]
    world.run(120)
    assert world.phases() == ["denied"] and not world.sent


def test_a_no_after_a_yes_stops_what_is_left() -> None:
    world = approved(mood="open")
    world.until_sent()
    world.answer(only(world), approve=False)
    world.run(10)
    assert len(world.sent) == 1
    assert world.phases() == ["closed"] and "ann said no" in world.guard.desk.cases[only(world)].why


def test_a_rule_acts_by_itself_only_within_its_band() -> None:
    world = ready([trim("BTC", -1.0, "auto")], BTC=5.0)
    assert world.sent and world.guard.desk.cases[only(world)].channel == "playbook"
    larger = proposed(-2.0, rule="auto")
    assert larger.phases() == ["proposed"]


def test_a_rule_that_used_up_its_hour_asks() -> None:
    world = ready([trim("BTC", -1.0, "auto")], BTC=50.0)
    world.run(120)
    assert world.phases()[:4] == ["closed", "closed", "closed", "proposed"]


def test_a_guard_that_is_not_armed_only_proposes() -> None:
    world = proposed()
    world.arm(0.0)
    world.answer(only(world))
    world.run(5)
    assert not world.sent and "not armed" in world.told("refused.answer")[0].sentence


def test_arming_ends_by_itself() -> None:
    world = proposed()
    world.arm(0.001)
    world.answer(only(world))
    world.mail.clear()
    world.pass_time(5)
    world.run(5)
    assert not world.sent and world.phases() == ["aborted"]


def test_a_paper_guard_needs_no_arming() -> None:
    world = ready([trim("BTC", -1.0, "auto")], replace(SETTINGS, arming=False), BTC=5.0)
    world.arm(0.0)
    world.run(60)
    assert len(world.sent) > 1


@pytest.mark.parametrize("factor", [0.985, 1.015])
def test_a_price_that_left_its_collar_sends_nothing(factor: float) -> None:
    world = proposed()
    world.venue.mids["BTC"] *= factor
    world.answer(only(world))
    world.run(5)
    assert world.phases() == ["aborted"] and not world.sent


@pytest.mark.parametrize("now", [0.0, -3.0])
def test_a_position_that_is_gone_or_turned_sends_nothing(now: float) -> None:
    world = proposed()
    world.meddled, world.venue.positions["BTC"] = True, now
    world.answer(only(world))
    world.run(5)
    assert world.phases() == ["aborted"] and not world.sent


def test_a_position_that_shrank_is_not_turned() -> None:
    world = proposed()
    world.meddled, world.venue.positions["BTC"] = True, 0.5
    world.answer(only(world))
    world.run(5)
    assert [order.quantity for order in world.sent] == [-0.5]
    assert world.venue.positions["BTC"] == 0.0


def test_what_was_read_before_the_approval_does_not_count() -> None:
    world = proposed()
    world.answer(only(world))
    world.mail.clear()
    world.pass_time(1)
    assert not world.sent
    world.run(2)
    assert world.sent


def test_what_cannot_be_read_again_in_time_is_not_sent() -> None:
    world = proposed()
    world.answer(only(world))
    for _ in range(12):
        world.mail.clear()
        world.pass_time(1)
    world.run(2)
    assert world.phases() == ["aborted"] and not world.sent


def test_somebody_elses_trade_between_two_slices_stops_the_rest() -> None:
    world = approved()
    world.until_sent()
    world.meddled, world.venue.positions["BTC"] = True, 1.0
    world.run(60)
    assert len(world.sent) == 1
    assert world.phases() == ["incident"] and world.guard.desk.incidents


def test_an_order_that_was_lost_is_sent_again_only_when_it_never_came() -> None:
    world = approved(mood="lost", seconds=2)
    assert len(world.sent) == 1
    world.run(6)
    assert len(world.sent) == 1, "its venue's word is too early to count"
    world.run(10)
    assert [order.client_id for order in world.sent[:2]] == [world.sent[0].client_id] * 2
    assert world.venue.positions["BTC"] == 3.0 and world.phases() == ["closed"]


def test_an_order_that_acted_without_an_answer_is_not_sent_again() -> None:
    world = approved(mood="silent", seconds=20)
    assert len({order.client_id for order in world.sent}) == len(world.sent) == 2
    assert world.venue.positions["BTC"] == 3.0 and world.phases() == ["closed"]


def test_an_order_that_stays_unknown_pages_and_waits() -> None:
    world = approved(mood="silent")
    world.never_told.add(world.until_sent())
    world.mail = world.mail[:1]
    world.run(60)
    ticket = world.guard.desk.tickets[world.sent[0].client_id]
    assert ticket.state is OrderState.UNKNOWN and len(world.sent) == 1
    assert len(world.told("order.unknown")) == 1


def test_an_order_lost_for_longer_than_ids_are_remembered_is_not_sent_again() -> None:
    world = ready([trim("BTC", -2.0)], replace(SETTINGS, timing=replace(SETTINGS.timing, dedupe=1)), BTC=5.0)
    world.wanted, world.venue.mood = (), "lost"
    world.answer(only(world))
    world.run(30)
    assert len(world.sent) == 1 and world.phases() == ["closed"]


def test_a_lie_about_an_order_that_never_came_shows_in_the_position() -> None:
    world = approved(mood="silent")
    world.until_sent()
    world.mail = world.mail[:1]
    world.venue.orders.clear()
    world.run(60)
    assert len(world.sent) == 1
    assert world.phases() == ["incident"]


def test_a_refused_order_ends_its_leg_and_is_told() -> None:
    world = approved(mood="reject", seconds=5)
    assert len(world.sent) == 1 and world.phases() == ["closed"]
    assert world.told("proposal.closed")[0].severity.value == "warn"


def test_an_order_that_rests_too_long_is_taken_back() -> None:
    world = approved(mood="open", seconds=20)
    assert world.venue.orders[world.sent[0].client_id].state is OrderState.CANCELED


def test_two_proposals_for_one_position_go_one_after_the_other() -> None:
    world = ready([trim("BTC", -2.0), trim("BTC", -4.0, "survival")], BTC=5.0)
    world.wanted = ()
    for digest in list(world.guard.desk.cases):
        world.answer(digest)
    world.run(15)
    assert world.phases() == ["closed", "closed"]
    assert world.venue.positions["BTC"] == 0.0


def test_a_full_close_takes_the_dust_with_it() -> None:
    world = ready([trim("BTC", -0.5037)], BTC=0.5037)
    world.answer(only(world))
    world.run(5)
    assert [order.quantity for order in world.sent] == [-0.5037]


def test_a_proposal_is_no_larger_than_the_cap_of_an_action() -> None:
    world = proposed(-20.0, BTC=50.0)
    (leg,) = world.guard.desk.cases[only(world)].proposal.legs
    assert leg.quantity == -5.05 and -leg.quantity * leg.limit_price <= 5_000.0


def test_the_cap_of_an_hour_ends_what_goes_beyond_it() -> None:
    world = ready(
        [trim("BTC", -5.0)], replace(SETTINGS, caps=Caps(action=5_000.0, hour=2_500.0, day=9_000.0)), BTC=50.0
    )
    world.wanted = ()
    world.answer(only(world))
    world.run(20)
    assert sum(-order.quantity * order.limit_price for order in world.sent) <= 2_500.0
    assert "cap of an hour" in world.guard.desk.cases[only(world)].why


def test_money_is_moved_by_a_person() -> None:
    wanted = Wanted(kind=ActionKind.TRANSFER, rule="treasury", reason="short.", after=CALM, transfer="500 USDC to main")
    world = ready([wanted], BTC=5.0)
    world.answer(only(world))
    assert world.phases() == ["closed"] and not world.sent


def test_flatten_closes_everything_in_slices() -> None:
    world = ready([], BTC=2.5, ETH=-12.0)
    world.kill(KillLevel.FLATTEN)
    world.run(60)
    assert world.venue.positions == {"BTC": 0.0, "ETH": 0.0}
    assert len(world.sent) == 5 and world.told("kill.flat")


def test_what_still_waits_for_a_person_is_nothing_to_wait_for() -> None:
    world = proposed()
    world.kill(KillLevel.FLATTEN)
    world.run(60)
    assert "proposed" in world.phases() and set(world.venue.positions.values()) == {0.0}
    assert world.told("kill.flat")


def test_flatten_goes_around_an_order_that_is_unknown() -> None:
    world = approved(mood="lost")
    world.never_told.add(world.until_sent())
    world.kill(KillLevel.FLATTEN)
    world.run(150)
    assert world.venue.positions == {"BTC": pytest.approx(-world.sent[0].quantity), "ETH": 0.0}


def test_an_order_keeps_to_what_its_proposal_may_cost() -> None:
    # 4 dollars of 1,980 are 0.202 %, and fees take 0.05 % of it.
    world = ready([replace(trim("BTC", -2.0), cost_max=4.0)], replace(SETTINGS, fees={VENUE: 0.0005}), BTC=5.0)
    world.wanted = ()
    world.answer(only(world))
    world.run(5)
    assert world.sent and all(order.limit_price >= 1_000.0 * (1 - 0.00153) for order in world.sent)


def test_fees_beyond_the_cost_send_nothing() -> None:
    world = ready([replace(trim("BTC", -2.0), cost_max=1.0)], replace(SETTINGS, fees={VENUE: 0.001}), BTC=5.0)
    world.answer(only(world))
    world.run(5)
    assert not world.sent and "fees alone" in world.guard.desk.cases[only(world)].why


def test_an_approval_under_another_playbook_does_not_count() -> None:
    world = proposed()
    world.settings = replace(SETTINGS, playbook="another")
    world.boot()
    world.run(2)
    world.answer(only(world))
    world.run(5)
    assert not world.sent and "another playbook" in world.told("refused.answer")[0].sentence


def test_an_account_with_orders_under_way_cannot_be_left_out() -> None:
    world = approved(mood="open")
    world.until_sent()
    world.settings = replace(SETTINGS, accounts={"other": VENUE})
    with pytest.raises(Refused, match="orders under way in main"):
        world.boot()


def test_a_book_that_is_under_water_can_be_trimmed() -> None:
    drowned = replace(CALM, equity=-10.0, effective=math.inf, margin_ratio=math.inf)
    world = ready([replace(trim("BTC", -2.0), after=drowned)], BTC=5.0)
    assert world.phases() == ["proposed"]
    unknown = ready([replace(trim("BTC", -2.0), after=replace(CALM, equity=math.nan))], BTC=5.0)
    assert not unknown.phases() and unknown.told("refused.proposal")


def test_legs_go_together_or_not_at_all() -> None:
    both = replace(trim("BTC", -1.0), legs=(*trim("BTC", -1.0).legs, *trim("ETH", 9.0).legs))
    world = ready([both], BTC=5.0, ETH=-40.0)
    world.wanted = ()
    world.meddled, world.venue.positions["ETH"] = True, 0.0
    world.answer(only(world))
    world.run(5)
    assert world.phases() == ["aborted"] and not world.sent
    whole = ready([both], BTC=5.0, ETH=-40.0)
    whole.wanted = ()
    whole.answer(only(whole))
    whole.run(5)
    assert whole.venue.positions == {"BTC": 4.0, "ETH": -31.0}


def test_a_lot_that_is_more_than_the_cap_is_not_proposed() -> None:
    world = ready([trim("BTC", -1.0)], replace(SETTINGS, caps=Caps(action=5.0, hour=20.0, day=50.0)), BTC=5.0)
    assert not world.phases() and "one lot" in world.told("refused.proposal")[0].sentence


def test_a_limit_price_of_its_own_holds_within_the_collar() -> None:
    legs = (replace(trim("BTC", -1.0).legs[0], limit_price=998.0),)
    world = ready([replace(trim("BTC", -1.0), legs=legs)], BTC=5.0)
    world.wanted = ()
    world.answer(only(world))
    world.run(5)
    assert [order.limit_price for order in world.sent] == [998.0]


def test_a_book_without_anything_within_the_limit_sends_nothing() -> None:
    legs = (replace(trim("BTC", -1.0).legs[0], limit_price=1_005.0),)
    world = ready([replace(trim("BTC", -1.0), legs=legs)], BTC=5.0)
    world.wanted = ()
    world.answer(only(world))
    world.run(5)
    assert not world.sent and "within its limit" in world.guard.desk.cases[only(world)].why


def test_a_leg_of_less_than_a_lot_does_not_keep_the_others_back() -> None:
    both = replace(trim("BTC", -1.0), legs=(*trim("BTC", -0.001).legs, *trim("ETH", 9.0).legs))
    world = ready([both], BTC=5.0, ETH=-40.0)
    assert [leg.symbol for leg in world.guard.desk.cases[only(world)].proposal.legs] == ["ETH"]
    nothing = ready([trim("BTC", -0.001)], BTC=5.0)
    assert not nothing.phases() and "less than a lot" in nothing.told("refused.proposal")[0].sentence


def test_a_wish_of_which_a_leg_was_left_out_is_not_made_again_at_the_next_look() -> None:
    both = replace(trim("BTC", -1.0), legs=(*trim("BTC", -0.001).legs, *trim("ETH", 9.0).legs))
    world = ready([both], BTC=5.0, ETH=-40.0)
    world.run(70)
    assert world.phases() == ["proposed"]


def test_a_book_that_is_not_known_is_asked_for_and_told_when_it_stays_so() -> None:
    world = World(venue=Exchange(positions={"BTC": 5.0}), wanted=[trim("BTC", -1.0)])
    world.run(32)
    assert world.phases() == ["proposed"] and not world.told("refused.proposal")
    deaf = World(venue=Exchange(positions={"BTC": 5.0}), wanted=[trim("BTC", -1.0)])
    for _ in range(100):
        deaf.mail = [one for one in deaf.mail if not isinstance(one, BookSeen)]
        deaf.post()
        deaf.pass_time()
    assert not deaf.phases() and "is not known" in deaf.told("refused.proposal")[0].sentence
