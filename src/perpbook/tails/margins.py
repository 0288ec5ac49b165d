"""One price's own distribution of moves: as seen in the middle, a generalised Pareto law beyond the outer 2.5 % of each side.

McNeil and Frey 2000; fits of `pareto`. A table of what was seen ends where the past ended; this one does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.model.bars import Floats
from perpbook.tails.pareto import fit_peaks

OUTER = 0.025
"""Share of each side that is fitted."""

LEAST_OVER = 25
"""Moves beyond the edge that a fit needs; with fewer a side ends where the past ended."""

MOST_SHAPE = 0.4
"""A fit that says more (a variance that hardly exists) has seen too little, and is held here; crypto's hours show 0.2 to 0.4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A fitted tail: a share `share` of moves lies further out than `edge` (of the move's size on this side), and what goes
    beyond has this shape and scale."""

    share: float
    edge: float
    shape: float
    scale: float

    def beyond(self, share: Floats) -> Floats:
        """Size that is exceeded with probability `share` (k,), from 0 to this side's."""
        ratio = np.maximum(share, 1e-12) / self.share
        if abs(self.shape) < 1e-9:
            out: Floats = self.edge - self.scale * np.log(ratio)
        else:
            out = self.edge + self.scale * (ratio**-self.shape - 1.0) / self.shape
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """A distribution of moves: `seen` (n,) in order, and the law of either end, None where too little lies there."""

    seen: Floats
    lower: Side | None
    upper: Side | None
    notes: tuple[str, ...]

    def quantile(self, u: Floats) -> Floats:
        """The move below which a share `u` (k,) of moves lies; non-decreasing."""
        levels = (np.arange(self.seen.size) + 0.5) / self.seen.size
        out: Floats = np.interp(u, levels, self.seen)
        if self.lower is not None:
            outside = u < self.lower.share
            out = np.maximum(out, -self.lower.edge)
            out[outside] = -self.lower.beyond(u[outside])
        if self.upper is not None:
            outside = 1.0 - u < self.upper.share
            out[~outside] = np.minimum(out[~outside], self.upper.edge)
            out[outside] = self.upper.beyond(1.0 - u[outside])
        return out


def fit_margin(moves: Floats, what: str) -> Margin:
    """The distribution of moves (n,) of `what`."""
    lower, told_low = _side(-moves, f"{what} downwards")
    upper, told_high = _side(moves, f"{what} upwards")
    return Margin(seen=np.sort(moves), lower=lower, upper=upper, notes=(*told_low, *told_high))


def _side(sizes: Floats, what: str) -> tuple[Side | None, list[str]]:
    edge = float(np.quantile(sizes, 1.0 - OUTER))
    over = int((sizes > edge).sum())
    ends = f"{what} ends at the largest move of the past"
    if over < LEAST_OVER:
        return None, [f"{ends}: {over} moves beyond the outer {OUTER:.1%} are too few to fit ({LEAST_OVER} needed)"]
    try:
        found = fit_peaks(sizes, edge)
    except InputError as error:
        return None, [f"{ends}: {error}"]
    shape = float(found.shape[0])
    notes = []
    if shape > MOST_SHAPE:
        notes = [f"the tail of {what} has shape {shape:.2f}, more than its points carry: it is held at {MOST_SHAPE}"]
    return Side(
        share=float(found.share[0]), edge=edge, shape=min(shape, MOST_SHAPE), scale=float(found.scale[0])
    ), notes
