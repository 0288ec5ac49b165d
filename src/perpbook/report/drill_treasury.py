"""A treasurer over many futures in figures: deaths with it and without, what was moved, how long it took, what came too late."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perpbook.engine.treasured import Moved
from perpbook.engine.treasured_futures import WITH, WITHOUT, TreasuredFutures
from perpbook.report.drill_compare import Paired, paired
from perpbook.report.drill_measures import Chance, Z


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """How often an account ("" for any) dies with the treasurer and without it, over the same futures: `saved` die only without
    it, `lost` only with it. difference : with less without, as a share, with its 95 % interval."""

    account: str
    with_it: Chance
    without: Chance
    saved: int
    lost: int
    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What was away while money was on its way: transfers it touched, in how many futures, the longest wait of those that
    arrived, seconds (None: none did)."""

    why: str
    transfers: int
    futures: Chance
    longest: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nowhere:
    """Money was wanted in a place and nothing, or too little, left for it: why, and in how many futures."""

    place: str
    why: str
    futures: Chance


@dataclass(frozen=True, slots=True, kw_only=True)
class TreasuryMeasures:
    """Dollars are means over all futures, `waits` seconds: median, 95 % point and worst of transfers that arrived (None where
    none did). missing : transfers that had not arrived at the end."""

    paths: int
    whole: Saved
    accounts: tuple[Saved, ...]
    equity: Paired
    drawdown: Paired
    moved: Chance
    transfers: int
    sent: float
    cost: float
    waits: tuple[float, float, float] | None
    missing: int
    late: int
    late_futures: Chance
    nowhere: tuple[Nowhere, ...]
    held: tuple[Held, ...]


def treasury_measures(found: TreasuredFutures) -> TreasuryMeasures:
    """Everything counted."""
    paths, dead = len(found.gone), found.died < found.steps
    moves = [one for gone in found.gone for one in gone.moves]
    waits = np.array([one.waited for one in moves if one.waited is not None])
    points = tuple(float(one) for one in np.quantile(waits, (0.5, 0.95, 1.0))) if waits.size else None
    late = [sum(one.late for one in gone.moves) for gone in found.gone]
    return TreasuryMeasures(
        paths=paths,
        whole=saved_of("", dead[WITH].any(axis=1), dead[WITHOUT].any(axis=1)),
        accounts=tuple(
            saved_of(name, dead[WITH, :, number], dead[WITHOUT, :, number])
            for number, name in enumerate(found.accounts)
        ),
        equity=paired("end equity", found.ends[WITHOUT], found.ends[WITH]),
        drawdown=paired("deepest drawdown", found.deepest[WITHOUT], found.deepest[WITH]),
        moved=Chance(count=sum(bool(gone.moves) for gone in found.gone), paths=paths),
        transfers=len(moves),
        sent=sum(one.sent.dollars for one in moves) / paths,
        cost=sum(one.sent.fee + one.sent.gas for one in moves) / paths,
        waits=(points[0], points[1], points[2]) if points else None,
        missing=len(moves) - waits.size,
        late=sum(late),
        late_futures=Chance(count=sum(one > 0 for one in late), paths=paths),
        nowhere=_nowhere(found),
        held=_held(found),
    )


def saved_of(account: str, with_it: NDArray[np.bool_], without: NDArray[np.bool_]) -> Saved:
    """Two sides of the same futures; the difference's interval is Agresti and Min's of matched pairs (2005), half a future added
    to each of the four outcomes."""
    paths = with_it.size
    saved, lost = int((without & ~with_it).sum()), int((with_it & ~without).sum())
    middle = (lost - saved) / (paths + 2.0)
    spread = (saved + lost + 1.0) / (paths + 2.0) - middle * middle
    half = Z * math.sqrt(spread / (paths + 2.0))
    return Saved(
        account=account,
        with_it=Chance(count=int(with_it.sum()), paths=paths),
        without=Chance(count=int(without.sum()), paths=paths),
        saved=saved, lost=lost, difference=(lost - saved) / paths,
        low=max(middle - half, -1.0), high=min(middle + half, 1.0),
    )  # fmt: skip


def _nowhere(found: TreasuredFutures) -> tuple[Nowhere, ...]:
    counts = Counter(one for gone in found.gone for one in gone.refused)
    paths = len(found.gone)
    return tuple(
        Nowhere(place=place, why=why, futures=Chance(count=count, paths=paths))
        for (place, why), count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    )


def _held(found: TreasuredFutures) -> tuple[Held, ...]:
    whys = dict.fromkeys(why for gone in found.gone for one in gone.moves for why in one.held)
    out = []
    for why in whys:
        by_future = [[one for one in gone.moves if why in one.held] for gone in found.gone]
        touched = [one for moves in by_future for one in moves]
        futures = Chance(count=sum(bool(moves) for moves in by_future), paths=len(found.gone))
        out.append(Held(why=why, transfers=len(touched), futures=futures, longest=_longest(touched)))
    return tuple(sorted(out, key=lambda one: (-one.transfers, one.why)))


def _longest(moves: Iterable[Moved]) -> float | None:
    return max((one.waited for one in moves if one.waited is not None), default=None)
