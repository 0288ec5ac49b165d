"""What time it is at a simulated venue: it began when the server did, and passes at some speed of the wall's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`start_ns` : the venue's first time, which is the wall's, UTC. `monotonic_ns` : a clock nobody sets, and what it showed
    then (`began_ns`). `speed` : venue seconds a second of the wall's."""

    start_ns: int
    began_ns: int
    speed: float
    monotonic_ns: Callable[[], int]

    @property
    def wall_ns(self) -> int:
        """The time of the wall, UTC."""
        return self.start_ns + self._passed_ns

    @property
    def now_ns(self) -> int:
        """The venue's own time; the wall's at speed 1."""
        return self.start_ns + int(self._passed_ns * self.speed)

    def at_venue(self, wall_ns: int) -> int:
        """The venue's time when the wall's will be, or was, this."""
        return self.start_ns + int((wall_ns - self.start_ns) * self.speed)

    @property
    def _passed_ns(self) -> int:
        return self.monotonic_ns() - self.began_ns
