"""Streams kept in files: what a stream writes down, and a `Feed` that plays it again at any speed.

A line is `seconds.fraction: message`, as in cryptofeed's raw recordings; lines that say anything else (`address <-> time`, what
was sent) are passed over. Times are the receiver's. Answers over HTTP, `address -> time: answer`, may stand in a second file.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from perpbook.errors import InputError
from perpbook.model.message import Message
from perpbook.model.units import SECOND_NS
from perpbook.venues.decode_parts import Kind, Unfit
from perpbook.venues.stream_dialects import Dialect, scope_of
from perpbook.venues.stream_reader import Reader
from perpbook.venues.watchdog import Watchdog

LINE = re.compile(rb"(\d{1,12})(?:\.(\d{1,9}))?: ")
ANSWER = re.compile(rb"(\S+) -> (\d{1,12})(?:\.(\d{1,9}))?: ")
SYMBOL = re.compile(r"/depth\?(?:.*&)?symbol=([^&]+)")


class Recorder:
    """Writes a stream down, message by message, none conflated."""

    def __init__(self, path: Path, venue: str) -> None:
        self._file: IO[bytes] = path.open("ab", buffering=1 << 20)
        self._venue = venue
        self._begun = False

    def write(self, raw: bytes, received_ns: int) -> None:
        """One message."""
        if not self._begun:
            self._file.write(b"%s <-> %s\n" % (self._venue.encode(), _seconds(received_ns)))
            self._begun = True
        self._file.write(b"%s: %s\n" % (_seconds(received_ns), raw.replace(b"\n", b" ").replace(b"\r", b" ")))

    def flush(self) -> None:
        """Hand on what is buffered."""
        self._file.flush()

    def close(self) -> None:
        """No more comes."""
        self._file.close()


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """(received nanoseconds, message) of a recording, in its order."""
    try:
        with path.open("rb") as file:
            for line in file:
                found = LINE.match(line)
                if found:
                    yield _nanoseconds(found[1], found[2]), line[found.end() :].rstrip(b"\r\n")
    except OSError as error:
        raise InputError(f"{path.name}: cannot be read ({error.strerror}): give a recording of a stream") from None


def answers_of(path: Path) -> Iterator[tuple[int, str, bytes]]:
    """(nanoseconds, address, answer) of recorded HTTP answers."""
    with path.open("rb") as file:
        for line in file:
            found = ANSWER.match(line)
            if found:
                yield _nanoseconds(found[2], found[3]), found[1].decode(), line[found.end() :].rstrip(b"\r\n")


class Recorded:
    """A `Feed` out of a file; it ends where the file does. speed : 1 as it was, inf as fast as it is taken.  answers : snapshots
    of books that were asked for over HTTP."""

    def __init__(
        self,
        path: Path,
        dialect: Dialect,
        addresses: Mapping[str, str] | None = None,
        *,
        speed: float = float("inf"),
        answers: Path | None = None,
    ) -> None:
        if not speed > 0.0:
            raise InputError("a recording is played at a speed above 0")
        self._path, self._dialect, self._addresses = path, dialect, dict(addresses or {})
        self._speed, self._answers = speed, answers

    async def messages(self, accounts: Sequence[str], symbols: Sequence[str]) -> AsyncIterator[Message]:
        """Everything about these accounts and contracts, in the recording's own time."""
        unknown = [name for name in accounts if name not in self._addresses]
        if unknown:
            raise InputError(f"no address is known for {', '.join(unknown)}: give one for each account")
        scope = scope_of(self._dialect, {name: self._addresses[name] for name in accounts}, symbols)
        self.reader = Reader(self._dialect.decoder(scope), Watchdog(self._dialect.venue, self._dialect.streams(scope)))
        before: int | None = None
        answers = self._snapshots()
        for at_ns, raw in lines_of(self._path):
            if before is None:
                self.reader.begin(at_ns)
            elif self._speed < float("inf"):
                await asyncio.sleep(max(at_ns - before, 0) / SECOND_NS / self._speed)
            before = at_ns
            while answers and answers[0][0] <= at_ns:
                for message in self._bring(*answers.pop(0)):
                    yield message
            for message in (*self.reader.watchdog.look(at_ns), *self._read(raw, at_ns)):
                yield message

    def _snapshots(self) -> list[tuple[int, str, bytes]]:
        if self._answers is None:
            return []
        found = [(at_ns, SYMBOL.search(address), raw) for at_ns, address, raw in answers_of(self._answers)]
        return sorted((at_ns, match[1], raw) for at_ns, match, raw in found if match)

    def _bring(self, at_ns: int, symbol: str, raw: bytes) -> Sequence[Message]:
        take = getattr(self.reader.decoder, "snapshot", None)
        if take is not None:
            try:
                take(symbol, raw)
            except Unfit as unfit:
                return self.reader.refuse(unfit, at_ns)
        return ()

    def _read(self, raw: bytes, at_ns: int) -> Sequence[Message]:
        try:
            what = self.reader.decoder.sort(raw)
        except Unfit as unfit:
            return self.reader.refuse(unfit, at_ns)
        return () if what.kind is Kind.NOTHING else self.reader.read(what, raw, at_ns)


def _seconds(at_ns: int) -> bytes:
    return b"%d.%09d" % divmod(at_ns, SECOND_NS)


def _nanoseconds(whole: bytes, fraction: bytes | None) -> int:
    return int(whole) * SECOND_NS + int((fraction or b"").ljust(9, b"0"))
