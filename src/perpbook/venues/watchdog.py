"""When what a stream told is not known any more: it is silent, it lags, its connection broke, or it said what cannot be.

Pure: times are given in. A socket that answers pings may still be dead, so only messages count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perpbook.model.message import Stale
from perpbook.model.units import SECOND_NS

LAG_NS = 10 * SECOND_NS
PATIENCE = 5.0
"""How many expected intervals a stream may be silent (our choice)."""


@dataclass(slots=True)
class Pulse:
    """One stream. `interval_ns` : at most so long between two messages when all is well, 0 where it speaks only of what happens.
    `heard_ns` : when last, or when its connection began."""

    interval_ns: int
    heard_ns: int
    stale: bool = False


HAPPENINGS = ("fills", "orders")
"""Streams of what happens, without a state: never stale, for nothing whole would make them fresh; their account's is instead."""


class Watchdog:
    """The streams of one connection. Each is told stale once, and fresh once a whole message has come in time."""

    def __init__(
        self, venue: str, streams: Mapping[str, int], *, patience: float = PATIENCE, lag_ns: int = LAG_NS
    ) -> None:
        self._venue, self._patience, self.lag_ns = venue, patience, lag_ns
        self._pulses = {name: Pulse(interval_ns, 0) for name, interval_ns in streams.items()}

    @property
    def stale(self) -> frozenset[str]:
        """Streams that are told stale."""
        return frozenset(name for name, pulse in self._pulses.items() if pulse.stale)

    def pulse(self, stream: str) -> Pulse:
        """One that was heard."""
        return self._pulses[stream]

    def begin(self, now_ns: int) -> None:
        """A connection begins: silence counts from now."""
        for pulse in self._pulses.values():
            pulse.heard_ns = now_ns

    def heard(self, stream: str, at_ns: int, received_ns: int, *, whole: bool) -> Stale | None:
        """A good message: what changes by it. `whole` : it needs nothing that came before."""
        pulse = self._pulses.get(stream)
        if pulse is None:
            pulse = self._pulses[stream] = Pulse(0, received_ns)
        pulse.heard_ns = max(pulse.heard_ns, received_ns)
        if received_ns - at_ns > self.lag_ns:
            return self._lose(stream, pulse, received_ns)
        if pulse.stale and whole:
            pulse.stale = False
            return Stale(venue=self._venue, stream=stream, received_ns=received_ns, fresh=True)
        return None

    def look(self, now_ns: int) -> list[Stale]:
        """Streams that have been silent too long."""
        late = [
            (name, pulse)
            for name, pulse in self._pulses.items()
            if pulse.interval_ns and now_ns - pulse.heard_ns > self._patience * pulse.interval_ns
        ]
        return [told for name, pulse in late if (told := self._lose(name, pulse, now_ns)) is not None]

    def lose(self, stream: str, now_ns: int) -> list[Stale]:
        """Nothing is known of a stream, or of any: ""."""
        if stream and stream not in self._pulses:
            self._pulses[stream] = Pulse(0, now_ns)
        lost = [(name, pulse) for name, pulse in self._pulses.items() if stream in ("", name)]
        return [told for name, pulse in lost if (told := self._lose(name, pulse, now_ns)) is not None]

    def _lose(self, name: str, pulse: Pulse, now_ns: int) -> Stale | None:
        if pulse.stale or name in HAPPENINGS:
            return None
        pulse.stale = True
        return Stale(venue=self._venue, stream=name, received_ns=now_ns)
