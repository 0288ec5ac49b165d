"""Laws of the redundancy audit: failures never help, reserves never hurt, and what is proposed is audited."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.model.account import Account, Balance, Position
from perpbook.model.book import Access, Book, LayerBalance
from perpbook.model.market import Market, Quote, Snapshot
from perpbook.scenario.passage import first_passage
from perpbook.terms.load import load_terms
from perpbook.treasury.audit import LATE, Audit, Limits, audit, singles_of
from perpbook.treasury.audit_view import View, reaches
from perpbook.treasury.barrier import YEAR_SECONDS
from perpbook.treasury.changes import Move, Reduce
from perpbook.treasury.endurance import MOMENTS, Sigmas, spread_of
from perpbook.treasury.facts_load import packaged_facts
from perpbook.treasury.failures import Kind
from perpbook.treasury.outages import past_stops
from perpbook.treasury.repair import Case, repaired
from perpbook.treasury.ways import Chance, Traffic

FACTS = packaged_facts()
TERMS = {name: load_terms(name) for name in ("hyperliquid", "binance")}
LIMITS = Limits(late=0.01, naked=0.5, move=0.15, lasting=40_000.0, fall=0.1)
THIN = replace(LIMITS, late=0.005, naked=9.0)


def scores(name: str) -> np.ndarray:
    return np.random.default_rng(sum(name.encode())).standard_normal(60)


def pair(long: float, short: float, quantity: float, layers: dict[str, float]) -> Snapshot:
    """Long on Hyperliquid, short on Binance, with some USDC on layers."""
    accounts = (
        Account(id="long", venue="hyperliquid", collateral=(Balance(asset="USDC", amount=long),),
                positions=(Position(symbol="BTC", quantity=quantity, entry_price=90_000.0),)),
        Account(id="short", venue="binance", collateral=(Balance(asset="USDT", amount=short),),
                positions=(Position(symbol="BTCUSDT", quantity=-quantity, entry_price=90_000.0),)),
    )  # fmt: skip
    held = tuple(LayerBalance(layer=one, balance=Balance(asset="USDC", amount=much)) for one, much in layers.items())
    quotes = {
        (venue, symbol): Quote(venue=venue, symbol=symbol, mark_price=90_000.0)
        for venue, symbol in (("hyperliquid", "BTC"), ("binance", "BTCUSDT"))
    }
    prices = {"USDC": 1.0, "USDT": 1.0}
    market = Market(as_of_ns=0, source="made up", quotes=quotes, asset_prices=prices)
    return Snapshot(book=Book(as_of_ns=0, source="made up", accounts=accounts, layers=held), market=market)


def case(snapshot: Snapshot, limits: Limits = LIMITS, rails: frozenset[str] | None = None) -> Case:
    return Case(
        snapshot=snapshot, terms=TERMS, facts=FACTS, chance=Chance(scores=scores), sigmas=Sigmas(by_asset={"BTC": 0.8}),
        limits=limits, rails=rails,
    )  # fmt: skip


@st.composite
def pairs(draw: st.DrawFn) -> Snapshot:
    where = draw(st.lists(st.sampled_from(["arbitrum", "ethereum", "base", "solana"]), unique=True, max_size=2))
    return pair(
        draw(st.floats(15_000.0, 80_000.0)), draw(st.floats(15_000.0, 80_000.0)), draw(st.floats(1.0, 3.0)),
        {one: draw(st.floats(5_000.0, 60_000.0)) for one in where},
    )  # fmt: skip


def broken(found: Audit) -> set[tuple[str, str, str]]:
    return {(one.single.name, two.who, two.how) for one in found.findings for two in one.breaks}


def failures_never_help(snapshot: Snapshot) -> None:
    view, found = case(snapshot).audit()
    longer = replace(view, fronts={})
    for number, one in enumerate(found.findings):
        if one.single.kind is Kind.COIN_FALLS:
            continue
        later = reaches(longer, one.single, 2.0 * LIMITS.lasting) if number < 6 else one.reached
        for name, reach in one.reached.items():
            assert found.reached[name].late <= reach.late + 1e-12  # type: ignore[operator]
            assert reach.late <= later[name].late + 1e-12  # type: ignore[operator]


def reserves_never_hurt(snapshot: Snapshot, layer: str, dollars: float) -> None:
    more = LayerBalance(layer=layer, balance=Balance(asset="USDC", amount=dollars))
    richer = replace(snapshot, book=replace(snapshot.book, layers=(*snapshot.book.layers, more)))
    _, before = case(snapshot).audit()
    _, after = case(richer).audit()
    known = {one.single.name for one in before.findings}
    assert {one for one in broken(after) if one[0] in known} <= broken(before)
    assert len(after.breaks) <= len(before.breaks)


RESERVES = (st.sampled_from(["arbitrum", "ethereum", "base"]), st.floats(1_000.0, 100_000.0))


@settings(max_examples=2)
@given(pairs())
def test_a_failure_never_makes_a_rescue_gap_smaller_and_a_longer_one_never_less(snapshot: Snapshot) -> None:
    failures_never_help(snapshot)


@settings(max_examples=2)
@given(pairs(), *RESERVES)
def test_more_reserve_never_makes_n_minus_1_worse(snapshot: Snapshot, layer: str, dollars: float) -> None:
    reserves_never_hurt(snapshot, layer, dollars)


@pytest.mark.slow
@settings(max_examples=12)
@given(pairs(), *RESERVES)
def test_both_hold_for_many_books(snapshot: Snapshot, layer: str, dollars: float) -> None:
    failures_never_help(snapshot)
    reserves_never_hurt(snapshot, layer, dollars)


@settings(max_examples=2)
@given(pairs())
def test_only_ways_that_nothing_beats_are_kept_and_the_best_is_the_best_of_all(snapshot: Snapshot) -> None:
    view = case(snapshot).view()
    one = next(one for one in singles_of(view, 0.1) if one.name == "Ethereum")
    storm = Traffic(conditions=one.conditions(FACTS, LIMITS.lasting), chance=view.traffic.chance)
    for name, reach in reaches(view, one, LIMITS.lasting).items():
        every = [view.lives[name].late(storm.arrivals(way)) for way in view.ways[name]]
        known = [late for late in every if late is not None]
        assert reach.late == pytest.approx(min(known), abs=1e-12) if known else reach.way is None


@pytest.mark.parametrize(
    "long, short", [pytest.param(30_000.0, 25_000.0, marks=pytest.mark.slow), (60_000.0, 14_000.0)]
)
def test_what_is_proposed_makes_the_book_pass_or_is_called_not_enough(long: float, short: float) -> None:
    start = case(pair(long, short, 2.0, {"arbitrum": 20_000.0}), replace(LIMITS, late=0.001))
    view, found = start.audit()
    repair = repaired(start, view, found)
    after = start
    for change in repair.changes:
        after = after.after(change)
    again = after.audit()[1]
    assert found.safe is False and repair.changes
    assert repair.enough == (not again.breaks and not again.breaking)
    assert bool(repair.rest) != repair.enough


def test_an_account_that_loses_its_last_position_is_broken_no_more() -> None:
    start = case(pair(5.0, 5.0, 0.001, {}))
    repair = repaired(start, *start.audit())
    assert repair.enough and not repair.rest and all(isinstance(one, Reduce) for one in repair.changes)


def test_a_cent_less_would_not_be_enough() -> None:
    start = case(pair(25_000.0, 90_000.0, 3.4, {"arbitrum": 30_000.0}), THIN)
    view, found = start.audit()
    assert {two.how for one in found.breaking for two in one.breaks} == {LATE}
    [change] = repaired(start, view, found).changes
    assert isinstance(change, Move) and change.destination == "long"
    less = replace(change, dollars=0.99 * change.dollars)
    assert start.after(change).audit()[1].safe and not start.after(less).audit()[1].safe


def test_moves_keep_the_books_money_less_their_fee() -> None:
    start = case(pair(25_000.0, 90_000.0, 3.4, {"arbitrum": 30_000.0}), THIN)
    view, found = start.audit()
    [change] = repaired(start, view, found).changes
    book = start.after(change).snapshot.book
    held = [two.amount for one in book.accounts for two in one.collateral] + [one.balance.amount for one in book.layers]
    assert sum(held) == pytest.approx(145_000.0 - change.cost)
    assert min(held) >= 0.0


def test_an_empty_book_has_nothing_that_could_fail() -> None:
    empty = Snapshot(book=Book(as_of_ns=0, source="none"), market=Market(as_of_ns=0, source="none"))
    _, found = case(empty).audit()
    assert found.findings == () and found.safe is True and found.equity == 0.0


def test_a_second_rail_mends_what_one_rail_alone_would_break() -> None:
    snapshot = pair(25_000.0, 90_000.0, 1.0, {"arbitrum": 30_000.0})
    limits = replace(LIMITS, late=1e-6, lasting=7_200.0, naked=9.0)
    alone = case(snapshot, limits, rails=frozenset({"hyperliquid-bridge"}))
    both = replace(alone, rails=frozenset({"hyperliquid-bridge", "cctp-hyperliquid"}))
    late = [one.audit()[1] for one in (alone, both)]
    gaps = [
        next(two for two in one.findings if two.single.name == "hyperliquid-bridge").reached["long"].late
        for one in late
    ]
    assert gaps[0] is not None and gaps[1] is not None and gaps[1] < 0.5 * gaps[0]


def test_one_provider_alone_can_take_a_layer_away_and_two_on_two_clouds_cannot() -> None:
    snapshot = pair(25_000.0, 60_000.0, 1.0, {"arbitrum": 30_000.0})
    access = Access(layer="arbitrum", providers=("one", "two"), clouds=("aws", "aws"))
    told = replace(snapshot, book=replace(snapshot.book, access=(access,)))
    by = {one.single.name: one for one in case(told).audit()[1].findings}
    assert not by["provider one"].single.layers and not by["provider two"].single.layers
    assert "arbitrum" in by["cloud aws"].single.layers
    assert by["cloud aws"].stuck == 30_000.0 and by["provider one"].stuck == 0.0


def simulated(slopes: dict[str, float], correlation: float, surplus: float, seconds: float) -> float:
    """Paths of two prices in small steps with a bridge between them: the chance that the surplus reaches 0."""
    draws = np.random.default_rng(7).standard_normal((2, 4_000, 200))
    draws[1] = correlation * draws[0] + math.sqrt(1.0 - correlation**2) * draws[1]
    step = seconds / YEAR_SECONDS / 200
    moves = sum(slope * 0.8 * math.sqrt(step) * draws[k] for k, slope in enumerate(slopes.values()))
    path = surplus + np.concatenate([np.zeros((4_000, 1)), np.cumsum(moves, axis=1)], axis=1)
    spread = spread_of(slopes, Sigmas(by_asset={"*": 0.8}, correlation=correlation)) ** 2 * step
    inside = np.exp(-2.0 * np.maximum(path[:, :-1], 0.0) * np.maximum(path[:, 1:], 0.0) / spread)
    return float(1.0 - np.prod(1.0 - inside, axis=1).mean())


@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_an_account_of_several_prices_dies_as_often_as_its_paths_do(correlation: float) -> None:
    slopes, surplus, week = {"BTC": 100_000.0, "ETH": -60_000.0}, 14_000.0, float(MOMENTS[-1])
    spread = spread_of(slopes, Sigmas(by_asset={"*": 0.8}, correlation=correlation)) * math.sqrt(week / YEAR_SECONDS)
    exact = math.erfc(surplus / spread / math.sqrt(2.0))
    assert simulated(slopes, correlation, surplus, week) == pytest.approx(exact, abs=0.02)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5), st.floats(0.0, 1.0))
def test_without_a_correlation_the_worst_is_taken(slopes: list[float], correlation: float) -> None:
    named = {f"a{number}": slope for number, slope in enumerate(slopes)}
    told = spread_of(named, Sigmas(by_asset={"*": 0.7}, correlation=correlation))
    assert told <= spread_of(named, Sigmas(by_asset={"*": 0.7})) * (1.0 + 1e-12) + 1e-9


def test_an_account_of_one_price_dies_as_first_passage_says() -> None:
    view: View = case(pair(25_000.0, 60_000.0, 1.0, {})).view()
    life = view.lives["long"]
    barrier = 1.0 + float(view.standing.moves[0, 0])
    at = float(MOMENTS[-20])
    assert life.dies is not None
    assert life.dies[-20] == pytest.approx(first_passage(1.0, barrier, 0.0, 0.8, at / YEAR_SECONDS))


def test_half_of_all_halts_lasted_two_hours_and_nine_in_ten_eleven() -> None:
    stops = past_stops()
    assert len(stops.stops) == 17 and all(one.sources for one in stops.stops)
    assert stops.lasting(0.5) == 2 * 3_600.0
    assert stops.lasting(0.9) == pytest.approx(11 * 3_600.0, rel=0.02)


def test_every_failure_of_a_book_is_named_once_and_takes_something_known() -> None:
    view = case(pair(25_000.0, 60_000.0, 1.0, {"arbitrum": 30_000.0})).view()
    found = singles_of(view, 0.1)
    assert len({one.name for one in found}) == len(found)
    kinds = {one.kind for one in found}
    assert kinds >= {
        Kind.VENUE,
        Kind.LAYER,
        Kind.FAMILY,
        Kind.DOMAIN,
        Kind.CUSTODIAN,
        Kind.COIN_FALLS,
        Kind.COIN_FROZEN,
    }
    alone = audit(view, {}, LIMITS, [one for one in found if one.kind is Kind.CUSTODIAN])
    assert [one.single.name for one in alone.findings] == ["Binance withdrawals"]
