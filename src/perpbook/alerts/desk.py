"""What is known of alerts: a fold of journal records and nothing else.

Three kinds of records change it. ALERT: something was heard ({"alert", "stands"}, as the guard writes them). ACKNOWLEDGED: a
person has seen it ({"key", "who"}). NOTE with "about": "delivery" (it went out, or did not), "settled" (it stayed less bad, or
over, for long enough) and "closed" (nothing more is to be told of it). A record with "journal" and "number" says how far a
guard's journal was read. Other records pass by. Delivery is at least once: a crash between a message and its record sends it
again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

from perpbook.alerts.held import Delivery, Held, What, id_of, rank, spoken
from perpbook.errors import InputError
from perpbook.files.rebuild import rebuild
from perpbook.model.alert import Alert
from perpbook.model.record import Record, RecordKind
from perpbook.model.units import HOUR_NS

Place = Mapping[str, str | int]
"""A record of a guard's: {"journal": its origin, "number": the record's}."""

NOWHERE: Place = MappingProxyType({})

REFRESH_NS = HOUR_NS // 12
"""A standing alert whose numbers moved is written down again after so long at the earliest."""


@dataclass(slots=True)
class Desk:
    """held : by id. sent : when each channel last got messages, an hour back. digested : when its last digest went out.
    taken : how far each guard's journal was read, by the journal's `origin`."""

    held: dict[str, Held] = field(default_factory=dict)
    sent: dict[str, list[int]] = field(default_factory=dict)
    digested: dict[str, int] = field(default_factory=dict)
    episodes: int = 0
    taken: dict[str, int] = field(default_factory=dict)

    def apply(self, record: Record) -> None:
        """Take a record."""
        journal, number = record.body.get("journal"), record.body.get("number")
        if isinstance(journal, str) and isinstance(number, int):
            self.taken[journal] = max(self.taken.get(journal, 0), number)
        if record.kind is RecordKind.ALERT:
            alert = rebuild(Alert, record.body["alert"])
            self._heard(alert, bool(record.body["stands"]), record.at_ns)
        elif record.kind is RecordKind.ACKNOWLEDGED:
            self._acknowledged(str(record.body["key"]), str(record.body["who"]))
        elif record.kind is RecordKind.NOTE and record.body.get("about") in _NOTES:
            _NOTES[str(record.body["about"])](self, record.at_ns, record.body)

    def standing(self) -> tuple[Alert, ...]:
        """What is not over, the worst first."""
        live = [one.alert for one in self.held.values() if one.stands and not one.alert.resolved]
        return tuple(sorted(live, key=lambda one: (-rank(one), one.key)))

    def _heard(self, alert: Alert, stands: bool, at_ns: int) -> None:
        if alert.resolved:
            for id_, one in self.held.items():
                if id_.split("#")[0] == spoken(alert.key) and not one.alert.resolved:
                    _lower(one, _ended(alert, one.alert), at_ns)
            return
        id_ = id_of(alert, stands)
        found = self.held.get(id_)
        if found is None or rank(alert) > rank(found.alert):
            self._begin(id_, alert, stands, at_ns)
        elif rank(alert) < rank(found.alert):
            _lower(found, alert, at_ns)
        else:
            found.alert, found.easing = alert, None

    def _begin(self, id_: str, alert: Alert, stands: bool, at_ns: int) -> None:
        self.episodes += 1
        before = self.held.get(id_)
        self.held[id_] = Held(
            alert, stands, self.episodes, at_ns, knows=dict(before.knows) if before else {}
        )  # fmt: skip

    def _acknowledged(self, key: str, who: str) -> None:
        for id_, one in self.held.items():
            incident = one.alert.kind == "incident" and f"`{key}`" in one.alert.sentence
            if key in (id_, id_.split("#")[0]) or incident:
                one.acknowledged = who

    def _delivered(self, at_ns: int, body: Mapping[str, Any]) -> None:
        channel, ok = body["channel"], bool(body["ok"])
        if ok:
            recent = [one for one in self.sent.get(channel, ()) if one > at_ns - HOUR_NS]
            self.sent[channel] = [*recent, at_ns]
            if body["what"] == What.DIGEST.value:
                self.digested[channel] = at_ns
        for id_, episode in body["parts"]:
            found = self.held.get(id_)
            if found is None:
                continue
            if ok:
                found.knows[channel] = at_ns
            if found.episode == episode:
                _noted(found, channel, at_ns, ok)

    def _settled(self, at_ns: int, body: Mapping[str, Any]) -> None:
        found = self.held.get(body["id"])
        if found is None or found.easing is None or found.episode != body["episode"]:
            return
        if found.easing.resolved and not found.knows:
            del self.held[body["id"]]
            return
        self.episodes += 1
        self.held[body["id"]] = Held(
            found.easing, found.stands, self.episodes, at_ns, eased=True, knows=found.knows
        )  # fmt: skip

    def _closed(self, at_ns: int, body: Mapping[str, Any]) -> None:
        found = self.held.get(body["id"])
        if found is not None and found.episode == body["episode"]:
            del self.held[body["id"]]


_NOTES = {"delivery": Desk._delivered, "settled": Desk._settled, "closed": Desk._closed}


def _lower(held: Held, alert: Alert, at_ns: int) -> None:
    if held.easing is None:
        held.easing_ns = at_ns
    held.easing = alert


def _ended(over: Alert, before: Alert) -> Alert:
    """An end in words: a guard says no more than that it is over."""
    return replace(over, sentence=f"Over: {before.sentence}") if over.sentence == "over" else over


def _noted(held: Held, channel: str, at_ns: int, ok: bool) -> None:
    if ok:
        held.told[channel] = at_ns
        held.failed.pop(channel, None)
    else:
        held.failed[channel] = (held.failed.get(channel, (0, 0))[0] + 1, at_ns)


def fold(records: Iterable[Record]) -> Desk:
    """The desk after some records."""
    desk = Desk()
    for record in records:
        desk.apply(record)
    return desk


def heard(desk: Desk, alert: Alert, stands: bool, now_ns: int, place: Place = NOWHERE) -> Record | None:
    """The record of an alert that was heard, None where it is no news. place : where a guard wrote it, empty for none."""
    if alert.resolved:
        live = [one for id_, one in desk.held.items() if id_.split("#")[0] == spoken(alert.key) and rank(one.alert)]
        news = any(one.easing is None or not one.easing.resolved for one in live)
    else:
        found = desk.held.get(id_of(alert, stands))
        latest = None if found is None else found.easing or found.alert
        news = latest is None or rank(latest) != rank(alert)
        if latest is not None and not news and stands:
            news = latest.sentence != alert.sentence and now_ns - latest.at_ns >= REFRESH_NS
    if not news:
        return None
    body = {**asdict(alert), "severity": alert.severity.value}
    return Record(kind=RecordKind.ALERT, at_ns=now_ns, body={"alert": body, "stands": stands, **place})


def delivered(delivery: Delivery, *, ok: bool, why: str, now_ns: int) -> Record:
    """The record of a delivery that was tried. why : what the channel said, without secrets."""
    parts = [[part.id, part.episode] for part in delivery.parts]
    body = {
        "about": "delivery",
        "channel": delivery.channel,
        "what": delivery.what.value,
        "parts": parts,
        "ok": ok,
        "why": why,
    }
    return Record(kind=RecordKind.NOTE, at_ns=now_ns, body=body)


def acknowledged(desk: Desk, key: str, who: str, now_ns: int) -> Record:
    """The record of a person's word that a page was seen. key : as it is told, or as much of it as is not ambiguous.

    Raises
    ------
    InputError : nothing of that key waits.
    """
    waiting = [id_ for id_, one in desk.held.items() if one.is_page and not one.acknowledged]
    chosen = _chosen(waiting, key)
    if len(chosen) != 1:
        told = "; ".join(chosen or waiting) or "nothing"
        why = "is more than one" if chosen else "is none that waits"
        raise InputError(f'"{key}" {why}\n    waiting to be acknowledged: {told}')
    return Record(kind=RecordKind.ACKNOWLEDGED, at_ns=now_ns, body={"key": chosen[0], "who": who})


def _chosen(waiting: Sequence[str], key: str) -> list[str]:
    for fits in (
        [id_ for id_ in waiting if id_ == key],
        [id_ for id_ in waiting if id_.split("#")[0] == key],
        [id_ for id_ in waiting if key and id_.startswith(key)],
    ):
        if fits:
            return fits
    return []
