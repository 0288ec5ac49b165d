"""Alerts of a guard to the playbook's channels, in a process of their own that follows the guard's journal.

The guard writes and goes on; this reads what was written, tells it, asks whoever can answer by a button, and leaves their word in
the guard's folder as `approvals approve` does. A channel that is slow or away holds up nothing, and what was not told when this
process ended is told by the next.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import PerpbookError, ProviderError
from perpbook.model.action import Proposal
from perpbook.model.record import Record, RecordKind
from perpbook.runs.guard_places import GuardPlaces

if TYPE_CHECKING:
    from perpbook.alerts.teller import Teller
    from perpbook.playbook.schema import Playbook

LOOK_S = 0.5
"""How often the journal is looked at."""

ENDS = {
    RecordKind.APPROVED: "approved",
    RecordKind.DENIED: "denied",
    RecordKind.EXPIRED: "expired: nobody answered, which is a no",
    RecordKind.ABORTED: "stopped",
    RecordKind.CLOSED: "done",
}


def needs_teller(playbook: Playbook) -> bool:
    """Whether a playbook tells anybody beyond the guard's own console."""
    return playbook.alerts is not None and any(place != "console" for place in playbook.alerts.channels.values())


def begin(places: GuardPlaces, playbook: Path) -> BaseProcess:
    """A process that tells, until it is ended."""
    process = get_context("spawn").Process(target=follow, args=(places, playbook), name="teller", daemon=True)
    process.start()
    return process


def follow(places: GuardPlaces, playbook: Path) -> None:
    """Tell for ever."""
    with suppress(KeyboardInterrupt):
        asyncio.run(_follow(places, playbook))


async def _follow(places: GuardPlaces, playbook: Path) -> None:
    from perpbook.runs.alerts import rules_in, teller_of
    from perpbook.runs.journal import reading
    from perpbook.runs.places import alerts_place

    teller, unopened = teller_of(rules_in(playbook), alerts_place())
    for name, why in unopened.items():
        print(f"the channel {name} is not open: {why}", flush=True)
    after = teller.desk.taken
    try:
        while True:
            with reading(places.journal) as journal:
                if after == 0:
                    after = journal.head[0]
                for number, record in journal.read(after):
                    await take(teller, number, record)
                    after = number
            await say(teller, places)
            await asyncio.sleep(LOOK_S)
    finally:
        await teller.close()


async def take(teller: Teller, number: int, record: Record) -> None:
    """One record of the guard: an alert, a question, or the end of one."""
    from perpbook.files.rebuild import rebuild

    teller.take(number, record)
    if record.kind is RecordKind.PROPOSED:
        await teller.ask(rebuild(Proposal, record.body["proposal"]))
    elif record.kind in ENDS:
        await teller.closed(str(record.body["digest"]), ENDS[record.kind])


async def say(teller: Teller, places: GuardPlaces) -> None:
    """Send what is due, and hand on what was pressed."""
    from perpbook.runs.guard_words import say as leave

    with suppress(PerpbookError):
        await teller.tell()
    with suppress(ProviderError):
        for word in await teller.words(0.0):
            leave(places.words, word)
