"""What the desk holds of one alert, and what it wants delivered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import Enum

from perpbook.model.alert import Alert, Severity

RANKS = {Severity.INFO: 1, Severity.WARN: 2, Severity.PAGE: 3}


class What(Enum):
    """Why something is delivered. AGAIN: a page that nobody acknowledged. SUMMARY: too many at once, in one message."""

    NEW = "new"
    AGAIN = "again"
    ESCALATED = "escalated"
    EASED = "eased"
    RESOLVED = "resolved"
    DIGEST = "digest"
    SUMMARY = "summary"


@dataclass(slots=True)
class Held:
    """One alert from when it was first heard until nothing more is to be told of it.

    stands : it holds until it is resolved; else it is something that happened.  episode : its number, another one whenever it got
    worse or less bad.  since_ns : when that was.  easing : a lower severity, or its end, heard after, since easing_ns.
    told, failed : by channel, of this episode: when; how often and when last.  knows : channels that were told in any episode.
    """

    alert: Alert
    stands: bool
    episode: int
    since_ns: int
    easing: Alert | None = None
    easing_ns: int = 0
    eased: bool = False
    acknowledged: str = ""
    told: dict[str, int] = field(default_factory=dict)
    failed: dict[str, tuple[int, int]] = field(default_factory=dict)
    knows: dict[str, int] = field(default_factory=dict)

    @property
    def is_page(self) -> bool:
        """It needs somebody now."""
        return self.alert.severity is Severity.PAGE and not self.alert.resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One alert in a delivery, as it was then. after_ns : when this episode was told there before, 0 for never."""

    id: str
    episode: int
    what: What
    alert: Alert
    after_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to one channel. silent : without a sound."""

    channel: str
    what: What
    parts: tuple[Part, ...]
    silent: bool
    at_ns: int

    @property
    def is_page(self) -> bool:
        """Somebody is needed now."""
        return any(part.alert.severity is Severity.PAGE and not part.alert.resolved for part in self.parts)


def rank(alert: Alert) -> int:
    """How bad it is: 0 for over, 3 for a page."""
    return 0 if alert.resolved else RANKS[alert.severity]


def spoken(key: tuple[str, str, str]) -> str:
    """A key as one writes it: kind,account,symbol without what is empty at its end."""
    return ",".join(key).rstrip(",")


def id_of(alert: Alert, stands: bool) -> str:
    """What makes two alerts the same to the desk: of things that happened, also what is said of them."""
    if stands:
        return spoken(alert.key)
    said = "\n".join((alert.severity.value, alert.sentence, alert.proposal))
    return f"{spoken(alert.key)}#{hashlib.sha256(said.encode()).hexdigest()[:8]}"
