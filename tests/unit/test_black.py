"""Black-76: against QuantLib, and what must hold at every price."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perpbook.errors import InputError
from perpbook.kernels.black import otm_price
from perpbook.kernels.implied import deviation_of
from perpbook.options import black

deviations = st.floats(1e-3, 6.0)
logs = st.floats(-4.0, 4.0)


@given(log=logs, s=deviations)
def test_a_price_out_of_the_money_implies_the_deviation_it_was_made_with(log: float, s: float) -> None:
    price = otm_price(log, s)
    ceiling = math.exp(-0.5 * abs(log))
    assume(price > 1e-280 and ceiling - price > 1e-6 * ceiling)
    assert math.isclose(deviation_of(-abs(log), price), s, rel_tol=1e-9)


@given(log=logs, s=deviations, more=st.floats(1.001, 2.0))
def test_more_volatility_is_never_worth_less(log: float, s: float, more: float) -> None:
    assert otm_price(log, s) <= otm_price(log, s * more) * (1.0 + 1e-13)


@given(strike=st.floats(20.0, 500.0), years=st.floats(0.01, 3.0), volatility=st.floats(0.05, 2.0))
def test_calls_less_puts_are_the_forward_less_the_strike(strike: float, years: float, volatility: float) -> None:
    call, put = black.prices(100.0, strike, years, volatility, [True, False], 0.9)
    assert math.isclose(call - put, 0.9 * (100.0 - strike), abs_tol=1e-11)


@pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")
@given(strike=st.floats(50.0, 200.0), years=st.floats(0.02, 3.0), volatility=st.floats(0.1, 1.5), call=st.booleans())
def test_prices_and_greeks_are_quantlibs(strike: float, years: float, volatility: float, call: bool) -> None:
    import QuantLib as ql

    discount = 0.95
    theirs = ql.BlackCalculator(
        ql.PlainVanillaPayoff(ql.Option.Call if call else ql.Option.Put, strike),
        100.0,
        volatility * years**0.5,
        discount,
    )
    ours = black.greeks(100.0, strike, years, volatility, call, discount)
    assert math.isclose(ours.price[0], theirs.value(), rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(ours.delta[0], theirs.deltaForward(), rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(ours.gamma[0], theirs.gammaForward(), rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(ours.vega[0], theirs.vega(years), rel_tol=1e-9, abs_tol=1e-12)


def test_theta_is_what_a_moment_of_waiting_takes() -> None:
    rate, years, step = 0.08, 0.7, 1e-5
    now, soon = (black.prices(100.0, 110.0, t, 0.6, True, math.exp(-rate * t))[0] for t in (years + step, years - step))
    found = black.greeks(100.0, 110.0, years, 0.6, True, math.exp(-rate * years))
    assert math.isclose(found.theta[0], (soon - now) / (2.0 * step), rel_tol=1e-7)


def test_prices_that_no_volatility_gives_imply_none() -> None:
    beyond = black.implied_volatilities([0.0, 10.0, 100.1, 9.99], 100.0, [110.0, 90.0, 110.0, 90.0], 0.5, True)
    assert np.isnan(beyond).all()
    assert np.isnan(black.implied_volatilities(5.0, 100.0, 100.0, 0.0, True)).all()


def test_an_option_without_time_is_its_payoff() -> None:
    found = black.greeks(100.0, [90.0, 110.0, 100.0], 0.0, 0.5, True)
    assert found.price.tolist() == [10.0, 0.0, 0.0]
    assert found.delta.tolist() == [1.0, 0.0, 0.5]
    assert not found.vega.any() and not found.theta.any()


@pytest.mark.parametrize("bad", [{"forward": 0.0}, {"strike": -1.0}, {"years": -0.1}, {"volatility": math.nan}])
def test_what_is_no_option_is_refused(bad: dict[str, float]) -> None:
    given_ = {"forward": 100.0, "strike": 100.0, "years": 1.0, "volatility": 0.5, **bad}
    with pytest.raises(InputError, match="of an option is"):
        black.prices(given_["forward"], given_["strike"], given_["years"], given_["volatility"], True)
