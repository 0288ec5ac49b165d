"""Laws of a rebalance: it breaks nothing, loses its costs and no more, and comes into its bands or says by how much not."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from perpbook.allocation.problem import TOLERANCE, outcome, worst_miss
from perpbook.allocation.search import GAP, NEAR, Search, worth
from perpbook.runs.rebalance import Rebalance
from perpbook.runs.whatif import worse
from tests.unit.rebalance_books import ASKED, RULES, SLEEVES, coarse, laid, rebalanced, seeded, two_sleeves

QUICK = (3, 4)
SEEDS = [*QUICK, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 17) if seed not in QUICK)]


@pytest.fixture(scope="module", params=SEEDS)
def found(request: pytest.FixtureRequest) -> Rebalance:
    return rebalanced(seeded(request.param), SLEEVES + RULES)


def test_no_rule_that_held_is_broken_and_none_further(found: Rebalance) -> None:
    assert found.after is None or worse(found.before, found.after) == ()


def test_equity_after_is_equity_before_less_the_costs(found: Rebalance) -> None:
    plan = found.plan
    after = found.after.assessment.book.equity if found.after else found.before.assessment.book.equity
    assert plan.equity_after == pytest.approx(after, rel=1e-9)
    assert plan.equity_before - plan.cost + plan.revalued == pytest.approx(after, rel=1e-9)
    assert plan.trading == pytest.approx(sum(one.cost for one in plan.trades))
    assert plan.sending == pytest.approx(sum(one.fee + one.converting for one in plan.sends))


def test_bands_are_reached_or_the_shortfall_is_told(found: Rebalance) -> None:
    shares = {one.name: one.share for one in (found.after or found.before).verdict.sleeves}
    for sleeve in found.plan.sleeves:
        assert sleeve.after == pytest.approx(shares[sleeve.name], abs=1e-6)
        outside = max(sleeve.least - shares[sleeve.name], shares[sleeve.name] - sleeve.most)
        assert outside * found.plan.equity_after == pytest.approx(abs(sleeve.missing), abs=1.0) or outside <= 0.0
    assert found.plan.reached == all(abs(one.missing) < 1.0 for one in found.plan.sleeves)


def test_no_sleeve_is_further_from_its_band_than_before(found: Rebalance) -> None:
    for sleeve in found.plan.sleeves:
        before, after = (max(sleeve.least - at, at - sleeve.most, 0.0) for at in (sleeve.before, sleeve.after))
        assert after <= before + 1e-6


def test_what_was_rebalanced_is_inside_its_bands_and_stays() -> None:
    text = SLEEVES.replace("drift = 0.05", "drift = 0.08")
    book = two_sleeves(60_000, ("BTC", 0.5), ("SOL", 320.0), layer=20_000)
    first = rebalanced(book, SLEEVES)
    assert first.plan.reached and not first.plan.idle and first.after is not None
    again = rebalanced(first.after.snapshot, text)
    assert again.plan.idle and again.plan.reached and again.plan.cost == 0.0


def test_a_book_ten_times_as_large_is_rebalanced_ten_times_as_much() -> None:
    terms, still = coarse({"BTC": 0.0, "SOL": 0.0}), replace(ASKED, transfers=False)
    small, large = (
        rebalanced(
            two_sleeves(3_000 * k, ("BTC", 0.03 * k), ("SOL", 40.0 * k), layer=1_000 * k), SLEEVES, terms, still
        ).plan
        for k in (1, 10)
    )
    assert small.trades and large.cost == pytest.approx(10 * small.cost, rel=1e-5)
    for one, other in zip(small.trades, large.trades, strict=True):
        assert other.quantity_after == pytest.approx(10 * one.quantity_after, rel=1e-5)


LOTS = {"BTC": 0.05, "ETH": 2.0, "SOL": 30.0}
CAPPED = SLEEVES + "[leverage.book]\ngross = 3.4\n[survival]\nmoves = [0.1]\n"


@pytest.mark.parametrize(
    ("money", "btc", "eth", "sol"), [(60_000, 0.5, 16, -480), (50_000, -0.4, 20, 300), (90_000, 0.6, 10, 720)]
)
def test_nothing_that_can_be_listed_is_cheaper(money: float, btc: float, eth: float, sol: float) -> None:
    problem = laid(
        two_sleeves(money, ("BTC", btc), ("ETH", eth), ("SOL", sol), layer=18_000),
        CAPPED,
        coarse(LOTS),
        replace(ASKED, transfers=False),
    )
    answer = Search(problem=problem).run()
    assert answer is not None and answer.proven
    grids = [
        [1.0 + lots * one.lot for lots in range(-round(1 / one.lot), round(1 / one.lot) + 1)] for one in problem.trades
    ]
    sent, best = np.zeros(len(problem.transfers)), np.inf
    for pick in itertools.product(*grids):
        scale = np.array(pick)
        tried = outcome(problem, scale, sent)
        if (told := worth(problem, tried)) >= best:
            continue
        missed = (np.abs(tried.missing) > np.abs(problem.missed) + TOLERANCE * problem.equity).any()
        if not missed and worst_miss(problem, scale, tried) <= TOLERANCE * problem.equity:
            best = told
    assert worth(problem, answer.outcome) <= best + max(GAP, NEAR * best)
    assert worth(problem, answer.outcome) >= best - GAP


def test_no_sum_sent_with_any_lots_is_cheaper() -> None:
    problem = laid(two_sleeves(70_000, ("BTC", 0.5), ("SOL", 480.0), layer=8_000), CAPPED, coarse(LOTS))
    answer = Search(problem=problem).run()
    assert answer is not None and answer.proven
    grids = [[1.0 + lots * one.lot for lots in range(-round(1 / one.lot), 1)] for one in problem.trades]
    ways = [np.eye(len(problem.transfers))[k] for k in range(len(problem.transfers))]
    for pick in itertools.product(*grids):
        for way, dollars in itertools.product(ways, np.linspace(0.0, 40_000.0, 17)):
            scale, sent = np.array(pick), way * dollars
            if (sent > [one.most for one in problem.transfers]).any():
                continue
            tried = outcome(problem, scale, sent)
            if worst_miss(problem, scale, tried) <= TOLERANCE * problem.equity:
                assert worth(problem, tried) >= worth(problem, answer.outcome) * (1 - NEAR) - GAP
