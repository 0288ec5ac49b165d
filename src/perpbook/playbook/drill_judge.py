"""The last drill of a book held against what its playbook asks of drills: how old it is, and what it found."""

from __future__ import annotations

import math
from collections.abc import Iterator

from perpbook.model.drill_record import DrillRecord, FuturesSide
from perpbook.model.units import DAY_NS, to_iso
from perpbook.model.verdict import Finding, Status
from perpbook.playbook.drilling import SIDES
from perpbook.playbook.figures import listing, percent
from perpbook.playbook.schedule import Due, next_due
from perpbook.playbook.schema import Drills

NEXT_STEP = "Run `perpbook drill schedule`."


def due_of(drills: Drills, last: DrillRecord) -> Due:
    """When the next drill is due."""
    return next_due(drills.cadence, drills.timezone, last.taken_ns)


def judge_drill(drills: Drills, last: DrillRecord | None, *, near: float, now_ns: int) -> tuple[Finding, ...]:
    """Findings of every rule of [drill]. Without a drill the results are not judged: its absence is the breach."""
    if last is None:
        return (_never(),)
    return (_age(drills, last, now_ns), *_results(drills, last, near))


def _never() -> Finding:
    return Finding(
        rule="drill.cadence",
        subject="book",
        measured=math.inf,
        limit=0.0,
        unit="days",
        used=math.inf,
        status=Status.BREACH,
        sentence="This book was never drilled.",
        hint=NEXT_STEP,
    )


def _age(drills: Drills, last: DrillRecord, now_ns: int) -> Finding:
    """Due is near; older than the cadence is long, a breach."""
    due, age = due_of(drills, last), now_ns - last.taken_ns
    status = Status.OK
    if now_ns >= due.at_ns:
        status = Status.BREACH if age > due.length_ns else Status.NEAR
    told = f"The last drill is {age / DAY_NS:.1f} days old"
    if status is Status.OK:
        told += f"; the next is due {minute(due.at_ns)}."
    else:
        told += f"; the next was due {minute(due.at_ns)}."
    return Finding(
        rule="drill.cadence",
        subject="book",
        measured=age / DAY_NS,
        limit=due.length_ns / DAY_NS,
        unit="days",
        used=age / due.length_ns,
        status=status,
        sentence=told,
        hint=None if status is Status.OK else NEXT_STEP,
    )


def minute(time_ns: int) -> str:
    """A time to the minute, UTC."""
    return to_iso(time_ns)[:16].replace("T", " ") + " UTC"


def _results(drills: Drills, last: DrillRecord, near: float) -> Iterator[Finding]:
    side, who = last.side(drills.judged), f"With the book {SIDES[drills.judged]}"
    if drills.judged == "playbook" and last.playbook_side is None:
        who = "With the book left alone (no playbook was drilled)"
    if drills.max_chance is not None:
        yield _chance(side, drills.max_chance, near, who)
    if drills.max_shortfall is not None:
        yield _shortfall(side, drills.max_shortfall, near, who)
    if drills.max_storms is not None:
        yield _storms(last, drills, near, who)


def _chance(side: FuturesSide, limit: float, near: float, who: str) -> Finding:
    status = _status(side.share, limit, near)
    told = f"{who}, {side.dies:,} of {side.paths:,} futures liquidate an account; the most is {percent(limit)}."
    if status is Status.OK and side.high > limit:
        status, told = Status.NEAR, f"{told[:-1]}, and the 95 % interval reaches to {side.high:.2%}."
    return _finding("drill.max_chance", (side.share, limit), "share", status, told)


def _shortfall(side: FuturesSide, limit: float, near: float, who: str) -> Finding:
    if side.shortfall is None:
        told = f"{side.paths:,} futures are too few to tell what the worst 2.5 % lose."
        return _finding("drill.max_shortfall", (0.0, limit), "share", Status.NEAR, told, hint=NEXT_STEP)
    told = f"{who}, the worst 2.5 % of futures lose {side.shortfall:.1%} of book equity; the most is {percent(limit)}."
    status = _status(side.shortfall, limit, near)
    return _finding("drill.max_shortfall", (side.shortfall, limit), "share", status, told)


def _storms(last: DrillRecord, drills: Drills, near: float, who: str) -> Finding:
    limit, killing = drills.max_storms or 0, last.killing(drills.judged)
    told = f"{who}, {len(killing)} of {last.faced} storms liquidate an account"
    if killing:
        told += f" ({listing(killing[:3])}{', ...' if len(killing) > 3 else ''})"
    status = (
        Status.BREACH
        if len(killing) > limit
        else Status.NEAR
        if killing and len(killing) >= near * limit
        else Status.OK
    )
    return _finding(
        "drill.max_storms", (float(len(killing)), float(limit)), "storms", status, f"{told}; the most is {limit}."
    )


def _status(measured: float, limit: float, near: float) -> Status:
    if measured > limit * (1.0 + 1e-9):
        return Status.BREACH
    return Status.NEAR if measured > 0.0 and measured >= near * limit else Status.OK


def _finding(
    rule: str, values: tuple[float, float], unit: str, status: Status, told: str, *, hint: str | None = None
) -> Finding:
    measured, limit = values
    used = measured / limit if limit > 0.0 else (math.inf if measured > 0.0 else 0.0)
    if hint is None and status is Status.BREACH:
        hint = "Make the book smaller or its rules stricter, and drill again with `perpbook drill schedule --now`."
    return Finding(
        rule=rule,
        subject="book",
        measured=measured,
        limit=limit,
        unit=unit,
        used=used,
        status=status,
        sentence=told,
        hint=hint,
    )
