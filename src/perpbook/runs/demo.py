"""`demo`: an example book under an example playbook, offline."""

from __future__ import annotations

from perpbook.examples.catalogue import book_file, playbook_file
from perpbook.runs.check import CheckResult, run_check


def check_example(example: str, playbook: str) -> CheckResult:
    """Check one of the package's example books; its prices are made up and every output says so."""
    return run_check(book_file(example), playbook_file(example, playbook))
