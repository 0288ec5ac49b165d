"""Every law holds in every world, and every world has its faults."""

from __future__ import annotations

import os
import subprocess
import sys
from ast import literal_eval
from collections.abc import Sequence
from functools import partial

import pytest

from perpbook.simulation.faults import FaultKind
from tests.simulation.agenda import Agenda, Turn
from tests.simulation.chance import Chance
from tests.simulation.play import Outcome, play, sweep

SEEDS = range(100)
REGRESSIONS = (331, 376, 1891)
"""Seeds that broke a law once: caps that legs of one proposal overran together; a resend that is no new spending."""
ALL = range(2_000, 2_500)
SHORT = (9, 12, 23, 45, 59, 109)
"""Between them: hedges, a guard without arming, the switch at every level, orders sent again, all ends of a proposal."""
LONG = ((0, 5), (3, 37), (13, 5), (14, 17), (17, 11), (25, 5), (40, 17), (63, 11))
"""Seeds of many writes, and which share of them: strides that no pair or triple of writes keeps step with."""
FAULTS = {f"fault {kind.value}" for kind in FaultKind} | {"fault lost", "fault lagging", "fault clock jump"}
CRASHES = {"crash at an effect", "crash between messages"}
PHASES = {f"phase {one}" for one in ("closed", "aborted", "denied", "expired", "proposed")}
PEOPLE = {f"person {one}" for one in ("approve", "deny", "forget", "twice", "other", "late", "stranger", "exit plan")}
KILLS = {f"person kills {one}" for one in ("pause", "cancel", "flatten")}
WORDS = {"sent again", "sent post", "told order.unknown", "told incident"}
OCCUR = FAULTS | CRASHES | PHASES | PEOPLE | KILLS | WORDS


def broken(outcomes: Sequence[Outcome]) -> list[str]:
    """What broke, with the command that replays it."""
    return [f"{one.broken}\n    {one.command}" for one in outcomes if one.broken]


def test_every_law_holds_in_a_hundred_worlds_and_every_kind_of_fault_and_of_end_occurs() -> None:
    outcomes = [play(seed) for seed in SEEDS]
    assert not broken(outcomes)
    assert len({one.digest for one in outcomes}) == len(SEEDS), "other seeds are other worlds"
    occurred = set[str]().union(*(one.counts for one in outcomes))
    assert not OCCUR - occurred


@pytest.mark.parametrize("seed", REGRESSIONS)
def test_a_law_that_was_broken_once_holds(seed: int) -> None:
    assert not broken([play(seed)])


def test_a_seed_is_the_same_again_whatever_the_hashes_of_texts_are() -> None:
    told = "from tests.simulation.play import play; print([play(seed).digest for seed in (3, 13, 21)])"
    salt = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    said = subprocess.run(
        [sys.executable, "-c", told], env={**os.environ, "PYTHONHASHSEED": salt}, capture_output=True, check=True
    ).stdout
    assert [play(seed).digest for seed in (3, 13, 21)] == literal_eval(said.decode())


def test_a_crash_at_a_write_loses_nothing() -> None:
    assert not broken(list(sweep(6, every=13)))


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "every"), [*((seed, 1) for seed in SHORT), *LONG])
def test_a_crash_at_any_write_loses_nothing(seed: int, every: int) -> None:
    assert not broken(list(sweep(seed, every)))


@pytest.mark.slow
@pytest.mark.parametrize("first", ALL[::100])
def test_every_law_holds_in_many_worlds(first: int) -> None:
    assert not broken([play(seed) for seed in range(first, first + 100)])


def test_a_draw_more_in_one_stream_moves_no_other() -> None:
    alone, market, faults = Chance(7, "faults"), Chance(7, "market"), Chance(7, "faults")
    mixed = []
    for _ in range(300):
        market.uniform()
        mixed.append(faults.uniform())
    assert mixed == [alone.uniform() for _ in range(300)]


def test_what_happens_at_one_instant_has_an_order() -> None:
    agenda, done = Agenda(), list[str]()
    for number, (time_ns, turn) in enumerate(((2, Turn.MARKET), (1, Turn.CLOCK), (1, Turn.MARKET), (1, Turn.CLOCK))):
        agenda.at(time_ns, turn, partial(done.append, f"{time_ns} {turn.name} {number}"))
    while (found := agenda.next(10)) is not None:
        found[1]()
    assert done == ["1 MARKET 2", "1 CLOCK 1", "1 CLOCK 3", "2 MARKET 0"]
