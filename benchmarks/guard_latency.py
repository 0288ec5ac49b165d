"""From a message sent on loopback to the decision on it: a sender process, the stream, the watch, the signals.

A decision is: the frame taken, decoded and refused or not, the book walked for what closing the position costs, equity, margin
and notional carried to the new price, the range of proven findings asked, spread and depth held against their past. Tops of the
book and books of 20 levels come at 1,000 a second, then books flat out: with every one decided, and as the guard runs, where
the newest of a contract takes the place of those that wait. ccxt.pro's own client takes the same books from the same sender in
the same run. Five levels a side are read of the twenty that are sent, which is what closing the position walks at most.
"""

from __future__ import annotations

import asyncio
import gc
import json
import mmap
import os
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import picows
import uvloop

from benchmarks.document import publish
from benchmarks.guard_sender import MOST
from perpbook.guard.signals import Signals
from perpbook.guard.watch import Watch
from perpbook.guard.watch_range import Look
from perpbook.model.account import Account, Balance, Position
from perpbook.model.book import Book
from perpbook.model.market import Market, Quote, Snapshot
from perpbook.model.message import BookSeen
from perpbook.playbook.decision import decide_on
from perpbook.playbook.load import parse_playbook
from perpbook.runs.check import assess_under
from perpbook.terms.load import load_terms
from perpbook.venues.decode_hyperliquid import Hyperliquid
from perpbook.venues.decode_parts import Kind, Sorted
from perpbook.venues.stream import Habits, Stream
from perpbook.venues.stream_dialects import Dialect, dialect_of

RATE, PACED, FLAT = 1_000, 4_000, 60_000
WARM = 0.25
WALKED = 5
QUANTITY = 2.0

PLAYBOOK = """
schema_version = 1
[leverage.account]
gross = 6
effective = 9
[survival]
kinds = ["joint", "beta"]
[guardrails]
position_loss = 0.1
"""


class Every(Hyperliquid):
    """Keeps every book: what is measured is each of them decided."""

    def sort(self, raw: bytes) -> Sorted:
        return super().sort(raw)._replace(kind=Kind.EVENT)


def watched() -> Watch:
    """A watch over an account of twenty positions."""
    terms = {"hyperliquid": load_terms("hyperliquid")}
    symbols = [name for name in terms["hyperliquid"].contracts if name != "BTC"][:19]
    positions = [Position(symbol="BTC", quantity=QUANTITY, entry_price=89_000.0)]
    positions += [Position(symbol=name, quantity=(-1) ** k * 50.0, entry_price=101.0) for k, name in enumerate(symbols)]
    account = Account(
        id="one", venue="hyperliquid", collateral=(Balance(asset="USDC", amount=120_000.0),), positions=tuple(positions)
    )
    quotes = [
        Quote(venue="hyperliquid", symbol=one.symbol, mark_price=90_008.0 if one.symbol == "BTC" else 100.0)
        for one in positions
    ]
    now_ns = time.time_ns()
    market = Market(as_of_ns=now_ns, source="benchmark", quotes={(one.venue, one.symbol): one for one in quotes})
    snapshot = Snapshot(book=Book(as_of_ns=now_ns, source="benchmark", accounts=(account,)), market=market)
    playbook = parse_playbook(PLAYBOOK, "benchmark.toml")
    assessed = assess_under(snapshot, playbook, terms)
    watch = Watch(latest_ns=10**18)
    watch.look(Look(assessed=assessed, decision=decide_on(assessed, playbook), playbook=playbook, now_ns=now_ns))
    assert watch.reach > 0.0
    return watch


def close_cost(message: BookSeen) -> float:
    """Dollars lost against the middle by closing the position into the book."""
    levels, left = message.depth.bids, QUANTITY
    middle = 0.5 * (levels[0][0] + message.depth.asks[0][0])
    lost = 0.0
    for price, size in levels:
        taken = size if size < left else left
        lost += taken * (middle - price)
        left -= taken
        if left <= 0.0:
            return lost
    return lost + left * (middle - levels[-1][0])


async def listen(dialect: Dialect, url: str, count: int, stamps: mmap.mmap, *, paced: bool) -> dict[str, Any]:
    """Decide on everything that comes, until the last."""
    watch, signals = watched(), Signals()
    held = watch.held("hyperliquid", "BTC")
    assert held is not None
    stream = Stream(dialect, url=url, levels=WALKED, habits=Habits(room=MOST))
    late: list[float] = []
    first = decided = due = 0
    spent = 0.0
    warm, number = int(WARM * count), 0
    gc.collect()
    async for message in stream.messages([], ["BTC"]):
        if not isinstance(message, BookSeen):
            continue
        depth = message.depth
        middle = 0.5 * (depth.bids[0][0] + depth.asks[0][0])
        close_cost(message)
        due += watch.price(held, middle) or watch(message)
        signals(message)
        now = time.time_ns()
        number = int(depth.bids[0][1])
        decided += 1
        if number >= warm:
            if not first:
                gc.collect()
                gc.freeze()
                first, decided, spent = now, 0, time.process_time()
            elif paced:
                late.append((now - struct.unpack_from("q", stamps, 8 * number)[0]) / 1_000)
        if number >= count:
            break
    spent = time.process_time() - spent
    gc.unfreeze()
    assert not due, "nothing leaves the range here"
    sent = count - warm
    found: dict[str, Any] = {"per_s": sent / ((now - first) / 1e9), "decided": decided, "sent": sent}
    found["processor_us"] = 1e6 * spent / sent
    if paced:
        late.sort()
        found |= {"p50_us": late[len(late) // 2], "p99_us": late[int(0.99 * len(late))], "max_us": late[-1]}
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


async def frames_alone(url: str, count: int, stamps: mmap.mmap) -> float:
    """Microseconds from a message sent to its frame in Python, the median: what the machine itself takes."""
    frames = Frames(count, stamps)
    transport, _ = await picows.ws_connect(lambda: frames, url)
    transport.send(picows.WSMsgType.TEXT, b"subscribe")
    await frames.done.wait()
    transport.disconnect()
    return sorted(frames.late[count // 4 :])[3 * count // 8]


def ours(port: str, stamps: mmap.mmap) -> dict[str, Any]:
    """The four runs of the guard's own stream."""
    plain = replace(dialect_of("hyperliquid"), streams=lambda scope: {"book:BTC": 0})
    every = replace(plain, decoder=Every)
    url = f"ws://127.0.0.1:{port}"
    runs = {
        "top": (plain, f"{url}/bbo/{RATE}/{PACED}", PACED, True),
        "book": (plain, f"{url}/book/{RATE}/{PACED}", PACED, True),
        "flat_out": (every, f"{url}/book/0/{FLAT}", FLAT, False),
        "flat_out_conflated": (plain, f"{url}/book/0/{FLAT}", FLAT, False),
    }
    return {
        name: uvloop.run(listen(dialect, address, count, stamps, paced=paced))
        for name, (dialect, address, count, paced) in runs.items()
    }


def theirs(port: str, path: Path) -> dict[str, Any]:
    """ccxt.pro on books at the same rate, then flat out."""
    script = Path(__file__).with_name("peers") / "ccxt_stream_run.py"
    out = {}
    for name, rate, count in (("book", RATE, PACED), ("flat_out", 0, FLAT // 4)):
        command = [sys.executable, str(script), port, str(path), str(rate), str(count)]
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
                floor = uvloop.run(frames_alone(f"ws://127.0.0.1:{port}/bbo/{RATE}/{PACED}", PACED, stamps))
                found = ours(port, stamps)
            peer = theirs(port, path)
        finally:
            sender.terminate()
            sender.wait()
    publish(
        {
            "name": "guard_latency",
            "unit": "us",
            "value": found["top"]["p50_us"],
            "p99": found["top"]["p99_us"],
            "books_per_s": found["flat_out"]["per_s"],
            "targets": {"p50_us": 60.0, "p99_us": 300.0, "books_per_s": 50_000.0},
            "runs": found,
            "load": os.getloadavg()[0],
            "baseline": {"name": "ccxt.pro, 20-level books at the same rate", "value": peer["book"]["p50_us"]} | peer,
            "floor": {"name": "picows alone, the frame in Python", "value": floor},
            "ratio": peer["book"]["p50_us"] / found["book"]["p50_us"],
        },
        ("picows", "msgspec", "uvloop", "ccxt", "perpbook"),
    )


if __name__ == "__main__":
    main()
