"""A runbook: what an incident touches, and the steps of the ladder, as nouns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from perpbook.model.units import to_iso
from perpbook.treasury.incident import Incident
from perpbook.treasury.repair import Case
from perpbook.treasury.trapped import Hedge

Proposal = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From `start` to `end` seconds of waiting (None: once it is over). do : sentences. left_out : why this book needs none."""

    name: str
    start: float | None
    end: float | None
    do: tuple[str, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    left_out: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """What an incident touches, and the steps. `stuck`, `left` : dollars of the book's equity behind it and not. hedges : of the
    third step."""

    incident: Incident
    stuck: float
    left: float
    loss: float
    touches: tuple[str, ...]
    steps: tuple[Step, ...]
    hedges: tuple[Hedge, ...] = ()
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Laddered:
    """A runbook with the book it is of."""

    case: Case
    runbook: Runbook
    playbook: str
    when: str

    @property
    def source(self) -> dict[str, object]:
        """The book, its time, the playbook."""
        book = self.case.snapshot.book
        return {"book": book.source, "as_of": to_iso(book.as_of_ns), "playbook": self.playbook}
