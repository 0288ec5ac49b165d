"""`treasury runbook`: the contingency ladder of a book for one incident."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perpbook.errors import InputError
from perpbook.model.units import to_iso

if TYPE_CHECKING:
    from perpbook.runs.treasury_audit import Asked
    from perpbook.treasury.ladder import Runbook
    from perpbook.treasury.repair import Case


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


def run_runbook(asked: Asked, when: str) -> Laddered:
    """The ladder.

    Raises
    ------
    InputError : as `run_audit`, or an incident that names nothing known.
    """
    from perpbook.runs.treasury_audit import case_of
    from perpbook.treasury.incident import incident_of
    from perpbook.treasury.ladder import runbook_of

    case, playbook = case_of(asked)
    book = case.snapshot.book
    if not (book.accounts or book.layers or book.transfers):
        raise InputError("the book is empty: there is nothing that an incident could touch")
    incident = incident_of(when, book, case.facts, case.limits.fall)
    return Laddered(case=case, runbook=runbook_of(case, case.ground(), incident), playbook=playbook, when=when)
