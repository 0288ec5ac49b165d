"""Margin: what the requirement may and may not do, and that it is what the terms say."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perpbook.kernels.margin import account_margins, lines_at, requirement
from perpbook.margin.arrays import book_arrays
from perpbook.margin.assess import assess
from perpbook.margin.assessment import ZERO, MarginSummary
from perpbook.margin.measures import Measures, measure
from perpbook.model.account import Account, Balance, Position
from perpbook.model.market import Quote
from perpbook.terms.terms import CloseFeeBasis, ContractTerms, TierMode, TierUnit
from tests.laws import reference
from tests.laws.strategies import (
    REAL,
    WORTH,
    Situation,
    between,
    inverse_terms,
    linear_terms,
    magnitudes,
    real_contracts,
    real_terms,
    single_positions,
    situation,
    situations,
    venue_of,
)

CLOSE = 1e-9


def measured(found: Situation) -> Measures:
    return measure(book_arrays(found.snapshot.book, found.snapshot.market, found.terms))


def with_quantity(found: Situation, quantity: float) -> Situation:
    """The one position of a situation at another quantity."""
    account = found.accounts[0]
    position = replace(account.positions[0], quantity=quantity)
    book = replace(found.snapshot.book, accounts=(replace(account, positions=(position,)),))
    return replace(found, snapshot=replace(found.snapshot, book=book))


def needed(found: Situation, quantity: float) -> tuple[float, float]:
    """Initial and maintenance margin of the one position at another quantity, dollars."""
    at = measured(with_quantity(found, quantity))
    return float(at.initial[0]), float(at.maintenance[0])


def only(found: Situation) -> Position:
    return found.accounts[0].positions[0]


@given(situations())
def test_nothing_needs_less_than_nothing(found: Situation) -> None:
    at = measured(found)
    assert (at.row_maintenance >= 0).all() and (at.row_initial >= 0).all()
    assert (at.maintenance >= 0).all() and (at.initial >= 0).all()


@given(single_positions())
def test_no_position_needs_no_margin(found: Situation) -> None:
    assert needed(found, 0.0) == (0.0, 0.0)


@given(single_positions())
def test_a_short_needs_what_a_long_needs(found: Situation) -> None:
    position = only(found)
    fee = found.terms[found.accounts[0].venue].contracts[position.symbol].close_fee
    assume(fee is None or fee.basis is CloseFeeBasis.NOTIONAL)  # the fee at the bankruptcy price has a side
    assert needed(found, position.quantity) == needed(found, -position.quantity)


@given(single_positions(), between(0.0, 1.0))
def test_reducing_a_position_never_raises_what_it_needs(found: Situation, share: float) -> None:
    quantity = only(found).quantity
    less, more = needed(found, quantity * share), needed(found, quantity)
    assert less[0] <= more[0] * (1 + CLOSE) and less[1] <= more[1] * (1 + CLOSE)


@given(single_positions(), between(0.0, 1.0), between(0.0, 1.0))
def test_scaling_down_never_raises_what_an_account_needs(found: Situation, one: float, other: float) -> None:
    arrays = book_arrays(found.snapshot.book, found.snapshot.market, found.terms)
    needs = []
    for share in sorted((one, other)):
        equity, maintenance = np.empty(1), np.empty(1)
        lines = lines_at(arrays.held, np.full(len(arrays.items), share))
        account_margins(lines, arrays.prices, equity, maintenance)
        needs.append(float(maintenance[0]))
    assert needs[0] <= needs[1] * (1 + CLOSE)


tiered = st.sampled_from(
    [one for one in real_contracts() if len(real_terms()[one[0]].contracts[one[1]].tiers.tiers) > 1]
)


@given(st.one_of(tiered.map(lambda one: real_terms()[one[0]].contracts[one[1]]), linear_terms(), inverse_terms()),
       st.integers(0, 10), st.sampled_from((1.0, -1.0)))  # fmt: skip
def test_marginal_tiers_meet_at_their_bounds(contract: ContractTerms, number: int, sign: float) -> None:
    table = contract.tiers
    assume(len(table.tiers) > 1 and table.mode is TierMode.MARGINAL)
    venue, symbol = contract.contract.venue, contract.contract.symbol
    unit = contract.contract.contract_size if table.unit is TierUnit.CONTRACTS else 1.0
    bound = sign * table.tiers[1 + number % (len(table.tiers) - 1)].lower * unit
    if table.unit is TierUnit.NOTIONAL and not contract.contract.is_inverse:
        bound /= 100.0
    elif table.unit is not TierUnit.CONTRACTS and contract.contract.is_inverse:
        bound *= 100.0
    position = Position(symbol=symbol, quantity=bound, entry_price=100.0, leverage=5.0)
    found = situation(
        [Account(id="only", venue=venue, positions=(position,))],
        [Quote(venue=venue, symbol=symbol, mark_price=100.0, oracle_price=100.0)],
        {venue: venue_of(contract, venue=venue)},
    )
    below, above = needed(found, bound * (1 - 1e-9))[1], needed(found, bound * (1 + 1e-9))[1]
    assert below == pytest.approx(above, rel=1e-6)


@given(situations())
def test_opening_asks_for_no_less_than_keeping(found: Situation) -> None:
    at = measured(found)
    arrays = book_arrays(found.snapshot.book, found.snapshot.market, found.terms)
    for row in arrays.positions():
        item = arrays.items[row]
        assert item.terms is not None
        if found.accounts[item.account].venue == "ours" or item.terms.minimum_collateral:
            continue
        assert at.row_initial[row] >= at.row_maintenance[row] * (1 - CLOSE), item.terms.contract


@given(situations())
def test_accounts_stand_as_an_independent_reckoning_says(found: Situation) -> None:
    at = measured(found)
    market = found.snapshot.market
    now = reference.prices_now(found.snapshot, found.terms)
    for number, account in enumerate(found.accounts):
        slow = reference.standing(account, found.terms[account.venue], market, now)
        assert at.equity[number] == pytest.approx(float(slow.equity), rel=CLOSE, abs=CLOSE * float(slow.weight))
        assert at.maintenance[number] == pytest.approx(float(slow.maintenance), rel=CLOSE)


@given(inverse_terms(), magnitudes(10.0, 1e8), st.sampled_from((1.0, -1.0)), between(0.9, 1.1))
def test_they_do_where_a_coin_costs_other_than_its_contract(
    contract: ContractTerms, dollars: float, sign: float, ratio: float
) -> None:
    symbol, coin = contract.contract.symbol, contract.contract.settle
    account = Account(
        id="only", venue="ours", positions=(Position(symbol=symbol, quantity=sign * dollars, entry_price=103.0),),
        collateral=(Balance(asset=coin, amount=dollars / 500.0),),
    )  # fmt: skip
    quote = Quote(venue="ours", symbol=symbol, mark_price=100.0)
    found = situation([account], [quote], {"ours": venue_of(contract)}, asset_prices={coin: 100.0 * ratio})
    at, now = measured(found), reference.prices_now(found.snapshot, found.terms)
    slow = reference.standing(account, found.terms["ours"], found.snapshot.market, now)
    assert at.maintenance[0] == pytest.approx(float(slow.maintenance), rel=CLOSE)
    assert at.equity[0] == pytest.approx(float(slow.equity), rel=CLOSE, abs=CLOSE * float(slow.weight))


pledged = [
    (venue, asset)
    for venue in REAL
    for asset in real_terms()[venue].collateral
    if asset in WORTH and asset != real_terms()[venue].settle
]


@given(st.sampled_from(pledged), magnitudes(1.0, 1e6), st.sampled_from((1.0, -1.0)))
def test_collateral_counts_for_its_weight_and_a_debt_in_full(
    where: tuple[str, str], amount: float, sign: float
) -> None:
    venue, asset = where
    terms = real_terms()[venue]
    account = Account(id="only", venue=venue, collateral=(Balance(asset=asset, amount=sign * amount),))
    found = situation([account], [], {venue: terms}, asset_prices={asset: WORTH[asset]})
    weight = terms.collateral[asset].maintenance_weight if sign > 0 else 1.0
    assert measured(found).equity[0] == pytest.approx(sign * amount * weight * WORTH[asset], rel=1e-12)


@given(situations(), st.data())
def test_they_still_do_at_other_prices(found: Situation, data: st.DataObject) -> None:
    arrays = book_arrays(found.snapshot.book, found.snapshot.market, found.terms)
    now = reference.prices_now(found.snapshot, found.terms)
    factors = np.array([data.draw(magnitudes(0.05, 5.0)) for _ in arrays.columns])
    equity, maintenance = np.empty(len(found.accounts)), np.empty(len(found.accounts))
    account_margins(lines_at(arrays.held), arrays.prices * factors, equity, maintenance)
    moved = dict(now)
    for column, factor in zip(arrays.columns, factors, strict=True):
        key = column.venue, column.symbol or f"coin:{column.asset}"
        moved[key] = now[key] * Fraction(float(factor))
    for number, account in enumerate(found.accounts):
        slow = reference.standing(account, found.terms[account.venue], found.snapshot.market, now, moved)
        assert equity[number] == pytest.approx(float(slow.equity), rel=CLOSE, abs=CLOSE * float(slow.weight))
        assert maintenance[number] == pytest.approx(float(slow.maintenance), rel=CLOSE)


@given(situations())
def test_notional_and_initial_margin_are_as_reckoned(found: Situation) -> None:
    arrays = book_arrays(found.snapshot.book, found.snapshot.market, found.terms)
    at = measure(arrays)
    now = reference.prices_now(found.snapshot, found.terms)
    for row in arrays.positions():
        item = arrays.items[row]
        assert item.terms is not None and item.position is not None
        price = now[item.terms.contract.venue, item.terms.contract.symbol]
        quote = found.snapshot.market.quotes[item.terms.contract.venue, item.terms.contract.symbol]
        fraction = reference.initial_fraction(
            item.terms, item.position, price, reference.exact(quote.open_interest or 0.0) * price
        )
        fee = reference.fee_fraction(item.terms, item.position, fraction)
        fee = fee if item.terms.close_fee and item.terms.close_fee.basis is CloseFeeBasis.BANKRUPTCY else Fraction(0)
        mode = found.accounts[item.account].mode
        taken_at = reference.margin_price(item.terms, item.position, mode, price)
        size = reference.exact(abs(item.position.quantity))
        asked = (fraction + fee) * reference.settled_notional(item.terms, size, taken_at)
        coin = reference.exact(arrays.prices[item.column]) if item.terms.contract.is_inverse else Fraction(1)
        assert at.row_initial[row] == pytest.approx(float(asked * coin), rel=CLOSE)
        notional = reference.settled_notional(item.terms, size, price) * coin
        assert at.notional[row] == pytest.approx(float(notional), rel=CLOSE)


@given(situations())
def test_rows_add_up_to_accounts_and_accounts_to_the_book(found: Situation) -> None:
    assessed = assess(found.snapshot, found.terms)
    arrays, at = assessed.arrays, assessed.measures
    for number in range(len(found.accounts)):
        rows = slice(arrays.held.start[number], arrays.held.start[number + 1])
        assert at.maintenance[number] == pytest.approx(at.row_maintenance[rows].sum(), rel=CLOSE)
        assert at.row_maintenance[rows].sum() == pytest.approx(
            sum(requirement(at.lines, row, arrays.held.price[row]) for row in range(rows.start, rows.stop)),
            rel=CLOSE,
        )
    total = assessed.assessment.book.summary
    assert total.equity == pytest.approx(at.equity.sum(), rel=CLOSE, abs=1e-9 * np.abs(at.equity).sum())
    assert total.maintenance_margin == pytest.approx(at.maintenance.sum(), rel=CLOSE)


summaries = st.builds(
    MarginSummary,
    equity=st.integers(-(10**9), 10**9).map(float),
    initial_margin=st.integers(0, 10**9).map(float),
    maintenance_margin=st.integers(0, 10**9).map(float),
)
"""Whole dollars add without rounding, so that the law is exact."""


@given(summaries, summaries, summaries)
def test_summaries_add_in_any_order_and_zero_adds_nothing(
    one: MarginSummary, two: MarginSummary, three: MarginSummary
) -> None:
    assert (one + two) + three == one + (two + three)
    assert one + two == two + one
    assert one + ZERO == one == ZERO + one


@given(summaries)
def test_a_margin_ratio_of_one_is_where_liquidation_begins(one: MarginSummary) -> None:
    assume(one.maintenance_margin > 0)
    assert (one.margin_ratio > 1) == (one.equity < one.maintenance_margin)
