"""The desk at work: what is heard goes into the journal, what is due goes out, and what came of that goes into the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from perpbook.alerts.channels import Channel, Sent
from perpbook.alerts.desk import Desk, acknowledged, delivered, heard
from perpbook.alerts.due import due, settle
from perpbook.alerts.held import Delivery
from perpbook.alerts.routing import Routing
from perpbook.engine.clock import now_ns
from perpbook.engine.ports import Journal
from perpbook.errors import BrokenJournal
from perpbook.model.alert import Alert
from perpbook.model.record import Record


class Teller:
    """One journal, its desk and the playbook's channels. A channel that is missing counts as one that fails.

    again : opens the journal anew; where another process wrote to it meanwhile, its records are taken first.
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
        self._journal = self._opened()

    def hear(self, alerts: Iterable[Alert], *, stands: bool) -> None:
        """Take alerts; what is no news leaves no trace."""
        for alert in alerts:
            self._write(partial(heard, self.desk, alert, stands, self._now()))

    def acknowledge(self, key: str, who: str) -> str:
        """Somebody has seen a page; its id.

        Raises
        ------
        InputError : nothing of that key waits.
        """
        found = acknowledged(self.desk, key, who, self._now())
        self._write(partial(_as_made, found))
        return str(found.body["key"])

    async def tell(self) -> tuple[tuple[Delivery, Sent], ...]:
        """Send everything that is due now, channels side by side; what came of it."""
        for record in settle(self.desk, self._routing, self._now()):
            self._write(partial(_as_made, record))
        wanted = due(self.desk, self._routing, self._now())
        by_channel: dict[str, list[Delivery]] = {}
        for delivery in wanted:
            by_channel.setdefault(delivery.channel, []).append(delivery)
        done = await asyncio.gather(*(self._tell(name, some) for name, some in by_channel.items()))
        return tuple(one for some in done for one in some)

    async def close(self) -> None:
        """Let go of every channel."""
        for channel in self._channels.values():
            await channel.close()

    async def _tell(self, name: str, deliveries: list[Delivery]) -> list[tuple[Delivery, Sent]]:
        channel, out = self._channels.get(name), []
        for one in deliveries:
            sent = await channel.send(one) if channel else Sent(ok=False, why="the channel is not open")
            record = delivered(one, ok=sent.ok, why=sent.why, now_ns=self._now())
            self._write(partial(_as_made, record))
            out.append((one, sent))
        return out

    def _opened(self) -> Journal:
        journal = self._again()
        for number, record in journal.read(self._number):
            self._number = number
            self.desk.apply(record)
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


def _as_made(record: Record) -> Record:
    return record
