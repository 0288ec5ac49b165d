"""The socket under a stream: picows, one callback a frame."""

from __future__ import annotations

import asyncio
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


def _nothing(raw: bytes, last: bool = False) -> None:
    """What is not heard."""


class Socket:
    """A connection that stands."""

    def __init__(self, transport: WSTransport, ears: Ears) -> None:
        self._transport, self._ears = transport, ears

    def send(self, raw: bytes) -> None:
        """Send a text."""
        if not self._ears.gone.is_set():
            self._transport.send(TEXT, raw)

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
