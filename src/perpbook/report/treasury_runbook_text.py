"""The contingency ladder as a page to act by, and as proposals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from perpbook.report.spoken import counted, money, share
from perpbook.report.words import lasting

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.treasury.runbook import Laddered, Step


def tell_runbook(console: Console, found: Laddered) -> None:
    """What is touched, then the steps in their order."""
    book = found.runbook
    if found.case.snapshot.market.simulated:
        console.print("Prices are examples, not a market: nothing here is a quote.")
    whole = book.stuck + book.left
    console.print(
        f"Runbook for {found.source['book']}, when {book.incident.single.name}: it {book.incident.single.does}."
    )
    part = f", {share(book.stuck / whole, 0)} of the book" if whole > 0.0 else ""
    if book.loss:
        console.print(f"Worth {money(book.loss)} less.")
    console.print(f"Out of reach: {money(book.stuck)}{part}." if book.stuck else "Nothing of the book is out of reach.")
    for one in book.touches:
        console.print(f"  {one}")
    for step in book.steps:
        console.print(f"\n{times_of(step)}: {step.name}")
        if step.left_out:
            console.print(f"  Left out: {step.left_out}.")
        for one in step.do:
            console.print(f"  - {one}")
    count = sum(len(one.proposals) for one in book.steps)
    for told in book.notes:
        console.print(f"Note: {told}.")
    console.print(
        f"\nNothing is sent. {counted(count, 'proposal', 'proposals')}: --json prints them, --out FILE writes them."
    )


def times_of(step: Step) -> str:
    """When a step is due."""
    if step.start is None or step.end is None:
        return "Once it is back"
    if math.isinf(step.end):
        return "At once" if step.start == 0.0 else f"After {lasting(step.start)}"
    return f"{lasting(step.start) if step.start else 'from the start'} to {lasting(step.end)}".capitalize()


def runbook_document(found: Laddered) -> dict[str, Any]:
    """All of it as plain data."""
    book, incident = found.runbook, found.runbook.incident
    return {
        **found.source, "when": found.when, "simulated": found.case.snapshot.market.simulated,
        "incident": {"name": incident.single.name, "what": incident.what, "id": incident.id, "state": incident.state,
                     "lost": incident.lost, "does": incident.single.does},
        "stuck": book.stuck, "loss": book.loss, "left": book.left, "touches": list(book.touches),
        "steps": [
            {"name": one.name, "from_seconds": one.start, "to_seconds": one.end, "do": list(one.do),
             "left_out": one.left_out or None, "proposals": [dict(two) for two in one.proposals]}
            for one in book.steps
        ],
        "notes": list(book.notes),
    }  # fmt: skip


def proposals_document(found: Laddered) -> dict[str, Any]:
    """Every proposal in the order to act, for whoever carries them out."""
    steps = [
        {"when": times_of(one), "from_seconds": one.start, "to_seconds": one.end, **two}
        for one in found.runbook.steps
        for two in one.proposals
    ]
    return {
        "schema": "proposals/1", **found.source, "incident": found.when,
        "steps": [{"number": number, **step} for number, step in enumerate(steps, start=1)],
    }  # fmt: skip
