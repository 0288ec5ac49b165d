"""The log of inputs beside a journal: what a guard was told, in pages of compressed text, chained line by line, bounded.

    digest(n) = SHA-256 of digest(n - 1) and the text of line n;  a page's first line says which digest it goes on from

Whoever tells never waits: lines go through a bounded queue to a thread. A page that is written is compressed, and the oldest go
where there is no room for more. A replay can begin with any page.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from queue import Empty, Full, Queue
from typing import IO
from zlib import error as Garbled

from perpbook.errors import BrokenJournal, InputError
from perpbook.guard.inputs import Began, Line
from perpbook.guard.inputs_text import line_of, text_of

START = "0" * 64
PAGE_BYTES, KEPT_BYTES = 8 << 20, 512 << 20
"""Of text in a page, and of all pages on disk."""
ROOM = 8_192
"""Lines that may wait for the disk."""


class InputLog:
    """Lines of one run of a guard into a folder. run : what it was begun with. `why` : what stopped it from being written, ""
    while nothing has."""

    def __init__(
        self,
        folder: Path,
        run: Mapping[str, object],
        *,
        page: int = PAGE_BYTES,
        kept: int = KEPT_BYTES,
        room: int = ROOM,
    ) -> None:
        self.run, self.why = run, ""
        self._folder, self._page, self._kept = folder, page, kept
        self._queue: Queue[Line | None] = Queue(room)
        self._file: IO[str] | None = None
        self._written, self._number, self._digest = 0, 0, START
        self._thread = threading.Thread(target=self._work, name="inputs", daemon=True)
        self._thread.start()

    def keep(self, line: Line) -> bool:
        """Take a line, at once; False where there is no room or no disk."""
        if self.why:
            return False
        try:
            self._queue.put_nowait(line)
        except Full:
            return False
        if isinstance(line, Began):
            self._written = 0
        return True

    def fresh_page(self) -> bool:
        """Whether the page is full, so that the next should begin."""
        return self._written >= self._page

    def close(self) -> None:
        """Write what waits, and end."""
        with suppress(Full):
            self._queue.put(None, timeout=5.0)
            self._thread.join(10.0)

    def _work(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._number, self._digest = _end_of(self._folder)
            while (line := self._queue.get()) is not None:
                self._put(line)
                if self._queue.empty() and self._file is not None:
                    self._file.flush()
        except OSError as error:
            self.why = f"the log of inputs at {self._folder} cannot be written ({type(error).__name__})"
            with suppress(Empty):
                while True:
                    self._queue.get_nowait()
        finally:
            self._end_page()

    def _put(self, line: Line) -> None:
        if isinstance(line, Began):
            self._end_page()
            self._number += 1
            path = self._folder / f"{self._number:06d}.jsonl"
            self._file = path.open("w", encoding="utf-8")
            self._write(json.dumps({"schema": "inputs/1", "page": self._number, "previous": self._digest}))
        self._write(text_of(line))

    def _write(self, text: str) -> None:
        assert self._file is not None, "a log begins with a page"
        self._digest = _next(self._digest, text)
        self._written += self._file.write(f"{self._digest} {text}\n")

    def _end_page(self) -> None:
        if self._file is None:
            return
        with suppress(OSError):
            self._file.close()
            _compress(Path(self._file.name))
            _make_room(self._folder, self._kept)
        self._file = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: its number, what it goes on from, and its beginning."""

    path: Path
    number: int
    previous: str
    began: Began

    def lines(self) -> Iterator[tuple[str, Line]]:
        """Every line with its digest, each held against the one before.

        Raises
        ------
        BrokenJournal : at the first that was altered, taken out or put in.
        """
        digest = self.previous
        for row, (told, text) in enumerate(_rows(self.path), start=1):
            digest = _next(digest, text)
            if told != digest:
                raise BrokenJournal(
                    f"page {self.number} of the log of inputs was altered at line {row}, or one is missing"
                )
            if row > 1:
                yield digest, line_of(text)


def pages_in(folder: Path) -> list[Page]:
    """The pages that are there, oldest first.

    Raises
    ------
    InputError : there is none.  BrokenJournal : one between two others is missing.
    """
    found = [_opened(path) for path in _paths(folder).values()]
    if not found:
        raise InputError(
            f"no inputs are kept at {folder}: `perpbook guard run` keeps them from its start; --inputs names another folder"
        )
    for one, other in pairwise(found):
        if other.number != one.number + 1:
            raise BrokenJournal(f"page {one.number + 1} of the log of inputs is missing")
    return found


def lines_of(pages: list[Page]) -> Iterator[Line]:
    """Every line of some pages in a row, checked.

    Raises
    ------
    BrokenJournal : a page was altered, or does not follow the one before.
    """
    digest = pages[0].previous
    for page in pages:
        if page.previous != digest:
            raise BrokenJournal(
                f"page {page.number} of the log of inputs does not follow page {page.number - 1}: one was altered"
            )
        for told, line in page.lines():
            digest = told
            yield line


def _opened(path: Path) -> Page:
    rows = _rows(path)
    try:
        (_, header), (_, first) = next(rows), next(rows)
        head = json.loads(header)
        began = line_of(first)
        if head["schema"] != "inputs/1" or not isinstance(began, Began):
            raise ValueError(header)
        return Page(path=path, number=int(head["page"]), previous=str(head["previous"]), began=began)
    except (StopIteration, ValueError, KeyError, TypeError, OSError, EOFError):
        raise BrokenJournal(f"{path.name} is no page of a log of inputs, or its beginning is broken") from None


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    """Digest and text of every whole line; a last one without an end was being written when its guard died."""
    path = path if path.exists() else path.with_suffix(".jsonl.gz")
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for row in file:
                if row.endswith("\n"):
                    digest, _, text = row[:-1].partition(" ")
                    yield digest, text
    except (OSError, EOFError, UnicodeDecodeError, Garbled) as error:
        raise BrokenJournal(f"{path.name} of the log of inputs cannot be read ({type(error).__name__})") from None


def _paths(folder: Path) -> dict[str, Path]:
    """Pages by name, oldest first; the compressed one where both are there."""
    found = {one.name.split(".")[0]: one for suffix in ("*.jsonl", "*.jsonl.gz") for one in sorted(folder.glob(suffix))}
    return dict(sorted(found.items()))


def _end_of(folder: Path) -> tuple[int, str]:
    """Number and last digest of the newest page; pages that a dead guard left are compressed. After one that cannot be read the
    chain begins anew, which a replay finds: a guard is not kept from guarding by it."""
    number = 0
    try:
        for path in sorted(folder.glob("*.jsonl")):
            _compress(path)
        paths = _paths(folder)
        while paths:
            name, path = paths.popitem()
            number = max(number, int(name))
            rows = [digest for digest, _ in _rows(path)]
            if len(rows) > 1:
                return int(name), rows[-1]
            path.unlink()
    except (BrokenJournal, ValueError):
        return max([number, *(int(name) for name in _paths(folder) if name.isdigit())]), START
    return 0, START


def _compress(path: Path) -> None:
    """A page as gzip, whole lines only, beside first."""
    beside = path.with_suffix(".part")
    with beside.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as out:
        for digest, text in _rows(path):
            out.write(f"{digest} {text}\n".encode())
    beside.replace(path.with_suffix(".jsonl.gz"))
    path.unlink()


def _make_room(folder: Path, kept: int) -> None:
    """Let the oldest pages go until all are within `kept` bytes; the newest stays."""
    paths = list(_paths(folder).values())
    sizes = [path.stat().st_size for path in paths]
    while len(paths) > 1 and sum(sizes) > kept:
        paths.pop(0).unlink()
        sizes.pop(0)


def _next(digest: str, text: str) -> str:
    return hashlib.sha256(f"{digest}{text}".encode()).hexdigest()
