"""Where a run is crashed on purpose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashAt:
    """A crash after a journal's write number `write`, from 1; `late` : only after the effect that follows it."""

    write: int
    late: bool
