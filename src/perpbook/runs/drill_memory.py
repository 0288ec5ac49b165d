"""How much memory a drill takes, and the chunk that keeps it within what it may take.

What is held grows with paths (their results, both sides, twice while parts are joined and sorted), steps and threads (each has a
stage of its own); paths themselves are drawn one over the other and never held. It is looked at twice against one limit: by size
before anything is laid out (`check_size`), and by what is laid out before a path is drawn (`room_for`).
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import numpy as np

from perpbook.errors import InputError

if TYPE_CHECKING:
    from perpbook.engine.drill import Drill

PROGRAM = 300 * 2**20
"""Bytes of the program itself with compiled kernels that it finds, measured on Linux and CPython 3.12 (0.29 GB at the peak of
12,000 futures). Compiling them takes more, once."""

COPIES = 3
"""Results are held once, joined from their parts, and sorted and written from another copy."""

MOST_BYTES = 4 * 2**30
"""A drill may take this much, unless --max-mem says otherwise."""

STAGE_BYTES = 104
"""Of a contract's step on one thread's stage: its bars, tape, path and scratch (measured)."""

WIDTHS = ((15, "15m"), (60, "1h"), (240, "4h"), (1440, "1d"))
"""Steps that are offered instead, in minutes."""

UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How large a drill is."""

    steps: int
    contracts: int
    accounts: int
    paths: int
    threads: int = 2
    sides: int = 2

    @property
    def stage_bytes(self) -> int:
        """What grows with the horizon: stages, and fans of equity of both sides and of every thread."""
        from perpbook.kernels.drill import BINS

        stages = self.steps * self.contracts * STAGE_BYTES * (self.threads + 2)
        return stages + self.steps * BINS * 8 * (self.threads + 2)

    @property
    def a_path(self) -> int:
        """Of one path's results: figures, deaths, ends and tolls of each side, and scales."""
        from perpbook.kernels.drill import MEASURES
        from perpbook.kernels.toll import TOLLS

        return 8 * (self.sides * (MEASURES + (2 + TOLLS) * self.accounts) + self.accounts)

    @property
    def told(self) -> str:
        """In words."""
        return f"{self.steps:,} steps of {self.paths:,} futures"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A chunk of so many paths, and the bytes that the drill is estimated to take."""

    chunk: int
    estimate: int

    @property
    def told(self) -> str:
        """In words."""
        return f"about {in_words(self.estimate)} of memory, in chunks of {self.chunk:,} futures"


def bytes_of(word: str) -> int:
    """An amount of memory such as 2GB, 500MB (1 GB is 1024^3 bytes).

    Raises
    ------
    InputError : it is none.
    """
    found = SIZE.fullmatch(word.strip())
    if found is None or float(found[1]) <= 0:
        raise InputError(f"--max-mem {word}: this is no amount of memory; write it like 2GB or 500MB")
    return int(float(found[1]) * UNITS[found[2].lower()])


def in_words(size: int) -> str:
    """Bytes in the unit that suits them."""
    if size < 2**30:
        return f"{max(1, round(size / 2**20))} MiB"
    return f"{size / 2**30:,.1f}".removesuffix(".0") + " GiB"


def check_size(extent: Extent, step_minutes: float, most: int = MOST_BYTES) -> None:
    """Refuse what does not fit before it is laid out, with what would.

    Raises
    ------
    InputError : naming the memory needed and the next step.
    """
    stage = extent.stage_bytes
    needed = PROGRAM + stage + COPIES * extent.a_path * extent.paths
    if needed > most and stage > most // 2:
        fits = next((word for wide, word in WIDTHS if stage * step_minutes / wide <= most // 2), None)
        wider = f" or a --step of {fits}" if fits and fits != f"{step_minutes:g}m" else ""
        raise InputError(f"{_too_much(extent, needed, most)}: take a shorter --horizon{wider}")
    if needed > most:
        raise _too_many(extent, needed, most, PROGRAM + stage)


def room_for(drill: Drill, *, threads: int, most: int = MOST_BYTES) -> Room:
    """The estimate, and the largest chunk within `most` bytes.

    Raises
    ------
    InputError : not even one path at a time fits; says what would.
    """
    from perpbook.engine.drill import CHUNK_PATHS, set_stage

    extent = Extent(
        steps=drill.journey.bars.count, contracts=len(drill.journey.bars.series), threads=threads, paths=drill.paths,
        accounts=len(drill.journey.book.accounts), sides=2 if drill.journey.playbook else 1,
    )  # fmt: skip
    fixed = PROGRAM + threads * held_bytes(set_stage(drill)) + held_bytes(drill.source)
    results, a_step = COPIES * extent.a_path * drill.paths, threads * extent.a_path
    if most < fixed + results + a_step:
        raise _too_many(extent, fixed + results + a_step, most, fixed)
    chunk = max(1, min(CHUNK_PATHS, (most - fixed - results) // a_step))
    return Room(chunk=chunk, estimate=fixed + results + chunk * a_step)


def _too_much(extent: Extent, needed: int, most: int) -> str:
    return f"{extent.told} need about {in_words(needed)} of memory, and {in_words(most)} is the most"


def _too_many(extent: Extent, needed: int, most: int, fixed: int) -> InputError:
    """What fits instead, where `fixed` bytes do not depend on the number of paths."""
    told, paths = (
        _too_much(extent, needed, most),
        (most - fixed - extent.threads * extent.a_path) // (COPIES * extent.a_path),
    )
    if paths < 1:
        return InputError(
            f"{told}; {in_words(fixed)} are the program and its threads: allow more with --max-mem, or fewer --threads"
        )
    return InputError(f"{told}: ask for {paths:,} --paths at most, or allow more with --max-mem")


def held_bytes(value: object) -> int:
    """Bytes of every array inside."""
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return sum(held_bytes(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, tuple | list):
        return sum(held_bytes(one) for one in value)
    return 0
