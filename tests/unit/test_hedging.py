"""Parts of a hedge: variance, betas, scenarios, trust, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from perpbook.errors import InputError
from perpbook.hedging.betas import MARKET, robust_slope, weighted_deltas
from perpbook.hedging.instruments import Instruments
from perpbook.hedging.scenarios import SETS, moves_of, recorrelated, usual_covariance, weights_of, wild_volatility
from perpbook.hedging.shortfall import Limits, Scenarios, least_shortfall
from perpbook.hedging.trust import Again, on_rows, trusted_parts
from perpbook.hedging.variance import variance_hedge
from perpbook.kernels.types import Floats
from perpbook.tails.bootstrap import one_draw
from perpbook.tails.stressed import stressed_matrix
from tests.unit.tails_moves import HOW, joint, moves

NAMES = ("BTC", "ETH", "SOL")
RETURNS = joint(moves(800, 0.7, nu=4.0, names=NAMES))
EXPOSED = {"BTC": 100.0, "ETH": -40.0, "SOL": 60.0}


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_the_hedge_of_least_variance_leaves_nothing_that_moves_with_it() -> None:
    covariance = usual_covariance(RETURNS)
    hedge = variance_hedge(covariance, NAMES, EXPOSED, ["BTC"])
    left = np.array([EXPOSED[name] for name in NAMES]) + np.array([hedge[0], 0.0, 0.0])
    assert (covariance @ left)[0] == pytest.approx(0.0, abs=1e-12)


def test_all_assets_hedged_with_are_taken_away_whole() -> None:
    hedge = variance_hedge(usual_covariance(RETURNS), NAMES, EXPOSED, NAMES)
    assert hedge == pytest.approx([-EXPOSED[name] for name in NAMES], rel=1e-9)


def test_moves_to_another_correlation_have_it_and_keep_their_spread() -> None:
    wanted = np.array([[1.0, -0.3, 0.2], [-0.3, 1.0, 0.5], [0.2, 0.5, 1.0]])
    found = recorrelated(RETURNS.values, wanted)
    assert np.corrcoef(found) == pytest.approx(wanted, abs=1e-9)
    assert found.std(axis=1) == pytest.approx(RETURNS.values.std(axis=1), rel=1e-9)
    same = recorrelated(RETURNS.values, np.asarray(np.corrcoef(RETURNS.values)))
    assert same == pytest.approx(RETURNS.values, abs=1e-12)


def test_the_broken_set_loses_on_both_legs() -> None:
    stressed = stressed_matrix(RETURNS, HOW, rng())
    held = {"BTC": 100.0, "ETH": -100.0, "SOL": 0.0}
    found = moves_of(RETURNS, stressed, held, 1.0)
    broken, base = (np.asarray(np.corrcoef(found.sets[name].T)) for name in ("broken", "base"))
    assert broken[0, 1] < -0.9 < 0.5 < base[0, 1]
    rows, weights = found.stacked(weights_of(0.5))
    assert rows.shape == (3 * RETURNS.rows, 3) and weights.sum() == pytest.approx(1.0)
    assert weights[: RETURNS.rows].sum() == pytest.approx(0.5)


def test_wild_windows_are_wilder() -> None:
    assert (wild_volatility(RETURNS, None) >= 1.0).all()
    with pytest.raises(InputError, match="hold no wild windows"):
        wild_volatility(joint(moves(200, 0.5)), None)


def test_betas_are_told_four_ways_with_the_book_in_units_of_each_factor() -> None:
    found = weighted_deltas(RETURNS, EXPOSED, ["BTC", MARKET], HOW, rng())
    own = next(one for one in found.betas if (one.asset, one.factor) == ("BTC", "BTC"))
    assert [one.value for one in (own.ols, own.ewma, own.robust, own.tail)] == pytest.approx([1.0] * 4)
    net = next(one for one in found.nets if one.factor == "BTC")
    summed = sum(EXPOSED[one.asset] * (one.ols.value or 0.0) for one in found.betas if one.factor == "BTC")
    assert net.ols.value == pytest.approx(summed)
    assert net.ols.low is not None and net.ols.high is not None and net.ols.low < summed < net.ols.high
    other = next(one for one in found.betas if (one.asset, one.factor) == ("ETH", "BTC"))
    assert other.ewma.low is not None and other.ols.low is not None
    assert (other.ewma.high or 0.0) - other.ewma.low > (other.ols.high or 0.0) - other.ols.low


def test_one_wild_row_pulls_least_squares_and_not_the_robust_slope() -> None:
    x = rng().standard_normal(400)
    y = 0.8 * x + 0.1 * rng().standard_normal(400)[::-1]
    y[0], x[0] = 50.0, -5.0
    ones = np.ones((1, 400))
    assert robust_slope(x, y, ones)[0] == pytest.approx(0.8, abs=0.05)
    assert np.polyfit(x, y, 1)[0] < 0.6


def test_a_part_that_cannot_be_told_from_none_is_not_kept() -> None:
    noise = rng().standard_normal(300)

    def hedge_of(counts: Floats) -> Floats:
        return np.array([-5.0, float(counts @ noise)])

    sure, unsure = trusted_parts(("BTC", "ETH"), hedge_of, 300, Again(draws=200, mean_block=5.0), rng())
    assert sure.kept and sure.low == sure.high == -5.0
    assert not unsure.kept and unsure.low < 0.0 < unsure.high
    assert on_rows(one_draw(300, 5.0, rng()), weights_of(0.3)).sum() == pytest.approx(1.0)


def test_what_nothing_bounds_has_no_least() -> None:
    scenarios = Scenarios(pnl=np.zeros(4), effect=np.ones((4, 1)), weights=np.full(4, 0.25), tail=0.5)
    assert least_shortfall(scenarios, Limits(cost=np.zeros(1), rows=np.zeros((1, 1)), most=np.ones(1))) is None


def test_nonsense_is_refused() -> None:
    good = {"pnl": np.zeros(2), "effect": np.zeros((2, 1)), "weights": np.full(2, 0.5), "tail": 0.05}
    for bad, said in (
        ({"tail": 0.0}, "is none"),
        ({"weights": np.ones(2)}, "sum to 1"),
        ({"effect": np.full((2, 1), np.nan)}, "not finite"),
        ({"pnl": np.zeros(3)}, "do not fit"),
    ):
        with pytest.raises(InputError, match=said):
            Scenarios(**{**good, **bad})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="make no interval"):
        Again(draws=10, mean_block=5.0)
    with pytest.raises(InputError, match="no share"):
        weights_of(1.5)
    some = np.ones(1)
    with pytest.raises(InputError, match="none at all"):
        Instruments(
            low=some,
            high=some,
            lots=some,
            fees=some,
            funding=some,
            held=some,
            margins=some,
            accounts=np.zeros(1, np.int64),
        )
    assert SETS == ("base", "tail", "broken")
