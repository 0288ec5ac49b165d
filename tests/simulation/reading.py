"""A second reading of the journal, kept apart from the guard's own fold: plain JSON in, what a checker must know out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from perpbook.model.record import Record, RecordKind

ENDS = {
    RecordKind.DENIED: "denied",
    RecordKind.EXPIRED: "expired",
    RecordKind.CLOSED: "closed",
}


@dataclass(frozen=True, slots=True)
class Intent:
    """An order as it was first written down."""

    digest: str
    leg: int
    part: int
    request: Mapping[str, Any]
    dollars: float
    at_ns: int


@dataclass(slots=True)
class Reading:
    """proposals : bodies by digest.  approved : (who, channel) by digest.  ended : how, by digest.  intents : by client id, with
    `written` how often each.  answers : digests that a person's word was written down about, in order."""

    proposals: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    approved: dict[str, tuple[str, str]] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    intents: dict[str, Intent] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    incidents: dict[str, str] = field(default_factory=dict)
    ever: dict[str, str] = field(default_factory=dict)
    kill: int = 0
    armed_until_ns: int = 0
    last: Record | None = None

    def take(self, record: Record) -> None:
        """Read one record."""
        body: Mapping[str, Any] = record.body
        self.last = record
        match record.kind:
            case RecordKind.PROPOSED:
                self.proposals[body["digest"]] = body["proposal"]
            case RecordKind.INTENDED:
                self._intended(body, record.at_ns)
            case RecordKind.KILL:
                self.kill = max(self.kill, body["level"])
            case RecordKind.RESUMED:
                self.kill = 0
            case RecordKind.ARMED:
                self.armed_until_ns = body["until_ns"]
            case RecordKind.DISARMED:
                self.armed_until_ns = 0
            case RecordKind.INCIDENT:
                self._incident(body)
            case RecordKind.ACKNOWLEDGED:
                self.incidents.pop(body["key"], None)
            case RecordKind.ADOPTED:
                self.incidents = {key: name for key, name in self.incidents.items() if name != body["account"]}
            case _:
                self._case(record.kind, body)

    def _case(self, kind: RecordKind, body: Mapping[str, Any]) -> None:
        digest = body.get("digest", "")
        if kind in (RecordKind.APPROVED, RecordKind.DENIED, RecordKind.ABORTED, RecordKind.NOTE):
            self.answers.append(digest)
        if kind is RecordKind.APPROVED:
            self.approved[digest] = (body["who"], body["channel"])
        elif kind is RecordKind.ABORTED:
            self.stopped[digest] = body["why"]
            if not any(one.digest == digest for one in self.intents.values()):
                self.ended[digest] = "aborted"
        elif kind in ENDS:
            self.ended[digest] = ENDS[kind]

    def _intended(self, body: Mapping[str, Any], at_ns: int) -> None:
        name = body["request"]["client_id"]
        self.written[name] = self.written.get(name, 0) + 1
        self.intents.setdefault(
            name,
            Intent(
                digest=body["digest"], leg=body["leg"], part=body["part"], request=body["request"], dollars=body["dollars"],
                at_ns=at_ns,
            ),
        )  # fmt: skip

    def _incident(self, body: Mapping[str, Any]) -> None:
        self.incidents[body["key"]] = self.ever[body["key"]] = body["account"]
        if body["digest"] and body["digest"] not in self.ended:
            self.ended[body["digest"]] = "incident"

    def of_proposal(self, digest: str, leg: int | None = None) -> list[Intent]:
        """Orders of a proposal, or of one leg of it."""
        return [one for one in self.intents.values() if one.digest == digest and leg in (None, one.leg)]
