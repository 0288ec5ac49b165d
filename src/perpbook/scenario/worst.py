"""The worst that has already happened to one's own book, and a playbook's grid of moves: both as storms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.types import Floats
from perpbook.model.bars import Bars
from perpbook.model.scenario import Scenario
from perpbook.model.units import HOUR_NS, to_iso
from perpbook.scenario.durations import write_duration
from perpbook.scenario.knots import gap
from perpbook.scenario.replay import known_moves
from perpbook.scenario.storm import PriceShock, Reach, Replay, Storm

OWN = "this book, as it is, over its own contracts' history"
"""The `source` of a window that was looked for and not measured by anybody: it is replayed from the bars it was found in."""

MOST_WORK = 2_000_000_000
"""Prices looked at, at most: a longer search begins a window at every second bar, or every third."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Bars `first` to `last` (both in it): from the close of `first` a book held as it is loses `loss` dollars (> 0) by the
    close of `bottom`, its lowest within the window, and `change` dollars is what it has made at its end."""

    first: int
    bottom: int
    last: int
    loss: float
    change: float


def worst_windows(closes: Floats, dollars: Floats, length: int, count: int = 5) -> tuple[Window, ...]:
    """Windows of `length` bars in which a book would have lost most, worst first, none of them over another.

    closes : (C, n).  dollars : (C,) what is held now, > 0 long; a window begins with as much at the prices of then. Windows
    that never lose are left out, so there may be fewer than `count`.

    Raises
    ------
    InputError : too few bars, prices that are not above 0, or a book that holds nothing.
    """
    bars = closes.shape[1]
    if length < 1 or bars <= length:
        raise InputError(f"{bars} bars hold no window of {length}: give a longer history or a shorter --horizon")
    if not (np.isfinite(closes).all() and (closes > 0.0).all()):
        raise InputError("prices to look back on must be above 0 throughout")
    if not dollars.any():
        raise InputError("the book holds nothing: no past of it is worse than another")
    held, total = dollars[:, None] / closes, float(dollars.sum())
    starts = np.arange(0, bars - length, max(1, -(-closes.size * length // MOST_WORK)))
    lowest, at = np.zeros(starts.size), np.zeros(starts.size, dtype=np.int64)
    for lag in range(1, length + 1):
        made = np.einsum("cn,cn->n", held[:, starts], closes[:, starts + lag]) - total
        deeper = made < lowest
        lowest[deeper], at[deeper] = made[deeper], lag
    out: list[Window] = []
    for number in np.argsort(lowest, kind="stable"):
        first = int(starts[number])
        if len(out) == count or lowest[number] >= 0.0:
            break
        if all(first > one.last or first + length < one.first for one in out):
            change = float(held[:, first] @ closes[:, first + length]) - total
            bottom = first + int(at[number])
            out.append(
                Window(first=first, bottom=bottom, last=first + length, loss=-float(lowest[number]), change=change)
            )
    return tuple(out)


def own_worst_storms(bars: Bars, assets: Sequence[str], windows: Sequence[Window]) -> tuple[Storm, ...]:
    """Replays of the worst windows of a book. bars : those they were found in.  assets : (C,)."""
    out = []
    for number, one in enumerate(windows, 1):
        start, bottom, end = (int(bars.open_ns[at]) + bars.bar_ns for at in (one.first, one.bottom, one.last))
        moves = {move.asset: move for move in reversed(known_moves(bars_within(bars, start, end), assets))}
        out.append(
            Storm(
                name=f"own-worst-{number}",
                title=f"This book, as it is, loses {one.loss:,.0f} dollars by {to_iso(bottom)}",
                kind="historic",
                horizon_ns=end - start,
                step_ns=bars.bar_ns,
                sources=(OWN,),
                began=to_iso(start),
                ended=to_iso(end),
                effect=f"lowest {-one.loss:+,.0f} dollars, {one.change:+,.0f} after {write_duration(end - start)}",
                replay=Replay(start_ns=start, end_ns=end, source=OWN, moves=tuple(moves[one] for one in sorted(moves))),
            )
        )
    return tuple(out)


def bars_within(bars: Bars, start_ns: int, end_ns: int) -> Bars:
    """The bars that lie between two moments; settlements stay as they are."""
    first, last = (int(np.searchsorted(bars.open_ns, moment)) for moment in (start_ns, end_ns))
    cut = slice(first, last)
    return replace(
        bars,
        open_ns=bars.open_ns[cut],
        open=np.ascontiguousarray(bars.open[:, cut]),
        high=np.ascontiguousarray(bars.high[:, cut]),
        low=np.ascontiguousarray(bars.low[:, cut]),
        close=np.ascontiguousarray(bars.close[:, cut]),
        stale=np.ascontiguousarray(bars.stale[:, cut]),
    )


def grid_storms(scenarios: Sequence[Scenario], horizon_ns: int = HOUR_NS) -> tuple[Storm, ...]:
    """A storm for each scenario of a grid (`grid.survival_grid`): its moves at one instant, at the beginning."""
    return tuple(
        Storm(
            name=one.name,
            title=f"{one.name}, at once",
            kind="grid",
            horizon_ns=horizon_ns,
            step_ns=min(HOUR_NS, horizon_ns),
            sources=("the playbook's [survival]",),
            prices=tuple(
                PriceShock(reach=Reach(of=(asset,)), knots=gap(0, move)) for asset, move in one.moves.items() if move
            ),
        )
        for one in scenarios
    )
