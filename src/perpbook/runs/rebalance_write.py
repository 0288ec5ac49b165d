"""What a rebalance leaves on disk: its page, and its steps as proposals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.model.units import to_iso

if TYPE_CHECKING:
    from perpbook.runs.rebalance import Rebalance


def write_rebalance(found: Rebalance, path: Path) -> None:
    """The plan as one self-contained page; InputError when the file cannot be written."""
    from perpbook import __version__
    from perpbook.report.rebalance_page import rebalance_page
    from perpbook.runs.drill_page import write_page

    write_page(path, rebalance_page(found.told, facts_of(found), __version__))


def write_proposals(found: Rebalance, path: Path) -> None:
    """The steps as one JSON document; InputError when the file cannot be written."""
    from perpbook.report.rebalance_text import proposals_document
    from perpbook.runs.book import write

    write(path, json.dumps(proposals_document(found.told, facts_of(found)), indent=1, ensure_ascii=False) + "\n")


def facts_of(found: Rebalance) -> dict[str, object]:
    """What a plan is of: the book, its time, and the playbook."""
    return {
        "book": found.before.assessment.book_source,
        "as_of": to_iso(found.before.snapshot.book.as_of_ns),
        "playbook": found.before.playbook.name,
    }
