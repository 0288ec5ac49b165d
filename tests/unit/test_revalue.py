"""Options after a move: dollars of both kinds, payoffs, the two sticky rules, and deltas."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.errors import InputError
from perpbook.kernels.types import Floats
from perpbook.model.contract import ContractKind
from perpbook.model.option import OptionChain
from perpbook.options.revalue import Laid, VolatilityRule, dollars_after, lay, sensitivities
from perpbook.options.smile import fit_surface
from perpbook.options.surface import Surface
from tests.unit.option_rows import SPOT, chain

CHAIN: OptionChain = chain()
SURFACE: Surface = fit_surface(CHAIN)
STILL = VolatilityRule(with_spot=0.0)


def laid(*names: str, linear: bool = False) -> Laid:
    found = {quote.contract.name: quote.contract for one in CHAIN.expiries for quote in one.quotes}
    contracts = [found[name] for name in names]
    kind = ContractKind.LINEAR if linear else ContractKind.INVERSE
    return lay(CHAIN, [replace(one, kind=kind) for one in contracts])


def after(of: Laid, factor: float, years: float = 0.0, rule: VolatilityRule = STILL) -> Floats:
    return dollars_after(SURFACE, of, np.array([factor]), np.array([years]), rule)[:, 0]


def test_without_a_move_an_option_is_worth_what_it_is() -> None:
    of = laid("BTC-25SEP26-54000-P", "BTC-25SEP26-66000-C", "BTC-25DEC26-60000-P")
    assert np.allclose(after(of, 1.0), sensitivities(SURFACE, of).dollars, rtol=1e-12)


@given(factor=st.floats(0.3, 2.0))
def test_at_its_end_an_option_pays_dollars_whatever_it_settles_in(factor: float) -> None:
    names = ("BTC-25SEP26-54000-P", "BTC-25SEP26-66000-C")
    payoff = [max(54_000.0 - factor * SPOT, 0.0), max(factor * SPOT - 66_000.0, 0.0)]
    for linear in (False, True):
        assert after(laid(*names, linear=linear), factor, 0.2).tolist() == pytest.approx(payoff, abs=1e-9)


def test_sticky_strike_keeps_each_strikes_volatility_and_sticky_delta_the_smile() -> None:
    of, years = laid("BTC-25SEP26-54000-P", linear=True), float(laid("BTC-25SEP26-54000-P").years[0])
    ratio = 54_000.0 / float(of.forward[0])
    for sticky, k in (("strike", math.log(ratio)), ("delta", math.log(ratio / 0.9))):
        volatility = SURFACE.volatilities(np.array([k]), np.array([years]))[0]
        from perpbook.options import black

        wanted = black.prices(0.9 * of.forward[0], 54_000.0, years, volatility, False)[0]
        rule = VolatilityRule(sticky=sticky, with_spot=0.0)
        assert after(of, 0.9, 0.0, rule)[0] == pytest.approx(wanted, rel=1e-9)


def test_a_fall_lifts_volatility_and_a_rise_leaves_it() -> None:
    of, moving = laid("BTC-25SEP26-54000-P", "BTC-25DEC26-54000-P"), VolatilityRule(with_spot=0.6)
    assert (after(of, 0.85, 0.0, moving) > after(of, 0.85)).all()
    assert np.array_equal(after(of, 1.2, 0.0, moving), after(of, 1.2))


@pytest.mark.parametrize("linear", [False, True])
def test_delta_is_dollars_for_a_dollar_of_spot(linear: bool) -> None:
    of = laid("BTC-25SEP26-54000-P", "BTC-25SEP26-66000-C", linear=linear)
    rule, step = VolatilityRule(sticky="strike", with_spot=0.0), 1e-5
    at_strike = (after(of, 1.0 + step, 0.0, rule) - after(of, 1.0 - step, 0.0, rule)) / (2.0 * step * SPOT)
    assert np.allclose(sensitivities(SURFACE, of).delta, at_strike, atol=1e-6)


def test_the_premium_adjusted_delta_hedges_coins() -> None:
    """A holder who counts in coins gains (d/dS)(dollars / S) x S coins per dollar, which is delta less the premium."""
    of, step = laid("BTC-25SEP26-54000-P"), 1e-5
    rule = VolatilityRule(sticky="strike", with_spot=0.0)
    up, down = (after(of, 1.0 + move, 0.0, rule)[0] / (1.0 + move) for move in (step, -step))
    found = sensitivities(SURFACE, of)
    assert found.premium_adjusted_delta[0] == pytest.approx((up - down) / (2.0 * step * SPOT), abs=1e-6)


@pytest.mark.parametrize("bad", [{"sticky": "skew"}, {"with_spot": -1.0}, {"power": 2.0}])
def test_volatility_moves_by_a_rule_that_is_one(bad: dict[str, str | float]) -> None:
    with pytest.raises(InputError):
        VolatilityRule(**bad)  # type: ignore[arg-type]
