"""Rules that need time: pure given their memory, once a step, once a day, quiet after a cut, and never above survival."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.kernels.decide import decide
from perpbook.kernels.memory import (
    DAY_NS,
    FOREVER,
    Memory,
    empty_memory,
    forget,
    memory_of_one_look,
    next_day_ns,
    next_week_ns,
    roll,
)
from perpbook.kernels.rules.rebalance import NARROWEST, USUAL_COST, WIDEST, band
from perpbook.kernels.state import (
    DAILY_DRAWDOWN,
    FUNDING_ASSET,
    FUNDING_BOOK,
    FUNDING_VENUE,
    REBALANCE,
    SURVIVAL,
    TAKE_PROFIT,
    WEEKLY_DRAWDOWN,
    Findings,
    Policy,
    Proposals,
    State,
    empty_findings,
    empty_state,
    no_proposals,
)
from tests.laws.test_decide import RULES
from tests.parity.minds import MINUTE_NS, NO_CAP, START, Decided, by_field, fill, lived_through, seeded_policy

SEEDS = st.integers(0, 10_000)
MANY = settings().max_examples
LIVES = st.integers(0, MANY // 4 - 1)
"""A quarter as many lives as the profile tries examples: every law is asked of the same ones, which are lived through once."""
TIMED = {DAILY_DRAWDOWN, WEEKLY_DRAWDOWN, FUNDING_BOOK, FUNDING_ASSET, FUNDING_VENUE, TAKE_PROFIT, REBALANCE}


@cache
def life(seed: int) -> tuple[Decided, ...]:
    return tuple(lived_through(seed))


def told(findings: Findings) -> list[tuple[float, ...]]:
    """Every finding, without the room after them."""
    rows = int(findings.rows[0])
    return [tuple(float(column[row]) for column in findings[1:]) for row in range(rows)]


def decided(state: State, policy: Policy, memory: Memory) -> tuple[Findings, Proposals]:
    findings, proposals = empty_findings(state, policy), no_proposals(state)
    decide(state, policy, memory, findings, proposals)
    return findings, proposals


def same(ours: Any, theirs: Any) -> bool:
    ours, theirs = ([part for array in parts for part in by_field("", array)] for parts in (ours, theirs))
    return all(np.array_equal(one, other, equal_nan=True) for (_, one), (_, other) in zip(ours, theirs, strict=True))


def idle_state(now_ns: int = START, equity: float = 100_000.0) -> State:
    """Six empty positions in three accounts that nothing threatens."""
    state = empty_state(6, 3, 0, (3, 2, 2, 0))
    state.positions.account, state.positions.asset = np.arange(6) % 3, np.arange(6) % 3
    state.positions.venue = np.arange(6) % 3 % 2
    state.accounts.equity, state.book.equity, state.book.now_ns = equity / 3, equity, now_ns
    return state


def free_policy(**caps: Any) -> Policy:
    """No limit but those given."""
    none = {name: NO_CAP for name in Policy._fields}
    arrays = {
        "asset_cap": np.full(3, NO_CAP), "venue_cap": np.full(2, NO_CAP), "layer_cap": np.full(2, NO_CAP),
        "sleeve_min": np.zeros(0), "sleeve_max": np.zeros(0), "group": np.zeros(0, dtype=np.int64), "groups": 0,
        "profit_gain": np.zeros(0), "profit_close": np.zeros(0), "funding_asset_cap": np.full(3, NO_CAP),
        "funding_venue_cap": np.full(2, NO_CAP), "near": 0.8, "buffer": 0.0, "drawdown_flattens": 1,
        "rearm_by_hand": 0, "rebalance_minimum": 0.0, "rebalance_cost_aware": 0, "slack": 0.0, "cooldown_ns": 0,
        "hedge_band": np.full(3, NO_CAP), "flip_after": 0, "funding_rotates": 0, "funding_payback": 1.0,
        "venue_leaves": 0.0, "layer_leaves": 0.0, "reserve": np.zeros(2), "gas": np.zeros(2),
    }  # fmt: skip
    return Policy(**{**none, **arrays, **caps})


@given(LIVES)
def test_the_same_state_policy_and_memory_give_the_same(seed: int) -> None:
    for one in life(seed)[:12]:
        state, memory = deepcopy(one.state), deepcopy(one.before)
        findings, proposals = decided(state, one.policy, memory)
        assert same(findings, one.findings) and same(proposals, one.proposals)
        assert same(memory, one.after) and same(state, one.state)


@given(LIVES)
def test_rules_read_memory_and_never_write_it(seed: int) -> None:
    for one in life(seed)[:6]:
        findings, proposals, memory = (
            empty_findings(one.state, one.policy),
            no_proposals(one.state),
            deepcopy(one.before),
        )
        for rule in RULES:
            rule(one.state, one.policy, memory, findings, proposals)
            assert same(memory, one.before), rule


@given(LIVES)
def test_a_lower_rule_never_gives_back_what_a_higher_one_cut(seed: int) -> None:
    for one in life(seed)[:12]:
        findings, proposals = empty_findings(one.state, one.policy), no_proposals(one.state)
        for rule in RULES:
            before = proposals.scale.copy()
            rule(one.state, one.policy, one.before, findings, proposals)
            assert (proposals.scale <= before).all()
        assert (one.proposals.scale <= proposals.scale).all()


@given(SEEDS)
def test_there_is_room_for_every_finding(seed: int) -> None:
    policy = seeded_policy(seed)._replace(profit_gain=np.linspace(0.01, 0.1, 9), profit_close=np.full(9, 0.1))
    state = empty_state(6, 3, 4, (3, 2, 2, 2), 2, 3)
    fill(state, np.random.default_rng(seed), START)
    state.positions.gain, state.positions.funding, state.positions.wanted = 5.0, 10.0, 1
    memory = empty_memory(6)
    roll(memory, START, 1e6)
    findings, _ = decided(state, policy, memory)
    assert findings.rows[0] <= findings.code.size


# Days and weeks


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)))
def test_days_and_weeks_end_as_calendars_say(at: datetime) -> None:
    now_ns = int(at.replace(tzinfo=UTC).timestamp()) * 10**9
    midnight = datetime(at.year, at.month, at.day, tzinfo=UTC)
    assert next_day_ns(now_ns) == int((midnight + timedelta(days=1)).timestamp()) * 10**9
    assert next_week_ns(now_ns) == int((midnight + timedelta(days=7 - at.weekday())).timestamp()) * 10**9


@given(st.lists(st.tuples(st.integers(1, 3 * 24 * 60), st.floats(1.0, 1e9)), min_size=1, max_size=30))
def test_a_day_begins_with_its_first_equity_and_keeps_it(steps: list[tuple[int, float]]) -> None:
    memory, now_ns = empty_memory(1), START
    first: dict[int, float] = {}
    for minutes, equity in steps:
        now_ns += minutes * MINUTE_NS
        first.setdefault(now_ns // DAY_NS, equity)
        roll(memory, now_ns, equity)
        assert memory.day_start[0] == first[now_ns // DAY_NS]
        at = datetime.fromtimestamp(now_ns // 10**9, tz=UTC)
        days = range(now_ns // DAY_NS - at.weekday(), now_ns // DAY_NS + 1)
        assert memory.week_start[0] == next(first[day] for day in days if day in first)


# Drawdown


@given(LIVES)
def test_a_halt_lasts_until_it_is_rearmed_and_no_longer(seed: int) -> None:
    for one in life(seed):
        now_ns, until = int(one.state.book.now_ns[0]), int(one.after.halted_until_ns[0])
        assert until >= one.before.halted_until_ns[0]
        assert (one.proposals.no_new_risk[0] == 1) == (now_ns < until)
        if until != one.before.halted_until_ns[0]:
            broken = {code for code, _, _, measured, limit in told(one.findings) if measured > limit}
            assert broken & {DAILY_DRAWDOWN, WEEKLY_DRAWDOWN}
            ends: dict[float, int] = {DAILY_DRAWDOWN: next_day_ns(now_ns), WEEKLY_DRAWDOWN: next_week_ns(now_ns)}
            assert until == (FOREVER if one.policy.rearm_by_hand else max(ends[c] for c in broken if c in ends))
        if now_ns < until and one.policy.drawdown_flattens:
            assert (one.proposals.scale == 0.0).all()


@pytest.mark.parametrize(("flattens", "left"), [(1, 0.0), (0, 1.0)])
@pytest.mark.parametrize(("by_hand", "rearmed"), [(0, True), (1, False)])
def test_a_daily_drawdown_halts_to_the_next_day(flattens: int, left: float, by_hand: int, rearmed: bool) -> None:
    policy = free_policy(daily_drawdown=0.05, drawdown_flattens=flattens, rearm_by_hand=by_hand)
    memory = empty_memory(6)
    roll(memory, START, 100_000.0)
    assert decided(idle_state(equity=95_000.0), policy, memory)[1].no_new_risk[0] == 0
    for equity in (94_999.0, 99_000.0):  # a halt outlives the loss that caused it
        proposals = decided(idle_state(equity=equity), policy, memory)[1]
        assert proposals.no_new_risk[0] == 1 and (proposals.scale == left).all()
        assert set(proposals.reason.tolist()) == {DAILY_DRAWDOWN if flattens else 0}
    tomorrow = int(next_day_ns(START))
    roll(memory, tomorrow, 90_000.0)
    assert decided(idle_state(tomorrow, 90_000.0), policy, memory)[1].no_new_risk[0] == (0 if rearmed else 1)


def test_without_a_start_no_loss_is_measured() -> None:
    policy = free_policy(daily_drawdown=0.0, weekly_drawdown=0.0)
    findings, proposals = decided(idle_state(equity=1.0), policy, empty_memory(6))
    assert told(findings) == [] and proposals.no_new_risk[0] == 0


# Profit


LADDERS = st.lists(
    st.tuples(st.floats(0.01, 2.0), st.floats(0.0, 1.0)), min_size=1, max_size=4, unique_by=lambda s: s[0]
)


@given(LADDERS, st.lists(st.floats(-1.0, 3.0), min_size=1, max_size=8))
def test_every_step_is_taken_once_however_the_gain_came(ladder: list[tuple[float, float]], gains: list[float]) -> None:
    ladder.sort()
    policy = free_policy(
        profit_gain=np.array([gain for gain, _ in ladder]), profit_close=np.array([close for _, close in ladder])
    )
    memory, state, kept = empty_memory(6), idle_state(), 1.0
    state.positions.notional = state.positions.value = 1_000.0
    for gain in gains:
        state.positions.gain = gain
        findings, proposals = decided(state, policy, memory)
        kept *= proposals.scale[2]
        assert len(told(findings)) in (0, 6)
    reached = [close for gain, close in ladder if gain <= max(gains)]
    assert kept == pytest.approx(np.prod([1.0 - close for close in reached]), abs=1e-12)
    assert (memory.steps_taken == len(reached)).all()
    forget(memory, 2)
    assert memory.steps_taken.tolist() == [0 if i == 2 else len(reached) for i in range(6)]


def test_a_cooldown_holds_no_profit_back_and_loses_no_step() -> None:
    policy = free_policy(
        profit_gain=np.array([0.1]), profit_close=np.array([0.5]), depth_share=0.5, cooldown_ns=60 * MINUTE_NS
    )
    memory, state = empty_memory(6), idle_state()
    state.positions.notional = state.positions.value = 1_000.0
    state.positions.depth = 1_000.0
    assert (decided(state, policy, memory)[1].scale == 0.5).all()
    state.book.now_ns += MINUTE_NS
    state.positions.gain, state.positions.depth = 0.1, 100.0  # the depth rule would cut more, and rests
    findings, proposals = decided(state, policy, memory)
    assert (proposals.scale == 0.5).all() and (proposals.reason == TAKE_PROFIT).all()
    assert len(told(findings)) == 12
    assert (decided(state, policy, memory)[1].scale == 1.0).all()


# Funding


def test_what_paid_is_cut_to_what_the_cap_would_have_cost_once_a_day() -> None:
    policy = free_policy(funding_cap=0.001, slack=0.1, cooldown_ns=30 * MINUTE_NS)
    memory, state = empty_memory(6), idle_state()
    state.positions.notional = 1_000.0  # what holds nothing is neither cut nor left to rest
    state.positions.funding = np.array([150.0, 100.0, -50.0, np.nan, 0.0, 0.0])
    findings, proposals = decided(state, policy, memory)
    assert told(findings) == [(FUNDING_BOOK, 0, -1, 0.002, 0.001)]
    assert proposals.scale == pytest.approx([0.45, 0.45, 1.0, 1.0, 1.0, 1.0])
    for minutes in (1, 40, 100):  # the cooldown passes, the day does not
        state.book.now_ns = START + minutes * MINUTE_NS
        findings, proposals = decided(state, policy, memory)
        assert len(told(findings)) == 1 and (proposals.scale == 1.0).all()
    state.book.now_ns = next_day_ns(START) + MINUTE_NS
    assert (decided(state, policy, memory)[1].scale[:2] < 1.0).all()


def test_a_position_cut_for_its_funding_still_obeys_other_caps_that_day() -> None:
    policy = free_policy(funding_cap=0.001, depth_share=0.5, cooldown_ns=30 * MINUTE_NS)
    memory, state = empty_memory(6), idle_state()
    state.positions.funding[0] = 200.0
    assert decided(state, policy, memory)[1].scale[0] == 0.5
    state.book.now_ns += 31 * MINUTE_NS
    state.positions.notional, state.positions.depth = 1_000.0, 1_000.0
    assert decided(state, policy, memory)[1].scale[0] == 0.5


@given(LIVES)
def test_funding_cuts_a_position_at_most_once_a_day(seed: int) -> None:
    seen: set[tuple[int, int]] = set()
    for one in life(seed):
        for_funding = (one.proposals.reason >= FUNDING_BOOK) & (one.proposals.reason <= FUNDING_VENUE)
        for i in np.flatnonzero(for_funding & (one.state.positions.notional > 0.0)):
            assert one.state.positions.funding[i] > 0.0
            day = (int(i), int(one.state.book.now_ns[0]) // DAY_NS)
            assert day not in seen
            seen.add(day)


# Cooldown and slack


def is_lesser(one: Decided) -> Any:
    """Which positions were cut by a rule under survival that a cooldown holds back."""
    reason = one.proposals.reason
    return (one.proposals.scale < 1.0) & (reason > SURVIVAL) & (reason != TAKE_PROFIT)


@given(LIVES)
def test_a_position_rests_after_a_cut_and_is_measured_all_the_same(seed: int) -> None:
    for one in life(seed):
        now_ns, quiet = int(one.state.book.now_ns[0]), one.before.quiet_until_ns
        assert not (is_lesser(one) & (now_ns < quiet)).any()
        rested = deepcopy(one.before)
        rested.quiet_until_ns[:] = 0
        findings, proposals = decided(one.state, one.policy, rested)
        caps = [row for row in told(one.findings) if row[0] != REBALANCE]
        assert caps == [row for row in told(findings) if row[0] != REBALANCE]
        higher = (proposals.scale < 1.0) & (proposals.reason <= SURVIVAL)
        assert (one.proposals.scale[higher] == proposals.scale[higher]).all()
        held = one.state.positions.notional > 0.0
        expected = np.where(is_lesser(one) & held, now_ns + one.policy.cooldown_ns, quiet)
        assert (one.after.quiet_until_ns == expected).all()


def test_a_resting_position_keeps_what_survival_cut() -> None:
    policy = free_policy(depth_share=0.5, cooldown_ns=60 * MINUTE_NS)
    memory, state = empty_memory(6), idle_state()
    state.positions.notional, state.positions.depth = 1_000.0, 1_000.0
    decided(state, policy, memory)
    state.book.now_ns += MINUTE_NS
    state.accounts.safe_scale = 0.8
    proposals = decided(state, policy, memory)[1]
    assert (proposals.scale == 0.8).all() and (proposals.reason == SURVIVAL).all()


@given(LIVES, st.floats(0.0, 0.9))
def test_slack_cuts_so_much_more_and_changes_nothing_else(seed: int, slack: float) -> None:
    for one in life(seed)[:12]:
        policy = one.policy._replace(hedge_band=np.full(3, NO_CAP))  # whose slack is inside the band
        plain = decided(one.state, policy._replace(slack=0.0), deepcopy(one.before))[1]
        cut = decided(one.state, policy._replace(slack=slack), deepcopy(one.before))[1]
        slackened = (plain.scale < 1.0) & (plain.reason != TAKE_PROFIT)
        assert (cut.scale == np.where(slackened, plain.scale * (1.0 - slack), plain.scale)).all()
        assert (cut.reason == plain.reason).all()


# Rebalance


@given(LIVES)
def test_a_rebalance_trades_only_when_due_beyond_the_band_and_after_everybody_else(seed: int) -> None:
    for one in life(seed):
        rows, policy, equity = one.state.positions, one.policy, float(one.state.book.equity[0])
        traded = one.proposals.reason == REBALANCE
        moved = ~np.isnan(one.proposals.target) & ~traded
        assert one.state.book.rebalance_due[0] or not traded.any()
        still = one.proposals.no_new_risk[0] == 1
        for i in range(rows.size):
            wanted, value = float(rows.target[i]) * equity, float(rows.value[i])
            if still or one.state.book.now_ns[0] < one.before.quiet_until_ns[i]:
                wanted = float(np.clip(wanted, min(value, 0.0), max(value, 0.0)))
            drift = abs(value - wanted)
            strayed = drift / equity > band(policy, float(rows.cost[i])) and drift >= policy.rebalance_minimum
            due = one.state.book.rebalance_due[0] == 1 and one.proposals.scale[i] == 1.0
            assert traded[i] == bool(due and strayed and not moved[i])
            if traded[i]:
                assert one.proposals.target[i] == pytest.approx(wanted)


@pytest.mark.slow
@given(st.integers(0, MANY - 1), st.floats(0.0, 0.9))
def test_all_of_it_holds_of_many_lives(seed: int, slack: float) -> None:
    laws: tuple[Any, ...] = (
        test_the_same_state_policy_and_memory_give_the_same,
        test_rules_read_memory_and_never_write_it,
        test_a_lower_rule_never_gives_back_what_a_higher_one_cut,
        test_a_halt_lasts_until_it_is_rearmed_and_no_longer,
        test_funding_cuts_a_position_at_most_once_a_day,
        test_a_position_rests_after_a_cut_and_is_measured_all_the_same,
        test_a_rebalance_trades_only_when_due_beyond_the_band_and_after_everybody_else,
    )
    for law in laws:
        law.hypothesis.inner_test(seed)
    slacker: Any = test_slack_cuts_so_much_more_and_changes_nothing_else
    slacker.hypothesis.inner_test(seed, slack)


@given(st.floats(0.0, 1.0), st.floats(0.0, 0.5))
def test_the_band_grows_with_the_cube_root_of_cost(drift: float, cost: float) -> None:
    policy = free_policy(rebalance_drift=drift, rebalance_cost_aware=1)
    assert band(policy, USUAL_COST) == pytest.approx(drift)
    assert drift * NARROWEST <= band(policy, cost) <= drift * WIDEST
    if drift * NARROWEST < band(policy, cost) and band(policy, 8 * cost) < drift * WIDEST:
        assert band(policy, 8 * cost) == pytest.approx(2 * band(policy, cost))
    assert band(policy._replace(rebalance_cost_aware=0), cost) == drift


# One look


@given(SEEDS)
def test_a_single_look_judges_no_rule_that_needs_time(seed: int) -> None:
    state = empty_state(6, 3, 4, (3, 2, 2, 2), 2, 3)
    fill(state, np.random.default_rng(seed), START)
    state.positions.funding, state.positions.target, state.book.rebalance_due = np.nan, np.nan, 0
    policy = seeded_policy(seed)
    findings, proposals = decided(state, policy, memory_of_one_look(6, policy.profit_gain.size))
    assert not TIMED & {row[0] for row in told(findings)}
    assert not TIMED & set(proposals.reason.tolist()) and proposals.no_new_risk[0] == 0
