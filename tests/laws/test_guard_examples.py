"""A proposal's way through the guard, one stop at a time."""

from __future__ import annotations

from tests.laws.guarded import only, ready, trim


def test_an_approved_trim_is_sliced_executed_verified_and_closed() -> None:
    world = ready([trim("BTC", -2.0)], BTC=5.0)
    assert world.phases() == ["proposed"]
    world.wanted = ()
    world.answer(only(world))
    world.run(5)
    assert world.phases() == ["closed"]
    assert world.venue.positions["BTC"] == 3.0
    assert [order.quantity for order in world.sent] == [-1.01, -0.99]
    assert world.guard.desk.positions["main"] == {"BTC": 3.0}
