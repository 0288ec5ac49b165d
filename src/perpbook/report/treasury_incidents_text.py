"""Incidents gone through with a treasurer and without, in a terminal and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perpbook.engine.treasured import Incident, deaths_by_account
from perpbook.report.run_treasury import treasury_data
from perpbook.report.words import lasting, money

if TYPE_CHECKING:
    from rich.console import Console

HEADS = ("incident", "dead without", "dead with it", "moves", "sent", "mostly", "at most", "cost", "late")


def tell_incidents(console: Console, incidents: Sequence[Incident]) -> None:
    """An incident a row."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in HEADS:
        table.add_column(name, justify="left" if name in HEADS[:3] else "right", no_wrap=name == HEADS[0])
    for one in incidents:
        table.add_row(*cells_of(one))
    console.print(table)
    for one in incidents:
        if one.why:
            console.print(f"{one.name}: {one.why}")
    for note in dict.fromkeys(note for one in incidents for note in one.notes):
        console.print(f"Note: {note}.")


def cells_of(one: Incident) -> tuple[str, ...]:
    """A row as `HEADS`."""
    if one.treasured is None or one.outcome is None:
        return (one.name, "not gone through", *[""] * (len(HEADS) - 2))
    done = one.treasured
    ours, bare = deaths_by_account(one.outcome), deaths_by_account(done.without)
    waits = done.waits
    return (
        one.name, ", ".join(bare) or "none", ", ".join(ours) or "none", str(len(done.moves)), money(done.dollars),
        lasting(waits[len(waits) // 2]) if waits else "", lasting(waits[-1]) if waits else "", money(done.cost),
        str(done.late),
    )  # fmt: skip


def incidents_data(incidents: Sequence[Incident]) -> dict[str, Any]:
    """All of it, JSON-ready."""
    return {
        "incidents": [
            {
                "name": one.name, "title": one.title, "why_not": one.why, "notes": list(one.notes),
                "treasury": treasury_data(one.treasured, one.outcome) if one.outcome is not None else None,
            }
            for one in incidents
        ]
    }  # fmt: skip
