"""Every drill of a book that was done on schedule, held against its playbook's limits of today."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError
from perpbook.model.verdict import Status
from perpbook.runs.drill_shelf import drills_of
from perpbook.runs.places import playbook_beside, terms_folders

if TYPE_CHECKING:
    from perpbook.report.drill_history import Row


def history_of(book: Path, playbook: Path | None, shelf: Path) -> tuple[str, tuple[Row, ...]]:
    """The side that is judged, and the drills, the oldest first. A light is the worst result of a drill, its age apart.

    Raises
    ------
    InputError : a file is wrong, or there are no drills.
    """
    from perpbook.playbook.drill_judge import judge_drill
    from perpbook.report.drill_history import Row
    from perpbook.runs.check import read_inputs

    rules = playbook or playbook_beside(book)
    snapshot, found = read_inputs(book, rules, market=None, now_ns=None, terms_folders=terms_folders())
    records = drills_of(book, [account.id for account in snapshot.book.accounts], shelf)
    if not records:
        raise InputError(f"{book} was never drilled on schedule: run `perpbook drill schedule`")
    drills, rows = found.drill, []
    for record in records:
        findings = judge_drill(drills, record, near=found.near, now_ns=record.taken_ns)[1:] if drills else ()
        status = _worst([one.status for one in findings])
        rows.append(Row(record=record, status=status, findings=findings))
    return drills.judged if drills else "playbook", tuple(rows)


def _worst(found: list[Status]) -> Status | None:
    return next((one for one in (Status.BREACH, Status.NEAR, Status.OK) if one in found), None)
