"""A drill: one book put through thousands of futures, by threads, in chunks, with and without its playbook."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from perpbook.engine.backtest import Journey, Ready, conclude, prepare
from perpbook.engine.drive import Purse, take_turns
from perpbook.engine.outcome import Outcome
from perpbook.engine.reel import by_settled_bar, settlements_by_bar
from perpbook.engine.strain import strain
from perpbook.engine.surroundings import Surroundings, calm, without_weather
from perpbook.engine.variants import fresh_of
from perpbook.engine.worth import worth_in
from perpbook.errors import InputError
from perpbook.kernels.critical import critical_scales
from perpbook.kernels.drill import (
    BINS,
    COUNTED,
    DEEPEST,
    LEAST,
    MEASURES,
    Draw,
    Found,
    Look,
    Run,
    Weather,
    run_paths,
    stage_path,
)
from perpbook.kernels.paths import Brush, Source, Steps, fill_path, new_brush
from perpbook.kernels.sight import hold_still
from perpbook.kernels.state import REASONS, Policy
from perpbook.kernels.sweep import Fresh, begin_again
from perpbook.kernels.tape import Tape
from perpbook.kernels.toll import TOLLS
from perpbook.kernels.types import Floats, Integers
from perpbook.model.bars import Bars, Settlements

FAN_TOP = 3.0
"""The fan counts book equity up to three times its start."""

CHUNK_PATHS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """A journey whose bars are a stage (`engine.stage`), the source of its paths, how many, and what else happens.

    strain : (A,) times the maintenance requirement of each account (`engine.strain`), None for once.
    `first` is the number of the first path: a path depends on the seed and its number alone, so ranges join to one drill.
    """

    journey: Journey
    source: Source
    paths: int
    seed: int
    surroundings: Surroundings | None = None
    strain: Floats | None = None
    first: int = 0

    def __post_init__(self) -> None:
        if self.paths < 1:
            raise InputError(f"{self.paths} paths are none: ask for 1 or more")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"the seed is {self.seed}: it must be a whole number from 0 to 2^63 - 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Futures:
    """What became of a book, by path (columns: `kernels.drill`).

    figures : (P, MEASURES). died : (P, A) bar of each account's first liquidation, T for none. ends : (P, A) dollars.
    tolls : (P, A, 4), see `kernels.toll`.
    fan : (T, BINS) counts, `scale` bins a dollar. rules : (REASONS, 2) orders and paths by reason. start : book equity.
    """

    figures: Floats
    died: Floats
    ends: Floats
    tolls: Floats
    fan: Integers
    rules: Integers
    scale: float
    start: float
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One thread's own run and scratch."""

    ready: Ready
    fresh: Fresh
    weather: Weather
    look: Look
    steps: Steps
    brush: Brush


def run_drill(
    drill: Drill,
    *,
    threads: int = 2,
    chunk: int = CHUNK_PATHS,
    progress: Callable[[int, int], object] | None = None,
) -> Futures:
    """Every path, on so many threads; the result is the same for any number of them and any chunk.

    `progress(done, all)` is called between chunks.
    """
    stages = [set_stage(drill) for _ in range(max(1, min(threads, drill.paths)))]
    ready = stages[0].ready
    start = float(ready.start_equity.sum() + ready.body.outside.layers.sum() + ready.body.outside.transit[0])
    accounts, steps = len(ready.arrangement.accounts), drill.journey.bars.count
    if start <= 0.0:
        raise InputError("the book is worth nothing: there is nothing to drill")
    out = _room(drill.paths, accounts, steps, start)
    with ThreadPoolExecutor(max_workers=len(stages)) as pool:
        for first in range(0, drill.paths, chunk * len(stages)):
            cuts = np.linspace(first, min(first + chunk * len(stages), drill.paths), len(stages) + 1).astype(int)
            parts = list(pool.map(lambda stage, a, b: _run(drill, stage, a, b, out), stages, cuts[:-1], cuts[1:]))
            for part in parts:
                out.fan[:] += part.fan
                out.rules[:] += part.rules
            if progress is not None:
                progress(int(cuts[-1]), drill.paths)
    _fall_from_start(out)
    return out


def _fall_from_start(out: Futures) -> None:
    """The kernel's drawdown is from the highest close so far; the start is a peak too, so that a gap in the first step counts."""
    out.figures[:, DEEPEST] = np.maximum(out.figures[:, DEEPEST], 1.0 - out.figures[:, LEAST] / out.start)


def _room(paths: int, accounts: int, steps: int, start: float) -> Futures:
    return Futures(
        figures=np.zeros((paths, MEASURES)),
        died=np.zeros((paths, accounts)),
        ends=np.zeros((paths, accounts)),
        tolls=np.zeros((paths, accounts, TOLLS)),
        fan=np.zeros((steps, BINS), dtype=np.int64),
        rules=np.zeros((REASONS, 2), dtype=np.int64),
        scale=BINS / (FAN_TOP * start),
        start=start,
        steps=steps,
    )


def asks_what_is_expected(policy: Policy) -> bool:
    """Whether a rule reads the funding expected, which costs a pass over every path's rates."""
    return policy.funding_expected < np.inf or policy.funding_rotates > 0


def set_stage(drill: Drill) -> Stage:
    """A run of its own, that no other thread sees."""
    bars = drill.journey.bars
    around = drill.surroundings or calm(len(bars.series), bars.count)
    own = replace(
        bars,
        open=bars.open.copy(), high=bars.high.copy(), low=bars.low.copy(), close=bars.close.copy(), stale=around.closed,
    )  # fmt: skip
    ready = prepare(replace(drill.journey, bars=own))
    if drill.strain is not None:
        strain(ready, drill.strain)
    none = np.zeros((len(own.series), 0))
    tape = ready.reel.tape._replace(
        lows=none, highs=none, strain=around.spread, thin=around.impact, taken=around.taken, unfunded=around.unfunded,
        off=ready.reel.tape.off if around.off is None else around.off,
        expected=ready.reel.tape.expected if asks_what_is_expected(ready.play.mind.rules.policy) else none,
    )  # fmt: skip
    schedule = ready.reel.schedule
    events = np.unique(np.concatenate([schedule.event_bar, around.taken["bar"]])).astype(np.int64)
    film = replace(ready.reel, tape=tape, schedule=schedule._replace(event_bar=events))
    ready = replace(ready, reel=film)
    held = ready.body.holding.rows["quantity"].copy()
    return Stage(
        ready=ready,
        fresh=fresh_of(ready),
        weather=Weather(
            calm=without_weather(around),
            factor=around.factor, low=around.low, high=around.high,
            funding_set=around.funding_set, funding_add=around.funding_add,
            hours=by_settled_bar(bars, settlements_by_bar(bars).hours)[1],
            worth=worth_in(ready, around),
        ),
        look=Look(
            held=held.copy(),
            first_held=held,
            died=np.zeros(len(ready.arrangement.accounts)),
            fired=np.zeros(REASONS, dtype=np.int64),
            totals=np.zeros((COUNTED, bars.count)),
        ),
        steps=Steps(
            start=bars.close[:, 0].copy(), open=tape.open, high=tape.high, low=tape.low, close=tape.close,
            funding=np.zeros(bars.close.shape),
        ),
        brush=new_brush(drill.source.drift.size, bars.count),
    )  # fmt: skip


def _run(drill: Drill, stage: Stage, first: int, last: int, out: Futures) -> Found:
    """Paths first..last-1 into their places in `out`; what is counted comes back by itself."""
    ready = stage.ready
    found = Found(
        figures=out.figures[first:last],
        died=out.died[first:last],
        ends=out.ends[first:last],
        tolls=out.tolls[first:last],
        fan=np.zeros(out.fan.shape, dtype=np.int32),
        rules=np.zeros_like(out.rules),
        scale=out.scale,
    )
    numbers = drill.first + int(first), drill.first + int(last)
    draw = Draw(drill.source, drill.seed, *numbers, stage.brush, stage.steps)
    run = Run(
        ready.reel.tape, ready.reel.schedule, ready.arrangement.slots, ready.habits, ready.body, ready.play.mind, stage.fresh
    )  # fmt: skip
    run_paths(run, stage.weather, draw, stage.look, found)
    return found


def scales_survived(drill: Drill, *, chunk: int = CHUNK_PATHS) -> Floats:
    """(P, A) the largest common scale at which each account, left alone, lives through each path; 64 at most.

    Closing and opening cost nothing here: it is how large the book could have been from the start.
    """
    stage = set_stage(drill)
    ready = stage.ready
    opens = np.ascontiguousarray(drill.journey.bars.open[:, 0])
    held = ready.play.mind.scratch.held
    for account in range(len(ready.arrangement.accounts)):
        hold_still(ready.arrangement.slots, ready.body.holding, opens, held, account)
    held.close_cost[:] = 0.0
    out = np.empty((drill.paths, len(ready.arrangement.accounts)))
    start = held.price.copy()
    for first in range(0, drill.paths, chunk):
        last = min(first + chunk, drill.paths)
        draw = Draw(drill.source, drill.seed, drill.first + first, drill.first + last, stage.brush, stage.steps)
        critical_scales(ready.reel.tape, held, stage.weather, draw, start, np.zeros(opens.size), out[first:last])
    return out


def path_bars(drill: Drill, path: int) -> Bars:
    """One path of a drill as history: run through `backtest` it gives what the drill found, tick by tick, but for what a
    storm does beside prices."""
    return draw_path(drill, set_stage(drill), path).journey.bars


def replay_path(drill: Drill, path: int, purse: Purse | None = None) -> Outcome:
    """One path of a drill, storm and all, tick by tick; see `go_through`."""
    stage = set_stage(drill)
    return go_through(stage, draw_path(drill, stage, path), purse)


def draw_path(drill: Drill, stage: Stage, path: int) -> Ready:
    """A stage's run with a path drawn onto its tape; the next path that is drawn takes its place."""
    fill_path(drill.source, drill.seed, path, stage.brush, stage.steps)
    tape = stage.ready.reel.tape
    stage_path(tape, stage.steps, stage.weather)
    bars = drill.journey.bars
    settled = [_settled(one, bars, tape, column) for column, one in enumerate(bars.settlements)]
    drawn = replace(
        bars, open=tape.open, high=tape.high, low=tape.low, close=tape.close, stale=tape.stale,
        settlements=tuple(settled), source=f"path {path} of a drill",
    )  # fmt: skip
    return replace(stage.ready, journey=replace(stage.ready.journey, bars=drawn))


def go_through(stage: Stage, ready: Ready, purse: Purse | None = None) -> Outcome:
    """A path that is drawn on a stage, from its start; equity in dollars, whatever the accounts' coins are worth.

    purse : who moves money in it, as in `engine.drive.drive`; coins outside accounts count at par then."""
    begin_again(ready.body, ready.play.mind, stage.fresh)
    what: list[Integers] = []
    figures: list[Floats] = []
    take_turns(ready, None, purse, (what, figures))
    outcome = conclude(ready, what, figures, "")
    curve = outcome.curve * stage.weather.worth.coin
    curve[:, -1] -= np.maximum(curve[:, -1], 0.0) * (1.0 - stage.weather.worth.back)
    away = stage.weather.worth.away if purse is None else outcome.outside
    return replace(outcome, curve=curve, outside=away)


def _settled(one: Settlements, bars: Bars, tape: Tape, column: int) -> Settlements:
    """A column's settlements with the rates of a path; what several in one bar pay stands at the first of them."""
    at = (one.times_ns - bars.open_ns[0]) // bars.bar_ns
    rates = tape.funding_rate[column][np.searchsorted(tape.funding_bar, at)]
    first = np.diff(at, prepend=-1) > 0
    return replace(one, rates=np.where(first, rates, 0.0))
