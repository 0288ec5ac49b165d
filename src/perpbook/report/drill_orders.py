"""In which order accounts die: how often each is first, second or later, and the orders that come most often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.engine.drill import Futures
from perpbook.engine.drilled import Drilled
from perpbook.kernels.types import Integers
from perpbook.report.figures import Spec, axis, label, layout

PLACES = (("first", "--breach"), ("second", "--series-4"), ("later", "--series-2"))
MOST_ORDERS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DeathOrder:
    """An order in which accounts die (those of one step together, joined by "and"), and in how many futures."""

    told: str
    count: int
    share: float


def places_of(futures: Futures) -> Integers:
    """(P, A) place of each account's first liquidation in its future: 0 first, accounts of one step share it; -1 for none."""
    order = np.argsort(futures.died, axis=1, kind="stable")
    steps = np.take_along_axis(futures.died, order, axis=1)
    ranks = np.cumsum(np.diff(steps, axis=1, prepend=steps[:, :1]) > 0, axis=1)
    out: Integers = np.empty(futures.died.shape, dtype=np.int64)
    np.put_along_axis(out, order, ranks, axis=1)
    out[futures.died >= futures.steps] = -1
    return out


def death_orders(drilled: Drilled, futures: Futures) -> tuple[DeathOrder, ...]:
    """The orders that come most often, where anybody dies."""
    places = places_of(futures)
    dead = places[(places >= 0).any(axis=1)]
    if not dead.size:
        return ()
    rows, counts = np.unique(dead, axis=0, return_counts=True)
    found = [
        DeathOrder(told=_told(row, drilled.accounts), count=int(count), share=int(count) / places.shape[0])
        for row, count in zip(rows, counts, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (-one.count, one.told))[:MOST_ORDERS])


def _told(row: np.ndarray, accounts: tuple[str, ...]) -> str:
    steps = [
        " and ".join(name for name, at in zip(accounts, row, strict=True) if at == place)
        for place in range(int(row.max()) + 1)
    ]
    return ", then ".join(steps) + (" alone" if (row >= 0).sum() == 1 else "")


def order_figure(drilled: Drilled, futures: Futures) -> Spec | None:
    """A bar per account: the share of futures in which it is the first to die, the second, or later."""
    places = places_of(futures)
    if not (places >= 0).any():
        return None
    shares = [(places == 0).mean(axis=0), (places == 1).mean(axis=0), (places > 1).mean(axis=0)]
    order = np.argsort(-(places >= 0).mean(axis=0), kind="stable")
    names = [label(drilled.accounts[number]) for number in order]
    data = [
        {
            "type": "bar", "orientation": "h", "name": place, "y": list(range(len(names))), "x": values[order].tolist(),
            "width": 0.56, "marker": {"color": colour}, "hovertemplate": "%{x:.2%} of futures<extra>" + place + "</extra>",
        }
        for (place, colour), values in zip(PLACES, shares, strict=True) if values.any()
    ]  # fmt: skip
    shape = layout(
        70 + 34 * len(names), showlegend=True, barmode="stack",
        xaxis=axis(tickformat="~%", rangemode="tozero"),
        yaxis=axis(
            tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.5, -0.5], zeroline=False, showgrid=False,
        ),
    )  # fmt: skip
    return {"data": data, "layout": shape}
