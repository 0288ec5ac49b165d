"""Two playbooks on the same futures: who dies under which, and what the difference is worth, path by path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perpbook.engine.drill import Futures
from perpbook.errors import InputError
from perpbook.kernels.drill import DEEPEST, END, FIRST, TRIM_COSTS
from perpbook.report.drill_measures import Chance, Z
from perpbook.report.drill_text import with_interval

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """A mean difference (second minus first) over the same futures, and its 95 % interval."""

    name: str
    first: float
    second: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillComparison:
    """`both`, `only_first`, `only_second`: in how many futures an account dies under both or under one alone."""

    names: tuple[str, str]
    dies: tuple[Chance, Chance]
    both: int
    only_first: int
    only_second: int
    paired: tuple[Paired, ...]


def compare_futures(names: tuple[str, str], first: Futures, second: Futures) -> DrillComparison:
    """Compare path by path.

    Raises
    ------
    InputError : the two were not run on the same futures.
    """
    if first.figures.shape != second.figures.shape or first.steps != second.steps:
        raise InputError("the two drills are not of the same futures: run both with the same seed, paths and horizon")
    dead = [one.figures[:, FIRST] < one.steps for one in (first, second)]
    paths = dead[0].size
    lines = (("end equity", END), ("deepest drawdown", DEEPEST), ("cost of rules", TRIM_COSTS))
    return DrillComparison(
        names=names,
        dies=(Chance(count=int(dead[0].sum()), paths=paths), Chance(count=int(dead[1].sum()), paths=paths)),
        both=int((dead[0] & dead[1]).sum()),
        only_first=int((dead[0] & ~dead[1]).sum()),
        only_second=int((~dead[0] & dead[1]).sum()),
        paired=tuple(paired(name, first.figures[:, at], second.figures[:, at]) for name, at in lines),
    )


def paired(name: str, first: np.ndarray, second: np.ndarray) -> Paired:
    """Means over the same futures, and how far they are apart."""
    apart = second - first
    half = Z * float(apart.std(ddof=1)) / apart.size**0.5 if apart.size > 1 else float("nan")
    middle = float(apart.mean())
    return Paired(
        name=name, first=float(first.mean()), second=float(second.mean()), difference=middle, low=middle - half,
        high=middle + half,
    )  # fmt: skip


def tell_comparison(console: Console, found: DrillComparison) -> None:
    """Who dies, and the paired differences."""
    from rich.table import Table

    one, other = found.names
    console.print(
        f"An account dies under {one} in {with_interval(found.dies[0])}, under {other} in {with_interval(found.dies[1])} of "
        f"{found.dies[0].paths:,} futures: under both in {found.both:,}, only under {one} in {found.only_first:,}, only under "
        f"{other} in {found.only_second:,}."
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("mean")
    for title in (one, other, "difference", "95 % interval"):
        table.add_column(title, justify="right")
    for line in found.paired:
        form = "{:.2%}" if line.name == "deepest drawdown" else "{:,.0f}"
        told = [form.format(value) for value in (line.first, line.second, line.difference)]
        table.add_row(line.name, *told, f"{form.format(line.low)} to {form.format(line.high)}")
    console.print(table)
