"""Loops over one row, written out: assigning a slice may copy, and kernels that count nothing cannot."""

from __future__ import annotations

from perpbook.kernels.jit import part
from perpbook.kernels.types import Floats


@part
def copy_row(source: Floats, out: Floats) -> None:
    """Write `source` (n,) into `out`."""
    for k in range(out.size):
        out[k] = source[k]


@part
def add_row(source: Floats, out: Floats) -> None:
    """Add `source` (n,) to `out`."""
    for k in range(out.size):
        out[k] += source[k]
