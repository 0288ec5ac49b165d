"""A venue on 127.0.0.1 that sends Hyperliquid's books and writes down when: the other end of `guard_latency`.

The path of the address says what: `/bbo/1000/5000` is tops of the book (`mark`: contexts, `book`: 20 levels), 1,000 a second (0:
flat out), 5,000 of them, once a client subscribes. The best bid's size, or a context's open interest, is the message's number
from 1, and the file given holds the nanosecond each was sent. With `/awake` at the end it wakes a little before each, so that
what waking takes is not in the times, and leaves the processor to who listens in between.
"""

from __future__ import annotations

import asyncio
import mmap
import struct
import sys
import time
from pathlib import Path

import picows
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest

LEVELS = 20
MOST = 1_000_000
BATCH = 32
EARLY = 200e-6
"""Seconds before a message at which a sender that is awake stops sleeping."""


def bodies(kind: str) -> list[bytes]:
    """Messages with room for a time in milliseconds and a number; the middle wanders by a tick."""
    out = []
    for tick in range(16):
        middle = 90_000 + tick
        if kind == "mark":
            prices = f'"markPx":"{middle}.0","oraclePx":"{middle}.5","midPx":"{middle}.0","premium":"0.0001"'
            rest = '"prevDayPx":"88000.0","dayNtlVlm":"1234567890.12","impactPxs":["89999.0","90001.0"]'
            head = '{"channel":"activeAssetCtx","data":{"coin":"BTC","ctx":{"funding":"0.0000125",'
            out.append(f'{head}{prices},{rest},"dayBaseVlm":"%d","openInterest":"%d"}}}}}}'.encode())
            continue
        head = f'{{"channel":"{"bbo" if kind == "bbo" else "l2Book"}","data":{{"coin":"BTC","time":%d,'
        bid, ask = f'{{"px":"{middle - 1}.0","sz":"%d","n":3}}', f'{{"px":"{middle + 1}.0","sz":"1.5","n":2}}'
        if kind == "bbo":
            out.append(f'{head}"bbo":[{bid},{ask}]}}}}'.encode())
            continue
        rest = "".join(f',{{"px":"{middle - 1 - k}.0","sz":"{k * 0.25 + 0.1:.5f}","n":{k}}}' for k in range(1, LEVELS))
        asks = ",".join(f'{{"px":"{middle + 1 + k}.0","sz":"{k * 0.3 + 0.2:.5f}","n":{k}}}' for k in range(LEVELS))
        out.append(f'{head}"levels":[[{bid}{rest}],[{asks}]]}}}}'.encode())
    return out


class Sender(WSListener):
    """One client."""

    def __init__(self, path: str, stamps: mmap.mmap) -> None:
        kind, rate, count, *how = path.strip("/").split("/")
        self._awake = how == ["awake"]
        self._kind, self._rate, self._count = kind, int(rate), int(count)
        self._stamps = stamps
        self._task: asyncio.Future[None] | None = None
        self._free = asyncio.Event()
        self._free.set()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT and self._task is None and b"subscribe" in frame.get_payload_as_bytes():
            self._task = asyncio.ensure_future(self._send(transport))
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._free.clear()

    def resume_writing(self) -> None:
        self._free.set()

    async def _send(self, transport: WSTransport) -> None:
        messages, began = bodies(self._kind), time.perf_counter()
        for number in range(1, self._count + 1):
            if self._rate and self._awake:
                due = began + number / self._rate
                time.sleep(max(due - EARLY - time.perf_counter(), 0.0))
                while time.perf_counter() < due:
                    pass
            elif self._rate:
                while (wait := began + number / self._rate - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
            elif number % BATCH == 0:
                await asyncio.sleep(0)
                await self._free.wait()
            message = messages[number % len(messages)] % (time.time_ns() // 1_000_000, number)
            struct.pack_into("q", self._stamps, 8 * number, time.time_ns())
            transport.send(WSMsgType.TEXT, message)


async def serve(stamps: mmap.mmap) -> None:
    def listener(request: WSUpgradeRequest) -> Sender:
        return Sender(request.path.decode(), stamps)

    server = await picows.ws_create_server(listener, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until told to end."""
    with Path(sys.argv[1]).open("r+b") as file:
        uvloop.run(serve(mmap.mmap(file.fileno(), 8 * (MOST + 1))))


if __name__ == "__main__":
    main()
