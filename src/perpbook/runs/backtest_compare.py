"""`backtest compare`: two kept runs over the same bars, paired bar by bar."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perpbook.errors import InputError
from perpbook.model.difference import Difference
from perpbook.model.units import to_iso
from perpbook.runs.backtest_keep import CURVE, read_kept

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs side by side."""

    one: str
    other: str
    start: str
    end: str
    bars: int
    draws: int
    block_bars: int
    seed: int
    differences: tuple[Difference, ...]


def compare_runs(one: Path, other: Path, *, draws: int, block_ns: int, seed: int) -> Comparison:
    """Compare two kept runs.

    Raises
    ------
    InputError : a folder keeps no run, the runs are over different bars, or the numbers asked for are out of range.
    """
    from perpbook.history.tables import read_tables

    if draws < 100:
        raise InputError(f"--draws is {draws}: an interval needs 100 or more")
    told = read_kept(one), read_kept(other)
    curves = [read_tables([folder / CURVE]) for folder in (one, other)]
    times = [curve["time_ns"] for curve in curves]
    if times[0].size != times[1].size or not np.array_equal(times[0], times[1]):
        raise InputError("the two runs are over different bars: run both with the same --from, --to and --bar")
    if times[0].size < 3:
        raise InputError("the runs are too short to compare: three bars or more")
    block = max(1, block_ns // int(times[0][1] - times[0][0]))
    equity = [curve["book"] for curve in curves]
    return Comparison(
        one=str(one),
        other=str(other),
        start=to_iso(int(times[0][0])),
        end=to_iso(int(times[0][-1])),
        bars=int(times[0].size),
        draws=draws,
        block_bars=block,
        seed=seed,
        differences=(
            *_of_changes(equity, draws=draws, block=block, chance=np.random.default_rng(seed)),
            *_of_totals(told),
        ),
    )


def _of_changes(equity: list[Floats], *, draws: int, block: int, chance: np.random.Generator) -> tuple[Difference, ...]:
    """Final equity and drawdown, with intervals from the paired changes drawn in blocks (circular block bootstrap:
    D. N. Politis and J. P. Romano, 1992)."""
    steps = [np.diff(curve) for curve in equity]
    apart = steps[0] - steps[1]
    sums = block_sums(apart, block, draws, chance)
    final = Difference(
        name="end equity", unit="dollars", one=float(equity[0][-1]), other=float(equity[1][-1]),
        more=float(equity[0][-1] - equity[1][-1]), low=float(np.quantile(sums, 0.025)),
        high=float(np.quantile(sums, 0.975)), better=float(np.mean(sums > 0.0)),
    )  # fmt: skip
    falls = [deepest_fall(curve) for curve in equity]
    fall = Difference(name="deepest drawdown", unit="share", one=falls[0], other=falls[1], more=falls[0] - falls[1])
    swing = [float(np.std(step)) for step in steps]
    moved = Difference(
        name="standard deviation of a bar", unit="dollars", one=swing[0], other=swing[1], more=swing[0] - swing[1]
    )
    return final, fall, moved


def block_sums(apart: Floats, block: int, draws: int, chance: np.random.Generator) -> Floats:
    """(draws,) sums of as many changes as there are, drawn in blocks from a circle."""
    count = apart.size
    blocks = -(-count // block)
    running = np.concatenate([[0.0], np.cumsum(np.concatenate([apart, apart[:block]]))])
    starts = chance.integers(0, count, size=(draws, blocks))
    lengths = np.full(blocks, block)
    lengths[-1] = count - block * (blocks - 1)
    out: Floats = (running[starts + lengths] - running[starts]).sum(axis=1)
    return out


def deepest_fall(equity: Floats) -> float:
    """The largest fall from a peak, a share of it."""
    peak = np.maximum.accumulate(equity)
    return float(np.max(np.where(peak > 0.0, 1.0 - equity / np.where(peak > 0.0, peak, 1.0), 0.0)))


def _of_totals(told: tuple[dict[str, object], dict[str, object]]) -> tuple[Difference, ...]:
    """What each kind of cash flow brought, side by side."""
    both = [one.get("attribution") for one in told]
    if not all(isinstance(one, dict) for one in both):
        raise InputError("a kept run has no attribution in its run.json; run the backtest again")
    first, second = (one for one in both if isinstance(one, dict))
    return tuple(
        Difference(
            name=name, unit="dollars", one=float(first[name]), other=float(second.get(name, 0.0)),
            more=float(first[name]) - float(second.get(name, 0.0)),
        )
        for name in first
    )  # fmt: skip
