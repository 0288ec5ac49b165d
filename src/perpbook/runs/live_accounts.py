"""A venue's own answers read as accounts, by the importers that read them from files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perpbook.model.account import Account
from perpbook.venues.rest import Parse


def parse_as(format: str) -> Parse:
    """What reads answers of a format, as `book import` does."""

    def parse(answers: Sequence[Any], account: str, now_ns: int) -> tuple[Mapping[str, Account], int]:
        from perpbook.snapshot.importing import from_answers

        snapshot = from_answers(answers, format, account, now_ns)
        return {one.id: one for one in snapshot.book.accounts}, min(snapshot.book.as_of_ns, now_ns)

    return parse
