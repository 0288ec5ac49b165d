"""What a seed's guard was told, replayed from any page, around holes and through text; and that the law can fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from perpbook.guard.inputs import Began, Line, Took
from perpbook.guard.inputs_text import line_of, text_of
from perpbook.guard.replay import DIED, NO_ROOM, ROTATED
from perpbook.model.record import Record
from tests.simulation.again import replayed
from tests.simulation.brain import InMemory
from tests.simulation.plan import Plan, plan_of
from tests.simulation.world import World

Run = tuple[Plan, list[Line], list[Record]]


def told(seed: int, lossy: float = 0.0) -> Run:
    """A seed's plan, in which deciding never fails, what its guard was told, and its journal."""
    plan = replace(plan_of(seed), raises=0.0)
    brain = InMemory(plan, lossy)
    World(plan, brain).run()
    return plan, brain.lines, [record for _, record in brain.journal.read()]


def pages(lines: Sequence[Line]) -> list[int]:
    return [k for k, line in enumerate(lines) if isinstance(line, Began)]


@pytest.mark.parametrize("seed", range(6))
def test_a_replay_begins_at_any_page(seed: int) -> None:
    plan, lines, records = told(seed)
    for page in pages(lines)[1::3]:
        result, began = replayed(plan, lines[page:], records), lines[page]
        assert isinstance(began, Began) and result.difference is None
        assert [(one.first, one.last, one.why) for one in result.gaps] == [(1, began.records, ROTATED)]
        assert result.same == len(records) - began.records


@pytest.mark.parametrize("seed", range(10, 20))
def test_holes_are_told_and_gone_around(seed: int) -> None:
    plan, lines, records = told(seed, lossy=0.05)
    result = replayed(plan, lines, records)
    assert result.difference is None and {one.why for one in result.gaps} <= {NO_ROOM, DIED}
    missing = sum(one.last - one.first + 1 for one in result.gaps)
    assert result.same + missing == len(records)


@pytest.mark.parametrize("seed", [0, 5, 14])
def test_text_keeps_all_that_a_replay_needs(seed: int) -> None:
    plan, lines, records = told(seed)
    again = [line_of(text_of(line)) for line in lines]
    result = replayed(plan, again, records)
    assert result.difference is None and not result.gaps and result.same == len(records)


@pytest.mark.parametrize("seed", range(20, 26))
def test_what_was_told_otherwise_is_found(seed: int) -> None:
    plan, lines, records = told(seed)
    at = next(
        k for k in range(2, len(lines)) if isinstance(lines[k - 1], Took) and lines[k].records > lines[k - 1].records
    )
    result = replayed(plan, [*lines[:at], *lines[at + 1 :]], records)
    if result.difference is not None:
        assert result.difference.number <= lines[at].records + 1
    else:
        assert [one.why for one in result.gaps] == [DIED] and result.gaps[0].first <= lines[at].records


@pytest.mark.parametrize("seed", range(26, 30))
def test_a_guard_that_may_do_something_else_is_found(seed: int) -> None:
    plan, lines, records = told(seed)
    other = replace(plan, settings=replace(plan.settings, playbook="another"))
    found = replayed(other, lines, records).difference
    assert found is not None and (found.number, found.message) == (1, "start")
