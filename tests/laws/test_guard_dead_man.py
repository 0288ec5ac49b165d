"""A venue's timer that cancels orders is set while the guard's rest, kept set, taken off, never set against a stop."""

from __future__ import annotations

from dataclasses import replace

from perpbook.guard.desk import fold
from perpbook.guard.settings import Timer
from perpbook.model.account import Order
from perpbook.model.message import KillLevel
from perpbook.model.units import SECOND_NS
from tests.laws.guarded import ACCOUNT, SETTINGS, VENUE, World, only, ready, trim

LENGTH = 30 * SECOND_NS
TIMED = replace(SETTINGS, timers={VENUE: Timer()}, dead_man_ns=LENGTH)
STOP = Order(symbol="BTC", quantity=-1.0, limit_price=900.0, id="stop", reduce_only=True)


def resting(seconds: int, patience: int = 40, settings: object = TIMED, orders: tuple[Order, ...] = ()) -> World:
    """A world in which an approved order rests."""
    world = ready([trim("BTC", -1.0, patience_ns=patience * SECOND_NS)], settings, BTC=5.0)  # type: ignore[arg-type]
    world.wanted, world.venue.resting = (), orders
    world.run(3)
    world.answer(only(world))
    world.run(seconds)
    return world


def test_it_is_set_with_the_order_again_in_time_and_taken_off_after_it() -> None:
    world = resting(25)
    assert [one.wait_ns for one in world.timers] == [LENGTH, LENGTH, LENGTH]
    assert world.guard.desk.timers[ACCOUNT, ""] > world.now_ns + LENGTH // 2
    world.run(40)
    assert world.timers[-1].wait_ns == 0 and not world.guard.desk.timers
    assert fold(world.journal) == world.guard.desk


def test_nothing_is_set_for_orders_that_do_not_rest() -> None:
    assert not resting(20, patience=0).timers
    assert not resting(20, settings=SETTINGS).timers


def test_a_protective_order_keeps_it_off_and_takes_it_off() -> None:
    assert not resting(10, orders=(STOP,)).timers
    world = resting(5)
    world.venue.resting = (STOP,)
    world.give(world.venue.account(world.now_ns))
    assert [one.wait_ns for one in world.timers] == [LENGTH, 0]
    hidden = resting(5)
    hidden.give(replace(hidden.venue.account(hidden.now_ns), hidden_orders=1))
    assert [one.wait_ns for one in hidden.timers] == [LENGTH, 0]


def test_an_order_that_opens_risk_does_not_keep_it_off() -> None:
    assert resting(5, orders=(replace(STOP, quantity=1.0, reduce_only=False),)).timers


def test_by_contract_only_that_contract_counts() -> None:
    settings = replace(TIMED, timers={VENUE: Timer(by_symbol=True)})
    assert [one.symbol for one in resting(5, settings=settings, orders=(replace(STOP, symbol="ETH"),)).timers] == [
        "BTC"
    ]
    assert not resting(5, settings=settings, orders=(STOP,)).timers


def test_after_a_crash_it_is_taken_off_where_nothing_rests_any_more() -> None:
    world = resting(5)
    world.kill(KillLevel.PAUSE)
    world.venue.cancel_all(world.now_ns)
    world.boot()
    world.run(6)
    assert world.timers[-1].wait_ns == 0 and not world.guard.desk.timers


def test_a_timer_that_is_not_taken_off_is_asked_for_until_it_has_run_out() -> None:
    world = resting(5)
    world.timer_refused = "busy"
    world.kill(KillLevel.PAUSE)
    world.run(45)
    assert len([one for one in world.timers if one.wait_ns == 0]) > 3 and not world.guard.desk.timers


def test_a_refusal_is_told_once_and_is_over_when_it_is_set() -> None:
    world = ready([trim("BTC", -1.0, patience_ns=40 * SECOND_NS)], TIMED, BTC=5.0)
    world.wanted, world.timer_refused = (), "not enough volume traded"
    world.answer(only(world))
    world.run(15)
    (told,) = world.told("timer.refused")
    assert "not enough volume" in told.sentence
    world.timer_refused = ""
    world.run(15)
    assert world.told("timer.refused")[-1].resolved
