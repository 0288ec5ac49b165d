"""Storms in a terminal: the catalogue, and one of them in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perpbook.engine.drilled import Drilled
from perpbook.model.units import HOUR_NS
from perpbook.report.drill_text import sides_of
from perpbook.scenario.storm import SHOCKS, Storm

if TYPE_CHECKING:
    from rich.console import Console


def storm_row(storm: Storm) -> dict[str, Any]:
    """What a list tells of a storm."""
    moves = {one.asset: one.low for one in storm.replay.moves} if storm.replay else {}
    return {
        "name": storm.name,
        "kind": storm.kind,
        "title": storm.title,
        "hours": storm.horizon_ns / HOUR_NS,
        "confidence": storm.confidence,
        "began": storm.began,
        "lowest": moves,
        "shocks": [name for name in SHOCKS if getattr(storm, name)],
    }


def storm_data(storm: Storm) -> dict[str, Any]:
    """All of it but its arrays, as plain data."""
    from perpbook.scenario.storm_write import write_storm

    more = {"effect": storm.effect, "sources": list(storm.sources), "assumed": list(storm.assumed)}
    return storm_row(storm) | more | {"toml": write_storm(storm)}


def tell_storms(console: Console, storms: Sequence[Storm], lacking: str = "") -> None:
    """One line each; `lacking` says why the worst of a book's own history is not among them."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", "kind", "hours", "title"):
        table.add_column(title, justify="right" if title == "hours" else "left", no_wrap=title == "name")
    for storm in storms:
        table.add_row(storm.name, storm.kind, f"{storm.horizon_ns / HOUR_NS:.3g}", storm.title)
    console.print(table)
    if lacking:
        console.print(f"No worst of the book's own history: {lacking}")


def tell_storm(console: Console, storm: Storm) -> None:
    """Title, what happened, what is assumed, sources, and its text."""
    from perpbook.scenario.storm_write import write_storm

    console.print(
        f"{storm.title} ({storm.kind}, {storm.horizon_ns / HOUR_NS:.3g} hours, confidence {storm.confidence})"
    )
    if storm.began:
        console.print(f"Began {storm.began}" + (f", ended {storm.ended}." if storm.ended else "."))
    if storm.effect:
        console.print(storm.effect)
    for one in storm.assumed:
        console.print(f"Assumed: {one}")
    for one in storm.sources:
        console.print(f"Source: {one}")
    console.print()
    console.print(write_storm(storm))


def outcome_row(storm: Storm, drilled: Drilled | str) -> dict[str, Any]:
    """What a storm did to the book: who dies, and what is left, under the playbook and without it; or why it was not faced."""
    if isinstance(drilled, str):
        return {"storm": storm.name, "kind": storm.kind, "title": storm.title, "not_faced": drilled}
    under, without = sides_of(drilled)
    row: dict[str, Any] = {"storm": storm.name, "kind": storm.kind, "title": storm.title}
    for name, side in (("under_playbook", under), ("without_playbook", without)):
        row[name] = None if side is None else {
            "dies": [one.account for one in side.accounts if one.dies.count],
            "end": side.mean,
            "drawdown": side.drawdown,
        }  # fmt: skip
    row["money_too_late"] = too_late(drilled)
    return row | {"notes": list(drilled.notes), "not_modelled": list(drilled.not_modelled)}


def too_late(drilled: Drilled) -> dict[str, float]:
    """By account that the storm kills, under the playbook where there is one: the chance that money sent at the start comes too
    late; 1 where none reaches it."""
    main = drilled.main
    dead = {name for number, name in enumerate(drilled.accounts) if (main.died[:, number] < main.steps).any()}
    gaps = [one for one in drilled.rescue.accounts if one.rescue.account in dead]
    return {one.rescue.account: one.main.late / one.main.futures if one.main else 1.0 for one in gaps}


def tell_outcomes(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    """The storms that hurt most first."""
    from rich.table import Table

    def left(row: dict[str, Any]) -> float:
        return float(row["without_playbook"]["end"])

    def said(side: dict[str, Any] | None) -> list[str]:
        if side is None:
            return []
        return [", ".join(side["dies"]) or "nobody", f"{side['drawdown']:.1%}", f"{side['end']:,.0f}"]

    unfaced = [row for row in rows if "not_faced" in row]
    rows = [row for row in rows if "not_faced" not in row]
    guarded = any(row["under_playbook"] for row in rows)
    late = any(row["money_too_late"] for row in rows)
    killed = [row for row in rows if row["without_playbook"]["dies"]]
    saved = [row for row in killed if guarded and not row["under_playbook"]["dies"]]
    told = f"{len(killed)} of {len(rows)} storms liquidate an account"
    console.print(told + (f"; the playbook saves the book in {len(saved)} of those." if guarded else "."))
    table = Table(box=None, pad_edge=False, header_style="bold")
    sides = ("with the playbook", "drawdown", "end") if guarded else ()
    for title in ("storm", "dies", "drawdown", "end", *sides, *(("money too late",) if late else ())):
        side = "right" if title in ("drawdown", "end") else "left"
        table.add_column(title, justify=side, no_wrap=title in ("storm", "money too late"))  # type: ignore[arg-type]
    for row in sorted(rows, key=left):
        table.add_row(
            row["storm"], *said(row["without_playbook"]), *said(row["under_playbook"]), *([_late(row)] if late else [])
        )
    console.print(table)
    if late:
        by = ", with the playbook" if guarded else ""
        console.print(f"Money too late: the chance that an account dies before money sent at the start reaches it{by}.")
    for row in unfaced:
        console.print(f"Not faced: {row['storm']}: {row['not_faced']}")


def _late(row: dict[str, Any]) -> str:
    return ", ".join(f"{who} {chance:.0%}" for who, chance in row["money_too_late"].items())
