"""What a treasurer did in a run, told: transfers with their waits and costs, what came too late, and the run without it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from perpbook.engine.outcome import Outcome
from perpbook.engine.treasured import Moved, Treasured, deaths_by_account
from perpbook.model.units import SECOND_NS, to_iso
from perpbook.report.run_measures import Measures, measures_of
from perpbook.report.spoken import counted
from perpbook.report.words import lasting, money, share

if TYPE_CHECKING:
    from rich.console import Console

MOST_MOVES = 16

SIDES: dict[str, Callable[[Measures], str]] = {
    "end equity": lambda one: money(one.end),
    "least equity": lambda one: money(one.least),
    "deepest drawdown": lambda one: share(one.drawdown),
    "accounts liquidated": lambda one: ", ".join(one.dead) or "none",
}

HEADS = ("sent", "from", "to", "dollars", "over", "waited", "cost", "")


def verdict_of_treasury(one: Treasured, outcome: Outcome) -> str:
    """What was moved, how long it took, and what it saved, in a sentence or two."""
    ours, bare = sorted(deaths_by_account(outcome)), sorted(deaths_by_account(one.without))
    told = "The treasurer moved nothing."
    if one.moves:
        waits = one.waits
        waited = f", {lasting(waits[len(waits) // 2])} on the way mostly, {lasting(waits[-1])} at most" if waits else ""
        lost = len(one.moves) - len(waits)
        told = f"The treasurer moved {money(one.dollars)} in {counted(len(one.moves), 'transfer', 'transfers')}{waited}"
        told += f", for {money(one.cost)} of fees and gas."
        told += f" {counted(lost, 'transfer', 'transfers')} had not arrived at the end." if lost else ""
        told += f" {counted(one.late, 'came', 'came')} too late." if one.late else ""
    sides = f" Liquidated with it: {', '.join(ours) or 'none'}; without it: {', '.join(bare) or 'none'}."
    return told + sides


def sides_of(one: Treasured, outcome: Outcome) -> list[tuple[str, str, str]]:
    """(figure, with the treasurer, without it)."""
    ours, bare = measures_of(outcome), measures_of(one.without)
    return [(name, tell(ours), tell(bare)) for name, tell in SIDES.items()]


def move_cells(one: Moved, start_ns: int) -> tuple[str, ...]:
    """A transfer as texts, as `HEADS`."""
    sent = one.sent
    when = to_iso(start_ns + int(sent.left * SECOND_NS))[:16].replace("T", " ")
    told = f"too late: liquidated {to_iso(one.died_ns)[5:16].replace('T', ' ')}" if one.died_ns is not None else ""
    told = ", ".join(part for part in (told, *(f"held by {why}" for why in one.held)) if part)
    waited = lasting(one.waited) if one.waited is not None else "not there"
    return (
        when, sent.source, sent.destination, money(sent.dollars), f"{sent.asset} {sent.way.words}", waited,
        money(sent.fee + sent.gas), told or sent.why,
    )  # fmt: skip


def refusals_of(one: Treasured, outcome: Outcome) -> list[str]:
    """What was wanted and could not leave, a line each."""
    bars, out = outcome.bars, []
    for found, count in one.refused:
        when = to_iso(int(bars.open_ns[found.bar]) + bars.bar_ns)[:16].replace("T", " ")
        often = f" ({counted(count, 'bar', 'bars')})" if count > 1 else ""
        wanted = f" wanted {money(found.dollars)} more:" if found.dollars else ""
        out.append(f"{when} {found.place}{wanted} {found.why}{often}")
    return out


def tell_treasured(console: Console, one: Treasured | None, outcome: Outcome) -> None:
    """The story in a terminal; nothing where no treasurer was asked for."""
    if one is None:
        return
    from rich.table import Table

    console.print()
    console.print(verdict_of_treasury(one, outcome))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "with the treasurer", "without it"):
        table.add_column(name, justify="right" if name else "left")
    for row in sides_of(one, outcome):
        table.add_row(*row)
    console.print(table)
    if one.moves:
        moves = Table(box=None, pad_edge=False, header_style="bold")
        for name in HEADS:
            moves.add_column(name, justify="right" if name in ("dollars", "waited", "cost") else "left")
        for move in one.moves[:MOST_MOVES]:
            moves.add_row(*move_cells(move, int(outcome.bars.open_ns[0])))
        console.print(moves)
        if len(one.moves) > MOST_MOVES:
            console.print(f"{counted(len(one.moves) - MOST_MOVES, 'more', 'more')}: --json holds every one.")
    for line in refusals_of(one, outcome)[:MOST_MOVES]:
        console.print(line)


def treasury_data(one: Treasured | None, outcome: Outcome) -> dict[str, Any] | None:
    """All of it, JSON-ready; None where no treasurer was asked for."""
    if one is None:
        return None
    ours, bare = deaths_by_account(outcome), deaths_by_account(one.without)
    start = int(outcome.bars.open_ns[0])
    return {
        "verdict": verdict_of_treasury(one, outcome),
        "alarm": one.policy.alarm,
        "calm": one.policy.calm,
        "reserves": dict(one.policy.reserves),
        "tops_up": one.policy.tops_up,
        "gas": dict(one.gas),
        "sent_dollars": one.dollars,
        "cost_dollars": one.cost,
        "too_late": one.late,
        "waits_seconds": one.waits,
        "liquidated": {"with": ours, "without": bare},
        "end_equity": {"with": float(outcome.equity[-1]), "without": float(one.without.equity[-1])},
        "moves": [_move(move, start) for move in one.moves],
        "refused": [
            {"bar": found.bar, "bars": count, "place": found.place, "dollars": found.dollars, "why": found.why}
            for found, count in one.refused
        ],
    }


def _move(one: Moved, start_ns: int) -> dict[str, Any]:
    sent = one.sent
    arrives = to_iso(start_ns + int(sent.arrives * SECOND_NS)) if math.isfinite(sent.arrives) else None
    return {
        "sent": to_iso(start_ns + int(sent.left * SECOND_NS)), "from": sent.source, "to": sent.destination,
        "asset": sent.asset, "dollars": sent.dollars, "over": sent.way.words, "why": sent.why,
        "fee_dollars": sent.fee, "gas_dollars": sent.gas, "promised_seconds": sent.promised - sent.left,
        "waited_seconds": one.waited, "arrives": arrives, "arrival_bar": sent.due, "too_late": one.late,
        "held_by": list(one.held),
    }  # fmt: skip


def treasury_part(one: Treasured | None, outcome: Outcome) -> dict[str, Any] | None:
    """What a page says of it; None where no treasurer was asked for."""
    if one is None:
        return None
    start = int(outcome.bars.open_ns[0])
    return {
        "verdict": verdict_of_treasury(one, outcome),
        "sides": sides_of(one, outcome),
        "heads": HEADS,
        "moves": [move_cells(move, start) for move in one.moves],
        "refused": refusals_of(one, outcome),
    }
