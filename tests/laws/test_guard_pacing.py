"""How fast a leg goes: in slices, tried again, resting first; and what rests is never left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from perpbook.guard.pacing import TRIES
from perpbook.model.message import FillSeen, KillLevel, Stopping
from perpbook.model.order import OrderState, RejectReason, TimeInForce
from perpbook.model.units import SECOND_NS
from tests.laws.guarded import SETTINGS, World, only, ready, trim


def approved(mood: str = "fill", seconds: int = 0, quantity: float = -2.0, **pace: Any) -> World:
    """A world whose one proposal was just approved; its first order goes as the mood says."""
    world = ready([trim("BTC", quantity, **pace)], BTC=5.0)
    world.wanted, world.venue.mood = (), mood
    world.answer(only(world))
    world.run(seconds)
    return world


def test_a_leg_goes_slice_by_slice_as_its_proposal_says() -> None:
    pace: dict[str, Any] = {"slices": (0.25, 0.5, 1.0), "every_ns": 20 * SECOND_NS}
    world = ready([trim("BTC", -2.0, **pace)], BTC=5.0, settings=replace(SETTINGS, slice=5_000.0))
    world.wanted = ()
    began = world.now_ns
    world.answer(only(world))
    done = []
    for _ in range(60):
        world.run(1)
        done.append(round(5.0 - world.venue.positions["BTC"], 2))
    assert [done[at] for at in (5, 15, 28, 50)] == [0.5, 0.5, 1.0, 2.0]
    assert world.phases() == ["closed"] and world.now_ns - began < 90 * SECOND_NS


def test_slices_go_faster_where_the_approval_came_late() -> None:
    pace: dict[str, Any] = {"slices": (0.5, 1.0), "every_ns": 200 * SECOND_NS}
    world = ready([trim("BTC", -1.0, **pace)], BTC=5.0)
    world.wanted = ()
    world.run(250)
    world.answer(only(world))
    world.run(50)
    assert world.venue.positions["BTC"] == 4.0 and world.phases() == ["closed"]


def test_what_found_nothing_is_tried_again_under_the_same_approval() -> None:
    world = approved(mood="none", seconds=30)
    assert world.venue.positions["BTC"] == 3.0 and world.phases() == ["closed"]
    assert world.venue.orders[world.sent[0].client_id].state is OrderState.CANCELED
    assert len({one.client_id for one in world.sent}) == len(world.sent) == 3
    assert sum(one.dollars for one in world.guard.desk.spent) == pytest.approx(2_000.0, rel=0.02)


def test_what_finds_nothing_five_times_is_left_to_the_next_decision() -> None:
    world = approved(mood="none")
    for _ in range(60):
        world.venue.mood = "none"
        world.run(1)
    assert len(world.sent) == TRIES and world.phases() == ["closed"] and world.venue.positions["BTC"] == 5.0


PATIENT: dict[str, Any] = {"patience_ns": 8 * SECOND_NS}


def patient(seconds: int = 0) -> World:
    """An approved trim whose orders rest first."""
    return approved(seconds=seconds, quantity=-1.0, **PATIENT)


def test_an_order_rests_on_its_own_side_and_crosses_when_nobody_came() -> None:
    world = patient(30)
    rested, crossed = world.sent
    assert (rested.time_in_force, rested.limit_price) == (TimeInForce.POST, 1_000.5)
    assert (crossed.time_in_force, crossed.quantity) == (TimeInForce.IOC, -1.0)
    assert world.venue.positions["BTC"] == 4.0 and world.phases() == ["closed"]


def test_what_was_traded_while_it_rested_is_not_traded_again() -> None:
    world = patient(3)
    world.mail += world.venue.meet(world.sent[0].client_id, 0.4, world.now_ns)
    world.run(30)
    assert [one.quantity for one in world.sent] == [-0.99, -0.6]
    assert world.venue.positions["BTC"] == 4.0 and world.phases() == ["closed"]


def test_an_order_that_would_have_crossed_is_refused_and_then_crosses() -> None:
    world = ready([trim("BTC", -1.0, **PATIENT)], BTC=5.0)
    world.wanted, world.venue.mood, world.venue.reason = (), "reject", RejectReason.POST_ONLY
    world.answer(only(world))
    world.run(10)
    assert [one.time_in_force for one in world.sent] == [TimeInForce.POST, TimeInForce.IOC]
    assert world.venue.positions["BTC"] == 4.0


def test_where_no_order_that_makes_smaller_may_rest_none_does() -> None:
    world = ready([trim("BTC", -1.0, **PATIENT)], BTC=5.0, settings=replace(SETTINGS, rests=frozenset()))
    world.wanted = ()
    world.answer(only(world))
    world.run(10)
    assert [one.time_in_force for one in world.sent] == [TimeInForce.IOC]


@pytest.mark.parametrize("fuse", range(8))
def test_a_crash_while_an_order_rests_finds_it_again(fuse: int) -> None:
    world = patient()
    world.fuse = fuse
    world.run(4)
    world.fuse = fuse
    world.run(60)
    resting = [one for one in world.venue.orders.values() if one.state is OrderState.OPEN]
    assert not resting and world.venue.positions["BTC"] == 4.0 and world.phases() == ["closed"]


STOPS: tuple[Callable[[World], None], ...] = (
    lambda world: world.kill(KillLevel.PAUSE),
    lambda world: world.answer(only(world), approve=False),
    lambda world: world.arm(0.0),
)


@pytest.mark.parametrize("stop", STOPS)
def test_what_stops_a_proposal_takes_back_what_rests(stop: Callable[[World], None]) -> None:
    world = patient(3)
    stop(world)
    world.run(5)
    assert world.venue.orders[world.sent[0].client_id].state is OrderState.CANCELED and len(world.sent) == 1


def test_a_guard_that_is_stopped_takes_back_what_rests() -> None:
    world = patient(3)
    world.perform(world.guard.receive(Stopping(received_ns=world.now_ns)))
    world.post()
    assert world.venue.orders[world.sent[0].client_id].state is OrderState.CANCELED


def test_what_rests_after_an_incident_is_taken_back() -> None:
    world = patient(3)
    ticket = world.guard.desk.tickets[world.sent[0].client_id]
    fill = replace(world.venue._fill(ticket.request, -3.0, world.now_ns), trade_id="odd")
    world.give(FillSeen(fill=fill, received_ns=world.now_ns))
    world.run(6)
    assert world.phases() == ["incident"]
    assert world.venue.orders[ticket.request.client_id].state is OrderState.CANCELED
