"""Joint log returns of several series: only rows in which every one of them had a bar, raw and with volatility filtered out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.signal import lfilter
from scipy.special import ndtri
from scipy.stats import rankdata

from perpbook.errors import InputError
from perpbook.model.bars import Bars, Floats, Integers
from perpbook.model.units import DAY_NS

LEAST_ROWS = 250
"""Fewer joint rows than this hold a dozen points in a twentieth: no tail to speak of."""

MOST_ZERO = 0.10
"""A series that stands still in more of its bars than this is thin: its ties are not agreement."""

HOURLY_MEMORY, DAILY_MEMORY = 0.97, 0.94


@dataclass(frozen=True, slots=True, kw_only=True)
class JointReturns:
    """Log returns (A, n), close to close, of `names` over bars that end at `times_ns` (n,), `bar_ns` wide.

    `filtered` says that each was divided by its volatility as forecast the bar before. `notes` tell what was left out.
    """

    names: tuple[str, ...]
    times_ns: Integers
    bar_ns: int
    values: Floats
    filtered: bool = False
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.names), self.times_ns.size):
            raise InputError(
                f"{self.values.shape} returns do not fit {len(self.names)} names and {self.times_ns.size} times"
            )
        if len(set(self.names)) != len(self.names):
            raise InputError(f"a series is named twice: {', '.join(self.names)}")
        if not np.isfinite(self.values).all():
            bad = self.names[int(np.flatnonzero(~np.isfinite(self.values).all(axis=1))[0])]
            raise InputError(f"a return of {bad} is not a number: mend its prices first")

    @property
    def rows(self) -> int:
        """How many."""
        return int(self.times_ns.size)

    def index(self, name: str) -> int:
        """The row of a series.

        Raises
        ------
        InputError : there is none of this name.
        """
        if name not in self.names:
            raise InputError(f'there is no series "{name}" among {", ".join(self.names)}')
        return self.names.index(name)


def joint_returns(bars: Bars, *, most_zero: float = MOST_ZERO, names: Sequence[str] | None = None) -> JointReturns:
    """Log returns of the series of `bars`, rows with a stale side left out, thin series left out and noted.

    A return needs a fresh bar at both of its ends. `names` are what the series are called, their symbols by default.

    Raises
    ------
    InputError : fewer than two series are left, or fewer than `LEAST_ROWS` joint rows.
    """
    called = tuple(names) if names is not None else tuple(key.symbol for key in bars.series)
    if len(called) != len(bars.series):
        raise InputError(f"{len(called)} names do not fit {len(bars.series)} series")
    fresh = (bars.stale[:, 1:] == 0) & (bars.stale[:, :-1] == 0)
    moves = np.diff(np.log(bars.close), axis=1)
    kept, notes = _not_thin(called, moves, fresh, most_zero)
    if len(kept) < 2:
        told = "".join(f"\n    {note}" for note in notes)
        raise InputError(f"a tail is a matter of two series at least; there is {len(kept)}{told}")
    whole = fresh[kept].all(axis=0)
    if (left_out := int((~whole).sum())) > 0:
        notes.append(f"{left_out:,} of {whole.size:,} bars are left out: a series had no price of its own there")
    if whole.sum() < LEAST_ROWS:
        raise InputError(
            f"{int(whole.sum())} joint bars say nothing of a tail: give {LEAST_ROWS} at least, and years if there are any"
        )
    return JointReturns(
        names=tuple(called[row] for row in kept),
        times_ns=bars.open_ns[1:][whole] + bars.bar_ns,
        bar_ns=bars.bar_ns,
        values=np.ascontiguousarray(moves[kept][:, whole]),
        notes=tuple(notes),
    )


def _not_thin(names: Sequence[str], moves: Floats, fresh: Floats, most_zero: float) -> tuple[list[int], list[str]]:
    kept, notes = [], []
    for row, name in enumerate(names):
        seen = moves[row][fresh[row] != 0]
        if seen.size < LEAST_ROWS:
            notes.append(f"{name} is left out: it has {seen.size} bars of its own")
            continue
        still = float((seen == 0.0).mean())
        if still > most_zero:
            notes.append(f"{name} is left out: it did not move in {still:.0%} of its bars, and {most_zero:.0%} is thin")
            continue
        kept.append(row)
    return kept, notes


def ewma_filtered(returns: JointReturns, memory: float | None = None) -> JointReturns:
    """Each return over its volatility as known the bar before: what is left once volatility that all share is gone.

    memory : weight of the past per bar; 0.97 for bars shorter than a day, 0.94 for daily ones (RiskMetrics 1996). The
    first rows, while the filter still remembers where it began, are left out.
    """
    weight = memory if memory is not None else (DAILY_MEMORY if returns.bar_ns >= DAY_NS else HOURLY_MEMORY)
    if not 0.0 < weight < 1.0:
        raise InputError(f"a memory of {weight:g} does not do: choose one between 0 and 1, such as 0.97")
    burn = int(np.ceil(3.0 / (1.0 - weight)))
    if returns.rows < burn + LEAST_ROWS:
        raise InputError(f"{returns.rows} rows are too few for a filter that takes {burn} to settle")
    values = returns.values - returns.values.mean(axis=1, keepdims=True)
    squares = values * values
    start = weight * squares[:, :burn].mean(axis=1, keepdims=True)
    variance = lfilter([1.0 - weight], [1.0, -weight], squares, axis=1, zi=start)[0]
    forecast = variance[:, burn - 1 : -1]
    if not (forecast > 0.0).all():
        still = returns.names[int(np.flatnonzero(~(forecast > 0.0).all(axis=1))[0])]
        raise InputError(f"{still} does not move at all for a while: it has no volatility to be filtered by")
    return replace(
        returns,
        values=np.ascontiguousarray(values[:, burn:] / np.sqrt(forecast)),
        times_ns=returns.times_ns[burn:],
        filtered=True,
        notes=(
            *returns.notes,
            f"volatility is filtered out with a memory of {weight:g}; the first {burn} rows go with it",
        ),
    )


def normal_scores(returns: JointReturns) -> JointReturns:
    """Each series' ranks as a standard normal has them: what is left is how the series move together."""
    return replace(returns, values=np.stack([ndtri(rankdata(row) / (returns.rows + 1.0)) for row in returns.values]))


def market_of(returns: JointReturns, market: str | None) -> Floats:
    """The market's moves: those of the series named, or the mean of all, each over its standard deviation."""
    if market is not None:
        chosen: Floats = returns.values[returns.index(market)]
        return chosen
    spread = returns.values.std(axis=1, keepdims=True)
    if not (spread > 0.0).all():
        still = returns.names[int(np.flatnonzero(~(spread[:, 0] > 0.0))[0])]
        raise InputError(f"{still} does not move: leave it out")
    out: Floats = (returns.values / spread).mean(axis=0)
    return out
