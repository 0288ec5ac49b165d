"""A guard's journal followed, and told to the playbook's channels: what the second process does.

The guard writes and goes on; this reads what was written, tells it, asks whoever can answer by a button, and leaves their word in
the guard's folder as `approvals approve` does. What was read, told and asked is on disk, so whenever this ends the next one goes
on there: nothing is left out, and one message may come twice.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.alerts.held import What
from perpbook.engine.clock import now_ns, sleep
from perpbook.engine.live_owner import owned
from perpbook.errors import ProviderError, Refused
from perpbook.guard.case import Phase
from perpbook.guard.desk import fold
from perpbook.model.action import Proposal
from perpbook.model.alert import Alert, Severity
from perpbook.model.record import Record, RecordKind
from perpbook.runs.guard_places import GuardPlaces
from perpbook.runs.journal import reading

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from perpbook.alerts.teller import Teller
    from perpbook.journal.database import DatabaseJournal

LOOK_S = 0.5
"""How often the journal is looked at."""

HEAR_S = 2.0
"""How long a bot may hold a question for presses."""

SLOWEST_S = 30.0
"""Until a bot that is away is asked again, at most."""

OWNER_S = 30.0
"""How long another process that tells for this guard is waited for."""

ENDS = {
    RecordKind.APPROVED: "approved",
    RecordKind.DENIED: "denied",
    RecordKind.EXPIRED: "expired: nobody answered, which is a no",
    RecordKind.ABORTED: "stopped",
    RecordKind.CLOSED: "done",
}
SHOWN = frozenset({What.NEW, What.EASED, What.RESOLVED})
"""What the guard prints on its console by itself."""

STOP = "stop"
"""What the guard says on the line when it ends in order; anything else is why it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What to follow. after : the journal's record from which on a journal that was never read is told. again : why the process
    before this one ended, "" where this is the first."""

    places: GuardPlaces
    playbook: Path
    after: int
    again: str = ""


def follow(charge: Charge, line: Connection, beat: Callable[[], object]) -> None:
    """Tell until the guard says stop, or its line is cut; `beat` is called as often as the journal is looked at."""
    from perpbook.runs.alerts import rules_in, teller_of

    with ExitStack() as stack:
        own(stack, charge.places, beat)
        teller, unopened = teller_of(rules_in(charge.playbook), charge.places.alerts, SHOWN)
        for name, why in unopened.items():
            print(f"The channel {name} is not open: {why}", file=sys.stderr, flush=True)
        journal = stack.enter_context(reading(charge.places.journal))
        asyncio.run(_until_cut(Follower(teller, charge, journal), line, beat))


def own(stack: ExitStack, places: GuardPlaces, beat: Callable[[], object]) -> None:
    """Be the only one that tells for this guard; one that a dead guard left is waited for.

    Raises
    ------
    Refused : it does not end.
    """
    end = now_ns() + int(OWNER_S * 1e9)
    while True:
        try:
            stack.enter_context(owned(places.folder, ["teller"]))
            return
        except Refused:
            if now_ns() > end:
                raise
        beat()
        sleep(0.2)


class Follower:
    """One guard's journal, read in order, and a teller of it."""

    def __init__(self, teller: Teller, charge: Charge, journal: DatabaseJournal) -> None:
        self.teller, self.charge, self._journal = teller, charge, journal
        self._after = -1

    def begin(self) -> None:
        """Take up what the one before left: proposals that still wait; and a guard that was down is up."""
        for case in fold(record for _, record in self._journal.read()).live_cases():
            if case.phase is Phase.PROPOSED:
                self.teller.wait(case.proposal)
        up = Alert(kind="guard.down", severity=Severity.PAGE, at_ns=now_ns(), sentence="over", resolved=True)
        self.teller.hear([up], stands=True)
        if self.charge.again:
            told = f"Alerts were not told for a while ({self.charge.again}): what came meanwhile is told now."
            again = Alert(kind="teller.down", severity=Severity.WARN, at_ns=now_ns(), sentence=told)
            self.teller.hear([again], stands=False)

    async def look(self) -> None:
        """Take what was written since, tell what is due, and ask whom it waits for."""
        self.teller.catch_up()
        await self._take()
        await asyncio.gather(self.teller.tell(), self.teller.ask())

    async def _take(self) -> None:
        origin = self._journal.origin
        if self._after < 0:
            self._after = self.teller.desk.taken.get(origin, self.charge.after)
        found = list(self._journal.read(self._after))
        if found:
            await take(self.teller, origin, found)
            self._after = found[-1][0]
            self.teller.read_to(origin, self._after)

    async def hear(self) -> None:
        """Hand on what was pressed.

        Raises
        ------
        ProviderError : a bot is away.
        """
        from perpbook.runs.guard_words import say as leave

        for word in await self.teller.words(HEAR_S):
            leave(self.charge.places.words, word)

    async def last(self, why: str) -> None:
        """Tell what is left to tell; the guard ended, in order where `why` is `STOP`."""
        if why != STOP:
            told = f"The guard is down ({why}): nothing is watched and nothing is sent until it is started again."
            down = Alert(kind="guard.down", severity=Severity.PAGE, at_ns=now_ns(), sentence=told)
            self.teller.hear([down], stands=True)
        await self.look()


async def take(teller: Teller, origin: str, found: Iterable[tuple[int, Record]]) -> None:
    """Some records of a guard: alerts, questions that nobody has answered since, and the ends of questions."""
    from perpbook.files.rebuild import rebuild

    some = list(found)
    ended = {str(record.body["digest"]) for _, record in some if record.kind in ENDS}
    for number, record in some:
        teller.take(origin, number, record)
        if record.kind is RecordKind.PROPOSED and str(record.body["digest"]) not in ended:
            teller.wait(rebuild(Proposal, record.body["proposal"]))
        elif record.kind in ENDS:
            await teller.closed(str(record.body["digest"]), ENDS[record.kind])


async def _until_cut(follower: Follower, line: Connection, beat: Callable[[], object]) -> None:
    """Look and hear side by side until the line says that it is over."""
    over = asyncio.Event()
    follower.begin()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_look_on(follower, over))
            group.create_task(_hear_on(follower, over))
            why = await _told_to_end(line, beat)
            over.set()
        await follower.last(why)
    finally:
        await follower.teller.close()


async def _told_to_end(line: Connection, beat: Callable[[], object]) -> str:
    while not line.poll():
        beat()
        await asyncio.sleep(LOOK_S)
    try:
        return str(line.recv())
    except (EOFError, OSError):
        return "its process is gone"


async def _look_on(follower: Follower, over: asyncio.Event) -> None:
    while not over.is_set():
        await follower.look()
        await _rest(over, LOOK_S)


async def _hear_on(follower: Follower, over: asyncio.Event) -> None:
    pause = LOOK_S
    while not over.is_set():
        try:
            await follower.hear()
            pause = LOOK_S
        except ProviderError:
            pause = min(2.0 * pause, SLOWEST_S)
        await _rest(over, pause)


async def _rest(over: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await over.wait()
    except TimeoutError:
        return
