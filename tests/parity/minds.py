"""Seeded states, policies and memories: books that live through days of decisions, without prices behind them."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from perpbook.kernels.decide import decide
from perpbook.kernels.memory import Memory, empty_memory, forget, roll
from perpbook.kernels.state import (
    Findings,
    Policy,
    Proposals,
    State,
    empty_findings,
    empty_state,
    no_proposals,
)
from perpbook.model.units import from_iso

POSITIONS, ACCOUNTS, SCENARIOS, ASSETS, VENUES, LAYERS, SLEEVES, BRIDGES, STABLECOINS = 6, 3, 4, 3, 2, 2, 2, 2, 3
START = from_iso("2026-11-19T21:30:00Z")
MINUTE_NS = 60_000_000_000
NO_CAP = float("inf")


class Decided(NamedTuple):
    """One decision: what it saw, what it knew before, what it said, what it knows since."""

    state: State
    policy: Policy
    before: Memory
    findings: Findings
    proposals: Proposals
    after: Memory


def seeded_policy(seed: int) -> Policy:
    """Some caps of every kind; each is missing now and then."""
    draw = np.random.default_rng(50_000 + seed)

    def cap(low: float, high: float, size: int | None = None) -> Any:
        found = np.where(draw.random(size) < 0.3, NO_CAP, draw.uniform(low, high, size))
        return float(found) if size is None else found

    gains = np.sort(draw.uniform(0.02, 0.5, int(draw.integers(0, 4))))
    return Policy(
        near=0.8, buffer=0.1, position_loss=cap(0.02, 0.2), depth_share=cap(0.2, 2.0), account_gross=cap(1.0, 4.0),
        account_net=cap(0.5, 3.0), account_effective=cap(2.0, 8.0), book_gross=cap(1.0, 4.0), book_net=cap(0.5, 3.0),
        book_effective=cap(2.0, 8.0), asset_cap=cap(0.3, 2.0, ASSETS), venue_cap=cap(0.3, 0.9, VENUES),
        layer_cap=cap(0.3, 0.9, LAYERS), sleeve_min=draw.uniform(0.0, 0.3, SLEEVES), sleeve_max=cap(0.3, 0.9, SLEEVES),
        group=np.arange(SCENARIOS) % 2, groups=2, daily_drawdown=cap(0.0, 0.2), weekly_drawdown=cap(0.05, 0.3),
        drawdown_flattens=int(draw.integers(0, 2)), rearm_by_hand=int(draw.random() < 0.2), profit_gain=gains,
        profit_close=draw.uniform(0.0, 1.0, gains.size), funding_cap=cap(0.0, 0.02),
        funding_asset_cap=cap(0.0, 0.01, ASSETS), funding_venue_cap=cap(0.0, 0.01, VENUES), rebalance_drift=cap(0.0, 0.1),
        funding_projected=cap(0.0, 0.02), funding_expected=cap(0.0, 1.0), funding_skew=cap(0.0, 1.0),
        flip_after=int(draw.integers(0, 5)), funding_rotates=int(draw.integers(0, 3)),
        funding_payback=float(draw.uniform(0.0, 0.1)), hedge_band=cap(0.0, 0.5, ASSETS),
        rebalance_minimum=float(draw.choice([0.0, 5_000.0])), rebalance_cost_aware=int(draw.integers(0, 2)),
        slack=float(draw.choice([0.0, 0.05, 0.3])), cooldown_ns=int(draw.choice([0, 60, 600])) * MINUTE_NS,
        bridge_cap=cap(0.0, 0.2), stablecoin_cap=cap(0.2, 0.9), venue_leaves=float(draw.choice([0.0, 0.5])),
        layer_leaves=float(draw.choice([0.0, 0.5])), reserve=draw.choice([0.0, 5e4], LAYERS), gas=draw.choice([0.0, 0.5], LAYERS),
    )  # fmt: skip


def fill(state: State, draw: np.random.Generator, now_ns: int) -> None:
    """Any book: consistent where rules rely on it, otherwise at random."""
    equity = float(draw.choice([1e5, 1e5, 1e5, 50.0]) * draw.uniform(0.85, 1.1))
    rows = state.positions
    rows.account, rows.asset = np.arange(POSITIONS) % ACCOUNTS, np.arange(POSITIONS) % ASSETS
    rows.venue = rows.account % VENUES
    rows.isolated, rows.wanted = draw.integers(0, 2, POSITIONS), draw.integers(0, 3, POSITIONS)
    rows.value = draw.normal(0.0, 30_000.0, POSITIONS) * (draw.random(POSITIONS) < 0.9)
    rows.notional, rows.exposure = np.abs(rows.value), rows.value * draw.uniform(0.5, 1.5, POSITIONS)
    rows.gain = draw.normal(0.0, 0.3, POSITIONS)
    rows.loss = np.maximum(-rows.gain * rows.notional * 0.2, 0.0)
    rows.depth = np.where(draw.random(POSITIONS) < 0.3, np.nan, draw.uniform(1e4, 2e5, POSITIONS))
    rows.target = np.where(draw.random(POSITIONS) < 0.3, np.nan, draw.normal(0.0, 0.3, POSITIONS))
    rows.cost = draw.choice([0.0, 0.0001, 0.0005, 0.002, 0.1], POSITIONS)
    rows.funding = np.where(draw.random(POSITIONS) < 0.1, np.nan, draw.normal(50.0, 400.0, POSITIONS))
    for name, scale in (("ahead", 300.0), ("yearly", 0.5), ("expected", 0.3)):
        rows[name] = np.where(draw.random(POSITIONS) < 0.1, np.nan, draw.normal(0.1 * scale, scale, POSITIONS))
    rows.paid_in_row = draw.integers(0, 6, POSITIONS)
    state.accounts.equity = equity * draw.dirichlet(np.ones(ACCOUNTS))
    for name in ("safe_scale", "calm_scale", "book_calm_scale"):
        state.accounts[name] = np.where(draw.random(ACCOUNTS) < 0.8, 1.0, draw.random(ACCOUNTS))
    state.accounts.dead = draw.random(ACCOUNTS) < 0.1
    state.accounts.effective = draw.uniform(0.0, 9.0, ACCOUNTS)
    state.accounts.coins = draw.normal(0.0, 1e4, ACCOUNTS)
    state.book.equity, state.book.coins = equity, state.accounts.coins.sum()
    state.book.effective = draw.uniform(0.0, 9.0)
    state.book.now_ns, state.book.rebalance_due = now_ns, draw.random() < 0.3
    state.asset_notional[:] = np.bincount(rows.asset, rows.notional, ASSETS)
    state.asset_net[:] = np.bincount(rows.asset, rows.exposure, ASSETS) + draw.normal(0.0, 1e4, ASSETS)
    state.stress_equity[:] = draw.normal(1e4, 1e4, (ACCOUNTS, SCENARIOS))
    state.stress_maintenance[:] = draw.uniform(0.0, 1e4, (ACCOUNTS, SCENARIOS))
    state.venue_equity[:], state.layer_value[:] = draw.uniform(0, 1e5, VENUES), draw.uniform(0, 1e5, LAYERS)
    state.sleeve_capital[:] = draw.uniform(0, 1e5, SLEEVES)
    fill_money(state, draw)


def fill_money(state: State, draw: np.random.Generator) -> None:
    """What stands on layers, bridges and in coins; now and then nobody knows."""
    state.layer_free[:] = draw.uniform(0, 1e5, LAYERS)
    state.layer_gas[:] = np.where(draw.random(LAYERS) < 0.2, np.nan, draw.uniform(0.0, 1.0, LAYERS))
    state.bridge_value[:] = draw.uniform(0, 2e4, state.bridge_value.size)
    state.stablecoin_value[:] = draw.uniform(-1e3, 1e5, state.stablecoin_value.size)
    for left, where in ((state.venue_left, state.venue_left_in), (state.layer_left, state.layer_left_in)):
        left[:] = np.where(draw.random(left.size) < 0.2, np.nan, draw.uniform(-1e3, 1e5, left.size))
        where[:] = draw.integers(-1, SCENARIOS, left.size)


def lived_through(seed: int, steps: int = 40) -> Iterator[Decided]:
    """A few weeks of decisions under one policy: minutes apart, hours apart, days apart."""
    draw, policy, now_ns = np.random.default_rng(seed), seeded_policy(seed), START
    memory = empty_memory(POSITIONS)
    for _ in range(steps):
        now_ns += int(draw.choice([1, 1, 30, 240, 1_500])) * MINUTE_NS
        state = empty_state(POSITIONS, ACCOUNTS, SCENARIOS, (ASSETS, VENUES, LAYERS, SLEEVES), BRIDGES, STABLECOINS)
        fill(state, draw, now_ns)
        if draw.random() < 0.1:
            forget(memory, int(draw.integers(0, POSITIONS)))
        roll(memory, now_ns, float(state.book.equity[0]) * float(draw.uniform(0.97, 1.15)))
        before, findings, proposals = deepcopy(memory), empty_findings(state, policy), no_proposals(state)
        decide(state, policy, memory, findings, proposals)
        yield Decided(state, policy, before, findings, proposals, deepcopy(memory))


def by_field(name: str, array: Any) -> Iterator[tuple[str, Any]]:
    """An array as it is, or records one field at a time: NaN has no equal inside a record."""
    names = getattr(getattr(array, "dtype", None), "names", None)
    if names:
        yield from ((f"{name}.{field}", np.asarray(array[field])) for field in names)
    else:
        yield name, array


def of_time(seed: int) -> Iterator[tuple[str, Any]]:
    """Every array that a lived-through book's decisions wrote."""
    for number, one in enumerate(lived_through(seed)):
        for part in (one.findings, one.proposals, one.after):
            yield from (
                (f"{number}.Mind.{type(part).__name__}.{name}", array) for name, array in part._asdict().items()
            )
