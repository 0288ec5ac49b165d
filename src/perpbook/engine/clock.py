"""The only place that reads time."""

from __future__ import annotations

import time


def now_ns() -> int:
    """Nanoseconds UTC now."""
    return time.time_ns()


def monotonic_ns() -> int:
    """Nanoseconds of a clock that nobody sets: for how long something took."""
    return time.monotonic_ns()


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)
