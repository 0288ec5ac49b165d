"""The guard and its journal as the world deals with them: effects come one by one, and it may die after any."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from perpbook.guard.desk import Desk, fold
from perpbook.guard.guard import Guard
from perpbook.guard.inputs import Began, Line, Recorder
from perpbook.guard.view import Decision, View
from perpbook.model.effect import Effect
from perpbook.model.message import Message
from perpbook.model.record import Record
from tests.simulation.chance import Chance
from tests.simulation.memory import MemoryJournal
from tests.simulation.mind import Mind
from tests.simulation.plan import Plan

PAGE = 5
"""Of so many lines one may be a place where a replay can begin."""


class Died(Exception):
    """The guard's process is gone."""


class Brain(Protocol):
    """A guard that can be started, told things, and killed. `raised` : how often deciding raised."""

    raised: int

    @property
    def desk(self) -> Desk | None:
        """Its live desk, where it can be looked into."""
        ...

    def missed(self, after: int) -> Iterable[Record]:
        """What the journal has after a number, before a start."""
        ...

    def start(self, now_ns: int) -> Iterable[Effect]:
        """Begin from the journal as it is."""
        ...

    def receive(self, message: Message) -> Iterable[Effect]:
        """Take a message."""
        ...

    def kept(self, record: Record) -> Record:
        """Make a record safe; it, as the journal gives it back."""
        ...

    def kill(self) -> None:
        """It dies."""
        ...


class InMemory:
    """A guard in this process, on a journal in memory. `raised` : how often deciding raised. `lines` : what it was told."""

    def __init__(self, plan: Plan, lossy: float = 0.0) -> None:
        """lossy : the chance that there is no room for a line of what it was told."""
        self._plan, self.journal = plan, MemoryJournal()
        self._lossy, self._disk = lossy, Chance(plan.seed, "inputs")
        self._mind, self._chance = Mind(plan), Chance(plan.seed, "decides")
        self._guard: Recorder | None = None
        self.raised, self.lines = 0, list[Line]()

    @property
    def desk(self) -> Desk | None:
        """The live desk."""
        return self._guard.guard.desk if self._guard is not None else None

    def missed(self, after: int) -> Iterable[Record]:
        """Nothing: what it writes is seen."""
        return [record for _, record in self.journal.read(after)]

    def start(self, now_ns: int) -> Iterable[Effect]:
        """A guard on what the journal makes."""
        desk = fold(record for _, record in self.journal.read())
        self._guard = Recorder(Guard(desk, self._plan.settings, self._decide), self._keep, {}, self._fresh_page)
        return self._guard.start(now_ns)

    def receive(self, message: Message) -> Iterable[Effect]:
        """Effects of a message."""
        assert self._guard is not None, "a guard that was started"
        return self._guard.receive(message)

    def kept(self, record: Record) -> Record:
        """Append it, and read it back."""
        number = self.journal.append(record)
        ((_, back),) = self.journal.read(number - 1)
        return back

    def kill(self) -> None:
        """Nothing but the journal is left."""
        self._guard = None

    def _keep(self, line: Line) -> bool:
        is_start = isinstance(line, Began) and line.known is None
        if self._lossy and not is_start and self._disk.strikes(self._lossy):
            return False
        self.lines.append(line)
        return True

    def _fresh_page(self) -> bool:
        return len(self.lines) % PAGE == 0

    def _decide(self, view: View) -> Decision:
        if self._chance.strikes(self._plan.raises):
            self.raised += 1
            raise ValueError("a rule that fails")
        return self._mind(view)
