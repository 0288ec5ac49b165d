"""A drill run part by part: within an amount of memory, kept as it goes, and gone on with where it stopped.

A folder under way holds `parts.json` (which drill this is) and, for every part that is done, `parts/N.json` beside its
futures and its fan; the JSON is written last, under another name first, so that a part is there whole or not at all.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.errors import InputError
from perpbook.runs.drill_memory import Room

if TYPE_CHECKING:
    from perpbook.engine.drill import Drill, Futures
    from perpbook.engine.parts import Part, Told

PARTS, PLAN = "parts", "parts.json"
SHARE = 20
"""A drill that is kept as it goes is done in so many parts, if they are not too small."""

SMALLEST = 1_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Where parts are kept; `resume` goes on with what is there."""

    folder: Path
    resume: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a drill is run: kept as it goes (or not), within so many bytes (None: the usual most); `say` hears the estimate."""

    keeping: Keeping | None = None
    most_bytes: int | None = None
    say: Callable[[str], object] = str


def run_in_parts(drill: Drill, room: Room, tell: Told, *, threads: int, keeping: Keeping | None = None) -> Part:
    """Every path, joined: the same for any parts, and whether or not the drill was broken off in between.

    Raises
    ------
    InputError : the folder holds another drill, or one that was broken off and nobody asked to go on with.
    """
    from perpbook.engine.parts import joined, run_part

    if keeping is None:
        return run_part(drill, (0, drill.paths), threads=threads, chunk=room.chunk, tell=tell)
    begin(drill, keeping)
    names = [account.id for account in drill.journey.book.accounts]
    parts = []
    for span in spans_of(drill.paths):
        found = kept_part(keeping.folder, span, names)
        if found is None:
            found = run_part(drill, span, threads=threads, chunk=room.chunk, tell=tell)
            keep_part(keeping.folder, found, names)
        parts.append(found)
    return joined(parts)


def spans_of(paths: int) -> Iterator[tuple[int, int]]:
    """The ranges of path numbers that parts are made of."""
    size = max(SMALLEST, -(-paths // SHARE))
    for first in range(0, paths, size):
        yield first, min(first + size, paths)


def begin(drill: Drill, keeping: Keeping) -> None:
    """Make the folder, or find that it holds this very drill."""
    told = {"schema": "drill-parts/2", "plan": plan_hash(drill), "paths": drill.paths}
    path = keeping.folder / PLAN
    try:
        if path.exists():
            if json.loads(path.read_text(encoding="utf-8")) != told:
                raise InputError(
                    f"{keeping.folder} holds a part of another drill (book, rules, history, storm or options differ): "
                    "name another folder, or empty it"
                )
            if not keeping.resume:
                raise InputError(
                    f"{keeping.folder} holds a part of this drill: go on with --resume, or name another folder"
                )
        (keeping.folder / PARTS).mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(told), encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"{keeping.folder}: the drill cannot be kept there: {error}; name another folder") from error


def keep_part(folder: Path, part: Part, accounts: list[str]) -> None:
    """Write one part; it counts from the moment its JSON has its name."""
    from perpbook.report.drill_frames import sides_told, write_part

    head = folder / PARTS / f"{part.first:012d}"
    try:
        write_part(part, accounts, (head.with_suffix(".futures"), head.with_suffix(".fan")))
        written = head.with_suffix(".writing")
        written.write_text(json.dumps({"paths": part.paths, "sides": sides_told(part)}), encoding="utf-8")
        written.rename(head.with_suffix(".json"))
    except OSError as error:
        raise InputError(
            f"{folder}: the drill cannot be kept there: {error}; make room and go on with --resume"
        ) from error


def kept_part(folder: Path, span: tuple[int, int], accounts: list[str]) -> Part | None:
    """The part of some numbers, where it is done."""
    from perpbook.report.drill_frames import read_part

    head = folder / PARTS / f"{span[0]:012d}"
    told = head.with_suffix(".json")
    if not told.exists():
        return None
    found = json.loads(told.read_text(encoding="utf-8"))
    part = read_part((head.with_suffix(".futures"), head.with_suffix(".fan")), found["sides"], accounts)
    return part if part.paths == span[1] - span[0] else None


def clear_parts(folder: Path) -> None:
    """Forget the parts of a drill that is kept whole."""
    shutil.rmtree(folder / PARTS, ignore_errors=True)
    (folder / PLAN).unlink(missing_ok=True)


def plan_hash(drill: Drill) -> str:
    """A name for everything that decides a drill's futures: book, terms, rules, prices, source, storm, seed and number."""
    from perpbook import __version__

    digest = hashlib.sha256(__version__.encode())
    _feed(digest, drill)
    return digest.hexdigest()[:16]


def result_hash(facts: Mapping[str, Any], sides: tuple[Futures | None, ...]) -> str:
    """A name for the result: the same inputs, version and seed give the same."""
    digest = hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode())
    for side in sides:
        if side is not None:
            digest.update(np.ascontiguousarray(side.figures).tobytes())
    return digest.hexdigest()[:16]


def _feed(digest: Any, value: object) -> None:
    """Every value inside, each after its kind; what is not compared decides nothing."""
    digest.update(type(value).__name__.encode())
    if isinstance(value, str | float | int):
        digest.update(repr(value).encode())
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            if field.compare:
                _feed(digest, getattr(value, field.name))
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            _feed(digest, key)
            _feed(digest, value[key])
    elif isinstance(value, tuple | list):
        for one in value:
            _feed(digest, one)
    else:
        digest.update(repr(value).encode())
