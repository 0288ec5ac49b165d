"""A venue's own answers read as accounts, by the importers that read them from files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from perpbook.model.account import Account
from perpbook.venues.rest import Parse


def parse_as(format: str) -> Parse:
    """What reads answers of a format, as `book import` does. The one account that hangs on no other gets the name asked for."""

    def parse(answers: Sequence[Any], account: str, now_ns: int) -> tuple[Mapping[str, Account], int]:
        from perpbook.snapshot.importing import from_answers

        snapshot = from_answers(answers, format, account, now_ns)
        found = snapshot.book.accounts
        roots = [one.id for one in found if one.parent is None]
        names = {roots[0]: account} if len(roots) == 1 else {}
        named = [
            replace(one, id=names.get(one.id, one.id), parent=names.get(one.parent or "", one.parent)) for one in found
        ]
        return {one.id: one for one in named}, min(snapshot.book.as_of_ns, now_ns)

    return parse
