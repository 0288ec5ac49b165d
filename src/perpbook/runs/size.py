"""The size that survives, from files to an answer: found on one set of futures, tested on others."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from perpbook.errors import InputError
from perpbook.runs.drill import ALONE, DrillAsked, Tell, nothing, plan_drill

if TYPE_CHECKING:
    from perpbook.engine.sized import Bounds, Cut, Sized, Tried, Uniform
    from perpbook.engine.trial import Bench
    from perpbook.kernels.types import Floats
    from perpbook.playbook.schema import Playbook

TRIES = 6
"""Sets of new futures on which a size may be tested before it is given up."""

FEWEST_LOST = 10
"""A chance is told where at least so many futures make it up."""

FEWEST_PATHS = 800
"""The worst 2.5 % of fewer futures are fewer than twenty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeAsked:
    """How large the book of a drill may be: within `bounds`."""

    drill: DrillAsked
    bounds: Bounds

    def __post_init__(self) -> None:
        chance, short, paths = self.bounds.chance, self.bounds.shortfall, self.drill.paths
        if chance is None and short is None:
            raise InputError("nothing bounds the size: give --chance (of losing an account), --shortfall, or both")
        if chance is not None and not 0.0 < chance < 1.0:
            raise InputError(
                f"a chance of {chance:g} does not do: no number of futures shows that nothing can happen; choose one above 0 "
                "and below 1, like 0.01"
            )
        if short is not None and not 0.0 < short < 1.0:
            raise InputError(f"a shortfall of {short:g} does not do: it is a share of equity, like 0.25")
        if self.drill.kind in ALONE:
            raise InputError(f"{self.drill.kind} paths are one future: choose another --kind for a chance to be told")
        if chance is not None and chance * paths < FEWEST_LOST:
            wanted = math.ceil(FEWEST_LOST / chance)
            raise InputError(f"{paths:,} futures do not tell a chance of {chance:g}: ask for --paths {wanted} or more")
        if short is not None and paths < FEWEST_PATHS:
            raise InputError(f"{paths:,} futures do not tell a shortfall: ask for --paths {FEWEST_PATHS} or more")


def size_book(asked: SizeAsked, tell: Tell = nothing, *, threads: int = 2) -> Sized:
    """Find the largest common scale and the cheapest trims within the bounds, and test both on new futures.

    Raises
    ------
    InputError : a file or option is wrong, or the book is worth nothing.
    BookError : an account is liquidatable already.
    DataError : history is missing.
    """
    from perpbook.engine.size_doubts import doubts_of
    from perpbook.engine.sized import Sized
    from perpbook.engine.trial import largest_uniform_scale

    tell("reading", 0, 1)
    plan = plan_drill(asked.drill)
    playbook = plan.drill.journey.playbook
    bench = _bench(asked, plan.drill, threads)
    tell("the book as it stands", 0, 1)
    held = np.ones(len(bench.task.items))
    tried = [bench.judged("held", bench.run(held), fresh=False)]
    tell("the largest common scale", 0, 1)
    uniform = largest_uniform_scale(bench)
    needed = uniform is None or uniform.scale < 1.0
    cut = None
    if uniform is not None:
        uniform, more = _tested_uniform(bench, uniform, asked.drill.seed)
        tried += more
    if needed:
        cut, more = _tested_cut(bench, uniform, asked.drill.seed, tell, playbook)
        tried += more
    return Sized(
        bounds=asked.bounds,
        start=bench.task.start,
        uniform=uniform,
        cut=cut,
        needed=needed,
        reached=not needed or (cut is not None and cut.tested),
        tried=tuple(tried),
        doubts=doubts_of(bench.task, plan.drill.journey.book, playbook=playbook is not None),
        facts=plan.facts,
        notes=plan.notes,
        not_modelled=(*plan.unheard, *NOT_MODELLED),
    )


NOT_MODELLED = (
    "trims fill at once at today's prices, fees and known depth paid; nobody acts later, unless a playbook is drilled",
    "moves larger than history's own, unless --shock or a fat-tailed kind is asked for",
    "what the book's own liquidation does to the market",
)


def _bench(asked: SizeAsked, drill: object, threads: int) -> Bench:
    from perpbook.engine.drill import Drill
    from perpbook.engine.trial import set_bench
    from perpbook.margin.arrays import book_arrays
    from perpbook.runs.check import read_inputs

    assert isinstance(drill, Drill)
    snapshot, _ = read_inputs(asked.drill.book, None, market=None, now_ns=None, terms_folders=asked.drill.terms_folders)
    arrays = book_arrays(snapshot.book, snapshot.market, drill.journey.terms)
    alone = replace(drill, journey=replace(drill.journey, book=snapshot.book, playbook=None, due=None))
    return set_bench(alone, arrays, asked.bounds, threads)


def seeds_of(seed: int, count: int) -> list[int]:
    """Seeds of futures that the drill itself does not draw."""
    return [int(one.generate_state(1, np.uint64)[0] >> 1) for one in np.random.SeedSequence(seed).spawn(count)]


def _tested_uniform(bench: Bench, uniform: Uniform, seed: int) -> tuple[Uniform, list[Tried]]:
    from perpbook.engine.cut import tested_scale

    first = bench.judged("uniform", bench.run(np.full(len(bench.task.items), uniform.scale)), fresh=False)
    scale, fresh = tested_scale(bench, uniform.scale, seeds_of(seed, TRIES))
    cost = sum(bench.task.costs_of(np.full(len(bench.task.items), scale)))
    return replace(uniform, tested=scale if fresh.keeps else None, cost=cost), [first, fresh]


def _tested_cut(
    bench: Bench, uniform: Uniform | None, seed: int, tell: Tell, playbook: Playbook | None
) -> tuple[Cut | None, list[Tried]]:
    from perpbook.engine.cut import tested_cut

    found = tested_cut(bench, uniform, seeds_of(seed, TRIES), lambda name: tell(name, 0, 1))
    if found is None:
        return None, []
    cut, last = found
    tried = [bench.judged("trims", bench.run(last.sizes), fresh=False), last.tried]
    if playbook is not None:
        tried.append(_under(bench, last.sizes, last.seed, playbook))
    return cut, tried


def _under(bench: Bench, sizes: Floats, seed: int, playbook: Playbook) -> Tried:
    """The trimmed book under the playbook."""
    from perpbook.engine.drill import run_drill
    from perpbook.playbook.schedule import due_bars

    drill = bench.at(sizes, seed=seed)
    bars = drill.journey.bars
    due = due_bars(playbook.rebalance, bars.open_ns, bars.bar_ns) if playbook.rebalance else None
    journey = replace(drill.journey, playbook=playbook, due=due)
    futures = run_drill(replace(drill, journey=journey), threads=bench.threads)
    return bench.judged("trims", futures, fresh=True, rules=True)
