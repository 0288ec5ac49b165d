"""The desk by example: escalation, repeats, acknowledgement, flapping, storms, digests, quiet hours."""

from __future__ import annotations

import pytest

from perpbook.alerts.desk import acknowledged, delivered, heard
from perpbook.alerts.due import due
from perpbook.alerts.held import What
from perpbook.alerts.routing import MINUTE_NS
from perpbook.errors import InputError
from perpbook.model.alert import Severity
from perpbook.model.units import from_iso
from tests.alerting import START, Driven, alert, routing


def test_a_page_that_nobody_answers_reaches_the_next_channel_and_is_told_again() -> None:
    world = Driven()
    world.hear(alert())
    assert (world.got("phone"), world.got("desk"), world.got("pager")) == (["new"], ["new"], [])
    world.wait(9.5)
    assert world.got("pager") == []
    world.wait(0.5)
    assert world.got("pager") == ["escalated"]
    world.wait(20)
    assert world.got("phone") == ["new", "again"]


def test_an_acknowledged_page_is_quiet_until_it_is_over() -> None:
    world = Driven()
    world.hear(alert())
    world.acknowledge("rule.leverage")
    world.wait(120)
    assert (world.got("phone"), world.got("pager")) == (["new"], [])
    world.over(alert())
    world.wait(6)
    assert world.got("phone") == ["new", "resolved"] and world.desk.held == {}


def test_when_the_first_channels_fail_the_next_is_told_at_once_and_they_are_tried_again() -> None:
    world = Driven(down={"phone", "desk"})
    world.hear(alert())
    world.turn()
    assert world.got("pager") == ["escalated"]
    world.down.clear()
    world.wait(1)
    assert world.got("phone") == ["new"]


def test_what_flaps_around_its_limit_is_told_once() -> None:
    world = Driven()
    for _ in range(20):
        world.hear(alert())
        world.wait(1)
        world.hear(alert(severity=Severity.WARN))
        world.wait(1)
    assert {*world.got("phone")} == {"new", "again"} and world.got("phone").count("new") == 1


def test_what_stays_less_bad_is_told_to_have_eased_and_its_end_reaches_all_who_knew() -> None:
    world = Driven()
    world.hear(alert())
    world.wait(12)
    world.hear(alert(severity=Severity.WARN))
    world.wait(6)
    assert world.got("phone")[-1] == "eased" and world.got("pager") == ["escalated"]
    world.over(alert())
    world.wait(6)
    assert [world.got(name)[-1] for name in ("phone", "desk", "pager")] == ["resolved"] * 3


def test_a_page_that_came_and_went_while_no_channel_worked_is_told_all_the_same() -> None:
    world = Driven(down={"phone", "desk", "pager"})
    world.hear(alert())
    world.over(alert())
    world.wait(30)
    world.down.clear()
    world.wait(15)
    assert world.got("phone") == ["new", "resolved"]


def test_a_storm_becomes_one_message() -> None:
    world = Driven()
    for number in range(40):
        world.write(heard(world.desk, alert("stale.feed", symbol=f"S{number}"), True, world.now_ns))
    world.turn()
    assert world.got("phone") == ["summary"] and len(world.arrived[0].parts) == 40


def test_pages_beyond_what_a_channel_takes_wait_a_minute_at_most() -> None:
    world = Driven(routing=routing(max_per_hour=2))
    for number in range(6):
        world.hear(alert("stale.feed", symbol=f"S{number}"))
        world.wait(0.5)
    world.wait(1)
    told = {part.id for one, part in world.parts() if one.channel == "phone"}
    assert len(told) == 6 and {*world.got("phone")} == {"new", "summary"}


def test_a_digest_goes_out_at_its_time_with_everything_since_then() -> None:
    world = Driven(routing=routing(modes={"funding.*": "digest"}, digest="0 8 * * *"))
    world.now_ns = from_iso("2026-11-27T06:30:00Z")
    for symbol in ("BTC", "ETH"):
        world.hear(alert("funding.flip", Severity.WARN, symbol=symbol), stands=False)
    world.wait(89)
    assert world.arrived == []
    world.wait(1)
    assert [(one.channel, one.what, len(one.parts)) for one in world.arrived] == [("phone", What.DIGEST, 2)]
    world.wait(24 * 60)
    assert len(world.arrived) == 1


def test_quiet_hours_keep_what_is_no_page_until_they_end() -> None:
    world = Driven(routing=routing(quiet_hours="22:00-07:00", timezone="Europe/Zurich"))
    world.now_ns = from_iso("2026-11-27T05:30:00Z")
    world.hear(alert("bridge.late", Severity.WARN))
    world.hear(alert("kill", Severity.PAGE), stands=False)
    assert [part.alert.kind for one, part in world.parts() if one.channel == "phone"] == ["kill"]
    world.acknowledge("kill")
    world.wait(30)
    assert [part.alert.kind for one, part in world.parts() if one.channel == "phone"] == ["kill", "bridge.late"]


@pytest.mark.parametrize(
    ("modes", "severity", "mode"),
    [
        ({}, Severity.WARN, "on"),
        ({"warn": "silent"}, Severity.WARN, "silent"),
        ({"funding.*": "off"}, Severity.WARN, "off"),
        ({"funding.*": "off", "warn": "silent"}, Severity.WARN, "off"),
        ({"funding.*": "off"}, Severity.PAGE, "on"),
        ({"funding.*:page": "off"}, Severity.PAGE, "off"),
        ({"funding.*": "off", "funding.flip:warn": "on"}, Severity.WARN, "on"),
        ({"page": "silent"}, Severity.PAGE, "silent"),
    ],
)
def test_the_closest_rule_says_how_it_is_told(modes: dict[str, str], severity: Severity, mode: str) -> None:
    assert routing(modes=modes).route("funding.flip", severity).mode == mode


def test_what_is_off_is_not_told() -> None:
    world = Driven(routing=routing(modes={"funding.*": "off"}))
    world.hear(alert("funding.flip", Severity.WARN))
    world.wait(60)
    assert world.arrived == []


def test_things_that_happen_are_told_one_by_one_and_repeats_of_one_are_not() -> None:
    world = Driven()
    for said in ("orders of A", "orders of B", "orders of A"):
        world.hear(alert("refused.proposal", Severity.WARN, sentence=said), stands=False)
    assert world.got("phone") == ["new", "new"]
    world.wait(60)
    assert world.desk.held == {}


def test_an_acknowledgement_names_one_page_that_waits() -> None:
    world = Driven()
    world.hear(alert("stale.feed", symbol="BTC"))
    world.hear(alert("stale.feed", symbol="ETH"))
    for key, why in (("stale.feed", "is more than one"), ("kill", "is none that waits"), ("", "is none that waits")):
        with pytest.raises(InputError, match=why):
            acknowledged(world.desk, key, "ann", START + MINUTE_NS)
    assert acknowledged(world.desk, "stale.feed,,E", "ann", START).body["key"] == "stale.feed,,ETH"


def test_what_gets_worse_while_a_message_is_under_way_is_told_as_well() -> None:
    world = Driven()
    world.write(heard(world.desk, alert(severity=Severity.WARN), True, world.now_ns))
    (under_way,) = due(world.desk, world.routing, world.now_ns)
    world.write(heard(world.desk, alert(), True, world.now_ns))
    world.write(delivered(under_way, ok=True, why="", now_ns=world.now_ns))
    world.turn()
    assert {one.parts[0].alert.severity for one in world.arrived if one.channel == "phone"} == {Severity.PAGE}


def test_an_end_is_told_when_the_channel_works_again() -> None:
    world = Driven()
    world.hear(alert())
    world.down = {"phone"}
    world.over(alert())
    world.wait(5.5)
    assert (world.got("phone"), world.got("desk")) == (["new"], ["new", "resolved"])
    world.down.clear()
    world.wait(2)
    assert world.got("phone") == ["new", "resolved"] and world.desk.held == {}
