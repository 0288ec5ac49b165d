"""Websocket clients of one venue: what each listens to, and a bounded queue for each, so that nobody waits for the slowest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from perpbook.dialects.venue import ServedVenue, Told

QUEUE = 10_000
"""Messages that wait for a client at most; one further behind is cut off, as venues do."""


@dataclass(eq=False, slots=True)
class Client:
    """One connection. `channels` : what it listens to; `sent` counts messages; `account` : whose private words it may hear."""

    name: str
    account: str | None = None
    channels: dict[Hashable, Any] = field(default_factory=dict)
    sent: int = 0
    queue: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(QUEUE))

    def close(self) -> None:
        """Cut it off, at once: what waits is not sent."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)

    def put(self, text: str) -> None:
        """Send soon; a queue that is full ends the connection."""
        if self.queue.full():
            self.close()
        else:
            self.queue.put_nowait(text)


Saying = tuple[Hashable, Callable[[], Any]]
"""A channel, and what is said on it; made only when somebody listens."""


class Stream(Protocol):
    """A venue's websocket dialect."""

    def sayings(self, told: Told) -> Sequence[Saying]:
        """What a message is in this dialect, channel by channel."""

    def wrapped(self, client: Client, channel: Hashable, said: Any) -> Any:
        """The JSON document that carries it to a client."""

    def heard(self, client: Client, text: str) -> Sequence[Any]:
        """What a client asked for; the documents that answer it."""

    def greeting(self, client: Client) -> Sequence[Any]:
        """What a client is told as it comes."""


class Hub:
    """Clients of one venue."""

    def __init__(self, venue: ServedVenue, stream: Stream) -> None:
        self.venue = venue
        self.stream = stream
        self.clients: list[Client] = []

    def flush(self) -> None:
        """Tell everybody what happened."""
        for told in self.venue.drain():
            if not self.clients:
                continue
            for channel, make in self.stream.sayings(told):
                listeners = [client for client in self.clients if channel in client.channels]
                if listeners:
                    self._say(channel, make(), listeners)

    def _say(self, channel: Hashable, said: Any, listeners: Sequence[Client]) -> None:
        for client in listeners:
            self.send(client, self.stream.wrapped(client, channel, said))

    def send(self, client: Client, document: Any) -> None:
        """One document to one client; a fault may garble it."""
        client.sent += 1
        client.put(self.venue.wire_text(json.dumps(document, separators=(",", ":"))))

    def cut_off(self) -> None:
        """Disconnect everybody."""
        for client in self.clients:
            client.close()
