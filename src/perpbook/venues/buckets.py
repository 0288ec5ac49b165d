"""Rate limits: a bucket of a venue that fills with time, a share of it kept for what makes risk smaller."""

from __future__ import annotations

from dataclasses import dataclass, field

from perpbook.model.units import SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What requests weigh in a venue's rate limit, and how much it lets through: `size` at once, `rate` a second."""

    size: float
    rate: float
    send: float = 1.0
    account: float = 1.0
    book: float = 1.0
    order: float = 1.0
    orders: float = 1.0
    trades: float = 1.0
    marks: float = 1.0
    funding: float = 1.0
    rates: float = 1.0


@dataclass(slots=True)
class Bucket:
    """At most `size` weight at once, filled by `rate` a second; the last `kept` share is for requests that reduce risk.

    paused_ns : until when only those go, after the venue said "too many".
    """

    size: float
    rate: float
    kept: float = 0.3
    left: float = field(init=False)
    at_ns: int = 0
    paused_ns: int = 0

    def __post_init__(self) -> None:
        assert self.size > 0.0 and self.rate > 0.0 and 0.0 <= self.kept < 1.0
        self.left = self.size

    def wait_ns(self, weight: float, now_ns: int, *, reduces: bool) -> int:
        """Nanoseconds until a request may go; 0: now, and it is taken out of the bucket."""
        if not 0.0 < weight <= self.size * (1.0 - self.kept):
            raise ValueError("a request weighs more than nothing, and no more than what is not kept")
        self.left = min(self.size, self.left + max(now_ns - self.at_ns, 0) * self.rate / SECOND_NS)
        self.at_ns = max(now_ns, self.at_ns)
        floor = 0.0 if reduces else self.kept * self.size
        if not reduces and now_ns < self.paused_ns:
            return self.paused_ns - now_ns
        if self.left - weight >= floor:
            self.left -= weight
            return 0
        return max(1, int((floor + weight - self.left) / self.rate * SECOND_NS) + 1)

    def refused(self, now_ns: int, seconds: float) -> None:
        """The venue said "too many": for so long only what reduces risk goes."""
        self.paused_ns = max(self.paused_ns, now_ns + int(seconds * SECOND_NS))
