"""Where a book stands with the drills that its playbook asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.model.drill_record import BookThen, DrillRecord
from perpbook.model.units import DAY_NS
from perpbook.model.verdict import DrillStanding, Finding, Status, Verdict
from perpbook.playbook.drill_judge import due_of, judge_drill, minute
from perpbook.playbook.drilling import storms_in_words
from perpbook.runs.drill_shelf import drills_of, moved_since

if TYPE_CHECKING:
    from perpbook.playbook.schema import Drills, Playbook

SEVERITY = {Status.BREACH: 0, Status.NEAR: 1, Status.OK: 2}


def with_drills(verdict: Verdict, playbook: Playbook, now: BookThen, *, shelf: Path, now_ns: int) -> Verdict:
    """A verdict with what the playbook says of drills of the book: findings among the others, and the standing."""
    drills = playbook.drill
    if drills is None:
        return verdict
    records = drills_of(Path(now.path), now.accounts, shelf)
    last = records[-1] if records else None
    found = judge_drill(drills, last, near=playbook.near, now_ns=now_ns)
    findings = tuple(sorted((*verdict.findings, *found), key=lambda one: SEVERITY[one.status]))
    standing = standing_of(drills, last, now, found, now_ns)
    return replace(verdict, findings=findings, status=findings[0].status, drill=standing)


def standing_of(
    drills: Drills, last: DrillRecord | None, now: BookThen, found: Sequence[Finding], now_ns: int
) -> DrillStanding:
    """The last drill, its verdict, when the next is due, and what changed since."""
    status = min((one.status for one in found), key=SEVERITY.__getitem__)
    if last is None:
        asked = (
            f"The playbook asks for {storms_in_words(drills)} and {drills.paths:,} futures; none was ever gone through."
        )
        return DrillStanding(status=status, last_ns=None, due_ns=None, folder=None, told=(asked,))
    due = due_of(drills, last)
    told = [
        f"Last drill {minute(last.taken_ns)}, {(now_ns - last.taken_ns) / DAY_NS:.1f} days ago; {_next(due.at_ns, now_ns)}."
    ]
    told.append(results_sentence(last, drills.judged))
    told.append(
        f"Since then {moved_since(last.book, now):.0%} of what was held was traded; {equity_sentence(last, now)}."
    )
    if last.history_simulated:
        told.append("Its futures were drawn from SIMULATED history: no market ever made it.")
    told += _other_asked(drills, last)
    return DrillStanding(status=status, last_ns=last.taken_ns, due_ns=due.at_ns, folder=last.folder, told=tuple(told))


def _next(due_ns: int, now_ns: int) -> str:
    return f"the next is due {minute(due_ns)}" if now_ns < due_ns else f"the next was due {minute(due_ns)}"


def results_sentence(last: DrillRecord, judged: str) -> str:
    """What the drill found, in plain words."""
    side, killing = last.side(judged), last.killing(judged)
    told = f"In {side.dies:,} of {side.paths:,} futures of {last.horizon} an account dies"
    if side.first and side.dies:
        told += f", {side.first} first"
    who = "under the playbook" if side is last.playbook_side else "the book alone"
    return f"{told}; {len(killing)} of {last.faced} storms kill one ({who})."


def equity_sentence(last: DrillRecord, now: BookThen) -> str:
    """Where equity stands now, and in the fan of the last drill while that reaches so far."""
    told = f"equity is {now.equity:,.0f} after {last.book.equity:,.0f}"
    levels = fan_at(last, now.as_of_ns)
    if levels is None or last.book.equity <= 0.0:
        return told
    low, high = levels[last.levels.index(0.05)], levels[last.levels.index(0.95)]
    grown = now.equity / last.book.equity
    where = "below" if grown < low else "above" if grown > high else "inside"
    return f"{told}, {where} the middle nine tenths of its fan (deposits count as gains)"


def fan_at(last: DrillRecord, at_ns: int) -> tuple[float, ...] | None:
    """Quantiles of book equity at a time, as multiples of that at the start, under the playbook where there is one; None before
    the first step or beyond the last."""
    step = (at_ns - last.book.as_of_ns) // last.step_ns - 1
    fan = last.side("playbook").fan
    return tuple(row[step] for row in fan) if fan and 0 <= step < len(fan[0]) else None


def _other_asked(drills: Drills, last: DrillRecord) -> list[str]:
    """What the playbook asks for now that the last drill did not do."""
    told = []
    if drills.storms:
        missing = [one for one in drills.storms if one not in {found.storm for found in last.storms}]
        if missing:
            told.append(f"The playbook asks for storms that were not gone through then: {', '.join(missing)}.")
    if (drills.horizon, drills.kind) != (last.horizon, last.kind):
        told.append(
            f"The playbook now asks for {drills.kind} futures of {drills.horizon}; that drill had {last.kind} of {last.horizon}."
        )
    if any(one.unfaced for one in last.storms):
        names = ", ".join(one.storm for one in last.storms if one.unfaced)
        told.append(f"Storms that could not be gone through: {names}.")
    return told
