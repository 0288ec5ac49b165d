"""Drills on schedule: what is due is run through storms and futures, kept on the shelf, and compared with the last one."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perpbook.errors import InputError
from perpbook.model.drill_record import DrillRecord, FuturesSide, StormFound, StormSide
from perpbook.model.units import HOUR_NS
from perpbook.model.verdict import Finding
from perpbook.playbook.cadence import CADENCES
from perpbook.runs.drill import DrillAsked, History, Tell, nothing, run_asked_drill
from perpbook.runs.drill_shelf import book_then, drills_of, shelve
from perpbook.runs.drill_wanted import asked_drills
from perpbook.runs.moments import length_ns
from perpbook.runs.places import playbook_beside, terms_folders

if TYPE_CHECKING:
    from perpbook.engine.drilled import Drilled
    from perpbook.model.drill_record import BookThen
    from perpbook.model.verdict import DrillStanding
    from perpbook.playbook.schema import Drills
    from perpbook.report.drill_measures import DrillMeasures
    from perpbook.runs.check import CheckResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """Which book under which playbook, from what history; `shelf` is where drills are kept, `always` drills what is not due."""

    book: Path
    playbook: Path
    history: History
    shelf: Path
    seed: int = 1
    threads: int = 2
    always: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleResult:
    """What came of it. `ran` None: nothing was due, or only the standing was asked for; `before` is the drill before it."""

    standing: DrillStanding
    findings: tuple[Finding, ...]
    ran: DrillRecord | None
    before: DrillRecord | None
    judged: str


def playbook_of(book: Path, given: Path | None) -> Path:
    """The playbook given, else the one beside the book.

    Raises
    ------
    InputError : there is none.
    """
    found = given or playbook_beside(book)
    if found is None:
        raise InputError("drills on schedule need a playbook with [drill]: name it after the book")
    return found


def run_schedule(one: Scheduled, now_ns: int, *, run: bool = True, tell: Tell = nothing) -> ScheduleResult:
    """Drill what is due and say where the book stands; with `run` False only the latter.

    Raises
    ------
    InputError : a file is wrong, the playbook asks for no drill, or a storm is unknown.
    DataError : history is missing.
    """
    from perpbook.runs.drill_standing import with_drills

    result = _looked(one)
    drills = asked_drills(result.playbook, one.playbook)
    now = book_then(one.book, result.assessment)
    records = drills_of(one.book, now.accounts, one.shelf)
    last = records[-1] if records else None
    ran = None
    if run and (one.always or is_due(drills, last, now_ns)):
        ran = drill_now(one, drills, now, now_ns, tell)
    judged = with_drills(result.verdict, result.playbook, now, shelf=one.shelf, now_ns=now_ns)
    assert judged.drill is not None
    return ScheduleResult(
        standing=judged.drill,
        findings=tuple(found for found in judged.findings if found.rule.startswith("drill.")),
        ran=ran,
        before=last if ran else None,
        judged=drills.judged,
    )


def _looked(one: Scheduled) -> CheckResult:
    from perpbook.runs.check import check_snapshot, load_all_terms, read_inputs

    snapshot, rules = read_inputs(one.book, one.playbook, market=None, now_ns=None, terms_folders=terms_folders())
    return check_snapshot(snapshot, rules, load_all_terms(snapshot, terms_folders()), with_plans=False)


def is_due(drills: Drills, last: DrillRecord | None, now_ns: int) -> bool:
    """Whether the first time of the cadence after the last drill has come, or there was none."""
    from perpbook.playbook.drill_judge import due_of

    return last is None or now_ns >= due_of(drills, last).at_ns


def drill_now(one: Scheduled, drills: Drills, now: BookThen, now_ns: int, tell: Tell) -> DrillRecord:
    """Every storm, then the futures; on the shelf."""
    storms = face_storms(one, drills, tell)
    found = run_asked_drill(_asked(one, drills, storm=None), tell, threads=one.threads)
    return shelve(record_of(found, storms, drills, now, now_ns), found, one.shelf)


def _asked(one: Scheduled, drills: Drills, *, storm: str | None) -> DrillAsked:
    from perpbook.scenario.catalogue import find_storm

    known = find_storm(storm) if storm else None
    return DrillAsked(
        book=one.book,
        playbook=one.playbook,
        history=one.history,
        storm=storm,
        kind="still" if known else drills.kind,
        paths=1 if known else drills.paths,
        horizon_ns=known.horizon_ns if known else length_ns(drills.horizon),
        step_ns=known.step_ns if known else HOUR_NS,
        seed=one.seed,
        terms_folders=terms_folders(),
    )


def face_storms(one: Scheduled, drills: Drills, tell: Tell) -> tuple[StormFound, ...]:
    """Each storm alone; one that cannot be gone through says why."""
    from perpbook.runs.all_storms import USUAL
    from perpbook.scenario.catalogue import catalogue

    names: Sequence[str] = drills.storms or [name for name, storm in catalogue().items() if storm.kind in USUAL]
    out = []
    for number, name in enumerate(names):
        tell(f"storm {name}", number, len(names))
        try:
            found = run_asked_drill(_asked(one, drills, storm=name), threads=1)
        except InputError as error:
            out.append(StormFound(storm=name, playbook=None, alone=None, unfaced=str(error)))
            continue
        out.append(_storm_found(name, found))
    return tuple(out)


def _storm_found(name: str, found: Drilled) -> StormFound:
    from perpbook.report.drill_text import sides_of

    def side(measures: DrillMeasures | None) -> StormSide | None:
        if measures is None:
            return None
        dead = tuple(one.account for one in measures.accounts if one.dies.count)
        return StormSide(dies=dead, loss=1.0 - measures.mean / measures.start)

    under, without = sides_of(found)
    return StormFound(storm=name, playbook=side(under), alone=side(without))


def record_of(
    found: Drilled, storms: tuple[StormFound, ...], drills: Drills, now: BookThen, now_ns: int
) -> DrillRecord:
    """What is remembered of a drill."""
    from perpbook.files.plain import plain
    from perpbook.report.drill_measures import QUANTILES
    from perpbook.report.drill_text import sides_of

    under, without = sides_of(found)
    digest = hashlib.sha256(json.dumps([found.result_hash, plain(storms)]).encode())
    return DrillRecord(
        taken_ns=now_ns,
        folder="",
        result=digest.hexdigest()[:16],
        version=found.facts["version"],
        book=now,
        playbook=found.facts["playbook"],
        horizon=drills.horizon,
        kind=drills.kind,
        seed=found.facts["seed"],
        step_ns=found.drill.journey.bars.bar_ns if found.drill else 0,
        history_simulated=found.facts["simulated"],
        levels=QUANTILES,
        storms=storms,
        playbook_side=_side(found.under, under) if found.under and under else None,
        alone_side=_side(found.without, without),
        notes=found.notes,
    )


def _side(futures: Any, measures: DrillMeasures) -> FuturesSide:
    from perpbook.report.drill_measures import fan_quantiles

    first = max(measures.accounts, key=lambda one: one.first.count, default=None)
    low, high = measures.dies.interval
    return FuturesSide(
        paths=measures.paths,
        dies=measures.dies.count,
        low=low,
        high=high,
        shortfall=measures.shortfall / measures.start if measures.shortfall is not None else None,
        median=1.0 - measures.median / measures.start,
        worst=1.0 - measures.worst / measures.start,
        first=first.account if first and first.first.count else None,
        fan=tuple(tuple(row) for row in (fan_quantiles(futures) / measures.start).round(6).tolist()),
    )


def crontab_lines(one: Scheduled, drills: Drills, options: Sequence[str]) -> tuple[str, ...]:
    """What to put into `crontab -e`: the zone of the cadence, and the command."""
    words = [
        sys.executable,
        "-m",
        "perpbook",
        "drill",
        "schedule",
        str(one.book.resolve()),
        str(one.playbook.resolve()),
    ]
    command = shlex.join([*words, *options]).replace("%", "\\%")
    return f"CRON_TZ={drills.timezone}", f"{CADENCES.get(drills.cadence, drills.cadence)} {command}"
