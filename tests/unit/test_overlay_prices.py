"""What options of an overlay cost and bring: at the quotes they have, by the tick, with the spread and the fee of both ways."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from perpbook.hedging.candidates import Candidates, Trading, candidates_of
from perpbook.hedging.structures import columns_of
from perpbook.hedging.worth import gains_of
from perpbook.kernels.types import Floats
from perpbook.options import black
from perpbook.options.chain import RawQuote, build_chain
from perpbook.options.revalue import VolatilityRule, dollars_after
from perpbook.options.smile import fit_surface
from tests.unit.option_rows import ORIGIN, SPOT, chain, rows

STILL = VolatilityRule(with_spot=0.0)
ODD = "BTC-25SEP26-54000-P"


def candidates(found: list[RawQuote], trading: Trading = Trading(share=0.05)) -> Candidates:
    whole = build_chain(found, "BTC", ORIGIN)
    return candidates_of(whole, fit_surface(whole), trading)


def changed(found: list[RawQuote], name: str, times: tuple[float, float]) -> list[RawQuote]:
    """One option's bid and ask some times what they were."""
    return [
        replace(one, bid=(one.bid or 0.0) * times[0], ask=(one.ask or 0.0) * times[1]) if one.name == name else one
        for one in found
    ]


def number_of(found: Candidates, name: str) -> int:
    return [one.name for one in found.contracts].index(name)


def gained(found: Candidates, factors: Floats, structure: str = "spreads", exposure: float = 1.0) -> Floats:
    """By column and moment, at once."""
    board = {"BTC": found}
    columns = columns_of(board, {"BTC": exposure}, structure)
    every = np.arange(columns.lot.size)
    return gains_of(board, columns, every, {"BTC": factors}, np.zeros(factors.size), STILL)


@pytest.mark.parametrize("times", [(0.55, 0.6), (1.7, 1.7), (0.01, 1.9)])
@pytest.mark.parametrize("structure", ["spreads", "collars"])
def test_nothing_is_gained_by_trading_a_quote_that_is_off_the_smile(times: tuple[float, float], structure: str) -> None:
    for exposure in (1.0, -1.0):
        at_once = gained(candidates(changed(rows(wide=0.06), ODD, times)), np.ones(1), structure, exposure)
        assert at_once.size and (at_once < 0.0).all()


def test_an_option_without_quotes_is_priced_and_valued_at_the_venues_mark() -> None:
    odd = [replace(one, mark_volatility=(one.mark_volatility or 0.0) + 0.05 * (one.name == ODD)) for one in rows()]
    found = candidates(odd, Trading(spread=0.08, share=0.05))
    at = number_of(found, ODD)
    laid, marked = found.laid, next(one.mark_volatility for one in odd if one.name == ODD) or 0.0
    price = black.prices(laid.forward[at], laid.strike[at], laid.years[at], marked, False, SPOT / laid.forward[at])[0]
    assert found.value[at] == pytest.approx(price, rel=1e-9)
    later = dollars_after(found.surface, laid, np.ones(1), np.zeros(1), STILL)[:, 0]
    assert later == pytest.approx(found.value, rel=1e-9)
    assert found.pay[at] > price


def test_giving_up_pays_half_the_spread_and_the_fee_again() -> None:
    found = candidates(rows(wide=0.06))
    columns = columns_of({"BTC": found}, {"BTC": 1.0}, "spreads")
    factors = np.array([1.0, 0.8, 0.5])
    worth = dollars_after(found.surface, found.laid, factors, np.zeros(3), STILL)
    got = gained(found, factors)
    for row, (number, sign) in enumerate(zip(columns.number, columns.sign, strict=True)):
        for moment, factor in enumerate(factors):
            price = worth[number, moment] * (0.97 if sign > 0 else 1.03)
            paid = min(0.0003 * SPOT * factor, 0.125 * price)
            left = price - paid - found.pay[number] if sign > 0 else found.receive[number] - price - paid
            assert got[row, moment] == pytest.approx(left, rel=1e-9, abs=1e-6)


def test_assumed_prices_are_on_the_venues_ticks_against_whoever_trades() -> None:
    found = candidates(rows(), Trading(spread=0.08, share=0.05))
    coarse = 0
    for number, value in enumerate(found.value / SPOT):
        ask, bid = 1.04 * value, 0.96 * value
        up, down = (0.0005 if one > 0.005 else 0.0001 for one in (ask, bid))
        ask, bid = math.ceil(ask / up - 1e-9) * up, math.floor(bid / down + 1e-9) * down
        coarse += up > 0.0001
        assert found.pay[number] == pytest.approx(SPOT * (ask + min(0.0003, 0.125 * ask)), rel=1e-9)
        if bid > 0.0:
            assert found.receive[number] == pytest.approx(SPOT * (bid - min(0.0003, 0.125 * bid)), rel=1e-9)
    assert 0 < coarse < len(found.contracts)


def test_an_option_that_is_only_bid_is_not_sold_unless_the_spread_is_said() -> None:
    whole = chain(wide=0.06, depth=25.0)
    bid_only = [replace(one, ask=None) if one.name == ODD else one for one in rows(wide=0.06, depth=25.0)]
    found = candidates(bid_only, Trading())
    assert len(found.contracts) == len(candidates_of(whole, fit_surface(whole), Trading()).contracts) - 1
    assert ODD not in [one.name for one in found.contracts]
    said = candidates(bid_only, Trading(spread=0.1))
    at = number_of(said, ODD)
    assert said.half[at] == pytest.approx(0.05) and said.receive[at] > 0.0 and math.isnan(said.pay[at])
