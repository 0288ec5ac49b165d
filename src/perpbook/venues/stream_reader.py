"""From raw messages to what the guard hears: decoding, refusing, and saying what is stale. The socket and the file share it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence

from perpbook.model.message import AccountSeen, BookSeen, MarkSeen, Message, Stale
from perpbook.venues.decode_parts import Decoder, Kind, Reason, Sorted, Unfit
from perpbook.venues.watchdog import Watchdog

LOG = logging.getLogger(__name__)
TIMED = (BookSeen, MarkSeen, AccountSeen)
REMEMBERED = 100
"""Refusals that are kept to be looked at."""


class Reader:
    """`broken` : the connection must begin anew, because changes were lost or what is lost is not known."""

    def __init__(self, decoder: Decoder, watchdog: Watchdog) -> None:
        self.decoder, self.watchdog = decoder, watchdog
        self.refusals: deque[Unfit] = deque(maxlen=REMEMBERED)
        self.broken = False

    def begin(self, now_ns: int) -> None:
        """A connection begins."""
        self.broken = False
        self.decoder.forget()
        self.watchdog.begin(now_ns)

    def begun(self, stream: str, told: Sequence[Message], now_ns: int) -> Sequence[Message]:
        """What a stream begins with, read elsewhere: whole, so it is fresh."""
        said = self.watchdog.heard(stream, now_ns, now_ns, whole=True)
        return told if said is None else (said, *told)

    def lost(self, now_ns: int) -> list[Stale]:
        """A connection ended."""
        return self.watchdog.lose("", now_ns)

    def read(self, what: Sorted, raw: bytes, received_ns: int, last: bool = True) -> Sequence[Message]:
        """What a message says, and whether its stream is fresh by it; nothing of a stream that lags, nor of one that is broken.

        A change that can be told joins a snapshot without a gap, so it makes its stream fresh as a whole message does; what tells
        nothing, as half of an account, makes nothing fresh.
        """
        if self.broken:
            return ()
        try:
            told = self.decoder.decode(what, raw, received_ns, last)
        except Unfit as unfit:
            return self.refuse(unfit, received_ns, what.kind)
        at_ns = told[0].at_ns if told and isinstance(told[0], TIMED) else received_ns
        said = self.watchdog.heard(what.stream, at_ns, received_ns, whole=bool(told))
        if said is not None:
            return (said, *told) if said.fresh else (said,)
        return () if received_ns - at_ns > self.watchdog.lag_ns else told

    def refuse(self, unfit: Unfit, now_ns: int, kind: Kind | None = None) -> Sequence[Message]:
        """Name a message that cannot be used, and say that its stream is not known."""
        self.refusals.append(unfit)
        LOG.warning("%s", unfit)
        if kind is not Kind.WHOLE or unfit.reason is Reason.OVERFLOW:
            self.broken = True
        return self.watchdog.lose(unfit.stream, now_ns)
