"""How much memory a drill takes, and the chunk that keeps it within what it may take.

What is held grows with paths (their results, both sides, twice while parts are joined and sorted) and with threads (each has a
stage of its own); paths themselves are drawn one over the other and never held.
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

UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)


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
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{max(1, round(size / 2**20))} MB"


def room_for(drill: Drill, *, threads: int, most: int | None) -> Room:
    """The estimate, and the largest chunk within `most` bytes (None: no bound).

    Raises
    ------
    InputError : not even one path at a time fits; says what would.
    """
    from perpbook.engine.drill import CHUNK_PATHS, set_stage
    from perpbook.kernels.drill import MEASURES

    if most is None:
        return Room(chunk=CHUNK_PATHS, estimate=0)
    accounts, sides = len(drill.journey.book.accounts), 2 if drill.journey.playbook else 1
    a_path = 8 * (sides * (MEASURES + 2 * accounts) + accounts)
    stage = held_bytes(set_stage(drill))
    fixed = PROGRAM + threads * stage + held_bytes(drill.source)
    results = COPIES * a_path * drill.paths
    left = most - fixed - results
    if left < threads * a_path:
        raise InputError(
            _too_little(most, fixed, fixed + results + threads * a_path, (most - fixed) // (COPIES * a_path))
        )
    chunk = max(1, min(CHUNK_PATHS, left // (threads * a_path)))
    return Room(chunk=chunk, estimate=fixed + results + threads * chunk * a_path)


def _too_little(most: int, fixed: int, needed: int, paths: int) -> str:
    """What does not fit, and what would."""
    told = f"--max-mem {in_words(most)} is too little: the drill takes about {in_words(needed)}"
    if paths < 1:
        return f"{told}, of which {in_words(fixed)} are the program and its threads: allow more, or fewer --threads"
    return f"{told}: allow that much, or ask for {paths:,} --paths at most"


def held_bytes(value: object) -> int:
    """Bytes of every array inside."""
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return sum(held_bytes(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, tuple | list):
        return sum(held_bytes(one) for one in value)
    return 0
