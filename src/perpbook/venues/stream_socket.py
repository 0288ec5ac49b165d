"""The socket under a stream: picows, one callback a frame."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Protocol

import picows
from picows import WSFrame, WSListener, WSMsgType, WSTransport

from perpbook.errors import InputError

TEXT = WSMsgType.TEXT
PAYLOADS = frozenset({WSMsgType.TEXT, WSMsgType.BINARY})
LARGEST = 16 * 1024 * 1024
"""Bytes in one message at most."""


class Hearer(Protocol):
    """Who takes frames."""

    def hear(self, raw: bytes, last: bool = False) -> None:
        """A whole message; `last` : no more is in the buffer."""
        ...

    def wake(self) -> None:
        """No more is in the buffer."""
        ...


class Ears(WSListener):
    """Puts parts of a message together and hands it on."""

    def __init__(self, hearer: Hearer) -> None:
        self._hear, self._wake = hearer.hear, hearer.wake
        self._parts = bytearray()
        self._long = False
        self.gone = asyncio.Event()

    def deafen(self) -> None:
        """Hear no more."""
        self._hear = _nothing

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame."""
        kind = frame.msg_type
        if kind in PAYLOADS:
            if frame.fin:
                self._hear(frame.get_payload_as_bytes(), frame.last_in_buffer)
            else:
                self._parts[:] = frame.get_payload_as_bytes()
        elif kind == WSMsgType.CONTINUATION:
            self._parts += frame.get_payload_as_bytes()
            if len(self._parts) > LARGEST:
                transport.disconnect()
            elif frame.fin:
                self._hear(bytes(self._parts))
                self._parts.clear()
        elif kind == WSMsgType.CLOSE:
            transport.disconnect()
        if frame.last_in_buffer:
            self._wake()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """It ended."""
        self.gone.set()
        self._wake()


def _nowhere() -> None:
    """Nothing to listen to."""


def _nothing(raw: bytes, last: bool = False) -> None:
    """What is not heard."""


class DirectRead:
    """Reads a connection's bytes before the loop does, which then finds none; what fails the loop finds as well. Only without
    TLS: there the loop alone can."""

    def __init__(self, transport: asyncio.BaseTransport, protocol: asyncio.BufferedProtocol) -> None:
        self._socket = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
        self._socket.setblocking(False)
        self._receive, self._room, self._got = self._socket.recv_into, protocol.get_buffer, protocol.buffer_updated

    def __call__(self) -> None:
        """Take what came."""
        try:
            count = self._receive(self._room(-1))
        except OSError:
            return
        if count:
            self._got(count)

    def close(self) -> None:
        """Let go of it; the connection is the loop's."""
        self._socket.close()


class Socket:
    """A connection that stands. listen : take what came without waiting for the loop."""

    def __init__(self, transport: WSTransport, ears: Ears) -> None:
        self._transport, self._ears = transport, ears
        self._read: DirectRead | None = None
        self.listen: Callable[[], None] = self._begin

    def send(self, raw: bytes) -> None:
        """Send a text."""
        if not self._ears.gone.is_set():
            self._transport.send(TEXT, raw)

    def _begin(self) -> None:
        """Know how to listen, the first time somebody does."""
        carrier = self._transport.underlying_transport
        taker = carrier.get_protocol()
        if not self._transport.is_secure and isinstance(taker, asyncio.BufferedProtocol):
            self._read = DirectRead(carrier, taker)
        self.listen = self._read or _nowhere

    async def ended(self, seconds: float) -> bool:
        """Whether it ends within so long."""
        try:
            await asyncio.wait_for(self._ears.gone.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Let go; what is still under way is not heard."""
        self._ears.deafen()
        self.listen = _nowhere
        if self._read is not None:
            self._read.close()
        if not self._ears.gone.is_set():
            self._transport.disconnect()


async def connect(url: str, hearer: Hearer) -> Socket:
    """Open a connection. OSError where it cannot be; InputError where the address is none."""
    if not url.startswith(("ws://", "wss://")):
        raise InputError("a stream's address begins with ws:// or wss://")
    try:
        ears = Ears(hearer)
        transport, _ = await picows.ws_connect(
            lambda: ears,
            url,
            websocket_handshake_timeout=10,
            enable_auto_ping=True,
            auto_ping_idle_timeout=15,
            auto_ping_reply_timeout=10,
            max_frame_size=LARGEST,
        )
    except picows.WSError as error:
        raise OSError("the venue refuses the websocket") from error
    return Socket(transport, ears)
