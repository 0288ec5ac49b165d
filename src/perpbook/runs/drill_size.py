"""How much memory a drill takes, told before it is taken."""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.errors import InputError
from perpbook.kernels.drill import BINS, MEASURES

MOST_BYTES = 4 * 2**30
"""A drill that needs more is refused."""

STAGE_BYTES = 104
"""Of a contract's step on one thread's stage: its bars, tape, path and scratch (measured)."""

WIDTHS = ((15, "15m"), (60, "1h"), (240, "4h"), (1440, "1d"))
"""Steps that are offered instead, in minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How large a drill is."""

    steps: int
    contracts: int
    accounts: int
    paths: int
    threads: int = 2

    @property
    def stage_bytes(self) -> int:
        """What grows with the horizon: stages, and fans of equity of both sides and of every thread."""
        stages = self.steps * self.contracts * STAGE_BYTES * (self.threads + 2)
        return stages + self.steps * BINS * 8 * (self.threads + 2)

    @property
    def path_bytes(self) -> int:
        """What grows with the paths: figures, deaths, ends and scales, of both sides."""
        return self.paths * 8 * (2 * MEASURES + 5 * self.accounts)


def check_size(extent: Extent, step_minutes: float, most: int = MOST_BYTES) -> None:
    """Refuse what does not fit, with what would.

    Raises
    ------
    InputError : naming the memory needed and the next step.
    """
    needed = extent.stage_bytes + extent.path_bytes
    if needed <= most:
        return
    told = f"{extent.steps:,} steps of {extent.paths:,} futures need about {needed / 2**30:,.1f} GiB of memory, and "
    told += f"{most / 2**30:g} is the most"
    if extent.stage_bytes > most // 2:
        fits = next((word for wide, word in WIDTHS if extent.stage_bytes * step_minutes / wide <= most // 2), None)
        wider = f" or a --step of {fits}" if fits and fits != f"{step_minutes:g}m" else ""
        raise InputError(f"{told}: take a shorter --horizon{wider}")
    fewer = int(extent.paths * (most - extent.stage_bytes) / extent.path_bytes)
    raise InputError(f"{told}: ask for at most {fewer:,} --paths")
