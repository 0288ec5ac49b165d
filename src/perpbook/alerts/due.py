"""What goes out now, and what is done with: pure functions of the desk, the playbook and the time."""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.alerts.desk import Desk
from perpbook.alerts.held import Delivery, Held, Part, What
from perpbook.alerts.routing import MINUTE_NS, Route, Routing
from perpbook.model.record import Record, RecordKind
from perpbook.model.units import HOUR_NS, SECOND_NS

STORM = 8
"""More messages than this for one channel at once become one."""

FIRST_PAUSE_NS = 30 * SECOND_NS
LONGEST_PAUSE_NS = 10 * MINUTE_NS
TRIES = 3
"""How often the end of something is tried on a channel; a page is tried for ever."""


def settle(desk: Desk, routing: Routing, now_ns: int) -> tuple[Record, ...]:
    """Records of what is over, or less bad, for long enough, and of what nothing more is to be told."""
    out = []
    for id_, held in desk.held.items():
        route = routing.route(held.alert.kind, held.alert.severity)
        if held.easing is not None and now_ns - held.easing_ns >= routing.settle_ns and not _owed(held, route):
            about = "settled"
        elif held.easing is None and _done(held, route, routing, now_ns):
            about = "closed"
        else:
            continue
        body = {"about": about, "id": id_, "episode": held.episode}
        out.append(Record(kind=RecordKind.NOTE, at_ns=now_ns, body=body))
    return tuple(out)


def due(desk: Desk, routing: Routing, now_ns: int) -> tuple[Delivery, ...]:
    """What goes out now, channel by channel, in the playbook's order."""
    wants = [want for id_, held in desk.held.items() for want in _wants(id_, held, routing, now_ns)]
    out: list[Delivery] = []
    for channel in routing.rules.channels:
        mine = [one for one in wants if one.channel == channel]
        out += _digest(channel, [one for one in mine if one.mode == "digest"], desk, routing, now_ns)
        direct = [one for one in mine if one.mode != "digest" and (one.is_page or not routing.is_quiet(now_ns))]
        out += _direct(channel, direct, desk, routing, now_ns)
    return tuple(out)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Want:
    """One alert that one channel should get."""

    channel: str
    mode: str
    since_ns: int
    part: Part
    is_page: bool


def _owed(held: Held, route: Route) -> bool:
    """It may not end before somebody was told of it: a page, and what waits for a digest."""
    told = held.told or held.alert.resolved or held.acknowledged
    return not told and ((held.is_page and route.mode != "off") or route.mode == "digest")


def _done(held: Held, route: Route, routing: Routing, now_ns: int) -> bool:
    if held.alert.resolved:
        return all(
            one in held.told or held.failed.get(one, (0, 0))[0] >= TRIES or one not in routing.rules.channels
            for one in held.knows
        )
    if held.stands or now_ns - held.since_ns < routing.repeat_ns:
        return False
    if route.mode == "off" or held.acknowledged:
        return True
    return not held.is_page and all(one in held.told for one in _active(held, route, routing, now_ns))


def _wants(id_: str, held: Held, routing: Routing, now_ns: int) -> list[_Want]:
    route = routing.route(held.alert.kind, held.alert.severity)
    if route.mode == "off" or held.acknowledged:
        return []
    if held.alert.resolved:
        tried = [one for one in held.knows if held.failed.get(one, (0, 0))[0] < TRIES]
        whats = {channel: What.RESOLVED for channel in tried if channel not in held.told}
    else:
        whats = _unresolved(held, route, routing, now_ns)
    return [
        _Want(
            channel=channel, mode=route.mode, since_ns=held.since_ns, is_page=held.is_page,
            part=Part(
                id=id_, episode=held.episode, what=what, alert=held.alert, after_ns=held.told.get(channel, 0)
            ),
        )
        for channel, what in whats.items()
        if not _rests(held, channel, now_ns)
    ]  # fmt: skip


def _unresolved(held: Held, route: Route, routing: Routing, now_ns: int) -> dict[str, What]:
    out, first = {}, route.steps[0]
    for channel in _active(held, route, routing, now_ns):
        if channel not in held.told:
            fresh = What.EASED if held.eased else What.NEW
            out[channel] = fresh if channel in first else What.ESCALATED
        elif held.is_page and route.mode != "digest" and now_ns - held.told[channel] >= routing.repeat_ns:
            out[channel] = What.AGAIN
    return out


def _active(held: Held, route: Route, routing: Routing, now_ns: int) -> list[str]:
    """Channels whose turn it is: the first step's; the next one's when all before failed, or, of a page, when time is up."""
    out: list[str] = []
    for number, step in enumerate(route.steps):
        failed = bool(out) and all(one in held.failed and one not in held.told for one in out)
        waited = held.is_page and now_ns >= held.since_ns + number * routing.escalate_ns
        if number and (route.mode == "digest" or not (failed or waited)):
            break
        out += step
    return out


def _rests(held: Held, channel: str, now_ns: int) -> bool:
    """It failed there not long ago: 30 s, then twice as long every time, ten minutes at most."""
    tries, last_ns = held.failed.get(channel, (0, 0))
    return tries > 0 and now_ns - last_ns < min(FIRST_PAUSE_NS << min(tries - 1, 10), LONGEST_PAUSE_NS)


def _digest(channel: str, wants: list[_Want], desk: Desk, routing: Routing, now_ns: int) -> list[Delivery]:
    if not wants:
        return []
    from perpbook.playbook.schedule import next_due

    after = max(desk.digested.get(channel, 0), min(one.since_ns for one in wants))
    if now_ns < next_due(routing.rules.digest, routing.rules.timezone, after).at_ns:
        return []
    parts = tuple(one.part for one in wants)
    return [Delivery(channel=channel, what=What.DIGEST, parts=parts, silent=False, at_ns=now_ns)]


def _direct(channel: str, wants: list[_Want], desk: Desk, routing: Routing, now_ns: int) -> list[Delivery]:
    """One message each, or one for all where that would be too many; a page waits a minute at most for room."""
    sent = [one for one in desk.sent.get(channel, ()) if one > now_ns - HOUR_NS]
    room = routing.most_an_hour - len(sent)
    if not wants:
        return []
    if len(wants) <= min(room, STORM):
        return [
            Delivery(channel=channel, what=one.part.what, parts=(one.part,), silent=one.mode == "silent", at_ns=now_ns)
            for one in wants
        ]
    if room < 1 and not (any(one.is_page for one in wants) and now_ns - sent[-1] >= MINUTE_NS):
        return []
    parts = tuple(one.part for one in sorted(wants, key=lambda one: not one.is_page))
    silent = all(one.mode == "silent" for one in wants)
    return [Delivery(channel=channel, what=What.SUMMARY, parts=parts, silent=silent, at_ns=now_ns)]
