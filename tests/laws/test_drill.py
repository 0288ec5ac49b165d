"""Drills: a path is a backtest on that path; threads, chunks and order change nothing; chance has the laws it claims."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.drill import example
from perpbook.engine.backtest import backtest
from perpbook.engine.drill import Drill, run_drill
from perpbook.errors import InputError
from perpbook.kernels.drill import END, FIRST, FUNDING, LEAST, RULES
from perpbook.kernels.journal import BACKSTOP, LIQUIDATION, RULE
from perpbook.kernels.paths import Steps, fill_path, new_brush
from perpbook.model.bars import Bars


def as_bars(drill: Drill, path: int) -> Bars:
    """One path of a drill as history."""
    bars = drill.journey.bars
    shape = bars.close.shape
    steps, start = Steps(*(np.ones(shape) for _ in range(5))), bars.close[:, :1]
    fill_path(drill.source, drill.seed, path, new_brush(*shape), steps)
    open_, close = start * steps.open, start * steps.close
    settled = []
    for column, one in enumerate(bars.settlements):
        at = (one.times_ns - bars.open_ns[0]) // bars.bar_ns
        settled.append(replace(one, rates=steps.funding[column, at] * (one.interval_ns / 3_600_000_000_000)))
    return replace(
        bars,
        open=open_,
        high=np.maximum(np.maximum(open_, close), start * steps.high),
        low=np.minimum(np.minimum(open_, close), start * steps.low),
        close=close,
        settlements=tuple(settled),
    )


@pytest.mark.parametrize("rules", [True, False])
def test_a_path_is_the_backtest_of_that_path(rules: bool) -> None:
    drill = example(60)
    if not rules:
        drill = replace(drill, journey=replace(drill.journey, playbook=None))
    found = run_drill(drill, threads=1)
    for path in range(0, 60, 4):
        outcome = backtest(replace(drill.journey, bars=as_bars(drill, path)))
        dead = outcome.what[np.isin(outcome.what[:, 1], (LIQUIDATION, BACKSTOP)), 0]
        assert found.figures[path, END] == outcome.equity[-1]
        assert found.figures[path, LEAST] == outcome.equity.min()
        assert found.figures[path, FIRST] == (dead.min() if dead.size else found.steps)
        assert found.figures[path, RULES] == (outcome.what[:, 1] == RULE).sum()
        assert found.figures[path, FUNDING] == pytest.approx(outcome.attribution()["funding"], abs=1e-9)


def test_threads_and_chunks_change_nothing() -> None:
    drill = example(257)
    one = run_drill(drill, threads=1, chunk=10_000)
    for threads, chunk in ((2, 10_000), (2, 100), (1, 7), (3, 50)):
        other = run_drill(drill, threads=threads, chunk=chunk)
        for name in ("figures", "died", "ends", "fan", "rules"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), (threads, chunk, name)


def test_fewer_paths_are_the_first_of_more() -> None:
    assert np.array_equal(run_drill(example(40)).figures, run_drill(example(90)).figures[:40])


def test_every_close_is_counted_once_in_the_fan() -> None:
    found = run_drill(example(50))
    assert (found.fan.sum(axis=1) == 50).all()


def test_no_paths_are_refused() -> None:
    with pytest.raises(InputError, match="1 or more"):
        example(0)
