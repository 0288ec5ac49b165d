"""Many runs of one journey under playbooks that differ in their figures, one after the other without leaving the kernel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.body import FULL, Body, Mind
from perpbook.kernels.jit import lean, part
from perpbook.kernels.journal import BACKSTOP, FILL, LIQUIDATION, RULE, Journal
from perpbook.kernels.lanes import price_bounds
from perpbook.kernels.memory import Memory
from perpbook.kernels.orders import Habits
from perpbook.kernels.rows import add_row, copy_row
from perpbook.kernels.screens import Rules
from perpbook.kernels.slots import Slots
from perpbook.kernels.state import Policy
from perpbook.kernels.step import advance
from perpbook.kernels.tape import CHUNK, Schedule, Tape
from perpbook.kernels.types import Floats, Integers, Rows

END, LEAST, DEEPEST, FILLS, LIQUIDATIONS, RULES, FEES = range(7)
"""Columns of what a variant gave: end and least book equity, deepest drawdown (a share), counts, dollars of fees. After
them, for the part before the split and the part after: days, sum, sum of squares, of cubes and of fourth powers of daily
returns (see `moments`)."""

MEASURES = 7 + 2 * 5

SCALARS = 20
"""Figures of a policy that are no arrays; those follow."""


class Fresh(NamedTuple):
    """A run at its start, to begin again from: copies of what `Body` holds that a run changes."""

    rows: Rows
    accounts: Rows
    orders: Rows
    resting: Rows
    resting_count: Integers
    under_way: Rows
    moving: Integers
    layers: Floats
    transit: Floats
    clock: Integers
    delta: Floats
    slope: Floats
    offset: Floats
    pieces: Integers
    reciprocal: Floats
    cash: Floats


class Sweep(NamedTuple):
    """figures : (V, P) policies.  day_bar : rising bars that begin a day.  split : the last bar of the first part.
    out : (V, MEASURES) written."""

    figures: Floats
    day_bar: Integers
    split: int
    out: Floats


@part
def begin_again(body: Body, mind: Mind, fresh: Fresh) -> None:
    """Put a run back to its start."""
    holding, orders = body.holding, body.orders
    for i in range(fresh.rows.size):
        holding.rows[i] = fresh.rows[i]
        orders.rows[i] = fresh.orders[i]
        holding.lines.delta[i], holding.lines.pieces[i] = fresh.delta[i], fresh.pieces[i]
        holding.lines.reciprocal[i], body.target[i] = fresh.reciprocal[i], np.nan
        for k in range(fresh.slope.shape[1]):
            holding.lines.slope[i, k], holding.lines.offset[i, k] = fresh.slope[i, k], fresh.offset[i, k]
    for a in range(fresh.accounts.size):
        holding.accounts[a] = fresh.accounts[a]
    for k in range(fresh.resting_count[0]):
        orders.resting[k] = fresh.resting[k]
    for k in range(fresh.moving[0]):
        body.under_way[k] = fresh.under_way[k]
    copy_row(fresh.layers, body.outside.layers)
    orders.resting_count[0], body.moving[0], body.journal.rows[0] = fresh.resting_count[0], fresh.moving[0], 0
    body.outside.transit[0] = fresh.transit[0]
    body.outside.told[:] = 0
    holding.moved[:] = 0.0
    memory = mind.rules.memory
    memory.halted_until_ns[0] = 0
    memory.steps_taken[:], memory.quiet_until_ns[:], memory.funding_cut_day[:] = 0, 0, -1
    wind_back(body, memory, fresh)


@part
def wind_back(body: Body, memory: Memory, fresh: Fresh) -> None:
    """Put a run back to its start in which bars have passed, and none was ticked: funding was paid and days went by."""
    holding = body.holding
    for i in range(fresh.rows.size):
        holding.rows[i].day_funding = fresh.rows[i].day_funding
        holding.rows[i].paid_in_row, holding.rows[i].received = fresh.rows[i].paid_in_row, fresh.rows[i].received
    for a in range(fresh.accounts.size):
        holding.accounts[a].cash = fresh.accounts[a].cash
        holding.lines.cash[a] = fresh.cash[a]
    for k in range(fresh.clock.size):
        body.clock[k] = fresh.clock[k]
    holding.totals[:] = 0.0
    memory.day[0], memory.week[0] = -1, -1
    memory.day_start[0], memory.week_start[0] = np.nan, np.nan


@part
def policy_from(base: Policy, figures: Floats) -> Policy:
    """The policy whose figures are `figures` (see `engine.variants.figures_of`); arrays are written in place."""
    at = SCALARS
    for array in (
        base.asset_cap, base.venue_cap, base.layer_cap, base.sleeve_min, base.sleeve_max, base.profit_gain,
        base.profit_close, base.funding_asset_cap, base.funding_venue_cap, base.hedge_band,
    ):  # fmt: skip
        for k in range(array.size):
            array[k] = figures[at + k]
        at += array.size
    return Policy(
        figures[0], figures[1], figures[2], figures[3], figures[4], figures[5], figures[6], figures[7], figures[8],
        figures[9], base.asset_cap, base.venue_cap, base.layer_cap, base.sleeve_min, base.sleeve_max, base.group,
        base.groups, figures[10], figures[11], base.drawdown_flattens, base.rearm_by_hand, base.profit_gain,
        base.profit_close, figures[12], base.funding_asset_cap, base.funding_venue_cap, figures[13], figures[14], figures[15],
        base.flip_after, base.funding_rotates, base.funding_payback, base.hedge_band, figures[16], figures[17],
        base.rebalance_cost_aware, figures[18], int(figures[19]), base.bridge_cap, base.stablecoin_cap, base.venue_leaves,
        base.layer_leaves, base.reserve, base.gas,
    )  # fmt: skip


@lean
def run_variants(
    tape: Tape, schedule: Schedule, slots: Slots, habits: Habits, body: Body, mind: Mind, fresh: Fresh, sweep: Sweep
) -> None:
    """Run every row of `sweep.figures`, writing what it gave into `sweep.out`."""
    rules = mind.rules
    for v in range(sweep.figures.shape[0]):
        policy = policy_from(rules.policy, sweep.figures[v])
        varied = Mind(
            Rules(policy, rules.memory, rules.storms), mind.state, mind.findings, mind.proposals, mind.scratch
        )
        begin_again(body, varied, fresh)
        out = sweep.out[v]
        out[:] = 0.0
        while advance(tape, schedule, slots, habits, body, varied, tape.open_ns.size, False) == FULL:
            count_events(body.journal, out)
            body.journal.rows[0] = 0
        count_events(body.journal, out)
        measure(tape, body, sweep.day_bar, sweep.split, out)


@part
def count_events(journal: Journal, out: Floats) -> None:
    """Add up what the journal tells."""
    for k in range(journal.rows[0]):
        kind = journal.what[k, 1]
        out[FILLS] += 1.0 if kind == FILL else 0.0
        out[LIQUIDATIONS] += 1.0 if kind in (LIQUIDATION, BACKSTOP) else 0.0
        out[RULES] += 1.0 if kind == RULE else 0.0
        out[FEES] -= journal.figures[k, 2] if kind in (FILL, LIQUIDATION, BACKSTOP) else 0.0


@part
def measure(tape: Tape, body: Body, day_bar: Integers, split: int, out: Floats) -> None:
    """End, least, deepest drawdown, and the moments of daily returns before and after bar `split`.

    Money outside accounts is taken as it is at the end: transfers do not change it.
    """
    outside, bars = body.outside.transit[0] + body.outside.layers.sum(), tape.open_ns.size
    total = body.curve[0]
    for a in range(1, body.curve.shape[0]):
        add_row(body.curve[a], total)
    fall(total, outside, out)
    day, part = 0.0, out[7:12]
    for at in range(day_bar.size):
        equity = total[day_bar[at]] + outside
        if day > 0.0:
            part = out[7:12] if day_bar[at] <= split else out[12:17]
            moments(equity / day - 1.0, part)
        day = equity
    out[END] = total[bars - 1] + outside


@part
def fall(total: Floats, outside: float, out: Floats) -> None:
    """Write the least of a curve and its deepest drawdown; a stretch that cannot hold a deeper one is passed over whole."""
    peak, least, deepest = 0.0, np.inf, 0.0
    for first in range(0, total.size, CHUNK):
        part = total[first : first + CHUNK]
        low, high = price_bounds(part)
        low, high = low + outside, high + outside
        least = min(least, low)
        if low >= max(peak, high) * (1.0 - deepest):
            peak = max(peak, high)
            continue
        for k in range(part.size):
            equity = part[k] + outside
            peak = max(peak, equity)
            if equity < peak * (1.0 - deepest):
                deepest = 1.0 - equity / peak
    out[LEAST], out[DEEPEST] = least, deepest


@part
def moments(value: float, out: Floats) -> None:
    """Count one value, and its first four powers."""
    out[0] += 1.0
    out[1] += value
    out[2] += value * value
    out[3] += value * value * value
    out[4] += value * value * value * value
