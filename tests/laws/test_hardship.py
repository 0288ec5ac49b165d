"""Survival with more than moves: funding that turned, books that thinned; and what must be known for either to hold."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.examples.catalogue import book_file
from perpbook.guard.watch_range import Look, unproven_rules
from perpbook.kernels.scale import surplus_at_scale
from perpbook.margin.arrays import book_arrays
from perpbook.margin.tolls import Hardship, account_tolls, tolled, tolls_of
from perpbook.model.market import Snapshot
from perpbook.model.units import HOUR_NS
from perpbook.model.verdict import Finding, Status
from perpbook.playbook.hardship_judge import FLIP, THIN
from perpbook.playbook.load import parse_playbook
from perpbook.playbook.timed import hardship_notes
from perpbook.runs.check import CheckResult, check_snapshot, load_all_terms
from perpbook.snapshot import load_snapshot
from perpbook.terms.terms import VenueTerms
from tests.laws.strategies import Situation, between, situations

ORDER = (Status.OK, Status.NEAR, Status.BREACH)


@cache
def hedged() -> tuple[Snapshot, dict[str, VenueTerms]]:
    snapshot = load_snapshot(book_file("hedged"))
    return snapshot, load_all_terms(snapshot)


def with_rates(rate: float | None, money: float = 1.0) -> Snapshot:
    """The hedged example, every rate an interval `rate`, with so many times its collateral."""
    snapshot, _ = hedged()
    quotes = {key: replace(one, funding_rate=rate) for key, one in snapshot.market.quotes.items()}
    accounts = tuple(
        replace(one, collateral=tuple(replace(coin, amount=coin.amount * money) for coin in one.collateral))
        for one in snapshot.book.accounts
    )
    book, market = replace(snapshot.book, accounts=accounts), replace(snapshot.market, quotes=quotes)
    return replace(snapshot, book=book, market=market)


def checked(snapshot: Snapshot, survival: str, *, with_plans: bool = False) -> CheckResult:
    playbook = parse_playbook(f"schema_version = 1\n[survival]\nmoves = [0.1]\n{survival}", "hard.toml")
    return check_snapshot(snapshot, playbook, hedged()[1], with_plans=with_plans)


def of(result: CheckResult, rule: str) -> dict[str, Finding]:
    return {one.subject: one for one in result.verdict.findings if one.rule == rule}


@given(st.floats(0.0, 0.99), st.floats(0.0, 0.99), between(0.8, 4.0))
def test_a_thinner_book_never_makes_an_account_safer(one: float, other: float, money: float) -> None:
    less, more = sorted((one, other))
    found = [checked(with_rates(0.0, money), f"depth_loss = {loss}") for loss in (less, more)]
    for who, before in of(found[0], THIN).items():
        after = of(found[1], THIN)[who]
        assert after.measured >= before.measured * (1.0 - 1e-12)
        assert ORDER.index(after.status) >= ORDER.index(before.status)
    scales = [one.decision.state.accounts.safe_scale for one in found]
    assert (scales[1] <= scales[0] * (1.0 + 1e-12)).all()


@given(st.floats(-0.004, 0.004), st.integers(1, 90), between(0.8, 4.0))
def test_turned_funding_never_makes_an_account_safer_and_its_sign_does_not_count(
    rate: float, days: int, money: float
) -> None:
    plain = checked(with_rates(rate, money), "")
    hard, mirror = (
        checked(with_rates(one, money), f'funding_flip = true\nhorizon = "{days}d"') for one in (rate, -rate)
    )
    worst: dict[str, float] = {}
    for one in plain.verdict.findings:
        who = one.subject.split(": ")[-1]
        worst[who] = max(worst.get(who, 0.0), one.measured)
    for who, one in of(hard, FLIP).items():
        assert one.measured >= worst[who] * (1.0 - 1e-12)
        assert one.measured == of(mirror, FLIP)[who].measured
    assert (hard.decision.state.accounts.safe_scale <= plain.decision.state.accounts.safe_scale * (1.0 + 1e-12)).all()


def test_the_flip_takes_the_rate_in_force_on_the_notional_for_the_horizon() -> None:
    found = checked(with_rates(-0.0005, 3.0), 'funding_flip = true\nhorizon = "24h"\nbuffer = 0.2')
    assessed, state = found.assessed, found.decision.state
    for number, account in enumerate(assessed.arrays.accounts):
        own = state.positions.account == number
        settled = 24 * HOUR_NS / assessed.arrays.terms[number].funding.interval_ns
        paid = float(state.positions.notional[own].sum()) * 0.0005 * settled
        worst = max(1.2 * state.stress_maintenance[number] / (state.stress_equity[number] - paid))
        assert of(found, FLIP)[account.id].measured == pytest.approx(worst, rel=1e-12)


@given(situations(), st.floats(0.0, 0.99), between(0.0, 1.0), st.data())
def test_at_any_scale_a_hardship_takes_its_share_and_no_more(
    found: Situation, loss: float, scale: float, data: st.DataObject
) -> None:
    arrays = book_arrays(found.snapshot.book, found.snapshot.market, found.terms)
    rates = [data.draw(st.floats(-2.0, 2.0)) for _ in arrays.positions()]
    tolls = tolls_of(arrays, Hardship(funding_ns=HOUR_NS, depth_loss=loss, yearly=rates))
    held, taken = tolled(arrays, tolls), account_tolls(arrays, tolls)
    assert (tolls.funding >= 0.0).all() and (tolls.closing >= 0.0).all()
    for a in range(taken.size):
        free = surplus_at_scale(arrays.held, a, arrays.prices, 0.0, scale)[0]
        hard = surplus_at_scale(held, a, arrays.prices, 0.0, scale)[0]
        size = np.abs(arrays.held.delta * arrays.held.price).sum() + abs(arrays.held.cash[a]) + 1.0
        assert hard == pytest.approx(free - scale * taken[a], abs=1e-9 * size)


def test_a_plan_restores_survival_with_hardship_and_the_money_wanted_would_too() -> None:
    asked = 'funding_flip = true\nhorizon = "7d"\ndepth_loss = 0.9'
    found = checked(with_rates(0.0005), asked, with_plans=True)
    plan = found.verdict.plans[0]
    assert plan.restores and {rule for trim in plan.trims for rule in trim.rules} == {THIN}
    assert not checked(with_rates(0.0005), "", with_plans=True).verdict.plans
    wanted = {one.account: one.dollars for one in found.verdict.money_wanted}
    snapshot = with_rates(0.0005)
    accounts = tuple(
        replace(one, collateral=(replace(one.collateral[0], amount=one.collateral[0].amount + wanted[one.id] + 0.01),))
        for one in snapshot.book.accounts
    )
    mended = checked(replace(snapshot, book=replace(snapshot.book, accounts=accounts)), asked)
    assert {one.status for one in of(mended, THIN).values()} == {Status.NEAR}


@pytest.mark.parametrize(("rule", "survival"), [(FLIP, "funding_flip = true"), (THIN, "depth_loss = 0.5")])
def test_what_is_not_known_is_never_inside(rule: str, survival: str) -> None:
    snapshot = with_rates(None, 50.0)
    quotes = {key: replace(one, depth=None) for key, one in snapshot.market.quotes.items()}
    known = of(checked(with_rates(0.0001, 50.0), survival), rule)
    blind = of(checked(replace(snapshot, market=replace(snapshot.market, quotes=quotes)), survival), rule)
    assert {one.status for one in known.values()} == {Status.OK}
    assert {one.status for one in blind.values()} == {Status.NEAR}
    assert all("unknown" in one.sentence and one.hint for one in blind.values())


def test_a_book_that_ends_before_the_position_does_is_not_known_to_be_enough() -> None:
    found = {loss: of(checked(with_rates(0.0, 50.0), f"depth_loss = {loss}"), THIN) for loss in (0.0, 0.989)}
    assert {one.status for one in found[0.0].values()} == {Status.OK}
    assert any("ends too soon" in one.sentence and one.status is Status.NEAR for one in found[0.989].values())


def test_without_the_keys_nothing_is_asked() -> None:
    found = checked(with_rates(0.0005), "funding_flip = false")
    assert found.assessed.tolls is None and not of(found, FLIP) and not of(found, THIN)


def test_a_run_says_that_it_does_not_judge_them() -> None:
    playbook = parse_playbook(
        "schema_version = 1\n[survival]\nfunding_flip = true\n[liquidity]\nspread_alert = 0.1", "run.toml"
    )
    (note,) = hardship_notes(playbook)
    assert "survival.funding_flip and liquidity.spread_alert" in note
    assert hardship_notes(None) == hardship_notes(parse_playbook("schema_version = 1\n[survival]\n", "run.toml")) == ()


def test_the_guard_looks_again_for_what_prices_alone_do_not_settle() -> None:
    found = checked(with_rates(0.0001, 3.0), "funding_flip = true\ndepth_loss = 0.1")
    playbook = parse_playbook("schema_version = 1\n[survival]\n", "look.toml")
    look = Look(assessed=found.assessed, decision=found.decision, playbook=playbook, now_ns=0)
    assert set(unproven_rules(look)) >= {FLIP, THIN}
