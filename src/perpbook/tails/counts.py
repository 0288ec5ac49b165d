"""Joint ranks counted in cells, resample by resample: ranks are taken anew in each, without sorting anew.

A cell is a range of the first series' rank and one of the second's. Cells are narrow towards both tails, and every tail
level is an edge, so that tail counts are exact and Kendall's tau and a copula's likelihood nearly so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perpbook.model.bars import Floats, Integers

Small = NDArray[np.int16]
EDGES = 100


def edges_for(rows: int, levels: tuple[float, ...]) -> Floats:
    """Rising edges of rank / n in (0, 1), even on a logistic scale, with every level and its mirror among them."""
    far = np.log(max(rows / 2.0, 10.0))
    even = 1.0 / (1.0 + np.exp(-np.linspace(-far, far, EDGES)))
    marks = np.array([*levels, *(1.0 - level for level in levels)])
    return np.unique(np.concatenate([even, marks]))


def binned(orders: Integers, weights: Floats, edges: Floats) -> Small:
    """(series, draws, n) the cell each row's rank falls in, for weights (draws, n) and each series' sorting order."""
    rows = weights.shape[1]
    out = np.empty((len(orders), *weights.shape), dtype=np.int16)
    cells = np.arange(edges.size + 1, dtype=np.int16)
    ends = np.zeros(edges.size + 2, dtype=np.int64)
    ends[-1] = rows
    for draw, weight in enumerate(weights):
        goals = edges * weight.sum() * (1.0 + 1e-12)
        for series, order in enumerate(orders):
            sorted_weight = weight[order]
            reached = np.cumsum(sorted_weight) - 0.5 * sorted_weight
            ends[1:-1] = reached.searchsorted(goals, side="right")
            out[series, draw, order] = np.repeat(cells, ends[1:] - ends[:-1])
    return out


def tables(first: Small, second: Small, weights: Floats, cells: int) -> Floats:
    """(draws, cells, cells) the weight in each joint cell."""
    out = np.empty((len(weights), cells * cells))
    for draw, weight in enumerate(weights):
        at = first[draw].astype(np.int32) * cells + second[draw]
        out[draw] = np.bincount(at, weights=weight, minlength=cells * cells)
    return out.reshape(len(weights), cells, cells)


def kendall_of(table: Floats) -> Floats:
    """Kendall's tau-b of each table; rows that share a cell count as tied."""
    total = table.sum(axis=(1, 2))
    above = np.zeros(table[:, 0].shape)  # By the second series' cell, the weight where the first comes before.
    ordered = np.zeros(total.size)
    for row, before in zip(table[:, 1:].swapaxes(0, 1), table.swapaxes(0, 1), strict=False):
        above += before
        reached = np.cumsum(above, axis=1)
        ordered += np.einsum("dj,dj->d", row, 2.0 * reached - above - reached[:, -1:])
    tied = [(total**2 - (table.sum(axis=axis) ** 2).sum(axis=1)) / 2.0 for axis in (1, 2)]
    out: Floats = ordered / np.sqrt(tied[0] * tied[1])
    return out


def tail_dependence_of(table: Floats, alone: tuple[Floats, Floats], count: int, *, upper: bool) -> Floats:
    """Weight in both series' outermost `count` cells over the weight in either's, of each table; `alone` : (draws, cells) the
    weight in each cell of the first series and of the second."""
    ends = slice(-count, None) if upper else slice(0, count)
    joint = table[:, ends, ends].sum(axis=(1, 2))
    either = 0.5 * sum(one[:, ends].sum(axis=1) for one in alone)
    out: Floats = joint / either
    return out


def middles(edges: Floats) -> Floats:
    """The rank in the middle of each cell."""
    out: Floats = 0.5 * (np.concatenate([[0.0], edges]) + np.concatenate([edges, [1.0]]))
    return out
