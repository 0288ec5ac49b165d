"""A book at other sizes, drilled: the bench on which sizes are tried."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from perpbook.engine.drill import Drill, Futures, run_drill
from perpbook.engine.moments import Ground, lay_ground, limits_of_paths, with_costs
from perpbook.engine.sized import Bounds, Tried, Uniform
from perpbook.engine.trims import TAIL, Task, deaths_in
from perpbook.errors import BookError, InputError
from perpbook.kernels.drill import END
from perpbook.kernels.scale import largest_scale
from perpbook.kernels.types import Floats
from perpbook.margin.arrays import BookArrays, Item, fee_to_close
from perpbook.sizing.apply import with_quantities
from perpbook.sizing.build import cost_lines
from perpbook.sizing.quantities import quantity_at
from perpbook.sizing.tiers import tier_steps
from perpbook.strategies.table import Leg
from perpbook.terms.terms import TierMode

FEWEST = 20
"""Fewer futures than this in a tail, and its mean is not told."""

Z = 1.959963984540054
HALVINGS = 9
MOST = 64.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A drill without rules, its book as `arrays`, and the task of sizing it. `of` (n,): rows of `arrays` in the task's order."""

    drill: Drill
    arrays: BookArrays
    task: Task
    of: tuple[int, ...]
    bounds: Bounds
    threads: int

    def at(self, sizes: Floats, *, seed: int | None = None) -> Drill:
        """The same drill of the book at these sizes, costs paid; profit of what is closed is realised."""
        changes, costs = {}, self.task.costs_of(sizes)
        for row, item, cost, size in zip(self.of, self.task.items, costs, sizes.tolist(), strict=True):
            if size != 1.0:
                assert item.position is not None
                changes[row] = (quantity_at(item, size) if size < 1.0 else item.position.quantity * size, cost)
        book = with_quantities(self.drill.journey.book, self.arrays, changes)
        journey = replace(self.drill.journey, book=book, legs=legs_of(self.task.ground))
        return replace(self.drill, journey=journey, seed=self.drill.seed if seed is None else seed)

    def run(self, sizes: Floats, *, seed: int | None = None) -> Futures:
        """What becomes of the book at these sizes, without rules."""
        return run_drill(self.at(sizes, seed=seed), threads=self.threads)

    def judged(self, size: str, futures: Futures, *, fresh: bool, rules: bool = False) -> Tried:
        """How it fared against the bounds."""
        deaths, (short, error) = deaths_in(futures), self.shortfall(futures)
        paths, chance, most = futures.figures.shape[0], self.bounds.chance, self.bounds.shortfall
        keeps = chance is None or deaths <= allowed_deaths(chance, paths)
        if most is not None:
            keeps = keeps and short is not None and short <= most * self.task.start * (1.0 + 1e-9)
        return Tried(
            size=size, fresh=fresh, rules=rules, paths=paths, deaths=deaths, shortfall=short, error=error, keeps=keeps
        )

    def shortfall(self, futures: Futures) -> tuple[float | None, float | None]:
        """Expected shortfall against equity now, dollars, and its standard error (Manistre and Hancock, 2005)."""
        lost = np.sort(self.task.start - futures.figures[:, END])
        tail = int(TAIL * lost.size)
        if tail < FEWEST:
            return None, None
        worst = lost[lost.size - tail :]
        mean = float(worst.mean())
        spread = float(worst.var()) + (1.0 - TAIL) * (mean - float(worst[0])) ** 2
        return mean, math.sqrt(spread / tail)


def legs_of(ground: Ground) -> tuple[Leg, ...]:
    """Every contract that the book holds now, so that one closed whole keeps its place."""
    made = ground.stage.ready.arrangement
    return tuple(
        Leg(account=made.accounts[row.account].id, venue=made.accounts[row.account].venue, symbol=row.symbol)
        for row in (made.rows[number] for number in made.positions)
    )


def allowed_deaths(chance: float, paths: int) -> int:
    """Futures that may lose an account."""
    return math.floor(chance * paths * (1.0 + 1e-12))


def set_bench(drill: Drill, arrays: BookArrays, bounds: Bounds, threads: int) -> Bench:
    """Lay a book out for sizing; `drill` is without a playbook.

    Raises
    ------
    InputError : the book holds no position.
    """
    ground = lay_ground(drill)
    made = ground.stage.ready.arrangement
    places = {_place(item): row for row, item in enumerate(arrays.items) if item.position is not None}
    of = tuple(places[made.rows[row].account, made.rows[row].symbol] for row in ground.rows.tolist())
    if not of:
        raise InputError("the book holds no position: there is nothing to size")
    items = tuple(arrays.items[row] for row in of)
    costs = tuple(cost_lines(item, fee_to_close(item, arrays.prices)) for item in items)
    ground = replace(ground, held=with_costs(ground.held, ground.rows, np.array([one.at(1.0) for one in costs])))
    ready = ground.stage.ready
    start = float(ready.start_equity.sum() + ready.body.outside.layers.sum() + ready.body.outside.transit[0])
    task = Task(
        ground=ground,
        items=items,
        costs=costs,
        steps=tier_steps(arrays, items),
        accounts=tuple(account.id for account in made.accounts),
        start=start,
        lost=None if bounds.chance is None else allowed_deaths(bounds.chance, drill.paths),
        shortfall=None if bounds.shortfall is None else bounds.shortfall * start,
    )
    return Bench(drill=drill, arrays=arrays, task=task, of=of, bounds=bounds, threads=threads)


def _place(item: Item) -> tuple[int, str]:
    assert item.terms is not None
    return item.account, item.terms.contract.symbol


def largest_uniform_scale(bench: Bench) -> Uniform | None:
    """The largest common scale that keeps the bounds on the drill's own futures; None when none above 0 does.

    The chance is read off one pass: every path has a largest scale of its own. The shortfall is drilled: halving from there.
    """
    task, low, high = bench.task, None, None
    scale, binds = alive_now(task), "margin"
    if task.lost is not None:
        worst = np.sort(limits_of_paths(task.ground, task.ground.held).min(axis=1))
        (scale, low, high), binds = _order_statistics(worst, task.lost), "chance"
    if task.shortfall is not None and not _bears(bench, scale):
        binds, low, high = "shortfall", None, None
        scale = _halve(bench, scale)
    if scale > 1.0 and any(is_whole(item) for item in task.items):
        scale, low, high = _by_drills(bench, scale), None, None
    if scale <= 0.0:
        return None
    cost = sum(task.costs_of(np.full(len(task.items), scale)))
    return Uniform(scale=scale, low=low, high=high, binds=binds, cost=cost, tested=None)


def alive_now(task: Task) -> float:
    """The largest common scale at which no account is liquidatable at today's prices."""
    held, prices = task.ground.held, np.ascontiguousarray(task.ground.drill.journey.bars.open[:, 0])
    scales = [largest_scale(held, account, prices, 0.0) for account in range(held.cash.size)]
    return min(MOST, 0.999 * min(scales))


def _order_statistics(worst: Floats, lost: int) -> tuple[float, float, float]:
    """The scale that all but `lost` futures bear, and its 95 % interval."""
    paths = worst.size
    half = Z * math.sqrt(lost * (1.0 - lost / paths))

    def of(place: float) -> float:
        return float(worst[min(max(int(place), 0), paths - 1)])

    return of(lost) * (1.0 - 1e-9), of(math.floor(lost - half)), of(math.ceil(lost + half))


def is_whole(item: Item) -> bool:
    """True where a higher tier's rate falls on the whole position, so that margin jumps with size."""
    return item.terms is not None and item.terms.tiers.mode is TierMode.WHOLE_POSITION


def _keeps(bench: Bench, scale: float) -> bool:
    """Whether a drill of the book at this scale keeps both bounds; a book that is dead at once does not."""
    try:
        return bench.judged("uniform", bench.run(np.full(len(bench.task.items), scale)), fresh=False).keeps
    except BookError:
        return False


def _by_drills(bench: Bench, scale: float) -> float:
    """The largest scale from today's size up to one that a pass with today's tiers allows, as drills with the true tiers say."""
    if _keeps(bench, scale):
        return scale
    good = 1.0
    for _ in range(HALVINGS):
        middle = 0.5 * (good + scale)
        good, scale = (middle, scale) if _keeps(bench, middle) else (good, middle)
    return good


def _bears(bench: Bench, scale: float) -> bool:
    """Whether a drill of the book at this scale stays inside the shortfall."""
    try:
        short, _ = bench.shortfall(bench.run(np.full(len(bench.task.items), scale)))
    except BookError:
        return False
    return short is not None and short <= (bench.task.shortfall or 0.0)


def _halve(bench: Bench, bad: float) -> float:
    """The largest scale below a bad one that bears the shortfall, to one part in five hundred; 0 for none."""
    good = 0.0
    while bad > 1e-3 and not _bears(bench, 0.5 * bad):
        bad *= 0.5
    if bad <= 1e-3:
        return 0.0
    good = 0.5 * bad
    for _ in range(HALVINGS):
        middle = 0.5 * (good + bad)
        good, bad = (middle, bad) if _bears(bench, middle) else (good, middle)
    return good
