"""`sweep run`: one journey under many playbooks, kept chunk by chunk, with what overfitting makes of the best of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perpbook.errors import InputError
from perpbook.kernels.sweep import DEEPEST, END, FEES, FILLS, LEAST, LIQUIDATIONS, RULES
from perpbook.runs.backtest import Backtest, Tell, plan_journey, silent
from perpbook.runs.backtest_turns import targets_of

Floats = NDArray[np.float64]

PLAN, PARTS = "sweep.json", "part-{number:05d}.parquet"
CHUNK = 2_000
"""Variants per file: what an interrupted sweep loses at most."""

MOST = 5_000_000
DAYS_A_YEAR = 365.0
EULER = 0.5772156649015329


@dataclass(frozen=True, slots=True, kw_only=True)
class Varied:
    """A key of the playbook and the values it takes: a grid of them, or a range to draw from."""

    key: str
    values: tuple[float, ...]
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPlan:
    """What is varied. `draws` 0: every combination of the values; else so many points of a Latin hypercube over the
    ranges, seeded. `split`: the share of the bars that is looked at first; the rest is out of sample."""

    varied: tuple[Varied, ...]
    draws: int = 0
    seed: int = 0
    split: float = 0.7

    def __post_init__(self) -> None:
        if not self.varied:
            raise InputError("nothing is varied: name a key with --vary key=low:high:step or key=a,b,c")
        if not 0.1 <= self.split <= 0.9:
            raise InputError(f"--split is {self.split:g}: it must lie between 0.1 and 0.9")
        if self.draws < 0 or self.size > MOST:
            raise InputError(f"that is {self.size:,} variants: at most {MOST:,}; take fewer values, or --draws")

    @property
    def size(self) -> int:
        """Variants."""
        return self.draws or math.prod(len(one.values) for one in self.varied)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """Where a sweep is kept and how far it is. `best` are its best variants by the part looked at first; `deflated` the
    chance that the best one's Sharpe ratio is above what the best of so many worthless ones would show by luck."""

    folder: str
    variants: int
    done: int
    seconds: float
    best: tuple[Mapping[str, float], ...]
    deflated: float | None
    expected_by_luck: float | None
    rank_correlation: float | None


def parse_varied(text: str) -> Varied:
    """`key=low:high:step`, `key=low:high` (a range to draw from) or `key=a,b,c`.

    Raises
    ------
    InputError : it is none of them.
    """
    key, equals, value = text.partition("=")
    try:
        if not equals or not key:
            raise ValueError
        if ":" in value:
            figures = [float(part) for part in value.split(":")]
            low, high = figures[0], figures[1]
            step = figures[2] if len(figures) == 3 else high - low
            if len(figures) > 3 or not low < high or not step > 0 or not all(map(math.isfinite, figures)):
                raise ValueError
            values = tuple(low + step * k for k in range(int((high - low) / step + 1e-9) + 1))
            return Varied(key=key, values=values, low=low, high=high)
        values = tuple(float(part) for part in value.split(","))
        if not all(map(math.isfinite, values)):
            raise ValueError
        return Varied(key=key, values=values, low=min(values), high=max(values))
    except (ValueError, IndexError):
        raise InputError(
            f'--vary "{text}": write key=low:high:step, key=a,b,c, or with --draws key=low:high, as in '
            "leverage.account.gross=1:4:0.5"
        ) from None


def points_of(plan: SweepPlan) -> dict[str, Floats]:
    """Each key's value in every variant: a grid, the last key fastest, or a Latin hypercube."""
    if not plan.draws:
        grid = np.meshgrid(*(np.array(one.values) for one in plan.varied), indexing="ij")
        return {one.key: axis.ravel() for one, axis in zip(plan.varied, grid, strict=True)}
    chance, out = np.random.default_rng(plan.seed), {}
    for one in plan.varied:
        cells = (chance.permutation(plan.draws) + chance.random(plan.draws)) / plan.draws
        out[one.key] = one.low + (one.high - one.low) * cells
    return out


def run_sweep(
    asked: Backtest, plan: SweepPlan, folder: Path, *, threads: int, now_ns: Callable[[], int], tell: Tell = silent
) -> SweepResult:
    """Run what is not yet done of a sweep, a chunk at a time, and tell what it found.

    Raises
    ------
    InputError : a key cannot be varied, a variant is refused, or the folder keeps another sweep.
    DataError : as `run_backtest`.
    """
    from perpbook.engine.backtest import prepare
    from perpbook.engine.variants import run_figures, variant_figures

    if asked.playbook is None:
        raise InputError("a sweep varies a playbook: name one")
    if asked.idea.own is not None:
        raise InputError("a sweep cannot call your own strategy: give it as a table with --targets")
    if asked.overlay is not None:
        raise InputError(
            "a sweep lays no options beside its runs: leave overlay out, or run its best playbook as a backtest"
        )
    journey, _ = plan_journey(asked, tell)
    journey = replace(journey, targets=targets_of(asked.idea, journey))
    assert journey.playbook is not None
    points = points_of(plan)
    _claim(folder, _described(asked, plan, journey.bars.source))
    ready = prepare(journey)
    figures = variant_figures(journey.playbook, ready.play.names, ready.play.scenarios, points)
    split = int(plan.split * journey.bars.count)
    started = now_ns()
    chunks = range(0, plan.size, CHUNK)
    for number, first in enumerate(chunks):
        path = folder / PARTS.format(number=number)
        tell("variants", first, plan.size)
        if path.is_file():
            continue
        rows = slice(first, first + CHUNK)
        gave = run_figures(journey, np.ascontiguousarray(figures[rows]), split=split, threads=threads)
        _write(path, {key: values[rows] for key, values in points.items()}, gave)
    return read_sweep(folder, seconds=(now_ns() - started) / 1e9)


def _described(asked: Backtest, plan: SweepPlan, prices: str) -> dict[str, Any]:
    """What makes a sweep this one: a folder is gone on with only by the same."""
    from perpbook import __version__

    return {
        "version": __version__,
        "book": str(asked.book.resolve()),
        "playbook": str(asked.playbook.resolve()) if asked.playbook else None,
        "prices": prices,
        "span": [asked.span.start_ns, asked.span.end_ns, asked.span.bar_ns],
        "strategy": [asked.idea.name, dict(asked.idea.options or {}), str(asked.idea.targets), list(asked.idea.legs)],
        "varied": [[one.key, list(one.values), one.low, one.high] for one in plan.varied],
        "draws": plan.draws,
        "seed": plan.seed,
        "split": plan.split,
        "variants": plan.size,
        "costs": [asked.frictions.half_spread, asked.frictions.impact, asked.frictions.fee_tier, asked.latency],
    }


def _claim(folder: Path, described: Mapping[str, Any]) -> None:
    """Make the folder this sweep's, or see that it is."""
    path = folder / PLAN
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            path.write_text(json.dumps(described, indent=1), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: the sweep cannot be kept there: {error}") from error
    if _plan(folder) != json.loads(json.dumps(described)):
        raise InputError(
            f"{folder} keeps another sweep: name another folder with --out, or finish that one as it began"
        )


def _plan(folder: Path) -> dict[str, Any]:
    path = folder / PLAN
    if not path.is_file():
        raise InputError(f"{folder} keeps no sweep: give the folder that `sweep run --out` wrote")
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    except ValueError as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _write(path: Path, points: Mapping[str, Floats], gave: Floats) -> None:
    """One chunk, put in place whole."""
    from perpbook.history.tables import write_table

    columns = {"end_equity": END, "least_equity": LEAST, "drawdown": DEEPEST, "fills": FILLS}
    columns |= {"liquidations": LIQUIDATIONS, "rules_fired": RULES, "fees": FEES}
    data: dict[str, Any] = dict(points)
    data |= {name: gave[:, column] for name, column in columns.items()}
    for name, first in (("in", 7), ("out", 12)):
        data |= {f"days_{name}": gave[:, first], f"sharpe_{name}": sharpe(gave[:, first : first + 5])}
        skew, kurtosis = shape(gave[:, first : first + 5])
        data |= {f"skew_{name}": skew, f"kurtosis_{name}": kurtosis}
    write_table(path, data)


def sharpe(moments: Floats) -> Floats:
    """(V,) mean over standard deviation of daily returns, a year's; 0 where nothing moved. moments : (V, 5)."""
    count = np.maximum(moments[:, 0], 1.0)
    mean = moments[:, 1] / count
    spread = np.sqrt(np.maximum(moments[:, 2] / count - mean**2, 0.0))
    out: Floats = np.where(spread > 0.0, mean / np.where(spread > 0.0, spread, 1.0) * math.sqrt(DAYS_A_YEAR), 0.0)
    return out


def shape(moments: Floats) -> tuple[Floats, Floats]:
    """(V,) skewness and kurtosis of daily returns; 0 and 3 where nothing moved."""
    count = np.maximum(moments[:, 0], 1.0)
    m1, m2, m3, m4 = (moments[:, k] / count for k in range(1, 5))
    variance = np.maximum(m2 - m1**2, 0.0)
    moved = variance > 0.0
    safe = np.where(moved, variance, 1.0)
    skew = np.where(moved, (m3 - 3 * m1 * m2 + 2 * m1**3) / safe**1.5, 0.0)
    kurtosis = np.where(moved, (m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4) / safe**2, 3.0)
    return skew, kurtosis


def read_sweep(folder: Path, *, seconds: float = 0.0, most: int = 10) -> SweepResult:
    """What is kept of a sweep so far."""
    from perpbook.history.tables import read_tables

    plan = _plan(folder)
    parts = sorted(folder.glob("part-*.parquet"))
    if not parts:
        return SweepResult(
            folder=str(folder), variants=plan["variants"], done=0, seconds=seconds, best=(), deflated=None,
            expected_by_luck=None, rank_correlation=None,
        )  # fmt: skip
    rows = read_tables(parts)
    order = np.argsort(-rows["sharpe_in"], kind="stable")[:most].tolist()
    chance, luck = deflated_sharpe(rows)
    return SweepResult(
        folder=str(folder),
        variants=plan["variants"],
        done=int(rows["sharpe_in"].size),
        seconds=seconds,
        best=tuple({name: float(values[row]) for name, values in rows.items()} for row in order),
        deflated=chance,
        expected_by_luck=luck,
        rank_correlation=_ranks(rows["sharpe_in"], rows["sharpe_out"]),
    )


def deflated_sharpe(rows: Mapping[str, Floats]) -> tuple[float | None, float | None]:
    """The deflated Sharpe ratio of the best variant, and the yearly Sharpe ratio luck alone would give the best of as many.

    D. H. Bailey and M. Lopez de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40 (2014). Variants are
    counted as independent trials, which they are not: the true bar is lower, and this errs towards caution.
    """
    from scipy.stats import norm

    ratios = rows["sharpe_in"] / math.sqrt(DAYS_A_YEAR)
    trials = int(ratios.size)
    spread = float(np.std(ratios))
    best = int(np.argmax(ratios))
    days = float(rows["days_in"][best])
    if trials < 2 or spread == 0.0 or days < 3:
        return None, None
    luck = spread * ((1 - EULER) * norm.ppf(1 - 1 / trials) + EULER * norm.ppf(1 - 1 / (trials * math.e)))
    skew, kurtosis = float(rows["skew_in"][best]), float(rows["kurtosis_in"][best])
    ratio = float(ratios[best])
    width = math.sqrt(max(1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2, 1e-12))
    return float(norm.cdf((ratio - luck) * math.sqrt(days - 1) / width)), float(luck * math.sqrt(DAYS_A_YEAR))


def _ranks(first: Floats, second: Floats) -> float | None:
    """Spearman's rank correlation; None where either has one value."""
    from scipy.stats import spearmanr

    if first.size < 3 or np.ptp(first) == 0.0 or np.ptp(second) == 0.0:
        return None
    return float(spearmanr(first, second).statistic)
