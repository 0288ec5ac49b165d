"""Laws every plan keeps, over seeded books: hedges across accounts, an inverse account, whole-position tiers, depth."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.model.contract import in_lots
from perpbook.runs.check import CheckResult
from perpbook.sizing.cheapest import cheapest_sizes
from perpbook.sizing.limits import worst_shortfall
from perpbook.sizing.plan import is_mendable
from perpbook.terms.find import find_contract
from tests.unit.sizing_books import Laid, all_terms, checked, findings_at, laid_out, seeded_book

TERMS = all_terms()
SEEDS = st.integers(0, 5_000)
FEW = settings(max_examples=12, deadline=None)
BOOKS = st.integers(0, FEW.max_examples - 1)
"""Seeds of books that several laws are asked of, all of each, which are checked once."""


@cache
def result_of(seed: int) -> CheckResult:
    return checked(seeded_book(seed), terms=TERMS)


@FEW
@given(seed=BOOKS)
def test_the_cheapest_plan_costs_no_more_than_the_uniform_one_and_both_pass_the_check_again(seed: int) -> None:
    result = result_of(seed)
    plans = {plan.method: plan for plan in result.verdict.plans}
    if not any(is_mendable(finding) for finding in result.verdict.findings):
        assert not plans
        return
    assert plans["cheapest"].cost <= plans["uniform"].cost * (1 + 1e-9)
    for plan in plans.values():
        assert plan.restores
        left = {(trim.account, trim.symbol): trim.quantity_after for trim in plan.trims}
        assert not [one for one in findings_at(result, TERMS, left) if is_mendable(one)]


@FEW
@given(seed=BOOKS)
def test_a_trim_only_reduces_leaves_whole_lots_and_says_why(seed: int) -> None:
    result = result_of(seed)
    broken = {finding.rule for finding in result.verdict.findings if is_mendable(finding)}
    for plan in result.verdict.plans:
        for trim in plan.trims:
            venue = next(one.venue for one in result.snapshot.book.accounts if one.id == trim.account)
            lot = find_contract(TERMS[venue], trim.symbol).contract.lot_size
            assert Decimal(repr(trim.quantity_after)) % Decimal(repr(lot)) == 0
            assert 0.0 <= trim.quantity_after / trim.quantity_before < 1.0
            assert trim.rules and len(set(trim.rules)) == len(trim.rules)
            assert plan.method == "cheapest" or set(trim.rules) <= broken


@FEW
@given(seed=BOOKS)
def test_whole_lots_cost_little_more_than_the_optimum(seed: int) -> None:
    result = result_of(seed)
    case = laid_out(result)
    best = cheapest_sizes(case.limits, case.laid, case.costs)
    assert best is not None
    for plan in result.verdict.plans:
        if plan.method == "cheapest":
            assert best.cost * (1 - 1e-6) - 1e-3 <= plan.cost <= 1.02 * best.cost + 1.0


def solved(case: Laid, account: int, dollars: float) -> float:
    """The cost of the cheapest sizes with so many dollars more in an account."""
    laid = replace(case.laid, base=case.laid.base + dollars * (case.laid.account == account))
    linear = tuple(
        replace(one, bound=one.bound + dollars * one.per_dollar) if one.account in (account, -1) else one
        for one in case.limits.linear
    )
    found = cheapest_sizes(replace(case.limits, linear=linear), laid, case.costs)
    assert found is not None
    return found.cost


@settings(max_examples=8, deadline=None)
@given(seed=BOOKS)
def test_the_price_of_a_limit_is_what_a_dollar_of_collateral_saves(seed: int) -> None:
    case = laid_out(result_of(seed))
    case = replace(case, limits=replace(case.limits, steps=()))
    here = cheapest_sizes(case.limits, case.laid, case.costs)
    assert here is not None
    for account in range(len(case.limits.account_names)):
        price = sum(one.per_dollar for one in here.prices if one.account in (account, -1))
        more, less = here.cost - solved(case, account, 1.0), solved(case, account, -1.0) - here.cost
        assert more - 1e-6 <= price <= less + 1e-6


@FEW
@given(seed=BOOKS)
def test_tiers_never_make_a_plan_dearer_and_are_kept_as_they_are(seed: int) -> None:
    case = laid_out(result_of(seed))
    found = cheapest_sizes(case.limits, case.laid, case.costs)
    envelope = cheapest_sizes(replace(case.limits, steps=()), case.laid, case.costs)
    assert found is not None and envelope is not None
    assert found.cost <= envelope.cost * (1 + 1e-9)
    below = np.where(found.scale < 1.0, found.scale * (1 - 1e-12), found.scale)
    assert worst_shortfall(case.limits, case.laid, below) <= 1e-3


@FEW
@given(seed=SEEDS, drained=st.integers(0, 3), share=st.floats(-1.5, 0.2))
def test_a_book_short_of_money_gets_an_honest_answer_never_an_exception(seed: int, drained: int, share: float) -> None:
    book = seeded_book(seed)
    accounts = list(book.book.accounts)
    poor = accounts[drained]
    money = tuple(replace(balance, amount=balance.amount * share) for balance in poor.collateral)
    accounts[drained] = replace(poor, collateral=money)
    result = checked(replace(book, book=replace(book.book, accounts=tuple(accounts))), terms=TERMS)
    for plan in result.verdict.plans:
        left = {(trim.account, trim.symbol): trim.quantity_after for trim in plan.trims}
        still = [one for one in findings_at(result, TERMS, left) if is_mendable(one)]
        assert plan.restores == (not still)
        assert {one.rule for one in still} <= set(plan.remaining)


@given(count=st.integers(0, 10**7), lot=st.sampled_from([1e-5, 1e-4, 0.001, 0.01, 0.1, 1.0, 10.0]))
def test_lots_are_exact_decimals(count: int, lot: float) -> None:
    assert Decimal(repr(in_lots(count, lot))) == Decimal(repr(lot)) * count


def test_the_books_of_these_laws_have_something_to_mend() -> None:
    assert sum(bool(result_of(seed).verdict.plans) for seed in range(10)) >= 8
