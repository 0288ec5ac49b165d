"""The desk at work: what is heard goes into the journal, what is due goes out, and what came of that goes into the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import cast

from perpbook.alerts.channels import Channel, Sent
from perpbook.alerts.desk import Desk, Place, acknowledged, delivered, heard
from perpbook.alerts.due import due, settle
from perpbook.alerts.held import Delivery
from perpbook.alerts.routing import Routing
from perpbook.alerts.telegram import Acknowledged, Refused, Telegram
from perpbook.alerts.usual import MOST, Figures
from perpbook.engine.clock import now_ns
from perpbook.engine.ports import Journal
from perpbook.errors import BrokenJournal, PerpbookError
from perpbook.files.rebuild import rebuild
from perpbook.model.action import Proposal
from perpbook.model.alert import Alert, Severity
from perpbook.model.message import Answered
from perpbook.model.record import Record, RecordKind
from perpbook.model.units import SECOND_NS, to_iso

WAITS, EXPIRING = "proposal.waits", "proposal.expiring"
ASK_AGAIN_NS = 30 * SECOND_NS
ANSWERED_NS = 2**63
"""Stands for the time at which what was answered is asked again."""


class Teller:
    """One journal, its desk and the playbook's channels. A channel that is missing counts as one that fails.

    again : opens the journal anew; where another process wrote to it meanwhile, its records are taken first. figures : what
    markets showed when they were looked at, the last of them.
    """

    def __init__(
        self,
        routing: Routing,
        channels: Mapping[str, Channel],
        again: Callable[[], Journal],
        *,
        now: Callable[[], int] = now_ns,
    ) -> None:
        self.desk = Desk()
        self._routing, self._channels, self._again, self._now = routing, channels, again, now
        self._number = 0
        self.figures: list[Figures] = []
        self._waiting: dict[str, Proposal] = {}
        self._asked_ns: dict[str, int] = {}
        self._journal = self._opened()

    def hear(self, alerts: Iterable[Alert], *, stands: bool) -> None:
        """Take alerts; what is no news leaves no trace."""
        for alert in alerts:
            self._write(partial(heard, self.desk, alert, stands, self._now()))

    def take(self, journal: str, number: int, record: Record) -> None:
        """What a guard wrote into its own journal, known by its origin, as record `number`: alerts, and incidents that were
        acknowledged there. What was taken before leaves no trace."""
        if number <= self.desk.taken.get(journal, 0):
            return
        place: Place = {"journal": journal, "number": number}
        if record.kind is RecordKind.ALERT:
            alert, stands = rebuild(Alert, record.body["alert"]), bool(record.body["stands"])
            self._write(partial(heard, self.desk, alert, stands, self._now(), place))
        elif record.kind is RecordKind.ACKNOWLEDGED:
            body = {"key": record.body["key"], "who": record.body["who"], **place}
            self._write(partial(_as_made, Record(kind=RecordKind.ACKNOWLEDGED, at_ns=self._now(), body=body)))

    def read_to(self, journal: str, number: int) -> None:
        """Keep how far a guard's journal was read, so that nothing of it is taken again."""
        if number > self.desk.taken.get(journal, 0):
            self.note("read", journal=journal, number=number)

    def acknowledge(self, key: str, who: str) -> str:
        """Somebody has seen a page; its id.

        Raises
        ------
        InputError : nothing of that key waits.
        """
        found = acknowledged(self.desk, key, who, self._now())
        self._write(partial(_as_made, found))
        return str(found.body["key"])

    def note(self, about: str, **body: object) -> None:
        """Keep something beside the alerts."""
        self._write(partial(_as_made, Record(kind=RecordKind.NOTE, at_ns=self._now(), body={"about": about, **body})))

    def wait(self, proposal: Proposal) -> None:
        """A proposal waits for an answer: `ask` asks for it, and until it is `closed` what is left of its time is watched."""
        self._waiting[proposal.digest] = proposal

    async def ask(self) -> None:
        """Put what waits to whoever can answer it by a button and was not asked yet; what failed, again half a minute later."""
        for proposal in tuple(self._waiting.values()):
            digest, now = proposal.digest, self._now()
            if now >= proposal.expires_ns or now - self._asked_ns.get(digest, -ASK_AGAIN_NS) < ASK_AGAIN_NS:
                continue
            for bot in self._bots():
                if not bot.has_asked(digest):
                    self._asked_ns[digest] = now
                    await bot.ask(proposal)

    async def closed(self, digest: str, words: str) -> None:
        """A proposal was decided: nobody is asked or paged for it any longer."""
        self._waiting.pop(digest, None)
        self._asked_ns.pop(digest, None)
        now = self._now()
        late = [one for one in self.desk.standing() if one.kind == EXPIRING and one.proposal == digest]
        self.hear([replace(one, at_ns=now, resolved=True) for one in late], stands=True)
        for id_, held in tuple(self.desk.held.items()):
            if held.is_page and held.alert.proposal == digest and held.alert.kind == WAITS and not held.acknowledged:
                self.acknowledge(id_, words)
        for bot in self._bots():
            await bot.closed(digest, words)

    async def words(self, wait_s: float) -> tuple[Answered, ...]:
        """Answers to proposals that came in since. Acknowledgements are taken, presses that do not count become alerts.

        Raises
        ------
        ProviderError : a bot cannot be heard.
        """
        polled = await asyncio.gather(*(bot.poll(wait_s) for bot in self._bots()), return_exceptions=True)
        found = [word for words in polled if not isinstance(words, BaseException) for word in words]
        failed = next((one for one in polled if isinstance(one, BaseException)), None)
        if failed is not None and not found:
            raise failed
        for one in found:
            if isinstance(one, Acknowledged):
                self._seen(one)
            elif isinstance(one, Refused):
                told = f"A press of a button by {one.who} did not count: {one.why}."
                alert = Alert(
                    kind="telegram.refused", severity=Severity.WARN, at_ns=one.received_ns, sentence=told, account=one.who
                )  # fmt: skip
                self.hear([alert], stands=False)
        answers = tuple(one for one in found if isinstance(one, Answered))
        self._asked_ns.update({one.digest: ANSWERED_NS for one in answers})
        return answers

    def _bots(self) -> list[Telegram]:
        return [one for one in self._channels.values() if isinstance(one, Telegram)]

    def _seen(self, word: Acknowledged) -> None:
        held = self.desk.held.get(word.key)
        if held is not None and held.is_page and not held.acknowledged:
            self.acknowledge(word.key, word.who)

    def catch_up(self) -> None:
        """Take what others wrote into the journal since: acknowledgements, above all."""
        self._read(self._journal)

    async def tell(self) -> tuple[tuple[Delivery, Sent], ...]:
        """Send everything that is due now, channels side by side, and what falls due because some failed; what came of it."""
        now, out = self._now(), list[tuple[Delivery, Sent]]()
        late = [one for one in self._waiting.values() if 4 * (one.expires_ns - now) <= one.expires_ns - one.created_ns]
        self.hear([_expiring(one, now) for one in late], stands=True)
        for _ in range(1 + len(self._routing.rules.channels)):
            for record in settle(self.desk, self._routing, self._now()):
                self._write(partial(_as_made, record))
            by_channel: dict[str, list[Delivery]] = {}
            for delivery in due(self.desk, self._routing, self._now()):
                by_channel.setdefault(delivery.channel, []).append(delivery)
            if not by_channel:
                break
            done = await asyncio.gather(*(self._tell(name, some) for name, some in by_channel.items()))
            out += [one for some in done for one in some]
        return tuple(out)

    async def close(self) -> None:
        """Let go of every channel."""
        for channel in self._channels.values():
            await channel.close()

    async def _tell(self, name: str, deliveries: list[Delivery]) -> list[tuple[Delivery, Sent]]:
        channel, out = self._channels.get(name), []
        for one in deliveries:
            try:
                sent = await channel.send(one) if channel else Sent(ok=False, why="the channel is not open")
            except PerpbookError as error:
                sent = Sent(ok=False, why=str(error))
            record = delivered(one, ok=sent.ok, why=sent.why, now_ns=self._now())
            self._write(partial(_as_made, record))
            out.append((one, sent))
        return out

    def _opened(self) -> Journal:
        journal = self._again()
        self._read(journal)
        return journal

    def _read(self, journal: Journal) -> None:
        for number, record in journal.read(self._number):
            self._number = number
            self.desk.apply(record)
            if record.body.get("about") == "market":
                self.figures = [*self.figures[1 - MOST :], cast(Figures, record.body["figures"])]

    def _write(self, made: Callable[[], Record | None]) -> None:
        """Append a record and take it; made anew when somebody else has written meanwhile."""
        record = made()
        if record is None:
            return
        try:
            self._number = self._journal.append(record)
        except BrokenJournal:
            self._journal = self._opened()
            record = made()
            if record is None:
                return
            self._number = self._journal.append(record)
        self.desk.apply(record)


def _expiring(proposal: Proposal, at_ns: int) -> Alert:
    told = f"Proposal {proposal.short} for {proposal.rule} is denied at {to_iso(proposal.expires_ns)} unless somebody answers."
    return Alert(
        kind=EXPIRING, severity=Severity.PAGE, at_ns=at_ns, sentence=told, symbol=proposal.short,
        proposal=proposal.digest,
    )  # fmt: skip


def _as_made(record: Record) -> Record:
    return record
