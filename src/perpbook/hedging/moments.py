"""What storms leave of a book, moment by moment: its equity, how far each coin has moved, and who has died."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.kernels.types import Floats, Integers

STEP = 0.0025
"""Between two moments that are kept, a coin or the book's equity has moved by a quarter of a percent, or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StormPath:
    """One storm gone through by the book as it stands, T closes: hours since the start (T,), dollars of book equity (T,), and by
    asset its price over the one now (T,). `deaths` names the accounts that are liquidated."""

    name: str
    kind: str
    hours: Floats
    equity: Floats
    factors: Mapping[str, Floats]
    deaths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """The closes of many storms that matter, M of them. `storm` (M,) is the number in `paths`; `start` dollars of equity."""

    start: float
    paths: tuple[StormPath, ...]
    storm: Integers
    hours: Floats
    equity: Floats
    factors: Mapping[str, Floats]

    @property
    def losses(self) -> Floats:
        """(M,) dollars lost since the start, > 0 is a loss."""
        return self.start - self.equity

    def worst_of(self, values: Floats) -> Integers:
        """(paths,) the moment of each storm at which `values` (M,) is largest."""
        order = np.lexsort((values, self.storm))
        last = np.searchsorted(self.storm[order], np.arange(len(self.paths)), side="right") - 1
        found: Integers = order[last]
        return found


def moments_of(paths: Sequence[StormPath], assets: Sequence[str], start: float) -> Moments:
    """The moments of some storms at which something has moved since the last that was kept, and each storm's lowest."""
    kept = [_kept(one, assets, start) for one in paths]
    return Moments(
        start=start,
        paths=tuple(paths),
        storm=np.repeat(np.arange(len(paths)), [at.size for at in kept]),
        hours=np.concatenate([one.hours[at] for one, at in zip(paths, kept, strict=True)]),
        equity=np.concatenate([one.equity[at] for one, at in zip(paths, kept, strict=True)]),
        factors={
            asset: np.concatenate([one.factors[asset][at] for one, at in zip(paths, kept, strict=True)])
            for asset in assets
        },
    )


def _kept(path: StormPath, assets: Sequence[str], start: float) -> Integers:
    seen = np.array([path.equity / start, *(path.factors[asset] for asset in assets)])
    out, last = [0], seen[:, 0]
    lowest = {int(np.argmin(path.equity)), path.equity.size - 1, *(int(np.argmin(path.factors[one])) for one in assets)}
    for at in range(1, path.equity.size):
        if at in lowest or float(np.abs(seen[:, at] - last).max()) >= STEP:
            out.append(at)
            last = seen[:, at]
    return np.array(out, dtype=np.int64)
