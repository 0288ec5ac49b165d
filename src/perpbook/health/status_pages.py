"""What a layer's operator says of itself on a page of statuspage.io's kind."""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.health.wire import Wire

LEVELS = {"none": 0, "minor": 1, "maintenance": 1, "major": 1, "critical": 2}
"""How bad a page's words are: 0 nothing, 1 trouble, 2 away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage:
    """`level` as `LEVELS` has it, and the page's own sentence."""

    level: int
    said: str


def read_status(wire: Wire) -> StatusPage:
    """Read a page.

    Raises
    ------
    ProviderError : it is away, or is no such page.
    """
    found = wire.get("/api/v2/status.json")
    status = found.get("status") if isinstance(found, dict) else None
    indicator = status.get("indicator") if isinstance(status, dict) else None
    if not isinstance(status, dict) or not isinstance(indicator, str) or indicator not in LEVELS:
        raise wire.fault("has no status that could be read")
    return StatusPage(level=LEVELS[indicator], said=wire.said(status.get("description") or indicator))
