"""A playbook's [alerts] as the desk reads it: of every kind and severity, how it is told and through which channels, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from perpbook.model.alert import Severity
from perpbook.model.units import SECOND_NS
from perpbook.playbook.alerts_section import SEVERITIES, Alerts, names_in
from perpbook.playbook.hours import HOURS

MINUTE_NS = 60 * SECOND_NS

Steps = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How one alert is told. mode : on, silent, digest or off. steps : channels told together, then those after them."""

    mode: str
    steps: Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Minutes of a day, [begins, ends) in a zone, over midnight where it ends before it begins."""

    begins: int
    ends: int
    timezone: str

    def holds(self, now_ns: int) -> bool:
        """Whether it is quiet now."""
        now = datetime.fromtimestamp(now_ns // SECOND_NS, tz=UTC).astimezone(ZoneInfo(self.timezone))
        minute = 60 * now.hour + now.minute
        if self.begins < self.ends:
            return self.begins <= minute < self.ends
        return minute >= self.begins or minute < self.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """All of [alerts] that the desk needs. Durations in nanoseconds."""

    rules: Alerts
    escalate_ns: int
    repeat_ns: int
    settle_ns: int
    most_an_hour: int
    quiet: Quiet | None

    def route(self, kind: str, severity: Severity) -> Route:
        """What the playbook says of it: the rule that names kind and severity, else the kind, else the severity. Of several
        kinds that match, the one written first. A rule for a kind alone says nothing of how a page is told."""
        modes, routes = self.rules.modes, self.rules.routes
        page = severity is Severity.PAGE
        mode = next(
            (
                modes[key]
                for key in _keys(modes, kind, severity)
                if not page or key in (severity.value, f"{_kind(key)}:page")
            ),
            "on",
        )
        written = next((routes[key] for key in _keys(routes, kind, severity)), None)
        steps = tuple(names_in(step) for step in written) if written else (tuple(self.rules.channels),)
        return Route(mode=mode, steps=steps)

    def is_quiet(self, now_ns: int) -> bool:
        """Whether only pages go out now."""
        return self.quiet is not None and self.quiet.holds(now_ns)


def _kind(key: str) -> str:
    return key.rpartition(":")[0] if ":" in key else key


def _keys(rules: Mapping[str, object], kind: str, severity: Severity) -> list[str]:
    """The keys that speak of it, the closest first."""
    both = [key for key in rules if ":" in key and key.endswith(f":{severity.value}") and fnmatchcase(kind, _kind(key))]
    kinds = [key for key in rules if ":" not in key and key not in SEVERITIES and fnmatchcase(kind, key)]
    return [*both, *kinds, *(key for key in rules if key == severity.value)]


def routing_of(rules: Alerts | None) -> Routing:
    """A playbook's routing; without [alerts] everything goes to the console."""
    found = rules or Alerts()
    return Routing(
        rules=found,
        escalate_ns=round(found.escalate_after_minutes * MINUTE_NS),
        repeat_ns=round(found.repeat_minutes * MINUTE_NS),
        settle_ns=round(found.resolve_after_minutes * MINUTE_NS),
        most_an_hour=found.max_per_hour,
        quiet=_quiet(found),
    )


def _quiet(rules: Alerts) -> Quiet | None:
    found = HOURS.fullmatch(rules.quiet_hours or "")
    if found is None:
        return None
    first, second, third, fourth = (int(one) for one in found.groups())
    return Quiet(begins=60 * first + second, ends=60 * third + fourth, timezone=rules.timezone)
