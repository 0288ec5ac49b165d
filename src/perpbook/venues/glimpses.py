"""Books that lead to nothing, known by a glimpse at their bytes: they wait unread until somebody looks, the newest of a contract
in the place of those before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.guard.calm import Calm
from perpbook.kernels import jit
from perpbook.kernels.glimpse import WORDS, glimpse
from perpbook.model.message import BookSeen
from perpbook.venues.decode_parts import AHEAD_NS, KNOWN, Sorted
from perpbook.venues.stream_reader import Reader
from perpbook.venues.watchdog import Pulse

IS_SHORTER = jit.mode() == "compiled"
"""In plain Python a glimpse takes longer than decoding."""

Waiting = tuple[Sorted, bytes, int]
"""A raw message, and when it was received (ns)."""


def beginning(raw: bytes) -> bytes:
    """What a venue writes before the second comma: stream and contract."""
    return raw[: raw.find(b",", raw.find(b",") + 1)]


@dataclass(slots=True)
class Lull:
    """One contract's stream. row : of the ear's calms.  pulse : whether it is told stale.  newest : what was last known by a
    glimpse."""

    what: Sorted
    form: bytes
    row: int
    pulse: Pulse
    newest: tuple[bytes, int] | None = None


class Glimpses:
    """Of one stream. passed : messages so far. Making it compiles the kernel where that was not done before."""

    def __init__(self, calm: Calm, levels: int, lag_ns: int) -> None:
        """levels : of a side that are read.  lag_ns : how late a message may be."""
        self._calm, self._table = calm, calm.table
        self._limits = np.array([AHEAD_NS, lag_ns, levels])
        self._lulls: dict[bytes, Lull] = {}
        self._waiting: list[Lull] = []
        self.passed = 0
        glimpse(b"", b"", self._limits, 0, self._table, 0)

    @property
    def waits(self) -> bool:
        """Whether anything waits."""
        return bool(self._waiting)

    def passes(self, raw: bytes, received_ns: int) -> bool:
        """Whether a message surely leads to nothing; it waits then."""
        lull = self._lulls.get(raw[: raw.find(b",", raw.find(b",") + 1)])
        if (
            lull is None
            or lull.pulse.stale
            or not glimpse(raw, lull.form, self._limits, received_ns, self._table, lull.row)
        ):
            return False
        if lull.newest is None:
            self._waiting.append(lull)
        lull.newest = raw, received_ns
        self.passed += 1
        return True

    def rehearse(self) -> None:
        """Glimpse once more at what was last known so; nothing changes."""
        for lull in self._waiting:
            if lull.newest is not None:
                raw, received_ns = lull.newest
                self._lulls.get(raw[: raw.find(b",", raw.find(b",") + 1)])
                glimpse(raw, lull.form, self._limits, received_ns, self._table, lull.row)

    def meet(self, reader: Reader, what: Sorted, raw: bytes, book: BookSeen) -> None:
        """Know from a book that was read how its stream writes them."""
        begin = beginning(raw)
        if not IS_SHORTER or begin in self._lulls or len(self._lulls) >= KNOWN:
            return
        form, row = reader.decoder.form(what), self._calm.row(book.venue, book.symbol)
        if form and row and min(begin) >= WORDS:
            self._lulls[begin] = Lull(what, begin + form, row, reader.watchdog.pulse(what.stream))

    def take(self) -> Sequence[Waiting]:
        """What waits, which then waits no more."""
        waiting, self._waiting = self._waiting, []
        out = []
        for lull in waiting:
            assert lull.newest is not None
            out.append((lull.what, *lull.newest))
            lull.newest = None
        return out
