"""A position of nothing, which stands in a checked book for what it paid: a book asks for what it asks for without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from perpbook.model.market import Snapshot
from perpbook.model.verdict import Verdict
from perpbook.runs.check import check_snapshot, load_all_terms, read_inputs

EXAMPLES = Path("src/perpbook/examples")


def closings(snapshot: Snapshot) -> Iterator[tuple[Snapshot, Snapshot]]:
    """The book without each of its positions, and with nothing in its place."""
    accounts = snapshot.book.accounts
    for number, account in enumerate(accounts):
        for gone in account.positions:
            rest = tuple(one for one in account.positions if one is not gone)
            found = []
            for positions in (rest, (*rest, replace(gone, quantity=0.0))):
                changed = (*accounts[:number], replace(account, positions=positions), *accounts[number + 1 :])
                found.append(replace(snapshot, book=replace(snapshot.book, accounts=changed)))
            yield found[0], found[1]


def traded(verdict: Verdict) -> list[tuple[object, ...]]:
    """What plans trade, at what cost. Of two limits that bind alike either may be named."""
    return [(plan.method, plan.cost, [replace(one, rules=()) for one in plan.trims]) for plan in verdict.plans]


@pytest.mark.parametrize("name", ["desk", "directional", "hedged"])
def test_a_closed_position_changes_no_plan(name: str) -> None:
    snapshot, playbook = read_inputs(EXAMPLES / name / "book.toml", None, market=None, now_ns=None)
    terms, plans = load_all_terms(snapshot), 0
    for without, closed in closings(snapshot):
        one, other = (check_snapshot(book, playbook, terms) for book in (without, closed))
        assert other.decision.status is one.decision.status
        assert traded(other.verdict) == traded(one.verdict) and other.verdict.moves == one.verdict.moves
        plans += len(one.verdict.plans)
    assert plans
