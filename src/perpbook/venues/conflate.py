"""Raw messages between a socket and whoever decodes them: of what is told whole only the newest is kept, and room is bounded."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from perpbook.venues.decode_parts import Kind, Sorted


class Kept(NamedTuple):
    """A raw message. `last` : no later change of its stream is at hand."""

    what: Sorted
    raw: bytes
    received_ns: int
    last: bool


class Inbox:
    """Messages in the order they came. Where a stream is told whole, the newest takes the place of the one before, at its own
    time; changes and events are all kept. Putting never waits."""

    def __init__(self, room: int = 10_000) -> None:
        self._room = room
        self._kept: OrderedDict[tuple[str, str] | int, Kept] = OrderedDict()
        self._newest: dict[str, int] = {}
        self._count = 0
        self.conflated = 0

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, what: Sorted, raw: bytes, received_ns: int) -> bool:
        """Keep a message; False where there is no room, and then nothing is kept any more."""
        if what.kind is Kind.WHOLE:
            key = (what.stream, what.channel)
            if self._kept and self._kept.pop(key, None) is not None:
                self.conflated += 1
            self._kept[key] = Kept(what, raw, received_ns, True)
            return True
        if len(self._kept) >= self._room:
            self.clear()
            return False
        self._count += 1
        if what.kind is Kind.CHANGE:
            before = self._newest.get(what.stream)
            if before is not None and before in self._kept:
                self._kept[before] = self._kept[before]._replace(last=False)
            self._newest[what.stream] = self._count
        self._kept[self._count] = Kept(what, raw, received_ns, True)
        return True

    def take(self) -> Kept | None:
        """The oldest message kept, None where there is none. Until it is taken a newer one may stand in its place."""
        if not self._kept:
            return None
        return self._kept.popitem(last=False)[1]

    def clear(self) -> None:
        """Nothing is kept."""
        self._kept.clear()
        self._newest.clear()
