"""Strategies on histories short enough to work out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from perpbook.errors import InputError, TermsError
from perpbook.strategies.basis import BasisOptions, basis
from perpbook.strategies.carry import CarryOptions, carry, hourly_rate
from perpbook.strategies.catalogue import build, names, options_of
from perpbook.strategies.equal_risk import EqualRiskOptions, equal_risk
from perpbook.strategies.hold import HoldOptions, hold
from perpbook.strategies.table import Leg, TargetTable
from perpbook.strategies.trend import BreakoutOptions, TrendOptions, breakout, trend
from perpbook.strategies.volatility import annual_volatility
from tests.unit.strategy_bars import BTC, ETH, HL_BTC, HL_ETH, START, Past, bars_of, rows, settled


def test_hold_enters_once_each_leg_at_its_first_bar_that_trades() -> None:
    bars = bars_of({BTC: Past(closes=[10, 11, 12]), ETH: Past(closes=[1, 1, 2], stale=[0])})
    assert rows(hold(bars, [BTC, ETH], HoldOptions(weights=(0.5, -0.3)))) == [(0, [0.5, None]), (1, [None, -0.3])]


def test_averages_that_cross_turn_the_position() -> None:
    # Means of 1 and 2 bars: long while the close rises, short while it falls, held where it stands.
    bars = bars_of({BTC: Past(closes=[10, 11, 12, 12, 11, 10, 11])})
    assert rows(trend(bars, [BTC], TrendOptions(fast=1, slow=2))) == [(1, [1.0]), (4, [-1.0]), (6, [1.0])]
    assert rows(trend(bars, [BTC], TrendOptions(fast=1, slow=2, short=False))) == [(1, [1.0]), (4, [0.0]), (6, [1.0])]


def test_a_stale_bar_is_no_part_of_an_average_and_gives_no_signal() -> None:
    # The fall at bar 2 is stale: what is seen at bar 3 is 13 after 11.
    bars = bars_of({BTC: Past(closes=[10, 11, 11, 13, 12], stale=[2])})
    assert rows(trend(bars, [BTC], TrendOptions(fast=1, slow=2))) == [(1, [1.0]), (4, [-1.0])]


def test_a_band_keeps_small_crossings_out() -> None:
    bars = bars_of({BTC: Past(closes=[100, 101, 100, 120])})
    assert rows(trend(bars, [BTC], TrendOptions(fast=1, slow=2, band=0.05))) == [(1, [0.0]), (3, [1.0])]


def test_rounding_is_no_crossing() -> None:
    bars = bars_of({BTC: Past(closes=[0.1, 0.3, *[0.7] * 500])})
    assert rows(trend(bars, [BTC], TrendOptions(fast=3, slow=7))) == [(6, [1.0])]


def test_volatility_scaling_by_hand() -> None:
    # Two returns of +10 % and -10 % in hourly bars: sigma = ln 1.1 sqrt(8760) = 8.92 a year.
    bars = bars_of({BTC: Past(closes=[100, 110, 100])})
    scaled = trend(bars, [BTC], TrendOptions(fast=1, slow=2, vol_target=0.5, vol_bars=2, rescale=1))
    assert rows(scaled) == [(2, [round(-0.5 / (math.log(1.1) * math.sqrt(8760)), 12)])]
    capped = trend(bars, [BTC], TrendOptions(fast=1, slow=2, vol_target=10.0, vol_bars=2, vol_cap=0.7, rescale=1))
    assert rows(capped) == [(2, [-0.7])]


def test_volatility_is_measured_again_on_its_cadence_and_at_a_turn() -> None:
    # |ln| of the steps: 1, 2, 1, 2, ... %, always up, then one down at bar 8.
    steps = [0.01, 0.02, 0.01, 0.03, 0.04, 0.01, 0.02, -0.05, 0.01]
    closes = [100.0 * math.exp(sum(steps[:count])) for count in range(len(steps) + 1)]
    bars = bars_of({BTC: Past(closes=closes)})
    found = trend(bars, [BTC], TrendOptions(fast=1, slow=2, vol_target=0.1, vol_bars=2, vol_cap=100, rescale=5))

    def share(one: float, two: float) -> float:
        return round(0.1 / math.sqrt((one**2 + two**2) / 2 * 8760), 12)

    assert rows(found) == [
        (2, [share(0.01, 0.02)]),
        (5, [share(0.03, 0.04)]),
        (8, [-share(0.02, 0.05)]),
        (9, [share(0.05, 0.01)]),
    ]


def test_volatility_counts_the_hole_a_jump_went_over() -> None:
    close = np.array([100.0, 110.0])
    apart = annual_volatility(np.append(close, 110.0), np.array([0, 4, 8]), 2, 3_600 * 10**9)
    assert apart[2] == pytest.approx(math.log(1.1) * math.sqrt(8760 / 8))


def test_breakout_enters_beyond_the_long_range_and_leaves_at_the_short_one() -> None:
    # Highest of the 3 bars before bar 4 is 12; lowest of the bar before bar 6 is 13 (open 13, close 14).
    bars = bars_of({BTC: Past(closes=[10, 12, 11, 11, 13, 14, 12.5, 12, 9])})
    found = breakout(bars, [BTC], BreakoutOptions(enter=3, leave=1))
    assert rows(found) == [(3, [0.0]), (4, [1.0]), (6, [0.0]), (8, [-1.0])]


def hourly(rate: float, hours: int) -> list[tuple[float, float, float]]:
    return [(float(hour), rate, 1.0) for hour in range(1, hours + 1)]


def test_carry_is_entered_when_it_pays_for_the_fees_and_left_when_it_is_gone() -> None:
    """Binance pays 8e-4 every 8 h for 16 h, then -8e-4; Hyperliquid nothing. 10 h at 1e-4 an hour is 1e-3."""
    dear = [(8.0, 8e-4, 8.0), (16.0, 8e-4, 8.0), (24.0, -8e-4, 8.0), (32.0, -8e-4, 8.0)]
    flat = [100.0] * 34
    bars = bars_of({BTC: Past(closes=flat, funding=dear), HL_BTC: Past(closes=flat, funding=hourly(0.0, 34))})
    options = CarryOptions(lookback=8, horizon=10, entry=0.0005, exit=0.0, fee=0.0001, slippage=0.0)
    # Four fills at 1e-4: 1e-3 - 4e-4 > 5e-4. Known at the close of bar 7, which is 8:00; turned over at 24:00.
    assert rows(carry(bars, [BTC, HL_BTC], options)) == [(7, [-0.5, 0.5]), (23, [0.5, -0.5])]
    dearer = CarryOptions(lookback=8, horizon=10, entry=0.0005, exit=0.0, fee=0.0002, slippage=0.0)
    assert rows(carry(bars, [BTC, HL_BTC], dearer)) == [(7, [0.0, 0.0])]


def test_a_settlement_is_known_at_its_own_time_and_not_before() -> None:
    known = hourly_rate(settled([(8.0, 8e-4, 8.0)]), START + np.array([8 * 3_600 * 10**9 - 1, 8 * 3_600 * 10**9]), 8.0)
    assert np.isnan(known[0]) and known[1] == pytest.approx(1e-4)


def test_carry_waits_where_a_leg_is_stale() -> None:
    flat = [100.0] * 12
    bars = bars_of(
        {
            BTC: Past(closes=flat, funding=hourly(1e-3, 12)),
            HL_BTC: Past(closes=flat, stale=[3, 4], funding=hourly(0.0, 12)),
        }
    )
    options = CarryOptions(lookback=8, horizon=10, entry=0.0, fee=0.0, slippage=0.0)
    assert rows(carry(bars, [BTC, HL_BTC], options)) == [(5, [-0.5, 0.5])]


def test_carry_charges_each_venues_own_fee_unless_told() -> None:
    flat = [100.0] * 9
    bars = bars_of({BTC: Past(closes=flat, funding=hourly(1e-4, 9)), HL_BTC: Past(closes=flat, funding=hourly(0.0, 9))})
    # Taker rates of the dearest tiers are 5e-4 and 4.5e-4: a round trip costs 1.9e-3.
    for horizon, entered in ((18.9, 0.0), (19.1, -0.5)):
        options = CarryOptions(lookback=8, horizon=horizon, entry=0.0, slippage=0.0)
        assert carry(bars, [BTC, HL_BTC], options).exposure[-1, 0] == entered


def test_legs_are_paired_by_asset_whatever_their_order() -> None:
    flat, still = [100.0] * 9, hourly(0.0, 9)
    past = {
        BTC: Past(closes=flat, funding=hourly(1e-3, 9)),
        ETH: Past(closes=flat, funding=still),
        HL_ETH: Past(closes=flat, funding=hourly(1e-3, 9)),
        HL_BTC: Past(closes=flat, funding=still),
    }
    options = CarryOptions(lookback=8, horizon=10, fee=0.0)
    assert rows(carry(bars_of(past), list(past), options)) == [(3, [-0.25, 0.25, -0.25, 0.25])]


def test_basis_sells_the_dear_venue_until_the_basis_is_back() -> None:
    """Four bars of +-1 % have a mean of 0 and a deviation of 1 %; the jump to 5 % is 5 deviations."""
    level = [0.01, -0.01, 0.01, -0.01, 0.05, 0.05, 0.0, 0.0]
    bars = bars_of({BTC: Past(closes=[100 * math.exp(x) for x in level]), HL_BTC: Past(closes=[100.0] * 8)})
    options = BasisOptions(window=4, entry=4.0, exit=0.5, fee=0.005, slippage=0.0)
    assert rows(basis(bars, [BTC, HL_BTC], options)) == [(4, [-0.5, 0.5]), (6, [0.0, 0.0])]
    # Four fills at 1.3 % are 5.2 %: more than the 5 % there is to gain.
    dear = BasisOptions(window=4, entry=4.0, exit=0.5, fee=0.013, slippage=0.0)
    assert rows(basis(bars, [BTC, HL_BTC], dear)) == [(4, [0.0, 0.0])]


def test_one_price_for_both_venues_is_no_basis() -> None:
    """A proxy's prices stand for both venues: nothing to trade, and no rounding taken for a signal."""
    closes = [100.0, 103.0, 99.0, 104.0, 101.0, 250.0]
    bars = bars_of({BTC: Past(closes=closes), HL_BTC: Past(closes=closes)})
    assert rows(basis(bars, [BTC, HL_BTC], BasisOptions(window=2))) == []


def test_equal_risk_gives_half_the_weight_to_twice_the_volatility() -> None:
    calm, wild = [100.0], [100.0]
    for step in (0.01, -0.01, 0.01, -0.01):
        calm.append(calm[-1] * math.exp(step))
        wild.append(wild[-1] * math.exp(2 * step))
    bars = bars_of({BTC: Past(closes=calm), ETH: Past(closes=wild)})
    found = equal_risk(bars, [BTC, ETH], EqualRiskOptions(window=2, every=2, gross=1.5))
    assert rows(found) == [(2, [1.0, 0.5]), (4, [1.0, 0.5])]


def test_a_stale_leg_keeps_its_weight_and_the_others_share_the_rest() -> None:
    up_down = [100.0, 101.0, 100.0, 101.0, 100.0, 101.0]
    bars = bars_of({BTC: Past(closes=up_down), ETH: Past(closes=up_down, stale=[4]), HL_BTC: Past(closes=up_down)})
    found = equal_risk(bars, [BTC, ETH, HL_BTC], EqualRiskOptions(window=2, every=2, gross=0.9))
    assert rows(found) == [(2, [0.3, 0.3, 0.3]), (4, [0.3, None, 0.3])]


def test_a_price_that_never_moves_has_no_weight() -> None:
    bars = bars_of({BTC: Past(closes=[100.0, 101.0, 100.0]), ETH: Past(closes=[5.0] * 3)})
    assert rows(equal_risk(bars, [BTC, ETH], EqualRiskOptions(window=2, every=1))) == [(2, [1.0, None])]


def test_options_come_as_text() -> None:
    bars = bars_of({BTC: Past(closes=[10, 11, 12, 12, 11])})
    assert rows(build("trend", {"fast": "1", "slow": " 2 ", "short": "no"}, bars, [BTC])) == [(1, [1.0]), (4, [0.0])]
    assert rows(build("hold", {"weights": "-0.25"}, bars, [BTC])) == [(0, [-0.25])]
    assert set(names()) == {"hold", "trend", "breakout", "carry", "basis", "equal_risk"}
    assert options_of("carry")["lookback"] == 72.0


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("trnd", {}, 'did you mean "trend"'),
        ("trend", {"fsat": "3"}, 'did you mean "fast"'),
        ("trend", {"fast": "3.5"}, "write a whole number"),
        ("trend", {"fast": ""}, "write a whole number"),
        ("trend", {"band": "5%"}, "5 % is 0.05"),
        ("trend", {"band": "nan"}, "write a number"),
        ("trend", {"band": "1e400"}, "must be from 0 to 0.5"),
        ("trend", {"short": "maybe"}, "yes or no"),
        ("trend", {"fast": "100", "slow": "20"}, "fast must be shorter"),
        ("trend", {"vol_cap": "2"}, "without vol_target"),
        ("trend", {"gross": "0"}, "above 0"),
        ("breakout", {"fast": "3"}, 'no option "fast"'),
        ("breakout", {"leave": "60"}, "must not be longer"),
        ("hold", {"weights": "1,1"}, "2 numbers for 1 legs"),
        ("hold", {"weights": "1;1"}, "with commas"),
        ("carry", {}, "takes two for each asset"),
        ("carry", {"entry": "0.1", "exit": "0.2"}, "must not be higher"),
        ("basis", {"exit": "9"}, "exit must be lower"),
        ("equal_risk", {"every": "0"}, "from 1 to"),
    ],
)
def test_what_cannot_be_built_says_so(name: str, options: dict[str, str], said: str) -> None:
    bars = bars_of({BTC: Past(closes=[10, 11, 12])})
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        build(name, options, bars, [BTC])


def test_what_is_missing_is_named() -> None:
    flat = Past(closes=[10, 11])
    with pytest.raises(InputError, match="ETHUSDT on binance has no bars: name one of BTCUSDT on binance"):
        build("hold", {}, bars_of({BTC: flat}), [ETH])
    with pytest.raises(InputError, match="no funding of BTCUSDT on binance"):
        build("carry", {}, bars_of({BTC: flat, HL_BTC: flat}), [BTC, HL_BTC])
    with pytest.raises(InputError, match="has no legs"):
        build("trend", {}, bars_of({BTC: flat}), [])
    with pytest.raises(TermsError, match="no terms for venue"):
        build("basis", {}, bars_of({BTC: flat}), [BTC, Leg(account="x", venue="binanse", symbol="BTC")])


@pytest.mark.parametrize(
    ("bar", "exposure", "said"),
    [
        ([0, 0], [[1.0], [1.0]], "must rise"),
        ([1, 0], [[1.0], [1.0]], "must rise"),
        ([-1], [[1.0]], "must rise"),
        ([0], [[math.inf]], "infinite"),
        ([0, 1], [[1.0]], "one row per time"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(bar: list[int], exposure: list[list[float]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        TargetTable(bar=np.array(bar), legs=(BTC,), exposure=np.array(exposure))
