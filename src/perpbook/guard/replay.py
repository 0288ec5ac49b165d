"""A guard made again from its journal and told again what it was told: does it write the same records?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from perpbook.files.plain import plain
from perpbook.guard.desk import Desk, fold
from perpbook.guard.guard import Guard
from perpbook.guard.inputs import Began, Line, Took, copied
from perpbook.model.effect import Effect, Write
from perpbook.model.message import Message
from perpbook.model.record import Record

Make = Callable[[Desk, Began], Guard]
"""A guard on a desk, as the one that began so was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first place where a replay writes something else. number : of the record.  kept, made : the journal's and the replay's,
    None where that side has none.  message : what the guard was told, "start" at its start."""

    number: int
    kept: Record | None
    made: Record | None
    message: str
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Records of the journal, from `first` to `last`, whose inputs are not there, and why."""

    first: int
    last: int
    why: str


ROTATED = "their inputs were rotated away, or never kept"
NO_ROOM = "the log of inputs had no room for what was told then"
DIED = "they came of no inputs that are kept (as those of `halt`), or the guard ended before these were on disk"


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What a replay came to so far. same : records that were made again as they are.  unkept : made by the guard just before it
    died, and by the replay, but not in the journal."""

    runs: int = 0
    messages: int = 0
    looks: int = 0
    same: int = 0
    unkept: int = 0
    gaps: list[Gap] = field(default_factory=list)
    difference: Difference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line replayed. records : made again by it, by number."""

    line: Line
    guard: Guard
    records: tuple[tuple[int, Record], ...]


class Replay:
    """records : the journal's, from its first.  ends : of every run in the log of inputs, how many records the journal had when
    the next run began; all of them for the last."""

    def __init__(self, records: Sequence[Record], ends: Sequence[int], make: Make) -> None:
        self._records, self._ends, self._make = records, ends, make
        self._guard: Guard | None = None
        self._end = 0
        self._looks = 0
        self.result = Replayed()

    def steps(self, lines: Iterable[Line]) -> Iterator[Step]:
        """Every line in order, until the first difference."""
        for line in lines:
            found = self._began(line) if isinstance(line, Began) else self._took(line)
            yield found
            if self.result.difference is not None:
                return
        self._close(self._end)

    def _began(self, line: Began) -> Step:
        if line.known is not None and self._guard is not None and not line.lost:
            return Step(line=line, guard=self._guard, records=())
        if line.known is None or self._guard is None:
            self.result.runs += 1
            self._close(line.records)
            self._end = self._ends[self.result.runs - 1]
        elif line.records > self._guard.desk.records:
            self.result.gaps.append(Gap(first=self._guard.desk.records + 1, last=line.records, why=NO_ROOM))
        self._guard = guard = self._make(fold(self._records[: line.records]), line)
        self._looks = 0
        if line.known is not None:
            guard.take_up(copied(line.known), line.now_ns)
            self._looks = guard.known.looks
            return Step(line=line, guard=guard, records=())
        before = guard.desk.records
        return self._compared(line, guard.start(line.now_ns), before, "start")

    def _close(self, records: int) -> None:
        """End a run: what the journal has beyond what was made again was made of inputs that are not there."""
        last, why = (self._guard.desk.records, DIED) if self._guard is not None else (0, ROTATED)
        if records > last:
            self.result.gaps.append(Gap(first=last + 1, last=records, why=why))

    def _took(self, line: Took) -> Step:
        guard = self._guard
        assert guard is not None, "a log of inputs begins with a beginning"
        self.result.messages += 1
        guard.pass_over(line.prices, line.now_ns)
        before = guard.desk.records
        step = self._compared(line, guard.receive(line.message), before, told_of(line.message))
        self.result.looks += guard.known.looks - self._looks
        self._looks = guard.known.looks
        if self.result.difference is None and guard.desk.records < line.records:
            self._differs(guard.desk.records + 1, None, line)
        return step

    def _compared(self, line: Line, effects: Sequence[Effect], before: int, message: str) -> Step:
        made = tuple(enumerate((one.record for one in effects if isinstance(one, Write)), before + 1))
        limit = line.records if isinstance(line, Took) else self._end
        for number, record in made:
            if number > self._end:
                self.result.unkept += 1
            elif number > limit or not same(self._records[number - 1], record):
                self._differs(number, record, line, message)
                break
            else:
                self.result.same += 1
        assert self._guard is not None
        return Step(line=line, guard=self._guard, records=made)

    def _differs(self, number: int, made: Record | None, line: Line, message: str = "") -> None:
        kept = self._records[number - 1] if number <= self._end else None
        if kept is None and made is None:
            return
        told = message or (told_of(line.message) if isinstance(line, Took) else "start")
        self.result.difference = Difference(number=number, kept=kept, made=made, message=told, at_ns=line.now_ns)


def ends_of(beginnings: Iterable[Began], records: int) -> list[int]:
    """Of every run, how many records the journal had when the next began: beginnings of all pages in order."""
    pages = list(beginnings)
    return [one.records for one in pages[1:] if one.known is None] + [records]


def same(kept: Record, made: Record) -> bool:
    """Whether a record was made again: its kind, its time, and its body as JSON keeps it."""
    if (kept.kind, kept.at_ns) != (made.kind, made.at_ns):
        return False
    return kept.body == made.body or kept.body == json.loads(json.dumps(plain(made.body)))


def told_of(message: Message) -> str:
    """A message in a few words: its kind and what it is of."""
    parts = ("venue", "symbol", "account", "client_id", "stream", "who")
    named = [str(getattr(message, part)) for part in parts if isinstance(getattr(message, part, None), str)]
    return " ".join([type(message).__name__, *(one for one in named if one)])
