"""Drills: a path is a backtest on that path; threads, chunks and order change nothing; sizes die at their own scale.

Few and short here, where kernels are plain; `tests/parity` asks the same of thousands, compiled.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks.drill import example
from perpbook.engine.drill import run_drill
from perpbook.errors import InputError
from perpbook.kernels import drill as kernels_drill
from perpbook.kernels import step
from perpbook.kernels.drill import RULES
from perpbook.kernels.shelter import is_sheltered
from tests.runs.futures import (
    barrier_is_hit_as_often_as_theory_says,
    jumps_are_worth_what_merton_says,
    paths_are_backtests,
    scales_are_where_accounts_die,
    tails_depend_as_their_copula_says,
    threads_change_nothing,
    without_rules,
)


@pytest.mark.parametrize("rules", [True, False])
def test_a_path_is_the_backtest_of_that_path(rules: bool) -> None:
    drill = example(4, steps=30)
    if not rules:
        drill = replace(drill, journey=without_rules(drill.journey))
    paths_are_backtests(drill, range(0, 4, 2))


def test_threads_and_chunks_change_nothing() -> None:
    threads_change_nothing(example(9, steps=12))


def test_fewer_paths_are_the_first_of_more() -> None:
    assert np.array_equal(run_drill(example(2, steps=20)).figures, run_drill(example(5, steps=20)).figures[:2])


def test_a_path_survives_exactly_the_scales_up_to_its_own() -> None:
    assert scales_are_where_accounts_die(example(8, steps=24), (2.5, 4.0)) > 0


def test_a_barrier_is_hit_as_often_as_theory_says() -> None:
    barrier_is_hit_as_often_as_theory_says(1_500, 7)


def test_jumps_are_worth_what_merton_says() -> None:
    jumps_are_worth_what_merton_says(300)


def test_tails_depend_as_their_copula_says() -> None:
    tails_depend_as_their_copula_says(4_000)


@pytest.mark.parametrize("paths", [6, pytest.param(40, marks=pytest.mark.slow)])
def test_a_shelter_changes_nothing_but_the_time(paths: int, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[bool] = []

    def counted(*args: Any) -> bool:
        inside.append(is_sheltered(*args))
        return inside[-1]

    monkeypatch.setattr(step, "is_sheltered", counted)
    drills = [example(paths, steps=72, scale=scale) for scale in (0.6, 1.3)]
    sheltered = [run_drill(one, threads=1) for one in drills]
    assert paths // 2 < sum(inside) < len(inside) and (sheltered[1].figures[:, RULES] > 0).any()
    monkeypatch.setattr(kernels_drill, "find_shelter", lambda *_: 0)
    for one, found in zip(drills, sheltered, strict=True):
        without = run_drill(one, threads=1)
        assert all(
            np.array_equal(getattr(without, name), getattr(found, name)) for name in ("figures", "died", "ends", "fan")
        )


def test_no_paths_are_refused() -> None:
    with pytest.raises(InputError, match="1 or more"):
        example(0)
