"""Laws of a treasurer over many futures: the same draws on both sides, nothing without transfers, no dollar made or lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.engine.drill import draw_path, go_through, run_drill, set_stage
from perpbook.engine.treasured_futures import WITH, WITHOUT, TreasuredFutures
from perpbook.errors import InputError
from perpbook.kernels.drill import DEEPEST, END
from perpbook.report.drill_measures import Z
from perpbook.report.drill_treasury import saved_of, treasury_measures
from perpbook.report.drill_treasury_text import drill_treasury_data
from perpbook.runs.drill import Planned, nothing, plan_drill
from perpbook.runs.drill_asked import drill_from
from perpbook.runs.drill_treasury import USUALLY, WITH_TREASURER, drill_treasury, refuse_unmoved
from perpbook.runs.treasury_given import TreasuryGiven, policy_of, score_by, treasurer_of
from perpbook.runs.treasury_incidents import sky_of
from perpbook.treasury.facts_load import packaged_facts

PAGE = Path(__file__).parents[2] / "docs" / "treasury-time.md"
GIVEN = TreasuryGiven(acts=True, policy=policy_of(0.3, 0.12, {}))
EAGER = replace(GIVEN, policy=policy_of(0.1, 0.05, {}))
STILL = replace(GIVEN, known=replace(packaged_facts(), routes={}, venues={}))
"""Facts of a world without ways."""


def asked(book: Path = Path("pair.toml"), **options: object) -> dict[str, object]:
    usual = {"book": book, "no_playbook": True, "made_up": True, "kind": "bootstrap", "horizon": "24h", "shock": 5.0}
    return {**usual, "step": "1h", "paths": 5, **options}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pair in ether of the page."""
    path = tmp_path_factory.mktemp("books") / "pair.toml"
    path.write_text(PAGE.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0], encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def plan(book: Path) -> Planned:
    return plan_drill(drill_from(asked(book)))


@pytest.fixture(scope="module")
def found(plan: Planned) -> TreasuredFutures:
    return drill_treasury(plan, GIVEN, nothing)


def same_as_drill(found: TreasuredFutures, plan: Planned) -> None:
    drilled = run_drill(plan.drill, threads=1)
    assert np.array_equal(found.died[WITHOUT], drilled.died)
    assert np.array_equal(found.ends[WITHOUT], drilled.figures[:, END])
    assert found.deepest[WITHOUT] == pytest.approx(drilled.figures[:, DEEPEST], abs=1e-12)


def test_without_it_the_futures_are_those_of_the_drill_to_the_bit(found: TreasuredFutures, plan: Planned) -> None:
    same_as_drill(found, plan)


def test_a_storm_holds_money_and_the_side_without_is_the_drill_s(book: Path) -> None:
    plan = plan_drill(drill_from(asked(book, storm="arbitrum-halt", paths=2)))
    found = drill_treasury(plan, GIVEN, nothing)
    same_as_drill(found, plan)
    ways = {hop for each in found.gone for one in each.moves for hop in one.sent.way.words.split(", ")}
    assert found.gone[0].moves and not any("Arbitrum" in one for one in ways)


def test_where_nothing_can_leave_both_sides_are_the_same_to_the_bit_and_it_is_said(
    found: TreasuredFutures, plan: Planned
) -> None:
    still = drill_treasury(plan, STILL, nothing)
    for side in (still, found):
        assert np.array_equal(still.died[WITH], side.died[WITHOUT])
        assert np.array_equal(still.ends[WITH], side.ends[WITHOUT])
    assert not any(one.moves for one in still.gone) and any(one.refused for one in still.gone)


def test_money_that_comes_saves_somebody_here(found: TreasuredFutures) -> None:
    whole = treasury_measures(found).whole
    assert whole.saved > 0 and whole.difference < 0.0


def test_paths_are_the_same_alone_and_together(found: TreasuredFutures, plan: Planned) -> None:
    whole = found
    part = drill_treasury(replace(plan, drill=replace(plan.drill, paths=2, first=3)), GIVEN, nothing)
    assert np.array_equal(part.ends, whole.ends[:, 3:]) and np.array_equal(part.died, whole.died[:, 3:])
    told = [[(one.sent.dollars, one.sent.arrives, one.waited) for one in each.moves] for each in whole.gone]
    assert [[(one.sent.dollars, one.sent.arrives, one.waited) for one in each.moves] for each in part.gone] == told[3:]


def test_no_dollar_appears_or_vanishes(plan: Planned) -> None:
    drill, stage = plan.drill, set_stage(plan.drill)
    sky = sky_of(drill, (), None)
    for path in range(2):
        holder = treasurer_of(EAGER, drill.journey, sky)
        outcome = go_through(stage, draw_path(drill, stage, path), holder)
        start = float(outcome.start_equity.sum() + stage.fresh.layers.sum() + stage.fresh.transit[0])
        earned = sum(value for kind, value in outcome.attribution().items() if kind not in ("arrived", "sent", "gas"))
        paid = sum(one.fee + one.gas for one in holder.sent)
        assert holder.sent and float(outcome.equity[-1]) == pytest.approx(start + earned - paid, abs=1e-6)


def test_a_draw_depends_on_its_seed_path_hop_and_number_alone() -> None:
    keys = [(path, hop, number) for path in range(3) for hop in ("across", "cctp") for number in range(3)]
    forward = [score_by(5, path)(hop, number) for path, hop, number in keys]
    back = [score_by(5, path)(hop, number) for path, hop, number in reversed(keys)]
    assert forward == back[::-1] and len(set(forward)) == len(keys)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_paired_difference_is_that_of_matched_pairs_with_half_a_future_added(
    pairs: list[tuple[bool, bool]],
) -> None:
    with_it, without = (np.array(side) for side in zip(*pairs, strict=True))
    found = saved_of("", with_it, without)
    apart = [float(a) - float(b) for a, b in pairs] + [1.0, -1.0, 0.0, 0.0]
    weight = np.array([1.0] * len(pairs) + [0.5] * 4)
    middle = float((weight * apart).sum() / weight.sum())
    spread = float((weight * (np.array(apart) - middle) ** 2).sum() / weight.sum() ** 2)
    assert found.low == pytest.approx(max(middle - Z * spread**0.5, -1.0), abs=1e-12)
    assert found.high == pytest.approx(min(middle + Z * spread**0.5, 1.0), abs=1e-12)
    assert found.low - 1e-12 <= found.difference <= found.high + 1e-12


def test_what_is_told_is_what_happened(found: TreasuredFutures) -> None:
    told = drill_treasury_data(found)
    assert told is not None
    moves = [one for each in found.gone for one in each.moves]
    assert told["transfers"] == len(moves) and told["sent"] * 5 == pytest.approx(sum(one.sent.dollars for one in moves))
    waits = sorted(one.waited for one in moves if one.waited is not None)
    assert told["waits"]["worst"] == waits[-1] and told["missing"] == len(moves) - len(waits)
    assert told["late_futures"]["count"] == sum(any(one.late for one in each.moves) for each in found.gone)


@pytest.mark.parametrize(
    "options, why",
    [
        ({"alarm": 0.3}, "--alarm is of a treasurer"),
        ({"facts": Path("own.toml")}, "--facts is of a treasurer"),
        ({"treasury": True, "save": Path("kept")}, "kept has no place for a treasurer"),
        ({"treasury": True, "alarm": 0.3, "calm": 0.4}, "below the alarm"),
        ({"treasury": True, "reserves": ["arbitrum=none"]}, "dollars above 0"),
    ],
)
def test_what_cannot_act_is_refused(options: dict[str, object], why: str) -> None:
    with pytest.raises(InputError, match=why):
        drill_from(asked(**options))  # type: ignore[arg-type]


def test_a_book_of_one_place_has_nothing_to_move(plan: Planned) -> None:
    book = plan.drill.journey.book
    alone = replace(plan.drill.journey, book=replace(book, accounts=book.accounts[:1], layers=()))
    with pytest.raises(InputError, match="nothing to move in this book"):
        refuse_unmoved(replace(plan, drill=replace(plan.drill, journey=alone)), GIVEN)


def test_many_futures_unless_a_treasurer_goes_through_them() -> None:
    assert drill_from(asked(paths=None)).paths == USUALLY
    assert drill_from(asked(paths=None, treasury=True)).paths == WITH_TREASURER
