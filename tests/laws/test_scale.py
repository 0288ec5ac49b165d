"""Sizes: a book at a scale is the book with those sizes, and the largest scale that survives is the largest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perpbook.kernels.margin import account_margins, lines_at
from perpbook.kernels.scale import largest_scales
from perpbook.kernels.types import Floats, Holdings
from perpbook.margin.arrays import book_arrays
from perpbook.model.account import Account, Balance, Position
from perpbook.model.market import Quote
from perpbook.terms.terms import CloseFeeBasis, ContractTerms, TierMode
from tests.laws.strategies import REAL, Situation, between, real_terms, situation, situations


def margins(held: Holdings, scale: Floats, prices: Floats) -> tuple[Floats, Floats]:
    equity, maintenance = np.empty(held.cash.size), np.empty(held.cash.size)
    account_margins(lines_at(held, scale), prices, equity, maintenance)
    return equity, maintenance


def same_rule_at_any_size(terms: ContractTerms) -> bool:
    """Rules that do not turn on the size as a whole: what is left keeps today's tier, premium and fee."""
    fee = terms.close_fee
    return (
        terms.tiers.mode is TierMode.MARGINAL
        and terms.size_sqrt_fraction == 0.0
        and (fee is None or fee.basis is CloseFeeBasis.NOTIONAL)
    )


@given(situations(), between(0.01, 1.0))
def test_a_book_at_a_scale_is_the_book_with_those_sizes(found: Situation, share: float) -> None:
    arrays = book_arrays(found.snapshot.book, found.snapshot.market, found.terms)
    items = [arrays.items[row] for row in arrays.positions()]
    assume(all(item.terms is not None and same_rule_at_any_size(item.terms) for item in items))
    scale = np.full(len(arrays.items), share)
    equity, maintenance = margins(arrays.held, scale, arrays.prices)
    accounts = tuple(
        replace(one, positions=tuple(replace(held, quantity=held.quantity * share) for held in one.positions))
        for one in found.accounts
    )
    smaller = book_arrays(replace(found.snapshot.book, accounts=accounts), found.snapshot.market, found.terms)
    _, expected = margins(smaller.held, np.ones(len(smaller.items)), arrays.prices)
    now, _ = margins(arrays.held, np.ones(len(arrays.items)), arrays.prices)
    costs = np.array(
        [arrays.held.close_cost[arrays.held.start[a] : arrays.held.start[a + 1]].sum() for a in range(now.size)]
    )
    assert maintenance == pytest.approx(expected, rel=1e-9)
    gross = np.abs(arrays.held.delta * arrays.held.price).sum() + np.abs(now).sum()
    assert equity == pytest.approx(now - (1.0 - share) * costs, rel=1e-9, abs=1e-12 * gross)


@given(situations(venues=("deribit", "deribit", *REAL, "ours", "ours")), between(0.0, 1.0), st.data())
def test_the_largest_scale_survives_and_a_larger_one_does_not(
    found: Situation, buffer: float, data: st.DataObject
) -> None:
    arrays = book_arrays(found.snapshot.book, found.snapshot.market, found.terms)
    held, lanes = arrays.held, data.draw(st.integers(1, 4))
    moves = np.array([[data.draw(between(-0.6, 1.0)) for _ in range(lanes)] for _ in arrays.prices])
    prices = np.ascontiguousarray(arrays.prices[:, None] * (1.0 + moves.reshape(arrays.prices.size, lanes)))
    largest = np.empty(held.cash.size)
    largest_scales(held, prices, buffer, largest)
    assert (largest >= 0.0).all()
    for number, scale in enumerate(largest):
        rows = slice(held.start[number], held.start[number + 1])
        weight = np.abs(held.delta[rows] * held.price[rows]).sum() + abs(held.cash[number]) + 1.0

        def worst(size: float, number: int = number) -> float:
            left = [margins(held, np.full(held.delta.size, size), prices[:, lane]) for lane in range(lanes)]
            return float(min(own[number] - (1.0 + buffer) * need[number] for own, need in left))

        if 0.0 < scale < np.inf:
            rounding = 1e-9 * weight * max(scale, 1.0) ** 2
            assert worst(scale) >= -rounding
            assert worst(scale * 0.5) >= -rounding
            assert worst(scale * (1 + 1e-6) + 1e-9) <= rounding
            assert worst(scale * 2.0) <= rounding
        elif scale == 0.0:
            assert worst(1e-3) <= 1e-9 * weight or worst(0.0) < 0.0
        else:
            assert worst(1e3) >= -1e-6 * weight


def test_an_account_that_only_its_contracts_keep_alive_has_no_scale_at_all() -> None:
    """The largest scale is the end of an interval from 0. On OKX 20 ether beside a debt of $50,000 that a coin-margined short
    hedges survives -60 % at full size and dies without it: 0 is told, which is too small, and safe."""
    short = Position(symbol="ETH-USD-SWAP", quantity=-100_000.0, entry_price=5_000.0)
    money = (Balance(asset="ETH", amount=20.0), Balance(asset="USDT", amount=-50_000.0))
    account = Account(id="okx", venue="okx", collateral=money, positions=(short,))
    quote = Quote(venue="okx", symbol="ETH-USD-SWAP", mark_price=5_000.0)
    terms = {"okx": real_terms()["okx"]}
    found = situation((account,), (quote,), terms)
    arrays = book_arrays(found.snapshot.book, found.snapshot.market, terms)
    held, prices, largest = arrays.held, np.full((arrays.prices.size, 1), 2_000.0), np.empty(1)
    largest_scales(held, prices, 0.0, largest)
    equity, need = margins(held, np.ones(held.delta.size), prices[:, 0])
    emptied, _ = margins(held, np.zeros(held.delta.size), prices[:, 0])
    assert largest[0] == 0.0 and emptied[0] < 0.0 and equity[0] > need[0]
