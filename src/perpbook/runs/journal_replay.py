"""`journal replay`: a guard made again from its journal, told again what it was told, and held against what it wrote.

Also one look by itself, with what was found and proposed; and what another playbook would have wanted at every look.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from perpbook.errors import InputError
from perpbook.guard.desk import Desk
from perpbook.guard.guard import Guard
from perpbook.guard.inputs import Aside, Began, ToldAgain
from perpbook.guard.looked import look_digest
from perpbook.guard.replay import Replay, Replayed, Step, ends_of
from perpbook.guard.view import Decide, Decision, View
from perpbook.guard.watch import Watch
from perpbook.journal.inputs import Page, lines_of, pages_in
from perpbook.journal.places import told
from perpbook.model.record import Record, RecordKind
from perpbook.model.units import from_iso, to_iso
from perpbook.report.replay_told import LookTold, RecordTold, ReplayTold
from perpbook.runs.guard_begun import Remade, other_playbook, remade
from perpbook.runs.journal import reading
from perpbook.runs.replay_wanted import Wants


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayAsked:
    """journal : its place.  inputs : the folder of what the guard was told.  until : a time or a record's number, after which
    nothing is replayed.  proposal : the beginning of a digest; then only what leads to it is.  playbook : another one to ask."""

    journal: str
    inputs: Path
    until: str | None = None
    proposal: str | None = None
    playbook: Path | None = None
    terms_folders: tuple[Path, ...] = ()


def replay_journal(asked: ReplayAsked) -> ReplayTold:
    """Replay a journal, as far as is asked.

    Raises
    ------
    InputError : no inputs are kept, no such proposal, or the guard cannot be made again.
    BrokenJournal : the journal or the log of inputs was altered.
    """
    with reading(asked.journal) as journal:
        records = [record for _, record in journal.read()]
    pages = pages_in(asked.inputs)
    stops = stop_of(asked.until)
    number = number_of(records, asked.proposal) if asked.proposal else 0
    if number:
        pages = pages_before(pages, number)
    wants = Wants(other_playbook(asked.playbook)) if asked.playbook is not None else None
    bench = Bench(asked.terms_folders, wants)
    replay = Replay(records, ends_of([page.began for page in pages], len(records)), bench.guard, bench.aside)
    look = None
    for step in replay.steps(lines_of(pages)):
        if number and any(one == number for one, _ in step.records):
            look = bench.looked(step, records[number - 1], number)
            break
        if stops(step):
            break
    return told_as(asked, replay.result, pages, look, wants)


def stop_of(until: str | None) -> Callable[[Step], bool]:
    """Whether a replay has come to its end.

    Raises
    ------
    InputError : neither a number nor a time.
    """
    if until is None:
        return lambda step: False
    if until.isdigit():
        last = int(until)
        return lambda step: step.guard.desk.records >= last
    try:
        end_ns = from_iso(until)
    except ValueError:
        raise InputError(f"--until {until!r} is no record's number and no time like 2026-11-20T12:00:00Z") from None
    return lambda step: step.line.now_ns >= end_ns


def number_of(records: list[Record], beginning: str) -> int:
    """The record of the one proposal whose digest begins so."""
    digests = {
        str(one.body["digest"]): number
        for number, one in enumerate(records, start=1)
        if one.kind is RecordKind.PROPOSED and str(one.body["digest"]).startswith(beginning.lower())
    }
    if len(beginning) < 4 or len(digests) != 1:
        found = (
            f"{len(digests)} proposals begin"
            if len(beginning) >= 4
            else "four letters or more name a proposal, none begins"
        )
        raise InputError(f"{found} with {beginning}: `perpbook journal show --kind proposed`")
    return next(iter(digests.values()))


def pages_before(pages: list[Page], number: int) -> list[Page]:
    """The last page that begins before a record, and those after it.

    Raises
    ------
    InputError : the page was rotated away.
    """
    before = [k for k, page in enumerate(pages) if page.began.records < number]
    if not before:
        raise InputError(
            f"the inputs of record {number} were rotated away: they begin after record {pages[0].began.records}"
        )
    return pages[before[-1] :]


@dataclass(slots=True)
class Bench:
    """Makes guards again, and sees what they look at. seen : the last look, and who judged it."""

    folders: tuple[Path, ...]
    wants: Wants | None
    seen: tuple[View, Decision, Remade] | None = None
    aside: Aside = field(default_factory=Aside)
    _made: dict[str, Remade] = field(default_factory=dict)

    def guard(self, desk: Desk, began: Began) -> Guard:
        """The guard that began so."""
        found = self._remade(began.run)
        watch = Watch()
        judge = replace(found.judge, watch=watch, beside=self.aside.again)
        return Guard(desk, found.settings, self._watched(judge, found), watch, ToldAgain(self.aside))

    def _remade(self, run: Mapping[str, Any]) -> Remade:
        key = json.dumps(run, sort_keys=True, default=str)
        if key not in self._made:
            self._made[key] = remade(run, self.folders)
        return self._made[key]

    def _watched(self, judge: Decide, found: Remade) -> Decide:
        def decide(view: View) -> Decision:
            decision = judge(view)
            self.seen = (view, decision, found)
            if self.wants is not None:
                self.wants.look(view, decision, found.judge)
            return decision

        return decide

    def looked(self, step: Step, kept: Record, number: int) -> LookTold:
        """The look that a proposal came of, in plain figures."""
        made = dict(step.records).get(number)
        if self.seen is None or not kept.body.get("look"):
            raise InputError(f"record {number} did not come of a look: the kill switch or a person asked for it")
        view, decision, found = self.seen
        return LookTold(
            number=number, at=to_iso(view.now_ns), look=str(kept.body["look"]),
            again=look_digest(view, found.settings), equity=decision.before.equity if decision.before else None,
            unknown=tuple(sorted(view.unknown)), alerts=tuple(one.sentence for one in decision.alerts),
            wanted=tuple(f"{one.rule}: {one.reason}" for one in decision.wanted),
            proposal=made.body["proposal"] if made is not None else None, same=made is not None and made.body == kept.body,
        )  # fmt: skip


def told_as(
    asked: ReplayAsked, result: Replayed, pages: list[Page], look: LookTold | None, wants: Wants | None
) -> ReplayTold:
    """A replay in plain figures."""
    found = result.difference
    return ReplayTold(
        journal=told(asked.journal), inputs=str(asked.inputs), pages=len(pages), runs=result.runs,
        messages=result.messages, looks=result.looks, same=result.same, unkept=result.unkept,
        gaps=() if asked.proposal else tuple(result.gaps), is_same=found is None,
        number=found.number if found else None, message=found.message if found else "",
        at=to_iso(found.at_ns) if found else "",
        kept=record_told(found.kept) if found else None, made=record_told(found.made) if found else None,
        look=look, playbook=str(asked.playbook or ""), as_run=wants.as_run() if wants else (),
        instead=wants.instead() if wants else (),
    )  # fmt: skip


def record_told(record: Record | None) -> RecordTold | None:
    """A record in plain figures."""
    return None if record is None else RecordTold(kind=record.kind.value, at=to_iso(record.at_ns), body=record.body)
