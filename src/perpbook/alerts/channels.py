"""Ways to people: the console, a signed webhook, apprise. Each says whether a message went out; none ever raises for that."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import Protocol

from perpbook.alerts.held import Delivery, What
from perpbook.alerts.secret import Secret
from perpbook.alerts.text import body_of, document_of, title_of
from perpbook.alerts.wire import Wire
from perpbook.engine.clock import now_ns
from perpbook.errors import InputError, ProviderError
from perpbook.model.units import SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Whether a message went out, and what was said of it, without secrets."""

    ok: bool
    why: str = ""


class Channel(Protocol):
    """One way to people."""

    async def send(self, delivery: Delivery) -> Sent:
        """Deliver a message, once."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Console:
    """Lines where the program's own messages go. shown : what stands there already, and is not printed."""

    def __init__(self, write: Callable[[str], object], shown: frozenset[What] = frozenset()) -> None:
        self._write, self._shown = write, shown

    async def send(self, delivery: Delivery) -> Sent:
        """Print it."""
        if all(part.what in self._shown for part in delivery.parts) and delivery.what is not What.DIGEST:
            return Sent(ok=True, why="the guard printed it")
        self._write(f"{title_of(delivery)}\n" + "\n".join(f"  {one}" for one in body_of(delivery).splitlines()))
        return Sent(ok=True, why="printed")

    async def close(self) -> None:
        """Nothing is open."""


class Webhook:
    """JSON posted to an address, signed: X-Perpbook-Signature is `signature_of` of what was sent."""

    def __init__(self, url: Secret, key: Secret, *, now: Callable[[], int] = now_ns) -> None:
        self._wire, self._key, self._now = Wire(url, "a webhook"), key, now

    async def send(self, delivery: Delivery) -> Sent:
        """Post it; anything but 2xx is a failure."""
        body = json.dumps(document_of(delivery), separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
        stamp, nonce = str(self._now() // SECOND_NS), token_hex(16)
        headers = {
            "X-Perpbook-Timestamp": stamp,
            "X-Perpbook-Nonce": nonce,
            "X-Perpbook-Signature": signature_of(self._key, stamp, nonce, body),
        }
        try:
            reply = await self._wire.post("", body, headers)
        except ProviderError as error:
            return Sent(ok=False, why=str(error))
        return Sent(ok=200 <= reply.status < 300, why=f"{self._wire.name} answers with HTTP {reply.status}")

    async def close(self) -> None:
        """Let its connections go."""
        await self._wire.close()


def signature_of(key: Secret, timestamp: str, nonce: str, body: bytes) -> str:
    """sha256=HMAC-SHA256 of "timestamp.nonce.body", hex; a receiver refuses an old timestamp and a nonce it has seen."""
    signed = f"{timestamp}.{nonce}.".encode() + body
    return "sha256=" + hmac.new(key.reveal().encode(), signed, hashlib.sha256).hexdigest()


class Fanned:
    """Whatever apprise can reach."""

    def __init__(self, url: Secret, whose: str) -> None:
        try:
            from apprise import Apprise
        except ImportError:
            raise InputError(f"{whose} needs apprise\n    install it with: pip install 'perpbook[alerts]'") from None
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # It writes whole addresses into its log.
        self._way = Apprise()
        if not self._way.add(url.reveal()):
            raise InputError(f"the address of {whose} is none that apprise knows")

    async def send(self, delivery: Delivery) -> Sent:
        """Hand it over; apprise says no more than yes or no."""
        ok = await asyncio.to_thread(self._way.notify, title=title_of(delivery), body=body_of(delivery))
        return Sent(ok=bool(ok), why="apprise has sent it" if ok else "apprise could not send it")

    async def close(self) -> None:
        """Nothing is open."""
