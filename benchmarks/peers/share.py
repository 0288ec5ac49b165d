"""What every peer's script needs, with the standard library and NumPy alone: the data, a clock, one line of JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def load(name: str) -> Any:
    """One array of the shared data: open, high, low, close (10, bars) or open_ns (bars,)."""
    return np.load(Path(sys.argv[1]) / f"{name}.npy", mmap_mode="r")


def median_seconds(run: Callable[[], object], repeat: int = 3) -> float:
    """Median wall seconds of `repeat` runs after one that is not counted."""
    run()
    out = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        out.append(time.perf_counter() - start)
    return statistics.median(out)


def tell(name: str, version: str, events: int, seconds: float, **more: Any) -> None:
    """Print the line."""
    print(json.dumps({"name": name, "version": version, "value": events / seconds / 1e6, "events": events, **more}))
