"""A drill in parts: futures of a range of path numbers, run by themselves, kept, and joined to what one run gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from perpbook.engine.drill import CHUNK_PATHS, Drill, Futures, run_drill, scales_survived
from perpbook.kernels.types import Floats

Told = Callable[[str, int, int], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Paths of a range: under the playbook (None without one), without it, and the scales each survives (P, A)."""

    first: int
    under: Futures | None
    without: Futures
    scales: Floats

    @property
    def paths(self) -> int:
        """How many."""
        return int(self.without.figures.shape[0])


def run_part(drill: Drill, span: tuple[int, int], *, threads: int, chunk: int = CHUNK_PATHS, tell: Told) -> Part:
    """Paths span[0]..span[1]-1 of a drill, both sides; `tell(side, paths done, of how many)` over both."""
    first, last = span
    guarded = drill.journey.playbook is not None
    ours = replace(drill, first=drill.first + first, paths=last - first)
    alone = replace(ours, journey=replace(ours.journey, playbook=None))
    sides = 2 if guarded else 1

    def between(name: str, side: int) -> Callable[[int, int], object]:
        before = sides * first + side * (last - first)
        return lambda done, every: tell(name, before + done, sides * drill.paths)

    return Part(
        first=first,
        under=run_drill(ours, threads=threads, chunk=chunk, progress=between("under the playbook", 0))
        if guarded
        else None,
        without=run_drill(alone, threads=threads, chunk=chunk, progress=between("without it", int(guarded))),
        scales=scales_survived(alone, chunk=chunk),
    )


def joined(parts: Sequence[Part]) -> Part:
    """Parts in the order of their numbers as one."""
    assert all(one.first + one.paths == after.first for one, after in pairwise(parts))
    if len(parts) == 1:
        return parts[0]
    unders = [one.under for one in parts if one.under is not None]
    return Part(
        first=parts[0].first,
        under=_one(unders) if unders else None,
        without=_one([one.without for one in parts]),
        scales=np.concatenate([one.scales for one in parts]),
    )


def _one(many: Sequence[Futures]) -> Futures:
    return replace(
        many[0],
        figures=np.concatenate([one.figures for one in many]),
        died=np.concatenate([one.died for one in many]),
        ends=np.concatenate([one.ends for one in many]),
        tolls=np.concatenate([one.tolls for one in many]),
        fan=np.sum([one.fan for one in many], axis=0),
        rules=np.sum([one.rules for one in many], axis=0),
    )
