"""Laws of the alert desk: no noise, no lost page, an end told once, the same from the same records."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perpbook.alerts.desk import fold
from perpbook.alerts.held import What
from perpbook.alerts.routing import MINUTE_NS
from perpbook.model.alert import Severity
from perpbook.model.record import RecordKind
from perpbook.model.units import HOUR_NS
from tests.alerting import REPEAT, SETTLE, STEPS, Driven, alert, drive


@given(STEPS)
def test_the_same_unchanged_alert_is_not_told_twice_within_its_interval(steps: list) -> None:
    last: dict[tuple[str, str, int], int] = {}
    for one, part in drive(steps).parts():
        key = (one.channel, part.id, part.episode)
        assert key not in last or (one.at_ns - last[key] >= REPEAT * MINUTE_NS and part.alert.severity is Severity.PAGE)
        last[key] = one.at_ns


@given(STEPS)
def test_a_new_episode_is_a_change_of_severity_an_end_or_another_happening(steps: list) -> None:
    told: dict[tuple[str, int], tuple[Severity, bool]] = {}
    world = drive(steps)
    for _, part in world.parts():
        said = (part.alert.severity, part.alert.resolved)
        assert told.setdefault((part.id, part.episode), said) == said


@given(STEPS)
def test_no_page_is_lost(steps: list) -> None:
    world = drive(steps)
    world.down.clear()
    world.wait(25)
    asked = {
        (one.body["alert"]["kind"], one.at_ns) for one in world.records  # type: ignore[index]
        if one.kind is RecordKind.ALERT and one.body["alert"]["severity"] == "page" and not one.body["alert"]["resolved"]  # type: ignore[index]
    }  # fmt: skip
    for kind, at_ns in asked:
        told = [
            one.at_ns for one, part in world.parts() if part.alert.kind == kind and part.alert.severity is Severity.PAGE
        ]
        acknowledged = any(one.kind is RecordKind.ACKNOWLEDGED and one.at_ns >= at_ns for one in world.records)
        assert acknowledged or any(at_ns - REPEAT * MINUTE_NS <= one for one in told)


@given(STEPS)
def test_every_end_is_told_once_to_whom_was_told_of_it(steps: list) -> None:
    world = drive(steps)
    world.down.clear()
    for kind in ("rule.leverage.asset", "stale.feed", "funding.flip"):
        world.over(alert(kind))
    world.wait(SETTLE + 40)
    open_: dict[tuple[str, str], bool] = {}
    for one, part in world.parts():
        place = (one.channel, part.id)
        if part.alert.resolved:
            assert open_.get(place), "the end of what was never told there, or told twice"
        open_[place] = not part.alert.resolved
    assert not [id_ for (_, id_), waits in open_.items() if waits and "#" not in id_]


@given(STEPS)
def test_state_is_the_fold_of_the_records(steps: list) -> None:
    world = drive(steps)
    assert fold(world.records) == world.desk
    assert drive(steps).arrived == world.arrived


@given(STEPS, st.integers(1, 4))
def test_a_channel_is_not_flooded(steps: list, most: int) -> None:
    world = drive(steps, max_per_hour=most)
    for channel in ("phone", "desk", "pager"):
        times = [one.at_ns for one in world.arrived if one.channel == channel]
        for at_ns in times:
            assert sum(at_ns - HOUR_NS < one <= at_ns for one in times) <= most + 60


@given(STEPS)
def test_only_pages_go_out_in_quiet_hours(steps: list) -> None:
    world = drive(steps, quiet_hours="00:00-23:59")
    minute = 60 * MINUTE_NS * 24
    for one, part in world.parts():
        loud = one.at_ns % minute >= minute - MINUTE_NS
        assert loud or one.what is What.SUMMARY or (part.alert.severity is Severity.PAGE and not part.alert.resolved)


@given(STEPS, st.integers(0, 60))
def test_after_a_crash_between_any_two_records_a_page_is_still_told(steps: list, cut: int) -> None:
    whole = drive(steps)
    records = whole.records[:cut]
    world = Driven(records=records, desk=fold(records), now_ns=whole.now_ns)
    waiting = {id_ for id_, one in world.desk.held.items() if one.is_page and not one.acknowledged}
    world.wait(REPEAT + 1)
    assert waiting <= {part.id for _, part in world.parts()}
