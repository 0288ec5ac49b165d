"""Many drawn futures with a treasurer beside the same ones without it: the same draws, path by path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perpbook.engine.drill import Drill, draw_path, go_through, set_stage
from perpbook.engine.outcome import Outcome
from perpbook.engine.treasured import Moved, deaths_by_account, treasured_of
from perpbook.engine.treasurer import Policy, Treasurer
from perpbook.kernels.types import Floats, Integers

WITH, WITHOUT = 0, 1
"""Sides, the first axis of every array."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """What the treasurer did in one future. refused : (place, why) wherever money was wanted and nothing, or too little, left."""

    moves: tuple[Moved, ...]
    refused: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreasuredFutures:
    """Both sides of every future. died : (2, P, A) bar of each account's first liquidation, `steps` for none. ends, deepest :
    (2, P) the book's equity at the end, dollars, and its deepest drawdown from the highest so far, a share."""

    accounts: tuple[str, ...]
    policy: Policy
    steps: int
    died: Integers
    ends: Floats
    deepest: Floats
    gone: tuple[Gone, ...]
    notes: tuple[str, ...]


def go_through_all(
    drill: Drill,
    treasurer: Callable[[int], Treasurer],
    idle: Treasurer,
    progress: Callable[[int, int], object] | None = None,
) -> TreasuredFutures:
    """Every future twice. treasurer : a fresh one for the path of that number; idle : one that is never asked."""
    stage = set_stage(drill)
    accounts = tuple(one.id for one in stage.ready.arrangement.accounts)
    steps = drill.journey.bars.count
    died = np.full((2, drill.paths, len(accounts)), steps, dtype=np.int64)
    ends, deepest = np.zeros((2, drill.paths)), np.zeros((2, drill.paths))
    gone, notes = [], list[str]()
    for number in range(drill.paths):
        if progress is not None:
            progress(number, drill.paths)
        ready, holder = draw_path(drill, stage, drill.first + number), treasurer(drill.first + number)
        start = float(ready.start_equity.sum() + stage.fresh.layers.sum() + stage.fresh.transit[0])
        sides = go_through(stage, ready, holder), go_through(stage, ready, idle)
        for side, outcome in enumerate(sides):
            dead = deaths_by_account(outcome)
            died[side, number] = [dead.get(name, steps) for name in accounts]
            ends[side, number], deepest[side, number] = float(outcome.equity[-1]), fallen(outcome, start)
        done = treasured_of(holder, *sides)
        notes += done.notes
        gone.append(
            Gone(moves=done.moves, refused=tuple(dict.fromkeys((one.place, one.why) for one, _ in done.refused)))
        )
    return TreasuredFutures(
        accounts=accounts, policy=idle.policy, steps=steps, died=died, ends=ends, deepest=deepest, gone=tuple(gone),
        notes=tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def fallen(outcome: Outcome, start: float) -> float:
    """The deepest drawdown, the start being the first peak."""
    equity = np.concatenate([[start], outcome.equity])
    peak = np.maximum.accumulate(equity)
    return float((1.0 - equity / np.maximum(peak, 1e-9)).max())
