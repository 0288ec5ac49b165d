"""The guard in a process of its own, on a journal in a file, that is killed with signal 9 at a write.

What it asked for before it died is done, and what it wrote last is in the file and nobody was told.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from perpbook.files.plain import plain
from perpbook.guard.desk import Desk, fold
from perpbook.guard.guard import Guard
from perpbook.journal.database import DatabaseJournal
from perpbook.journal.places import engine_at
from perpbook.model.effect import Effect, Write
from perpbook.model.message import Message
from perpbook.model.record import Record
from tests.simulation.brain import Died
from tests.simulation.crash import CrashAt
from tests.simulation.mind import Mind
from tests.simulation.plan import Plan

FORK = multiprocessing.get_context("fork")


class InProcess:
    """A guard in a forked process. `path` : of a journal that is there. `at` : when the first of its lives ends."""

    raised = 0

    def __init__(self, plan: Plan, path: Path, at: CrashAt | None) -> None:
        self.plan, self._path, self._at = plan, path, at
        self._here: Connection | None = None
        self._child: multiprocessing.process.BaseProcess | None = None
        self.killed = 0

    @property
    def desk(self) -> Desk | None:
        """It cannot be looked into."""
        return None

    def missed(self, after: int) -> Iterable[Record]:
        """Records of the file that the world was not told of."""
        journal = _opened(self._path)
        found = [record for _, record in journal.read(after)]
        journal.close()
        return found

    def start(self, now_ns: int) -> Iterable[Effect]:
        """A new process on the file as it is."""
        self._here, there = FORK.Pipe()
        self._child = FORK.Process(target=_live, args=(there, self.plan, self._path, self._at))
        self._child.start()
        there.close()
        return self._effects(now_ns)

    def receive(self, message: Message) -> Iterable[Effect]:
        """Effects of a message."""
        return self._effects(message)

    def kept(self, record: Record) -> Record:
        """It is in the file already."""
        return replace(record, body=json.loads(json.dumps(plain(record.body))))

    def kill(self) -> None:
        """Signal 9, whatever it is doing."""
        assert self._child is not None and self._here is not None, "a process that was started"
        self._child.kill()
        self._child.join()
        self.killed += 1
        self._at = None
        self._here.close()

    def _effects(self, asked: Message | int) -> Iterator[Effect]:
        assert self._here is not None, "a process that was started"
        self._here.send(asked)
        effects, lives = self._here.recv()
        yield from effects
        if not lives:
            raise Died


def _opened(path: Path) -> DatabaseJournal:
    return DatabaseJournal(engine_at(path), path)


def _live(world: Connection, plan: Plan, path: Path, at: CrashAt | None) -> None:
    """One life of the guard."""
    journal = _opened(path)
    guard = Guard(fold(record for _, record in journal.read()), plan.settings, Mind(plan))
    last = 0
    while True:
        asked = world.recv()
        done: list[Effect] = []
        for effect in guard.start(asked) if isinstance(asked, int) else guard.receive(asked):
            ends = at is not None and last == at.write
            if isinstance(effect, Write):
                last = journal.append(effect.record)
                ends |= at is not None and last == at.write and not at.late
            if not (ends and isinstance(effect, Write)):
                done.append(effect)
            if ends:
                world.send((done, False))
                os.kill(os.getpid(), signal.SIGKILL)
        world.send((done, True))
