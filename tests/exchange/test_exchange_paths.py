"""Paths that a simulated market follows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perpbook.errors import InputError, MissingData
from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.units import HOUR_NS
from perpbook.scenario.overlay import clear_sky
from perpbook.simulation.happened import Settled
from perpbook.simulation.market import Path, path_of_bars, path_of_prices, path_of_storm
from tests.exchange.venues import START_NS, one_account

BEGIN_NS = START_NS // HOUR_NS * HOUR_NS + HOUR_NS


def bars() -> Bars:
    """Two hours of BTC: a fall and a rise, with funding at both hours and a moment after."""
    prices = {
        "open": [60_000.0, 59_500.0],
        "high": [60_100.0, 60_500.0],
        "low": [59_000.0, 59_400.0],
        "close": [59_500.0, 60_400.0],
    }
    return Bars(
        bar_ns=HOUR_NS,
        open_ns=np.array([BEGIN_NS, BEGIN_NS + HOUR_NS]),
        series=(SeriesKey(venue="hyperliquid", symbol="BTC"),),
        stale=np.zeros((1, 2), dtype=np.uint8),
        settlements=(
            Settlements(
                times_ns=np.array([BEGIN_NS + 5, BEGIN_NS + HOUR_NS + 7]),
                rates=np.array([1e-4, -2e-4]),
                interval_ns=np.array([HOUR_NS, HOUR_NS]),
            ),
        ),
        **{name: np.array([row]) for name, row in prices.items()},  # type: ignore[arg-type]
    )


def marks(path: Path) -> list[float]:
    return [step.prices["BTC"].mark for step in path.steps]


def test_a_bar_goes_through_its_open_the_nearer_end_the_other_and_its_close() -> None:
    path = path_of_bars(bars(), "hyperliquid", ["BTC"], HOUR_NS)
    assert marks(path) == [60_000.0, 60_100.0, 59_000.0, 59_500.0, 59_500.0, 59_400.0, 60_500.0, 60_400.0]
    assert path.end_ns - path.start_ns == HOUR_NS + 3 * HOUR_NS // 4


def test_what_was_settled_then_is_paid_now() -> None:
    path = path_of_bars(bars(), "hyperliquid", ["BTC"], HOUR_NS)
    exchange = one_account("hyperliquid", ("BTC", 1.0, 60_000.0))
    for step in path.steps:
        exchange.advance(step.at_ns, step.prices)
    paid = [one.what for one in exchange.drain() if isinstance(one.what, Settled)]
    assert [(one.price, one.rate) for one in paid] == [(60_000.0, 1e-4), (59_500.0, -2e-4)]


def test_a_storm_moves_prices_widens_books_and_closes_venues() -> None:
    sky = clear_sky(1, 3, HOUR_NS)
    sky.price[0, 1:], sky.low[0, 1], sky.depth[0, 1], sky.spread[0, 1], sky.no_orders[0, 2] = 0.9, 0.95, 0.2, 4.0, 1
    sky.funding_set[0, 2] = 1e-3
    path = path_of_storm(sky, {"BTC": 60_000.0}, BEGIN_NS, HOUR_NS)
    assert min(marks(path)) == pytest.approx(60_000.0 * 0.9 * 0.95) and marks(path)[-1] == pytest.approx(54_000.0)
    second, third = path.steps[5].prices["BTC"], path.steps[-1].prices["BTC"]
    assert (second.depth, second.spread, second.is_closed) == (0.2, 4.0, False)
    assert third.is_closed and third.funding_rate == pytest.approx(1e-3) and second.funding_rate is None


def test_marks_of_a_halted_contract_stand_still_and_jump_when_it_trades_again() -> None:
    sky = clear_sky(1, 3, HOUR_NS)
    sky.price[0], sky.low[0, 0], sky.halted[0, :2] = [0.9, 0.8, 0.7], 0.5, 1
    path = path_of_storm(sky, {"BTC": 60_000.0}, BEGIN_NS, HOUR_NS)
    assert marks(path) == [60_000.0] * 9 + [60_000.0, pytest.approx(42_000.0), pytest.approx(42_000.0)]
    assert [step.prices["BTC"].is_closed for step in path.steps] == [True] * 8 + [False] * 4


def test_steps_between_two_times_are_each_given_once() -> None:
    path = path_of_prices(range(10, 20), {"BTC": [60_000.0 + n for n in range(10)]})
    seen = [step for since, until in [(0, 12), (12, 12), (12, 15), (15, 99)] for step in path.between(since, until)]
    assert tuple(seen) == path.steps
    assert path.time_at(3, 2.0) == 16


@pytest.mark.parametrize(("times", "rows"), [([1, 1], [1.0, 2.0]), ([], []), ([1, 2], [1.0])])
def test_paths_that_are_none_are_refused(times: list[int], rows: list[float]) -> None:
    with pytest.raises(InputError):
        path_of_prices(times, {"BTC": rows})


def test_what_has_no_history_is_named() -> None:
    with pytest.raises(MissingData, match="ETH on hyperliquid"):
        path_of_bars(bars(), "hyperliquid", ["ETH"], HOUR_NS)
    with pytest.raises(InputError, match="1 contracts"):
        path_of_storm(clear_sky(1, 1, HOUR_NS), {"BTC": 1.0, "ETH": 1.0}, BEGIN_NS, HOUR_NS)


def test_bars_without_settlements_leave_the_rate_as_it_was() -> None:
    none = Settlements(times_ns=np.zeros(0, np.int64), rates=np.zeros(0), interval_ns=np.zeros(0, np.int64))
    path = path_of_bars(replace(bars(), settlements=(none,)), "hyperliquid", ["BTC"], HOUR_NS)
    assert {step.prices["BTC"].funding_rate for step in path.steps} == {None}
