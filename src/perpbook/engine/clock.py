"""The only place that reads time."""

from __future__ import annotations

import time


def now_ns() -> int:
    """Nanoseconds UTC now."""
    return time.time_ns()
