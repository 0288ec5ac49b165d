"""The worst that has already happened to one's own book, and a playbook's grid of moves: both as storms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.types import Floats, Integers
from perpbook.model.scenario import Scenario
from perpbook.model.units import HOUR_NS, to_iso
from perpbook.scenario.durations import write_duration
from perpbook.scenario.knots import gap
from perpbook.scenario.storm import PriceShock, Reach, Replay, Storm


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Bars `first` to `last` (both in it) of a series: from the close of `first` it falls by `fall` (a fraction, < 0) to
    the close of `bottom`, its lowest within the window, and ends `move` from where it began."""

    first: int
    bottom: int
    last: int
    fall: float
    move: float


def worst_windows(closes: Floats, length: int, count: int = 5) -> tuple[Window, ...]:
    """Windows of `length` bars in which a series (n,) fell furthest below where they began, worst first, none of them
    over another. Windows that never fall are left out, so there may be fewer than `count`.

    Raises
    ------
    InputError : too short a series, or one that is not above 0 throughout.
    """
    if length < 1 or closes.size <= length:
        raise InputError(
            f"{closes.size} values hold no window of {length} bars: give a longer series or a shorter window"
        )
    if not (np.isfinite(closes).all() and (closes > 0.0).all()):
        raise InputError("a series to look back on must be above 0 throughout: leave out what follows a ruin")
    views = np.lib.stride_tricks.sliding_window_view(closes, length + 1)
    falls = views.min(axis=1) / views[:, 0] - 1.0
    out: list[Window] = []
    for first in np.argsort(falls, kind="stable"):
        if len(out) == count or falls[first] >= 0.0:
            break
        if all(first > one.last or first + length < one.first for one in out):
            view = views[first]
            bottom = int(first + view.argmin())
            move = float(view[-1] / view[0] - 1.0)
            out.append(
                Window(first=int(first), bottom=bottom, last=int(first) + length, fall=float(falls[first]), move=move)
            )
    return tuple(out)


def own_history_storms(
    open_ns: Integers, closes: Floats, bar_ns: int, length: int, count: int = 5
) -> tuple[Storm, ...]:
    """Replays of the worst windows of a book's equity. open_ns, closes : (n,) bars of it."""
    out = []
    for number, one in enumerate(worst_windows(closes, length, count), 1):
        start, end = int(open_ns[one.first]) + bar_ns, int(open_ns[one.last]) + bar_ns
        out.append(
            Storm(
                name=f"own-worst-{number}",
                title=f"The book fell {-one.fall:.1%} from {to_iso(start)} to {to_iso(int(open_ns[one.bottom]) + bar_ns)}",
                kind="historic",
                horizon_ns=end - start,
                step_ns=bar_ns,
                sources=("the book's own equity",),
                began=to_iso(start),
                ended=to_iso(end),
                effect=f"lowest {one.fall:+.1%}, {one.move:+.1%} after {write_duration(length * bar_ns)}",
                replay=Replay(start_ns=start, end_ns=end, source=""),
            )
        )
    return tuple(out)


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
