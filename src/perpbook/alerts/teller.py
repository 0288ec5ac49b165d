"""The desk at work: what is heard goes into the journal, what is due goes out, and what came of that goes into the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import cast

from perpbook.alerts.channels import Channel, Sent
from perpbook.alerts.desk import Desk, acknowledged, delivered, heard
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
from perpbook.model.units import to_iso


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
        self._journal = self._opened()

    def hear(self, alerts: Iterable[Alert], *, stands: bool) -> None:
        """Take alerts; what is no news leaves no trace."""
        for alert in alerts:
            self._write(partial(heard, self.desk, alert, stands, self._now()))

    def take(self, number: int, record: Record) -> None:
        """What a guard wrote into its own journal as record `number`: alerts, and incidents that were acknowledged there. What
        was taken before leaves no trace, so after a crash everything after `desk.taken` may be taken again."""
        if number <= self.desk.taken:
            return
        if record.kind is RecordKind.ALERT:
            alert, stands = rebuild(Alert, record.body["alert"]), bool(record.body["stands"])
            self._write(partial(heard, self.desk, alert, stands, self._now(), number))
        elif record.kind is RecordKind.ACKNOWLEDGED:
            body = {"key": record.body["key"], "who": record.body["who"], "number": number}
            self._write(partial(_as_made, Record(kind=RecordKind.ACKNOWLEDGED, at_ns=self._now(), body=body)))

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

    async def ask(self, proposal: Proposal) -> bool:
        """Put a proposal to whoever can answer it by a button; whether anybody was reached. Until it is `closed`, what is left of
        its time is watched."""
        self._waiting[proposal.digest] = proposal
        return any([(await bot.ask(proposal)).ok for bot in self._bots()])

    async def closed(self, digest: str, words: str) -> None:
        """A proposal was decided: nobody is asked any longer."""
        found = self._waiting.pop(digest, None)
        if found is not None:
            self.hear([replace(_expiring(found, self._now()), resolved=True)], stands=True)
        for bot in self._bots():
            await bot.closed(digest, words)

    async def words(self, wait_s: float) -> tuple[Answered, ...]:
        """Answers to proposals that came in since. Acknowledgements are taken, presses that do not count become alerts.

        Raises
        ------
        ProviderError : a bot cannot be heard.
        """
        found = [word for bot in self._bots() for word in await bot.poll(wait_s)]
        for one in found:
            if isinstance(one, Acknowledged):
                self._seen(one)
            elif isinstance(one, Refused):
                told = f"A press of a button by {one.who} did not count: {one.why}."
                alert = Alert(
                    kind="telegram.refused", severity=Severity.WARN, at_ns=one.received_ns, sentence=told, account=one.who
                )  # fmt: skip
                self.hear([alert], stands=False)
        return tuple(one for one in found if isinstance(one, Answered))

    def _bots(self) -> list[Telegram]:
        return [one for one in self._channels.values() if isinstance(one, Telegram)]

    def _seen(self, word: Acknowledged) -> None:
        held = self.desk.held.get(word.key)
        if held is not None and held.is_page and not held.acknowledged:
            self.acknowledge(word.key, word.who)

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
        for number, record in journal.read(self._number):
            self._number = number
            self.desk.apply(record)
            if record.body.get("about") == "market":
                self.figures = [*self.figures[1 - MOST :], cast(Figures, record.body["figures"])]
        return journal

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
        kind="proposal.expiring", severity=Severity.PAGE, at_ns=at_ns, sentence=told, symbol=proposal.short,
        proposal=proposal.digest,
    )  # fmt: skip


def _as_made(record: Record) -> Record:
    return record
