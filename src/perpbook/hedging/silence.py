"""A solver that writes to the process's output is kept off it: answers there are read by machines."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def silent_output() -> Iterator[None]:
    """Whatever native code writes to standard output meanwhile is lost; what stood in buffers before is not."""
    sys.stdout.flush()
    _flush_native()
    kept = os.dup(1)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        _flush_native()
        os.dup2(kept, 1)
        os.close(kept)


def _flush_native() -> None:
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)
