"""What a treasury's page tells: the nouns of every verb side by side, and the rows that its tables are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perpbook.model.health import CLOCKS, LayerHealth, State
from perpbook.report.spoken import money
from perpbook.report.words import lasting

if TYPE_CHECKING:
    from perpbook.treasury.audit import Audit, Finding
    from perpbook.treasury.audit_view import Reach
    from perpbook.treasury.economics import Economics
    from perpbook.treasury.flights import Forecast
    from perpbook.treasury.holdings import Holding, Holdings
    from perpbook.treasury.needs import Level
    from perpbook.treasury.planned import Planned

MARKS = {
    State.OK: ("ok", "✓"), State.DEGRADED: ("near", "▲"), State.RECOVERING: ("near", "▲"), State.HALTED: ("breach", "✕"),
    State.ROLLED_BACK: ("breach", "✕"), State.UNKNOWN: ("near", "?"),
}  # fmt: skip
"""The class and the sign of every state."""

NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreasuryTold:
    """Everything about one book's treasury. names : of places as a reader calls them. layers : ids of those the book touches.
    levels, planned, audit, health, economics : None where it was not asked for or cannot be told, and `why` says so by name."""

    simulated: bool
    holdings: Holdings
    forecasts: tuple[Forecast, ...]
    names: Mapping[str, str]
    layers: tuple[str, ...] = ()
    levels: tuple[Level, ...] | None = None
    planned: Planned | None = None
    audit: Audit | None = None
    health: tuple[LayerHealth, ...] | None = None
    economics: Economics | None = None
    why: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def name(self, place: str) -> str:
        """A place as a reader calls it."""
        return self.names.get(place, place)

    @property
    def short(self) -> float:
        """Dollars that are missing against what places should hold at least."""
        return math.fsum(one.short for one in self.levels or ())

    @property
    def held(self) -> tuple[Holding, ...]:
        """Every holding that there is anything in, place by place."""
        return tuple(one for one in self.holdings.holdings.values() if one.actual or one.arriving or one.locked)

    def sum_of(self, part: str) -> float:
        """Dollars of one part of all holdings."""
        return math.fsum(getattr(one, part) for one in self.holdings.holdings.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of a table: what it says, what stands small below, and its class ("" for none)."""

    said: str
    below: str = ""
    mark: str = ""


def gap_rows(audit: Audit) -> list[tuple[str, str, list[Cell]]]:
    """(failure, kind, a cell for each account): first as it is, then every failure that changes anything, the worst first."""
    accounts, limit = list(audit.reached), audit.limits.late
    rows = [("Nothing fails", "", [_gap(audit.reached[name], limit) for name in accounts])]
    rows += [
        (one.single.name, one.single.kind.value, [_gap(one.reached[name], limit) for name in accounts])
        for one in audit.findings
        if changes(one, audit)
    ]
    return rows


def changes(one: Finding, audit: Audit) -> bool:
    """Whether a failure breaks something, or money comes later to any account."""
    later = any(reach.promised > audit.reached[name].promised + 1.0 for name, reach in one.reached.items())
    return bool(one.breaks) or later


def unmoved(audit: Audit) -> list[str]:
    """Failures after which all stays as it is."""
    return [one.single.name for one in audit.findings if not changes(one, audit)]


def _gap(reach: Reach, limit: float) -> Cell:
    from perpbook.report.treasury_audit_text import chance_words, seconds_words

    came = seconds_words(reach.promised)
    came = f"within {came}" if 1.0 <= reach.promised < math.inf else came
    if reach.late is None:
        return Cell(said=came, mark="" if math.isfinite(reach.promised) else "near")
    return Cell(said=chance_words(reach.late), below=came, mark="breach" if reach.late > limit else "")


def clock_rows(
    layers: Sequence[str], names: Mapping[str, str], health: Sequence[LayerHealth] | None
) -> list[tuple[str, list[Cell]]]:
    """(layer, a cell for each of the four clocks): layers that the book touches first, then others that were asked."""
    seen = {one.layer: one for one in health or ()}
    rows = []
    for layer in dict.fromkeys((*layers, *seen)):
        one = seen.get(layer)
        cells = [Cell(said=NOT_ASKED)] * len(CLOCKS) if one is None else [_clock(one, clock) for clock in CLOCKS]
        rows.append((names.get(layer, one.name if one else layer), cells))
    return rows


def _clock(one: LayerHealth, clock: str) -> Cell:
    view = one.clocks.get(clock)
    if view is None or not view.watched:
        return Cell(said=view.why if view and view.why and view.why != "nobody asked" else NOT_ASKED)
    mark, sign = MARKS[view.state]
    below = (
        f"{lasting(view.age_s)} behind"
        if view.age_s is not None and view.age_s >= 1.0 and clock != "access"
        else view.why
    )
    return Cell(said=f"{sign} {view.state.value}", below=below, mark=mark)


def level_title(one: Level, told: TreasuryTold) -> str:
    """A place, with what is kept there where that is not plain."""
    return told.name(one.place) + {"gas": " gas", "layer": " reserve"}.get(one.kind, "")


def level_words(one: Level) -> str:
    """How a place stands against its band."""
    if one.short > 0.0:
        return f"{money(one.short)} short, wanted within {lasting(one.seconds)}"
    if one.over > 0.0:
        return f"{money(one.over)} more than it takes"
    return "inside its band"


def report_document(told: TreasuryTold) -> dict[str, object]:
    """What the page holds, for machines: the verbs' own documents have the numbers."""
    parts = {
        "levels": told.levels,
        "plan": told.planned,
        "audit": told.audit,
        "health": told.health,
        "economics": told.economics,
    }
    return {
        "may_start": told.holdings.may_start, "short": told.short,
        "told": [name for name, one in parts.items() if one is not None], "not_told": dict(told.why), "notes": told.notes,
    }  # fmt: skip
