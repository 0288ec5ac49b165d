"""A look by its digest: everything a decision was made from, so that a proposal says what it came of."""

from __future__ import annotations

from perpbook.files.plain import plain
from perpbook.guard.settings import Settings
from perpbook.guard.view import View
from perpbook.model.action import digest_of


def look_digest(view: View, settings: Settings) -> str:
    """SHA-256, hex, over the time, accounts, books, marks, funding paid and rates settled, what is not known, exits under way,
    what day and week began with, steps taken, positions begun and cut for their funding, the playbook and the terms."""
    parts = (view.accounts, view.books, view.marks, view.funding, view.rates)
    told = [[one for _, one in sorted(part.items())] for part in parts]
    by_pair = (view.desk.ladders, view.desk.turned, view.desk.funding_cuts.done)
    kept = [view.desk.exits, view.desk.day, view.desk.week, *(sorted(one.items()) for one in by_pair)]
    kept += [sorted(left.items())] if (left := view.desk.funding_cuts.left) else []
    return digest_of(plain([view.now_ns, *told, sorted(view.unknown), *kept, settings.playbook, settings.terms]))
