"""The hedge band: what it cuts, that every bar ticked gives the same, and that a leg whose hedge dies is cut with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks.drill import example as example_drill
from perpbook.engine.backtest import Journey
from perpbook.engine.drill import run_drill
from perpbook.engine.variants import figures_of, variant_figures
from perpbook.examples.catalogue import book_file
from perpbook.kernels.decide import decide
from perpbook.kernels.drill import RULES
from perpbook.kernels.memory import memory_of_one_look
from perpbook.kernels.state import HEDGE_BAND, Policy, State, empty_findings, no_proposals
from perpbook.kernels.sweep import policy_from
from perpbook.model.account import Balance
from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.book import Book
from perpbook.model.event import EventKind
from perpbook.model.units import HOUR_NS
from perpbook.model.verdict import Status
from perpbook.playbook.compile import compile_policy
from perpbook.playbook.load import parse_playbook
from perpbook.playbook.schema import Playbook
from perpbook.runs.check import check_snapshot
from perpbook.snapshot import load_snapshot
from perpbook.terms.load import load_terms
from tests.laws.test_funding_rules import START, account, fired, funded_journey
from tests.laws.test_time_rules import free_policy, idle_state
from tests.runs import laws
from tests.runs.futures import paths_are_backtests

ASSETS = 3


def banded(band: float, more: str = "") -> Playbook:
    return parse_playbook(f"schema_version = 1\n[hedge]\ndelta_band = {band}\n{more}", "banded")


def hedged_journey(seed: int) -> Journey:
    """Bitcoin held long, short and as a coin on three venues, under a narrow band."""
    draw = np.random.default_rng(1_000 + seed)
    cooldown = draw.choice([0, 120])
    text = f"[guardrails]\ncooldown_minutes = {cooldown}\nslack = {draw.choice([0.0, 0.05, 0.3])}\n"
    return replace(funded_journey(seed), playbook=banded(float(draw.uniform(0.02, 0.6)), text))


@pytest.mark.parametrize("seed", range(8))
def test_a_band_keeps_the_laws_of_the_tick(seed: int) -> None:
    laws.judge(hedged_journey(seed))


def test_the_band_acts_in_the_seeded_runs() -> None:
    cuts = [fired(laws.travel(hedged_journey(seed)))[HEDGE_BAND] for seed in range(8)]
    assert 0 < sum(count > 0 for count in cuts) < len(cuts)


# What it cuts


def leaning_state(values: list[float], coins: list[float]) -> State:
    """Six positions, two in each of three assets, and coins by asset; equity is 100,000."""
    state = idle_state()
    rows = state.positions
    rows.value, rows.exposure, rows.notional = values, 1.2 * np.array(values), np.abs(values)
    state.asset_notional[:] = np.bincount(rows.asset, rows.notional, ASSETS)
    state.asset_net[:] = np.bincount(rows.asset, rows.exposure, ASSETS) + np.array(coins)
    return state


def scales(state: State, policy: Policy) -> np.ndarray:
    findings, proposals = empty_findings(state, policy), no_proposals(state)
    with np.errstate(over="ignore"):
        decide(state, policy, memory_of_one_look(6, 0), findings, proposals)
    assert findings.rows[0] == np.count_nonzero((policy.hedge_band < np.inf) & (state.asset_notional > 0.0))
    return proposals.scale


DOLLARS = st.sampled_from([0.0, 5_000.0, -5_000.0]) | st.floats(-2e5, 2e5)


@example([1e-311, -5_000.0, 0.0, 0.0, 0.0, 0.0], [2e5, 0.0, 0.0], 0.01, 0.05)
@example([5e-324, 0.0, 0.0, 0.0, 0.0, 0.0], [5_000.0, 0.0, 0.0], 0.01, 0.0)
@given(
    st.lists(DOLLARS, min_size=6, max_size=6), st.lists(DOLLARS, min_size=3, max_size=3),
    st.floats(0.01, 2.0), st.sampled_from([0.0, 0.05, 0.3]),
)  # fmt: skip
def test_the_heavier_side_comes_back_into_the_band_the_largest_first(
    values: list[float], coins: list[float], band: float, slack: float
) -> None:
    state = leaning_state(values, coins)
    scale = scales(state, free_policy(hedge_band=np.full(ASSETS, band), slack=slack))
    for asset in range(ASSETS):
        own = np.flatnonzero(state.positions.asset == asset)
        net, size = float(state.asset_net[asset]), state.positions.exposure[own]
        left = net - float(((1.0 - scale[own]) * size).sum())
        heavier = size * net > 0.0
        assert (scale[own][~heavier] == 1.0).all()
        if abs(net) <= band * 1e5 or not heavier.any():
            assert (scale[own] == 1.0).all()
            continue
        aim = band * (1.0 - slack) * 1e5
        assert abs(left) == pytest.approx(aim, abs=1e-6) or (scale[own][heavier] == 0.0).all()
        first = own[np.argmax(np.where(heavier, np.abs(size), -1.0))]
        assert scale[first] < 1.0 and all(scale[first] == 0.0 for i in own if i != first and scale[i] < 1.0)


def test_only_named_assets_have_a_band() -> None:
    journey = funded_journey(0)
    for assets, bands in (("", [0.1]), ('assets = ["BTC"]', [0.1]), ('assets = ["ETH"]', [np.inf])):
        run = laws.travel(replace(journey, playbook=banded(0.1, assets)), until=1)
        names = run.ready.play.names
        assert names.assets == ("BTC",) and run.ready.play.mind.rules.policy.hedge_band.tolist() == bands


def test_a_sweep_varies_the_band() -> None:
    names = laws.travel(replace(funded_journey(0), playbook=banded(0.1)), until=1).ready.play.names
    figures = variant_figures(banded(0.1), names, (), {"hedge.delta_band": np.array([0.2, 0.7])})
    for row, band in zip(figures, (0.2, 0.7), strict=True):
        base = compile_policy(banded(0.1), names, ())
        assert np.array_equal(figures_of(policy_from(base, row)), figures_of(compile_policy(banded(band), names, ())))


def test_a_check_finds_what_leans_and_its_plan_trims_that_alone() -> None:
    snapshot = load_snapshot(book_file("hedged"))
    short = next(one for one in snapshot.book.accounts if one.id == "binance-short")
    less = replace(short, positions=(replace(short.positions[0], quantity=-2.0),))
    accounts = tuple(less if one is short else one for one in snapshot.book.accounts)
    uneven = replace(snapshot, book=replace(snapshot.book, accounts=accounts))
    terms = {one.venue: load_terms(one.venue) for one in accounts}
    found = check_snapshot(uneven, banded(0.1), terms)
    (leans,) = found.decision.findings
    equity = found.assessed.assessment.book.equity
    price = found.assessed.arrays.prices[0]
    assert leans.rule == "hedge.delta_band" and leans.subject == "BTC" and leans.status is Status.BREACH
    assert leans.measured == pytest.approx(price / equity, rel=1e-3)
    plan = found.verdict.plans[0]
    assert plan.restores and [one.account for one in plan.trims] == ["hl-long"]


# A leg whose hedge dies


def dying_hedge(playbook: Playbook) -> laws.Run:
    """Long 2 BTC on Hyperliquid, short 2 on Binance with little money, and a price that rises by a half in 50 hours."""
    price = np.tile(np.linspace(60_000.0, 90_000.0, 51), (2, 1))
    keys = (SeriesKey(venue="hyperliquid", symbol="BTC"), SeriesKey(venue="binance", symbol="BTCUSDT"))
    none = Settlements(times_ns=np.zeros(0, dtype=np.int64), rates=np.zeros(0), interval_ns=np.zeros(0, dtype=np.int64))
    opens, closes = price[:, :-1].copy(), price[:, 1:].copy()
    bars = Bars(
        bar_ns=HOUR_NS, open_ns=START + HOUR_NS * np.arange(50, dtype=np.int64), series=keys, open=opens,
        high=closes.copy(), low=opens.copy(), close=closes, stale=np.zeros(opens.shape, dtype=np.uint8),
        settlements=(none, none),
    )  # fmt: skip
    accounts = (
        account("hyperliquid", "BTC", 2.0, Balance(asset="USDC", amount=60_000.0)),
        account("binance", "BTCUSDT", -2.0, Balance(asset="USDT", amount=20_000.0)),
    )
    return laws.travel(
        Journey(
            book=Book(as_of_ns=START, source="dying", accounts=accounts),
            terms={key.venue: load_terms(key.venue) for key in keys}, bars=bars, playbook=playbook,
        )
    )  # fmt: skip


def test_a_leg_whose_hedge_is_liquidated_is_cut_back_into_the_band() -> None:
    held = {}
    for name, playbook in (("none", Playbook(schema_version=1)), ("banded", banded(0.1))):
        run = dying_hedge(playbook)
        assert any(event.kind is EventKind.BACKSTOP for event in run.outcome.events())
        held[name] = run.ready.body.holding.rows.quantity[run.ready.arrangement.positions]
        curve = run.outcome.curve[:, -1].sum()
        if name == "banded":
            assert 0.0 < held[name][0] * 90_000.0 <= 0.1 * curve
    assert held["none"].tolist() == [2.0, 0.0]


def test_an_imagined_future_is_the_backtest_of_it() -> None:
    drill = example_drill(3, steps=30)
    changed = replace(drill, journey=replace(drill.journey, playbook=banded(0.05), due=None))
    paths_are_backtests(changed, range(3))
    assert run_drill(changed, threads=1).figures[:, RULES].sum() > 0.0
