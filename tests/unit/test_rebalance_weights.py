"""Weights inside a sleeve: what skfolio gives, what it is worth out of sample, and what a book is asked to hold."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perpbook.allocation.evidence import tracks_of
from perpbook.allocation.weights import Scheme, fitted_weights, held_weights, walked_forward
from perpbook.errors import InputError
from perpbook.model.market import Snapshot
from perpbook.model.units import HOUR_NS, from_iso
from perpbook.runs.data import Recipe, run_generate
from perpbook.runs.rebalance import run_rebalance
from perpbook.runs.rebalance_weights import WeightsAsked, groups_of, sleeve_asked, weigh
from perpbook.tails.bootstrap import Resampling
from perpbook.tails.shortfall import historical_shortfall
from tests.unit.rebalance_books import ASKED, SLEEVES, TERMS, checked, two_sleeves
from tests.unit.sizing_books import account, snapshot

ONE_SLEEVE = """
schema_version = 1
[[capital.sleeves]]
name = "directional"
symbols = ["*"]
[rebalance]
drift = 0.01
"""

RETURNS = np.random.default_rng(7).standard_t(4, (800, 3)) * np.array([0.01, 0.02, 0.04])


def book() -> Snapshot:
    return snapshot(
        account("hl", "hyperliquid", 60_000, ("BTC", -0.1), ("SOL", 60.0)),
        account("bn", "binance", 90_000, ("BTCUSDT", 1.0), ("ETHUSDT", -20.0)),
    )


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    start = from_iso("2024-01-01")
    recipe = Recipe(assets=3, venues=("binance", "hyperliquid"), start_ns=start, days=60.0, bar_ns=HOUR_NS, seed=3)
    run_generate(folder, recipe, now_ns=start)
    return folder


def shortfall(weights: np.ndarray) -> float:
    return historical_shortfall(-(RETURNS @ weights), 0.05)[1]


def test_weights_add_up_to_one_and_none_is_negative() -> None:
    for scheme in Scheme:
        weights = fitted_weights(scheme, RETURNS, 0.05)
        assert weights.sum() == pytest.approx(1.0) and (weights >= 0.0).all()
    assert fitted_weights(Scheme.EQUAL, RETURNS, 0.05) == pytest.approx([1 / 3] * 3)


def test_parity_gives_every_position_the_same_risk() -> None:
    weights = fitted_weights(Scheme.RISK_PARITY, RETURNS, 0.05)
    parts = weights * (np.cov(RETURNS.T) @ weights)
    assert parts / parts.sum() == pytest.approx([1 / 3] * 3, abs=2e-3)
    weights = fitted_weights(Scheme.CVAR_PARITY, RETURNS, 0.05)
    worst = np.argsort(RETURNS @ weights)[:40]
    parts = -weights * RETURNS[worst].mean(axis=0)
    assert parts / parts.sum() == pytest.approx([1 / 3] * 3, abs=0.03)


def test_the_least_shortfall_is_no_more_than_any_other_weights_have() -> None:
    least = shortfall(fitted_weights(Scheme.CVAR, RETURNS, 0.05))
    draws = np.random.default_rng(1).dirichlet([1.0, 1.0, 1.0], 2_000)
    assert least <= min(shortfall(one) for one in draws) + 1e-6


def test_out_of_sample_knows_nothing_of_its_own_rows() -> None:
    past = walked_forward(Scheme.CVAR, RETURNS, 0.05, train=400, test=100)
    changed = RETURNS.copy()
    changed[700:] *= 3.0
    assert walked_forward(Scheme.CVAR, changed, 0.05, train=400, test=100)[:300] == pytest.approx(past[:300])
    first = fitted_weights(Scheme.CVAR, RETURNS[:400], 0.05)
    assert past[:100] == pytest.approx(RETURNS[400:500] @ first, abs=1e-7)


def test_differences_are_of_the_same_draws() -> None:
    earned = {"cvar": RETURNS[:, 0], "held": RETURNS[:, 0] * 2.0}
    rng = np.random.default_rng(3)
    chosen, held = tracks_of("cvar", earned, 0.05, HOUR_NS, Resampling(mean_block=24.0), rng)
    assert chosen.less is None and held.less is not None and held.less.value == pytest.approx(chosen.shortfall.value)
    assert held.less.low == pytest.approx(chosen.shortfall.low) and held.volatility == pytest.approx(
        2 * chosen.volatility
    )


def test_an_asset_is_weighed_by_its_net_and_its_positions_keep_their_proportion(lake: Path) -> None:
    before = checked(book(), ONE_SLEEVE)
    wishes, evidence = weigh(before, TERMS, WeightsAsked(scheme="equal", lake=lake))
    values = before.decision.state.positions.value
    *single, whole = wishes
    shares = np.array([one.share for one in sorted(single, key=lambda one: one.positions)])
    wanted = np.sign(values) * shares * before.assessment.book.equity
    assert whole.positions == tuple(one.positions[0] for one in single) and whole.share == pytest.approx(shares.sum())
    assert wanted[0] / values[0] == pytest.approx(wanted[2] / values[2])
    nets = np.array([wanted[0] + wanted[2], wanted[1], -wanted[3]])
    assert nets == pytest.approx([np.abs(nets).mean()] * 3)
    assert np.abs(nets).sum() == pytest.approx(abs(values[0] + values[2]) + abs(values[1]) + abs(values[3]))
    assert evidence.simulated and [one.name for one in evidence.tracks] == ["equal", "held"]


def test_a_pair_is_left_alone_and_one_asset_is_no_matter_of_weights() -> None:
    pair = snapshot(
        account("hl", "hyperliquid", 60_000, ("BTC", -1.0), ("SOL", 60.0)),
        account("bn", "binance", 90_000, ("BTCUSDT", 1.0), ("ETHUSDT", -20.0)),
    )
    groups, notes = groups_of(checked(pair, ONE_SLEEVE), "directional")
    assert {one.asset for one in groups} == {"SOL", "ETH"} and notes[0].startswith("BTC is a pair")
    with pytest.raises(InputError, match="weights are a matter of two at least"):
        groups_of(checked(two_sleeves(9_000, ("BTC", 0.1)), ONE_SLEEVE), "directional")


def test_which_sleeve_is_weighed() -> None:
    assert sleeve_asked(checked(book(), ONE_SLEEVE), None) == "directional"
    with pytest.raises(InputError, match="name it with --sleeve: majors, others, reserve"):
        sleeve_asked(checked(book(), SLEEVES), None)


def test_a_book_is_brought_to_its_weights(lake: Path, tmp_path: Path) -> None:
    from perpbook.snapshot import dump_snapshot

    (tmp_path / "book.toml").write_text(dump_snapshot(book()))
    (tmp_path / "playbook.toml").write_text(ONE_SLEEVE)
    asked = replace(
        ASKED,
        book=tmp_path / "book.toml",
        playbook=tmp_path / "playbook.toml",
        weights=WeightsAsked(scheme="risk-parity", lake=lake),
    )
    found = run_rebalance(asked, now_ns=None, terms_folders=())
    assert found.plan.reached and found.after is not None and found.evidence is not None
    *weights, size = found.plan.weights
    assert all(one.missing == 0.0 and abs(one.after - one.wanted) <= 0.02 for one in weights)
    assert size.missing == 0.0 and size.after == pytest.approx(size.wanted, abs=0.01)


def test_without_skfolio_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skfolio", None)
    with pytest.raises(InputError, match=r"pip install 'perpbook\[allocation\]'"):
        fitted_weights(Scheme.CVAR, RETURNS, 0.05)


def test_held_weights_are_sizes() -> None:
    assert held_weights([-30.0, 10.0]) == pytest.approx([0.75, 0.25])
