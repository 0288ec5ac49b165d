"""`treasury runbook`: the contingency ladder of a book for one incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perpbook.errors import InputError

if TYPE_CHECKING:
    from perpbook.runs.treasury_audit import Asked
    from perpbook.treasury.runbook import Laddered


def run_runbook(asked: Asked, when: str) -> Laddered:
    """The ladder.

    Raises
    ------
    InputError : as `run_audit`, or an incident that names nothing known.
    """
    from perpbook.runs.treasury_audit import case_of
    from perpbook.treasury.incident import incident_of
    from perpbook.treasury.ladder import runbook_of
    from perpbook.treasury.runbook import Laddered

    case, playbook = case_of(asked)
    book = case.snapshot.book
    if not (book.accounts or book.layers or book.transfers):
        raise InputError("the book is empty: there is nothing that an incident could touch")
    incident = incident_of(when, book, case.facts, case.limits.fall)
    return Laddered(case=case, runbook=runbook_of(case, case.view(), incident), playbook=playbook, when=when)
