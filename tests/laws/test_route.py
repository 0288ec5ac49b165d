"""Routes over several books: least cost by an independent programme, and laws of every route."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from perpbook.errors import InputError
from perpbook.execution.merge import VenueBook, common_lot, route


def drawn_books(seed: int, venues: int = 4, levels: int = 5, *, plain: bool = False) -> tuple[list[VenueBook], int]:
    chance = np.random.default_rng(seed)
    side = 1 if chance.random() < 0.5 else -1
    out = []
    for number in range(venues):
        prices = 100.0 + side * np.round(np.cumsum(chance.uniform(0.01, 0.2, levels)), 2)
        lots = chance.integers(1, 12, levels)
        extras = {} if plain else {
            "least": float(chance.integers(0, 9)), "most": float(chance.integers(5, 40)),
            "fixed_cost": float(chance.choice([0.0, chance.uniform(0, 2)])), "carrier_fee_rate": float(chance.choice([0, 1e-4])),
        }  # fmt: skip
        out.append(
            VenueBook(
                venue=f"v{number}", levels=tuple(zip(prices.tolist(), lots.astype(float).tolist(), strict=True)),
                taker_fee_rate=float(chance.uniform(-1e-4, 6e-4)), lot_size=1.0, **extras,
            )
        )  # fmt: skip
    return out, side


def by_programme(books: list[VenueBook], side: int, wanted: int) -> tuple[int, float]:
    """The most lots, then their least cost: levels are whole variables, venues are switches."""
    cost, high, rows, low_bound, high_bound = [], [], [], [], []
    levels = sum(len(book.levels) for book in books)
    width = levels + len(books)
    at = 0
    for number, book in enumerate(books):
        row = np.zeros(width)
        for price, quantity in book.levels:
            cost.append(side * price * (1 + side * (book.taker_fee_rate + book.carrier_fee_rate)))
            high.append(quantity)
            row[at] = 1
            at += 1
        upper, lower = row.copy(), row.copy()
        upper[levels + number], lower[levels + number] = -min(book.most, sum(q for _, q in book.levels)), -book.least
        rows += [upper, lower]
        low_bound += [-np.inf, 0.0]
        high_bound += [0.0, np.inf]
    cost += [book.fixed_cost for book in books]
    high += [1.0] * len(books)
    total = np.concatenate([np.ones(levels), np.zeros(len(books))])

    def solve(costs: Any, least: float) -> Any:
        limits = LinearConstraint(np.array([*rows, total]), [*low_bound, least], [*high_bound, wanted])
        found = milp(
            costs, integrality=np.ones(width), bounds=Bounds(0, high), constraints=limits,
            options={"mip_rel_gap": 0, "presolve": False},
        )  # fmt: skip
        return found

    most = round(-solve(-total, 0).fun)
    return most, float(solve(np.array(cost), most).fun) if most else 0.0


@pytest.mark.parametrize("block", range(10))
def test_a_route_costs_what_the_programme_says(block: int) -> None:
    for seed in range(12 * block, 12 * block + 12):
        books, side = drawn_books(seed)
        wanted = int(np.random.default_rng(seed + 10**6).integers(1, 90))
        filled, cost = by_programme(books, side, wanted)
        found = route(books, side, float(wanted))
        assert found.filled == filled, seed
        assert found.cost == pytest.approx(cost, rel=1e-9, abs=1e-7), seed


@given(seed=st.integers(0, 10**6), wanted=st.floats(0.1, 200))
@settings(max_examples=60)
def test_never_over_whole_lots_within_limits(seed: int, wanted: float) -> None:
    books, side = drawn_books(seed)
    found, by = route(books, side, wanted), {book.venue: book for book in books}
    assert found.filled <= wanted + 1e-9
    for leg in found.legs:
        book = by[leg.venue]
        assert leg.quantity == round(leg.quantity) > 0
        assert book.least <= leg.quantity <= min(book.most, sum(quantity for _, quantity in book.levels))


@given(seed=st.integers(0, 10**6), wanted=st.integers(1, 100))
@settings(max_examples=60)
def test_more_never_improves_the_average_and_it_lies_between_the_levels(seed: int, wanted: int) -> None:
    books, side = drawn_books(seed, plain=True)
    first, second = (route(books, side, float(wanted + more)).average_price for more in (0, 7))
    assert first is not None and second is not None
    assert side * second >= side * first - 1e-9
    keys = [price * (1 + side * book.fee_rate) for book in books for price, _ in book.levels]
    assert min(keys) - 1e-9 <= first <= max(keys) + 1e-9


@given(seed=st.integers(0, 10**6), wanted=st.floats(1, 100))
@settings(max_examples=60)
def test_different_lots_are_kept_and_leave_less_than_the_smallest(seed: int, wanted: float) -> None:
    from dataclasses import replace

    books, side = drawn_books(seed, plain=True)
    lots = (0.05, 1.0, 0.1, 2.0)
    books = [replace(book, lot_size=lot) for book, lot in zip(books, lots, strict=True)]
    found = route(books, side, wanted)
    for leg in found.legs:
        lot = lots[int(leg.venue[1:])]
        assert math.isclose(leg.quantity / lot, round(leg.quantity / lot), abs_tol=1e-6)
    assert found.filled <= wanted + 1e-9
    used = [leg for leg in found.legs if leg.venue == "v0"]
    there = sum(quantity for _, quantity in books[0].levels)
    if not used or used[0].quantity < there - 0.05:
        assert found.missing < 0.05 + 1e-9


def test_a_dearer_level_with_a_lower_fee_comes_first() -> None:
    near = VenueBook(venue="near", levels=((100.0, 5.0),), taker_fee_rate=0.0005, lot_size=1.0)
    far = VenueBook(venue="far", levels=((100.02, 5.0),), taker_fee_rate=0.0001, lot_size=1.0)
    assert [leg.venue for leg in route([near, far], 1, 5.0).legs] == ["far"]
    assert [leg.venue for leg in route([near, far], -1, 5.0).legs] == ["far"]


def test_a_fixed_cost_keeps_a_small_order_in_one_place() -> None:
    first = VenueBook(venue="a", levels=((100.0, 2.0), (100.5, 9.0)), taker_fee_rate=0.0, lot_size=1.0)
    second = VenueBook(venue="b", levels=((100.1, 9.0),), taker_fee_rate=0.0, lot_size=1.0, fixed_cost=1.0)
    assert [leg.venue for leg in route([first, second], 1, 3.0).legs] == ["a"]
    assert [leg.venue for leg in route([first, second], 1, 9.0).legs] == ["a", "b"]


def test_a_builder_fee_is_told_apart() -> None:
    book = VenueBook(venue="a", levels=((100.0, 2.0),), taker_fee_rate=0.0005, carrier_fee_rate=0.0001, lot_size=1.0)
    (leg,) = route([book], 1, 2.0).legs
    assert leg.fees == pytest.approx(0.1) and leg.carrier_fees == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("levels", "extras", "said"),
    [
        (((100.0, 1.0), (99.0, 1.0)), {}, "not best first"),
        (((100.0, float("nan")),), {}, "not a number above 0"),
        (((-1.0, 1.0),), {}, "not a number above 0"),
        (((100.0, 1.0),), {"lot_size": 0.0}, "lots are above 0"),
        (((100.0, 1.0),), {"taker_fee_rate": 5.0}, "write 5 bps"),
        (((100.0, 1.0),), {"most": float("nan")}, "not a number"),
        (((100.0, 1.0),), {"fixed_cost": -1.0}, "not below 0"),
    ],
)
def test_what_is_no_book_is_refused(
    levels: tuple[tuple[float, float], ...], extras: dict[str, float], said: str
) -> None:
    book = VenueBook(**{"venue": "a", "levels": levels, "taker_fee_rate": 0.0, "lot_size": 1.0, **extras})  # type: ignore[arg-type]
    with pytest.raises(InputError, match=said):
        route([book], 1, 1.0)
    with pytest.raises(InputError, match="above 0"):
        route([book], 1, float("inf"))


def test_lots_share_a_unit() -> None:
    assert common_lot([0.01, 0.015]) == 0.005
    assert common_lot([1.0, 10.0, 0.001]) == 0.001
    assert common_lot([1e-05, 1.0]) == 1e-05
