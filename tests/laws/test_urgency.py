"""How fast a trim goes: at once where its book takes it, else in slices within the budget; it rests only where there is time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.execution.chances import Swings
from perpbook.execution.closing import positions_held
from perpbook.execution.urgency import MOST_SLICES, Paced, Urgency, paced, within
from perpbook.margin.arrays import book_arrays
from perpbook.model.market import Depth
from perpbook.runs.check import load_all_terms
from tests.laws.test_placing import book

CALM = Urgency(swings=Swings(other=0.9), budget=0.01, collar=0.005, seconds=600.0, patience=20.0)
THIN = Depth(bids=((99.9, 1.0), (99.0, 900.0)), asks=((100.1, 1.0), (101.0, 900.0)))


def asked(quantity: float, cash: float, closed: float, urgency: Urgency = CALM, depth: Depth | None = THIN) -> Paced:
    """The pace of a trim of one account."""
    snapshot = book((quantity, cash), depth=depth)
    terms = load_all_terms(snapshot)
    (held,) = positions_held(book_arrays(snapshot.book, snapshot.market, terms))
    return paced(snapshot, terms, held, closed, urgency)


def test_what_its_book_takes_within_the_collar_goes_at_once() -> None:
    assert asked(6.0, 500.0, 1.0).slices == () and asked(6.0, 500.0, 3.0, depth=None).slices == ()
    snapshot = book((6.0, 500.0), depth=THIN)
    (held,) = positions_held(book_arrays(snapshot.book, snapshot.market, load_all_terms(snapshot)))
    assert within(held, 0.005) == 1.0 and within(held, 0.02) == 901.0


def test_what_is_larger_goes_in_as_many_slices_as_the_book_must_be_full() -> None:
    found = asked(6.0, 500.0, 4.0)
    assert found.slices == pytest.approx((0.25, 0.5, 0.75, 1.0)) and found.every_seconds == 60.0


def test_the_nearer_the_account_is_to_its_death_the_faster_it_goes_and_nothing_rests() -> None:
    wild = replace(CALM, swings=Swings(other=8.0), budget=1e-4)
    far, near = asked(6.0, 500.0, 4.0, wild), asked(6.0, 30.0, 4.0, wild)
    assert far.rests and not near.rests
    seconds = [one.every_seconds * (len(one.slices) - 1) for one in (near, far)]
    assert (seconds[0], -near.slices[0]) < (seconds[1], -far.slices[0])


@settings(max_examples=8)
@given(
    lots=st.integers(20, 600), cash=st.floats(30.0, 900.0), share=st.floats(0.05, 1.0), seconds=st.floats(1.0, 900.0)
)
def test_slices_rise_to_the_whole_within_the_time(lots: int, cash: float, share: float, seconds: float) -> None:
    quantity = lots / 100.0
    found = asked(quantity, cash, max(0.01, round(quantity * share, 2)), replace(CALM, seconds=seconds, patience=0.0))
    assert len(found.slices) <= MOST_SLICES and not found.rests
    if found.slices:
        assert list(found.slices) == sorted(set(found.slices)) and found.slices[-1] == 1.0 and found.slices[0] > 0.0
        assert found.every_seconds * (len(found.slices) - 1) <= seconds * (1.0 + 1e-9)
