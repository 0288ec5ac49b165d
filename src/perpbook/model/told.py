"""What became of alerts, for people to read: messages that were tried, routes, and lines of the past."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Went:
    """One message that was tried."""

    channel: str
    what: str
    title: str
    ok: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """How alerts of a kind and severity are told, and where, in order."""

    kind: str
    severity: str
    mode: str
    steps: tuple[tuple[str, ...], ...]
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One line of what was heard, told and seen."""

    number: int
    at_ns: int
    event: str
    key: str
    words: str
