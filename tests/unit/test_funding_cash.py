"""Cash of funding: payments by what they belong to, drag, how unusual a rate is, the next settlement, Kelly's share."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.errors import InputError, TermsError
from perpbook.funding.desk import Costly, drag_at_present_size
from perpbook.funding.fair_price import FairSetting, fair_price
from perpbook.funding.paid import Payment, at_present_size, drag, funding_paid, paid_rows
from perpbook.funding.rule import PremiumRule
from perpbook.funding.settlement import next_settlement
from perpbook.funding.skew import annualised, compounded, skew_of, sum_over, trailing
from perpbook.model.bars import Settlements
from perpbook.model.units import DAY_NS, HOUR_NS, SECOND_NS
from perpbook.sizing import kelly
from tests.laws.funding_series import START, joined, settled

RULE = PremiumRule(interest=1e-4, clamp=5e-4, cap=0.04)
NOW = START + 40 * DAY_NS


def payment(days_ago: float, cash: float, *, account: str = "a", venue: str = "binance", asset: str = "BTC") -> Payment:
    return Payment(
        time_ns=NOW - int(days_ago * DAY_NS), account=account, venue=venue, symbol=asset + "USDT", asset=asset, sleeve="",
        cash=cash,
    )  # fmt: skip


PAYMENTS = [
    payment(0.5, -3.0), payment(3.0, -5.0, asset="ETH"), payment(20.0, 7.0, account="b", venue="hyperliquid"),
    payment(35.0, -11.0),
]  # fmt: skip


@pytest.mark.parametrize("missing", [0, 7, 19])
def test_a_span_that_misses_a_settlement_is_not_known(missing: int) -> None:
    times = DAY_NS * 100 + 8 * HOUR_NS * np.arange(1, 22, dtype=np.int64)
    whole = Settlements(times_ns=times, rates=np.full(21, 1e-4), interval_ns=np.full(21, 8 * HOUR_NS))
    assert sum_over(whole, DAY_NS * 100, DAY_NS * 107) == pytest.approx(21e-4)
    assert sum_over(whole, DAY_NS * 100 + 5 * HOUR_NS, DAY_NS * 107 + 5 * HOUR_NS) == pytest.approx(21e-4)
    kept = np.arange(21) != missing
    holed = Settlements(times_ns=whole.times_ns[kept], rates=whole.rates[kept], interval_ns=whole.interval_ns[kept])
    assert sum_over(holed, DAY_NS * 100, DAY_NS * 107) is None


@pytest.mark.parametrize("missing", [0, 4_000, 8_759])
def test_an_hour_that_a_feed_missed_does_not_make_a_year_unknown(missing: int) -> None:
    year = settled(np.full(365 * 24, 1e-5), hours=1.0)
    kept, end = np.arange(365 * 24) != missing, int(year.times_ns[-1])
    holed = Settlements(times_ns=year.times_ns[kept], rates=year.rates[kept], interval_ns=year.interval_ns[kept])
    assert sum_over(holed, end - 365 * DAY_NS, end) == pytest.approx((365 * 24 - 1) * 1e-5)
    few = np.arange(365 * 24) >= 44
    late = Settlements(times_ns=year.times_ns[few], rates=year.rates[few], interval_ns=year.interval_ns[few])
    assert sum_over(late, end - 365 * DAY_NS, end) is None


def test_every_way_of_dividing_payments_adds_up_to_the_book() -> None:
    rows = paid_rows(PAYMENTS, now_ns=NOW, since_ns=START)
    for kind in ("position", "asset", "venue", "sleeve", "book"):
        mine = [row for row in rows if row.kind == kind]
        assert sum(row.cash[30] or 0.0 for row in mine) == pytest.approx(-1.0)
        assert sum(row.whole or 0.0 for row in mine) == pytest.approx(-12.0)
    book = next(row for row in rows if row.kind == "book")
    assert book.cash == {1: -3.0, 7: -8.0, 30: -1.0, 365: None}
    assert {row.key for row in rows if row.kind == "sleeve"} == {"unassigned"}


def test_drag_is_the_product_of_what_each_settlement_left() -> None:
    times = np.array([START, NOW - 10 * DAY_NS, NOW])
    equity = np.array([100.0, 50.0, 60.0])
    slow = (1 - 11 / 100) * (1 + 7 / 100) * (1 - 5 / 50) * (1 - 3 / 50) - 1
    assert drag(PAYMENTS, times, equity) == pytest.approx(slow)
    told = funding_paid(PAYMENTS, times, equity)
    assert (told.whole, told.settlements) == (-12.0, 4) and told.share == pytest.approx(-0.12)
    assert funding_paid([], times, equity).drag == 0.0


def test_a_run_counts_every_settlement_of_its_days_once() -> None:
    closes = START + HOUR_NS * np.arange(1, 30 * 24 + 1, dtype=np.int64)
    paid = [
        Payment(time_ns=START + 8 * HOUR_NS * k, account="a", venue="b", symbol="c", asset="d", sleeve="", cash=-1.0)
        for k in range(90)
    ]
    told = funding_paid(paid, closes, np.full(closes.size, 100.0))
    assert told.rows[-1].cash == {1: -3.0, 7: -21.0, 30: -90.0, 365: None}
    assert (told.start_ns, told.end_ns) == (START, START + 30 * DAY_NS)


def test_a_loss_of_everything_compounds_to_nothing_left() -> None:
    assert compounded(np.array([0.5, -1.0, 0.2])) == -1.0


def test_longs_pay_what_rates_add_up_to_at_the_present_size() -> None:
    history = joined(settled(np.full(60, 1e-4)), settled(np.full(240, 1e-5), hours=1.0, start_ns=START + 480 * HOUR_NS))
    now = int(history.times_ns[-1])
    assert at_present_size(history, 1_000.0, now_ns=now, days=1) == pytest.approx(-0.24)
    assert at_present_size(history, -1_000.0, now_ns=now, days=20) == pytest.approx(2.4 + 3.0)
    assert at_present_size(history, 1_000.0, now_ns=now, days=365) is None
    assert sum_over(history, now + DAY_NS, now + 2 * DAY_NS) is None


def test_annual_rates_are_simple_and_of_365_days() -> None:
    assert annualised(1e-4, 8 * HOUR_NS) == pytest.approx(0.1095)
    assert annualised(1.25e-5, HOUR_NS) == pytest.approx(0.1095)
    history = settled(np.full(100, 1e-4))
    found = trailing(history, now_ns=int(history.times_ns[-1]))
    assert [found[days] for days in (1, 7, 30)] == pytest.approx([0.1095] * 3) and found[90] is None


def test_skew_by_hand() -> None:
    history = settled(np.array([*np.arange(49.0), 98.0]) * 1e-6)
    found = skew_of(history, now_ns=int(history.times_ns[-1]))
    assert found.percentile == pytest.approx(49.5 / 50) and found.z_score is not None and found.z_score > 4
    flat = skew_of(settled(np.full(50, 1e-4)), now_ns=START + 60 * DAY_NS)
    assert (flat.percentile, flat.z_score) == (0.5, None)
    assert skew_of(settled(np.full(9, 1e-4)), now_ns=NOW).percentile is None


def test_binance_weighs_late_samples_more_and_hyperliquid_all_alike() -> None:
    settles, count = START + 8 * HOUR_NS, 5_760
    times = START + 5 * SECOND_NS * np.arange(count)
    premiums = np.where(np.arange(count) < count // 2, -8e-4, 16e-4)
    weights = np.arange(1, count + 1)
    for venue, mean in (
        ("binance", float(weights @ premiums / weights.sum())),
        ("hyperliquid", float(premiums.mean())),
    ):
        found = next_settlement(venue, RULE, times, premiums, settles_ns=settles, interval_ns=8 * HOUR_NS, swing=1e-3)
        assert found.rate == pytest.approx(RULE.settlement(mean, 8 * HOUR_NS), abs=3e-7)
        assert found.settled_share > 0.999 and found.at_interest == (abs(mean - 1e-4) <= 5e-4)


def test_the_rest_of_an_interval_is_taken_to_stand_where_it_is() -> None:
    settles = START + 8 * HOUR_NS
    found = next_settlement(
        "binance", RULE, np.array([START, START + 4 * HOUR_NS]), np.array([0.0, 2e-3]), settles_ns=settles,
        interval_ns=8 * HOUR_NS, swing=4e-4,
    )  # fmt: skip
    assert found.settled_share == 0.25 and found.rate == pytest.approx(0.75 * 2e-3 - 5e-4)
    assert (found.least, found.most) == pytest.approx((0.75 * 1.6e-3 - 5e-4, 0.75 * 2.4e-3 - 5e-4))


def test_samples_of_another_interval_or_venue_are_refused() -> None:
    for venue, at, error in (("binance", -1, InputError), ("binance", 9, InputError), ("okx", 1, TermsError)):
        with pytest.raises(error):
            next_settlement(
                venue, RULE, np.array([START + at * HOUR_NS]), np.array([1e-4]), settles_ns=START + 8 * HOUR_NS,
                interval_ns=8 * HOUR_NS, swing=0.0,
            )  # fmt: skip


@given(st.floats(-0.5, 1.0), st.floats(0.1, 2.0), st.floats(-3.0, 3.0))
def test_no_share_grows_faster_than_kellys(drift: float, volatility: float, off: float) -> None:
    best = kelly.growth_optimal_share(drift, volatility, 0.04)
    most = kelly.growth(best, drift, volatility, 0.04)
    assert kelly.growth(best + off, drift, volatility, 0.04) <= most + 1e-12
    assert kelly.growth(0.5 * best, drift, volatility, 0.04) - 0.04 == pytest.approx(0.75 * (most - 0.04), abs=1e-12)
    assert kelly.growth(2.0 * best, drift, volatility, 0.04) == pytest.approx(0.04)


@given(st.floats(0.05, 0.95), st.floats(0.2, 5.0), st.floats(0.0, 0.99))
def test_no_stake_grows_faster_than_the_bets(chance: float, odds: float, stake: float) -> None:
    best = kelly.bet_share(chance, odds)
    assert kelly.bet_growth(stake, chance, odds) <= kelly.bet_growth(best, chance, odds) + 1e-12


def test_a_drift_that_is_not_known_is_taken_for_less() -> None:
    assert kelly.shrunk(0.2, 0.2) == pytest.approx(0.1) and 0.0 < kelly.shrunk(0.2, 1.0) < 0.01
    with pytest.raises(InputError, match="volatility"):
        kelly.growth_optimal_share(0.1, 0.0)
    with pytest.raises(InputError, match="chance"):
        kelly.bet_share(1.2, 1.0)
    with pytest.raises(InputError, match="standard error"):
        kelly.shrunk(1.0, 0.0)


def test_a_perpetual_without_drift_or_interest_stands_at_spot() -> None:
    for inverse in (False, True):
        for step in (0.0, 8 / 8760):
            setting = FairSetting(
                rate=0.03, asset_yield=0.03, premium_rate=1.0, interest=0.0, step_years=step, inverse=inverse
            )
            assert fair_price(90_000.0, setting) == pytest.approx(90_000.0)
    with pytest.raises(InputError, match="riskless"):
        fair_price(1.0, FairSetting(rate=0.05, asset_yield=0.0, premium_rate=0.05, interest=0.0, step_years=0.0))
    assert math.isclose(kelly.growth(0.0, 1.0, 1.0, 0.02), 0.02)


def test_legs_that_settle_together_pay_one_share_of_equity() -> None:
    history = settled(np.full(90, 1e-2))
    legs = [
        Costly(account="a", venue=venue, symbol="BTC", asset="BTC", sleeve="", exposure=exposure, history=history)
        for venue, exposure in (("binance", 1_000.0), ("bybit", -1_000.0))
    ]
    now = int(history.times_ns[-1])
    assert drag_at_present_size(legs, 100.0, now)[30] == pytest.approx(0.0)
    assert drag_at_present_size(legs[1:], 100.0, now)[1] == pytest.approx(1.1**3 - 1)
    assert drag_at_present_size([], 100.0, now)[1] == 0.0
