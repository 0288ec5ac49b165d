"""From a message sent on loopback to the decision on it: a sender process, the stream, and the guard as `guard run` wires it.

A decision is: the frame taken, decoded and refused or not, taken by the guard's core (held against what is known, kept, the
account's equity, margin and notional carried to a new mark, the range of proven findings asked), with the full looks that the
guard takes meanwhile. A book in a calm, of which only its own bytes could say that it leads to more, is decided by a glimpse
at them (`kernels/glimpse.py`), and decoded later, if at all, as in the guard; `by_a_glimpse` is the share of such. Tops of the
book, marks and books of 20 levels come at 1,000 a second, then books flat out: with every one decided, and as the guard runs,
where the newest of a contract takes the place of those that wait. Paced runs are made twice: sleeping until the socket has
something, from a sender that sleeps as well; and asking it again and again (`guard run --spin`), from one that does not;
nothing is encrypted, so a spinning guard reads the socket itself. ccxt.pro's own client takes the same books from the same
sender in the same run, and decodes every one. Five levels a side are read of the twenty that are sent.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import picows
import uvloop

from benchmarks.document import publish
from benchmarks.guard_measured import shell_of
from benchmarks.guard_sender import MOST
from perpbook.engine.live_spin import LOOKS
from perpbook.model.message import BookSeen, MarkSeen, Message
from perpbook.venues.decode_hyperliquid import Hyperliquid
from perpbook.venues.decode_parts import Kind, Sorted
from perpbook.venues.stream import Habits, Stream
from perpbook.venues.stream_dialects import Dialect, dialect_of
from perpbook.venues.stream_socket import DirectRead

VENUE = "hyperliquid"
RATE, PACED, FLAT = 1_000, 4_000, 60_000
WARM = 0.25
WALKED = 5
SIZE = re.compile(rb'"sz":"(\d+)"')


class Every(Hyperliquid):
    """Keeps every book: what is measured is each of them decided."""

    def sort(self, raw: bytes) -> Sorted:
        return super().sort(raw)._replace(kind=Kind.EVENT)


@dataclass(slots=True)
class Clock:
    """Reads the time of each decision, how late it is after the message was sent, and after the socket gave it. warm : messages
    that are not counted."""

    count: int
    warm: int
    stamps: mmap.mmap
    done: Callable[[], object] = print
    late: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    first_ns: int = 0
    newest: int = 0
    decided: int = 0
    spent: float = 0.0
    per_s: float = 0.0

    def __call__(self, message: Message) -> None:
        """A message was decided on."""
        now = time.time_ns()
        self.read(now, number_of(message), message.received_ns)

    def read(self, now: int, number: int, received_ns: int) -> None:
        """A message was decided on at `now`; one that was is not counted again when it is told."""
        if number <= self.newest:
            return
        self.newest = number
        self.decided += 1
        if number < self.warm:
            return
        if not self.first_ns:
            self.first_ns, self.decided, self.spent = now, 0, time.process_time()
        else:
            self.own.append((now - received_ns) / 1_000)
            self.late.append((now - struct.unpack_from("q", self.stamps, 8 * number)[0]) / 1_000)
        if number >= self.count:
            self.spent = time.process_time() - self.spent
            self.per_s = (self.count - self.warm) / ((now - self.first_ns) / 1e9)
            self.done()


def number_of(message: Message) -> int:
    """The sender's number: the best bid's size, or a mark's open interest; 0 for one of the guard's own."""
    if isinstance(message, BookSeen):
        return int(message.depth.bids[0][1])
    return int(message.open_interest or 0) if isinstance(message, MarkSeen) else 0


class Timed(Stream):
    """Tells the clock of books that lead to nothing by a glimpse, which the guard is told of later."""

    clock: Clock

    def hear(self, raw: bytes, last: bool = False) -> None:
        before, received_ns = self._glimpses.passed, time.time_ns()
        super().hear(raw, last)
        if self._glimpses.passed > before:
            now, size = time.time_ns(), SIZE.search(raw)
            assert size is not None
            self.clock.read(now, int(size[1]), received_ns)


async def listen(dialect: Dialect, url: str, count: int, stamps: mmap.mmap, **how: bool) -> dict[str, Any]:
    """Decide on everything that comes, until the last."""
    clock = Clock(count, int(WARM * count), stamps)
    stream = Timed(dialect, url=url, levels=WALKED, habits=Habits(room=MOST))
    stream.clock = clock
    shell = shell_of(stream, clock, spin=how["spin"])
    clock.done = shell.stop
    await shell.run()
    sent = clock.count - clock.warm
    found: dict[str, Any] = {"per_s": clock.per_s, "decided": clock.decided, "sent": sent}
    found["by_a_glimpse"] = stream._glimpses.passed / count
    found["processor_us"] = 1e6 * clock.spent / sent
    if how["paced"]:
        late = sorted(clock.late)
        found |= {"p50_us": late[len(late) // 2], "p99_us": late[int(0.99 * len(late))], "max_us": late[-1]}
        own = sorted(clock.own)
        found["from_the_socket"] = {"p50_us": own[len(own) // 2], "p99_us": own[int(0.99 * len(own))]}
    return found


class Frames(picows.WSListener):
    """Takes frames and does nothing with them but read the clock."""

    def __init__(self, count: int, stamps: mmap.mmap) -> None:
        self.late: list[float] = []
        self._count, self._stamps, self._number = count, stamps, 0
        self.done = asyncio.Event()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        frame.get_payload_as_bytes()
        now = time.time_ns()
        self._number += 1
        self.late.append((now - struct.unpack_from("q", self._stamps, 8 * self._number)[0]) / 1_000)
        if self._number >= self._count:
            self.done.set()


async def frames_alone(url: str, count: int, stamps: mmap.mmap, *, spin: bool) -> float:
    """Microseconds from a message sent to its frame in Python, the median: what the machine itself takes."""
    frames, loop = Frames(count, stamps), asyncio.get_running_loop()

    transport, _ = await picows.ws_connect(lambda: frames, url)
    carrier = transport.underlying_transport
    taker = carrier.get_protocol()
    assert isinstance(taker, asyncio.BufferedProtocol)
    read = DirectRead(carrier, taker)

    def again() -> None:
        for _ in range(LOOKS):
            read()
        if not frames.done.is_set():
            loop.call_soon(again)

    if spin:
        again()
    transport.send(picows.WSMsgType.TEXT, b"subscribe")
    await frames.done.wait()
    read.close()
    transport.disconnect()
    return sorted(frames.late[count // 4 :])[3 * count // 8]


def ours(port: str, stamps: mmap.mmap) -> dict[str, Any]:
    """The guard's runs."""
    plain = replace(dialect_of(VENUE), streams=lambda scope: {"book:BTC": 0, "mark:BTC": 0})
    every = replace(plain, decoder=Every)
    url = f"ws://127.0.0.1:{port}"
    runs: dict[str, Any] = {}
    for name, spin in (("sleeping", False), ("spinning", True)):
        for kind, path in (("top", "bbo"), ("mark", "mark"), ("book", "book")):
            address = f"{url}/{path}/{RATE}/{PACED}" + ("/awake" if spin else "")
            runs.setdefault(kind, {})[name] = uvloop.run(listen(plain, address, PACED, stamps, paced=True, spin=spin))
    for kind, dialect in (("flat_out", every), ("flat_out_conflated", plain)):
        runs[kind] = uvloop.run(listen(dialect, f"{url}/book/0/{FLAT}", FLAT, stamps, paced=False, spin=False))
    return runs


def theirs(port: str, path: Path) -> dict[str, Any]:
    """ccxt.pro on books at the same rate, then flat out."""
    script = Path(__file__).with_name("peers") / "ccxt_stream_run.py"
    out = {}
    for name, rate, count, how in (("book", RATE, PACED, "/awake"), ("flat_out", 0, FLAT // 4, "")):
        command = [sys.executable, str(script), port, str(path), str(rate), str(count), how]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        out[name] = json.loads(done.stdout)
    return out


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stamps")
        path.write_bytes(bytes(8 * (MOST + 1)))
        sender = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.guard_sender", str(path)], stdout=subprocess.PIPE, text=True
        )
        try:
            assert sender.stdout is not None
            port = sender.stdout.readline().strip()
            with path.open("r+b") as file:
                stamps = mmap.mmap(file.fileno(), 0)
                alone = f"ws://127.0.0.1:{port}/bbo/{RATE}/{PACED}"
                floor = {
                    name: uvloop.run(frames_alone(alone + ("/awake" if spin else ""), PACED, stamps, spin=spin))
                    for name, spin in (("sleeping", False), ("spinning", True))
                }
                found = ours(port, stamps)
            peer = theirs(port, path)
        finally:
            sender.terminate()
            sender.wait()
    publish(
        {
            "name": "guard_latency",
            "unit": "us",
            "value": found["top"]["spinning"]["p50_us"],
            "p99": found["top"]["spinning"]["p99_us"],
            "books_per_s": found["flat_out"]["per_s"],
            "targets": {"p50_us": 60.0, "p99_us": 300.0, "books_per_s": 50_000.0},
            "runs": found,
            "load": os.getloadavg()[0],
            "baseline": {"name": "ccxt.pro, 20-level books at the same rate", "value": peer["book"]["p50_us"]} | peer,
            "floor": {
                "name": "picows alone, the frame in Python",
            }
            | floor,
            "ratio": {name: peer["book"]["p50_us"] / one["p50_us"] for name, one in found["book"].items()},
        },
        ("picows", "msgspec", "uvloop", "ccxt", "perpbook"),
    )


if __name__ == "__main__":
    main()
