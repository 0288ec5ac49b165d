"""The guard's process is killed with signal 9 at a journal's write, and begins again on the file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from perpbook.guard.desk import fold
from perpbook.journal.database import open_journal
from tests.simulation.crash import CrashAt
from tests.simulation.plan import plan_of
from tests.simulation.process import InProcess
from tests.simulation.world import World

SEED = 0
"""One with proposals that are approved, sliced and verified, and some hundred writes."""
AGAIN, LONG = 47, 3
"""One in which an order is lost and sent again, in seventy writes; one with forty orders in three hundred."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journal") / "empty.db"
    open_journal(path).close()
    return path


def killed(empty: Path, path: Path, seed: int, at: CrashAt | None) -> World:
    """A seed's world whose guard was killed there, its journal checked record by record."""
    shutil.copy(empty, path)
    plan = plan_of(seed)
    quiet = replace(plan.network, crash=0.0, crashes=0.0)
    brain = InProcess(replace(plan, raises=0.0, network=quiet), path, at)
    world = World(brain.plan, brain)
    try:
        world.run()
    finally:
        brain.kill()
    journal = open_journal(path)
    assert fold(record for _, record in journal.read()) == world.shadow
    journal.close()
    path.unlink()
    return world


@pytest.fixture(scope="module")
def writes_of(empty: Path) -> Callable[[int], int]:
    """How many writes there are to kill a seed's guard at."""
    return cache(lambda seed: killed(empty, empty.with_name("whole.db"), seed, None).writes)


def test_a_process_that_is_killed_at_a_write_loses_nothing(
    empty: Path, writes_of: Callable[[int], int], tmp_path: Path
) -> None:
    writes = writes_of(SEED)
    for write in range(2, writes - 1, writes // 4):
        world = killed(empty, tmp_path / "guard.db", SEED, CrashAt(write=write, late=write % 2 == 0))
        assert world.counts["crash of the process"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "stride", "late"),
    [(AGAIN, 1, False), (AGAIN, 5, True), (SEED, 23, False), (SEED, 29, True), (LONG, 43, False), (LONG, 43, True)],
)
def test_a_process_that_is_killed_at_any_write_loses_nothing(
    empty: Path, writes_of: Callable[[int], int], tmp_path: Path, seed: int, stride: int, late: bool
) -> None:
    for write in range(1, writes_of(seed) - 1, stride):
        world = killed(empty, tmp_path / "guard.db", seed, CrashAt(write=write, late=late))
        assert world.counts["crash of the process"] == 1
