"""Laws of funding: what one side pays the other receives, and only settlements that are met move cash."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.kernels.funding import cash_over, funding_payments, settlement_times, settlements_crossed
from perpbook.kernels.notional import notionals
from perpbook.kernels.types import Floats
from tests.laws.strategies import between, magnitudes, signs

quantities = st.builds(lambda sign, size: sign * size, signs, magnitudes(1e-6, 1e9))
prices = magnitudes(1e-6, 1e6)
rates = st.just(0.0) | st.builds(lambda sign, size: sign * size, signs, magnitudes(1e-9, 0.05))
kinds = st.booleans()
instants = st.integers(-(10**15), 10**15)
intervals = st.sampled_from((3_600 * 10**9, 8 * 3_600 * 10**9, 7))


def payments(held: Sequence[float], price: float, rate: float, inverse: bool) -> Floats:
    count = len(held)
    out = np.empty(count)
    funding_payments(
        np.array(held), np.full(count, price), np.full(count, rate), np.full(count, inverse, dtype=np.uint8), out
    )
    return out


@given(held=st.lists(quantities, min_size=1, max_size=6), price=prices, rate=rates, inverse=kinds)
def test_all_holders_together_neither_gain_nor_lose(
    held: list[float], price: float, rate: float, inverse: bool
) -> None:
    everybody = [*held, -sum(held)]
    paid = payments(everybody, price, rate, inverse)
    assert abs(paid.sum()) <= 1e-12 * np.abs(paid).sum()


@given(held=quantities, share=between(0.0, 1.0), price=prices, rate=rates, inverse=kinds)
def test_splitting_a_position_leaves_what_it_pays(
    held: float, share: float, price: float, rate: float, inverse: bool
) -> None:
    whole = payments([held], price, rate, inverse)[0]
    parts = payments([share * held, (1.0 - share) * held], price, rate, inverse)
    assert parts.sum() == pytest.approx(whole, rel=1e-12, abs=1e-300)


@given(held=quantities, price=prices, inverse=kinds)
def test_a_rate_of_zero_moves_no_cash(held: float, price: float, inverse: bool) -> None:
    assert payments([held], price, 0.0, inverse)[0] == 0.0


@given(held=quantities, price=prices, rate=rates, inverse=kinds)
def test_longs_pay_the_rate_on_their_notional_when_it_is_positive(
    held: float, price: float, rate: float, inverse: bool
) -> None:
    notional = np.empty(1)
    notionals(np.array([held]), np.array([price]), np.array([inverse], dtype=np.uint8), notional)
    owed = np.sign(held) * rate * notional[0]
    assert payments([held], price, rate, inverse)[0] == pytest.approx(-owed, rel=1e-12, abs=1e-300)


@given(opened=instants, held_for=st.integers(0, 10**6), interval=intervals, late=st.integers(0, 3))
def test_the_boundaries_of_a_holding_are_those_it_crosses(opened: int, held_for: int, interval: int, late: int) -> None:
    closed = opened + held_for * max(interval // 10**5, 1)
    found = settlement_times(opened, closed, interval, late)
    assert (found % interval == 0).all()
    assert settlements_crossed(found, opened, closed, late).all()
    around = np.arange((opened - late) // interval - 1, closed // interval + 3, dtype=np.int64) * interval
    assert settlements_crossed(around, opened, closed, late).sum() == found.size


@given(
    times=st.lists(st.integers(0, 50), min_size=1, max_size=8, unique=True).map(sorted),
    moments=st.tuples(st.integers(-5, 60), st.integers(-5, 60), st.integers(-5, 60)).map(sorted),
    data=st.data(),
)
def test_a_holding_cut_in_two_receives_the_same(times: list[int], moments: list[int], data: st.DataObject) -> None:
    cash = np.array(data.draw(st.lists(between(-1e6, 1e6), min_size=len(times), max_size=len(times))))
    at = np.array(times, dtype=np.int64)
    opened, middle, closed = moments
    first, second = cash_over(cash, at, opened, middle), cash_over(cash, at, middle, closed)
    assert first + second == pytest.approx(cash_over(cash, at, opened, closed), rel=1e-12, abs=1e-6)


def test_a_settlement_counts_at_the_close_and_not_at_the_open_unless_the_venue_is_late() -> None:
    at, cash = np.array([0, 8], dtype=np.int64), np.array([1.0, 10.0])
    assert cash_over(cash, at, 0, 8) == 10.0
    assert cash_over(cash, at, -1, 7) == 1.0
    assert cash_over(cash, at, 0, 8, late_ns=1) == 11.0
    assert cash_over(cash, at, 1, 7, late_ns=1) == 0.0
    assert settlement_times(0, 8, 4).tolist() == [4, 8]
    assert settlement_times(0, 8, 4, late_ns=1).tolist() == [0, 4, 8]
