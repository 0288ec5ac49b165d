"""Controls may refuse or shrink, never add."""

from __future__ import annotations

import math
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from perpbook.guard.controls import floor_lots, price_within, shrink
from perpbook.model.contract import Contract

LOTS = st.sampled_from([0.0, 1e-5, 0.001, 0.01, 0.1, 1.0, 10.0])
SIZES = st.floats(1e-4, 1e6)
HELD = st.none() | st.just(0.0) | st.floats(1e-9, 1e6) | st.floats(-1e6, -1e-9)
SIGNS = st.sampled_from([1.0, -1.0])


def contract(lot: float) -> Contract:
    """A contract with a lot."""
    return Contract(venue="v", symbol="BTC", base="BTC", quote="USD", settle="USD", lot_size=lot)


@example(sign=1.0, size=10.0 * (1.0 - 1e-9), most=math.inf, lot=10.0, held=None)
@given(sign=SIGNS, size=SIZES, most=st.floats(-1.0, 1e6), lot=LOTS, held=HELD)
def test_a_quantity_only_shrinks_and_keeps_its_side(
    sign: float, size: float, most: float, lot: float, held: float | None
) -> None:
    found = shrink(sign * size, most, contract(lot), held)
    assert found * sign >= 0.0
    assert abs(found) <= min(size, max(0.0, most)) * (1 + 1e-11)
    if held is not None:
        assert found == 0.0 or (found * held < 0 and abs(found) <= abs(held))


@given(sign=SIGNS, size=SIZES, lot=LOTS)
def test_all_of_a_position_may_be_closed(sign: float, size: float, lot: float) -> None:
    assert shrink(-sign * size, math.inf, contract(lot), sign * size) == -sign * size


@given(size=SIZES, lot=LOTS)
def test_lots_are_whole_and_less_than_one_is_left(size: float, lot: float) -> None:
    found = floor_lots(size, lot)
    assert found <= size * (1 + 1e-9)
    if lot:
        assert size - found < lot * (1 + 1e-6)
        assert found == float(Decimal(repr(lot)) * round(found / lot))


@given(sign=SIGNS, price=st.floats(0.01, 1e6), tick=st.sampled_from([0.0, 0.001, 0.1, 0.5, 1.0]))
def test_a_price_is_rounded_to_the_side_that_gives_less_away(sign: float, price: float, tick: float) -> None:
    found = price_within(sign, price, tick)
    assert sign * (found - price) <= 1e-9 * price
    assert abs(found - price) <= tick * (1 + 1e-6)
