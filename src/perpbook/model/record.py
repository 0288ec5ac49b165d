"""What a journal keeps: one record after the other, each true when it was written, none ever changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class RecordKind(Enum):
    """RUN begins a run. PROPOSED .. CLOSED tell a proposal's way; INTENDED is written before an order is sent; ANSWERED and
    FILL are what a venue said; VERIFYING: nothing more is sent for it. KILL, RESUMED, ARMED, DISARMED: safety. ADOPTED: the
    trader took a venue's positions as they are. DAY: what the book was worth when a UTC day was first looked at whole. TIMER: a
    venue's timer that cancels orders is set, or off. STEPS: which step of the profit ladder a position had reached that is older
    than the journal."""

    RUN = "run"
    PROPOSED = "proposed"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    ABORTED = "aborted"
    INTENDED = "intended"
    ANSWERED = "answered"
    FILL = "fill"
    CANCEL = "cancel"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    INCIDENT = "incident"
    CLOSED = "closed"
    SEEN = "seen"
    ADOPTED = "adopted"
    KILL = "kill"
    RESUMED = "resumed"
    ARMED = "armed"
    DISARMED = "disarmed"
    ALERT = "alert"
    ACKNOWLEDGED = "acknowledged"
    EXIT = "exit"
    DAY = "day"
    TIMER = "timer"
    STEPS = "steps"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of a journal. `body` is plain JSON: text, finite numbers, true, false, null, lists, objects. No secrets."""

    kind: RecordKind
    at_ns: int
    body: Mapping[str, object]
