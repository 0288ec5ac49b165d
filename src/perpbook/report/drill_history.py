"""Drills done on schedule in a terminal: the last one against the one before it, and all of them with their lights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from perpbook.engine.kupiec import kupiec_p
from perpbook.model.drill_record import DrillRecord, StormSide
from perpbook.model.verdict import Finding, Status
from perpbook.playbook.drill_judge import minute
from perpbook.report.text import COLOURS, MARKS

if TYPE_CHECKING:
    from rich.console import Console

LIGHTS = {Status.OK: "green", Status.NEAR: "yellow", Status.BREACH: "red"}
KEPT_WHOLE = ("drilled", "light", "result")
LOW = 0.05
"""The quantile of the fan that realised equity is held against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StormChange:
    """One storm then and now: who dies, the share of equity lost; `before` None: it was not gone through then."""

    storm: str
    before: StormSide | None
    now: StormSide
    more: float | None


def storm_changes(now: DrillRecord, before: DrillRecord | None, judged: str) -> tuple[StormChange, ...]:
    """Every storm of the later drill, the largest loss first."""
    then = {one.storm: one.side(judged) for one in before.storms} if before else {}
    out = []
    for one in now.storms:
        side, old = one.side(judged), then.get(one.storm)
        if side is not None:
            more = side.loss - old.loss if old else None
            out.append(StormChange(storm=one.storm, before=old, now=side, more=more))
    return tuple(sorted(out, key=lambda one: -one.now.loss))


def tell_ran(console: Console, now: DrillRecord, before: DrillRecord | None, judged: str) -> None:
    """What the drill found, and what changed since the one before."""
    side, old = now.side(judged), before.side(judged) if before else None
    first = f", {side.first} first" if side.first and side.dies else ""
    told = f"In {side.dies:,} of {side.paths:,} futures of {now.horizon} an account dies ({side.share:.2%}){first}"
    told += f"; it was {old.share:.2%} in the drill before." if old else "."
    console.print(told)
    if side.shortfall is not None:
        was = f", after {old.shortfall:.1%}" if old and old.shortfall is not None else ""
        console.print(f"The worst 2.5 % of them lose {side.shortfall:.1%} of book equity{was}.")
    _tell_storms(console, now, before, judged)
    for one in now.storms:
        if one.unfaced:
            console.print(f"Not gone through: {one.storm}: {one.unfaced}")
    for note in now.notes:
        console.print(f"Note: {note}.")
    console.print(f"Kept in {now.folder}")


def _tell_storms(console: Console, now: DrillRecord, before: DrillRecord | None, judged: str) -> None:
    from rich.table import Table

    changes = storm_changes(now, before, judged)
    killing = [one for one in changes if one.now.dies]
    console.print(f"{len(killing)} of {len(changes)} storms kill an account{':' if killing else '.'}")
    shown = killing or list(changes[:3])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title, side in (("storm", "left"), ("dies", "left"), ("equity", "right"), ("then", "right"), ("since", "left")):
        table.add_column(title, justify=side, no_wrap=title == "storm")  # type: ignore[arg-type]
    for one in shown:
        was = f"{-one.before.loss:+.1%}" if one.before else "–"
        table.add_row(
            one.storm, ", ".join(one.now.dies) or "nobody", f"{-one.now.loss:+.1%}", was, change_in_words(one)
        )
    console.print(table)
    saved = [one.storm for one in changes if one.before and one.before.dies and not one.now.dies]
    if saved:
        console.print(f"No longer kill: {', '.join(saved)}.")


def change_in_words(one: StormChange) -> str:
    """What changed of one storm."""
    if one.before is None or one.more is None:
        return "new"
    newly = [name for name in one.now.dies if name not in one.before.dies]
    if newly:
        return f"now kills {', '.join(newly)}"
    if abs(one.more) < 0.0005:
        return "as before"
    return f"{abs(one.more):.1%} {'worse' if one.more > 0 else 'better'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One drill of a history: its light (None: no limits were given), and what it found of the side that is judged."""

    record: DrillRecord
    status: Status | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FanTest:
    """Realised book equity at the next drill against the fan of the one before: how often it fell below its lowest twentieth,
    and Kupiec's p-value (None: too few). Deposits count as gains, so a book that is paid into looks safer than it is."""

    trials: int
    below: int
    p: float | None


def fan_test(records: Sequence[DrillRecord]) -> FanTest:
    """Pairs of drills in which the later falls into the horizon of the earlier."""
    trials = below = 0
    for one, after in pairwise(records):
        fan = one.side("playbook").fan
        step = (after.book.as_of_ns - one.book.as_of_ns) // one.step_ns - 1
        if fan and 0 <= step < len(fan[0]) and one.book.equity > 0.0:
            trials += 1
            below += after.book.equity / one.book.equity < fan[one.levels.index(LOW)][step]
    return FanTest(trials=trials, below=below, p=kupiec_p(below, trials, LOW))


def history_data(rows: Sequence[Row], judged: str) -> dict[str, Any]:
    """The same as plain data."""
    told = [_plain_row(row, judged) for row in rows]
    return {"drills": told, "fan": fan_test([row.record for row in rows])}


def _plain_row(row: Row, judged: str) -> dict[str, Any]:
    record, side = row.record, row.record.side(judged)
    return {
        "taken": minute(record.taken_ns),
        "light": LIGHTS[row.status] if row.status else None,
        "futures_dying": side.share,
        "paths": side.paths,
        "shortfall": side.shortfall,
        "storms_killing": list(record.killing(judged)),
        "storms": record.faced,
        "equity": record.book.equity,
        "positions": len(record.book.positions),
        "simulated_history": record.history_simulated,
        "result": record.result,
        "folder": record.folder,
    }


def tell_history(console: Console, rows: Sequence[Row], judged: str) -> None:
    """One line a drill, the oldest first."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in (
        "drilled",
        "light",
        "an account dies",
        "worst 2.5 %",
        "storms that kill",
        "equity",
        "positions",
        "result",
    ):
        table.add_column(title, justify="left" if title in KEPT_WHOLE else "right", no_wrap=title in KEPT_WHOLE)
    for row in rows:
        record, side = row.record, row.record.side(judged)
        light = Text("no limits") if row.status is None else Text(f"● {MARKS[row.status]}", style=COLOURS[row.status])
        table.add_row(
            minute(record.taken_ns), light, f"{side.share:.2%}",
            "too few" if side.shortfall is None else f"{side.shortfall:.1%}",
            f"{len(record.killing(judged))} of {record.faced}", f"{record.book.equity:,.0f}",
            str(len(record.book.positions)), record.result,
        )  # fmt: skip
    console.print(table)
    console.print(fan_sentence(fan_test([row.record for row in rows])))
    if any(row.record.history_simulated for row in rows):
        console.print("Some of these drew from SIMULATED history: no market ever made it.")


def fan_sentence(found: FanTest) -> str:
    """Whether the fans held, in words."""
    if not found.trials:
        return "No drill was followed by another within its horizon, so no fan can be held against what came."
    told = (
        f"In {found.below} of {found.trials} cases equity at the next drill was below the lowest twentieth of the fan"
    )
    if found.p is None:
        return f"{told}; twenty cases are needed to test that."
    verdict = "not as often as it should be" if found.p < 0.05 else "as often as it should be"
    return f"{told}: {verdict} (Kupiec, p = {found.p:.2g})."
