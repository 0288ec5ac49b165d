"""The largest trade a predicate allows."""

from __future__ import annotations

import pytest

from perpbook.sizing.largest import largest_trade


@pytest.mark.parametrize(
    ("limit", "start", "lot", "answer"),
    [
        (1.234567, 1.0, 0.001, 1.234),
        (0.0004, 1.0, 0.001, 0.0),
        (0.001, 1.0, 0.001, 0.001),
        (0.3, 0.1, 0.1, 0.3),
        (2.5, 100.0, 1.0, 2.0),
        (77.0, 0.0001, 10.0, 70.0),
        (5.0, 5.0, 5.0, 5.0),
    ],
)
def test_the_answer_is_the_last_whole_lot_allowed(limit: float, start: float, lot: float, answer: float) -> None:
    assert largest_trade(lambda size: size <= limit, start, lot) == answer


def test_every_answer_was_asked_about() -> None:
    asked = []

    def ok(size: float) -> bool:
        asked.append(size)
        return size < 0.7351

    assert largest_trade(ok, 0.25, 0.00001) in asked
    assert len(asked) < 40


def test_nothing_is_allowed_when_one_lot_is_not() -> None:
    assert largest_trade(lambda size: size > 5.0, 4.0, 1.0) == 0.0
    assert largest_trade(lambda size: False, 1.0, 0.0) == 0.0


def test_a_trade_without_lots_is_cut_finely() -> None:
    assert largest_trade(lambda size: size <= 3.14159, 1.0, 0.0) == pytest.approx(3.14159, abs=1e-6)


def test_an_unlimited_trade_ends() -> None:
    assert largest_trade(lambda size: True, 1.0, 1.0) == 2.0**39


def test_a_size_of_nothing_is_nothing() -> None:
    assert largest_trade(lambda size: True, 0.0, 1.0) == 0.0
