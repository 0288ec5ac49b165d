"""`survey` of what counts by days: drawdowns from a day's and a week's start, and the funding that a day has paid."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.jit import part
from perpbook.kernels.lanes import add_weighted
from perpbook.kernels.memory import DAY_NS, MONDAY
from perpbook.kernels.screens import Block, Rules, is_flat
from perpbook.kernels.state import Policy
from perpbook.kernels.sums import CALM, FIRST, HAIR, clear_row, first_at_most, gains_of, scale_row
from perpbook.kernels.survey_funding import survey_funding
from perpbook.kernels.tape import Tape
from perpbook.kernels.types import Floats, Integers, Rows


class Stretch(NamedTuple):
    """A stretch in time: `cursor` is the first settlement that `block.unit` holds, `settled` how many it holds, `days` rising
    bars that begin a UTC day, none before the stretch."""

    cursor: int
    settled: int
    days: Integers


@part
def survey_days(tape: Tape, stretch: Stretch, rows: Rows, held: Rows, rules: Rules, block: Block) -> None:
    """Shorten the calm to the bars in which no drawdown and no funding, of the day or by its rates, passes its limit."""
    policy = rules.policy
    drawdowns(tape, stretch, held, rules, block)
    for by_venue in range(2):
        caps = policy.funding_venue_cap if by_venue == 1 else policy.funding_asset_cap
        for subject in range(by_venue - 1, caps.size):
            cap = policy.funding_cap if subject < 0 else caps[subject]
            paying(tape.funding_bar, stretch, rows, held, block, cap, subject, by_venue)
    survey_funding(tape, stretch.cursor, stretch.settled, stretch.days, rows, held, policy, block)


@part
def drawdowns(tape: Tape, stretch: Stretch, held: Rows, rules: Rules, block: Block) -> None:
    """Where the book stands above its daily and weekly drawdown limits, unless it is halted and flat already."""
    policy, memory, total, span = rules.policy, rules.memory, block.total, block.sum.span
    first, days = span[FIRST], stretch.days
    if policy.daily_drawdown == np.inf and policy.weekly_drawdown == np.inf:
        return
    if tape.open_ns[first] + tape.bar_ns < memory.halted_until_ns[0] and is_flat(held):
        return
    day, week, number, t, k = memory.day_start[0], memory.week_start[0], memory.week[0], 0, 0
    while t < span[CALM]:
        if k < days.size and days[k] == first + t:
            day, begun = total[t], ((tape.open_ns[first + t] + tape.bar_ns) // DAY_NS + MONDAY) // 7
            week, number = total[t] if begun != number else week, begun
            k += 1
        last = min(span[CALM], days[k] - first) if k < days.size else span[CALM]
        limit = lowest_allowed(policy, day, week)
        if limit > -np.inf:
            reached = t + first_at_most(total[t:last], limit + HAIR * abs(limit))
            if reached < last:
                span[CALM] = reached
        t = last


@part
def lowest_allowed(policy: Policy, day: float, week: float) -> float:
    """The equity under which a book has fallen too far from its day's or week's start; NaN starts allow any."""
    limit = -np.inf
    if policy.daily_drawdown < np.inf and not np.isnan(day):
        limit = day * (1.0 - policy.daily_drawdown)
    if policy.weekly_drawdown < np.inf and not np.isnan(week):
        limit = max(limit, week * (1.0 - policy.weekly_drawdown))
    return limit


@part
def paying(
    bars: Integers, stretch: Stretch, rows: Rows, held: Rows, block: Block, cap: float, subject: int, by_venue: int
) -> None:
    """Where the day's funding of a venue, an asset or (subject -1) the book is under `cap` times the book's equity.

    bars : those with settlements, of the whole run.
    """
    sum, flow, paid, terms = block.sum, block.flow[: stretch.settled], 0.0, 0
    if cap == np.inf or sum.span[CALM] == 0:
        return
    for i in range(rows.size):
        whose = rows[i].venue if by_venue == 1 else rows[i].asset
        if (subject < 0 or whose == subject) and not rows[i].coin:
            paid -= held[i].day_funding
            if held[i].quantity != 0.0 and rows[i].pays < 0:
                sum.weights[terms], sum.columns[terms] = held[i].quantity, rows[i].column
                terms += 1
    if subject < 0:
        scale_row(block.funding, -1.0, 0.0, flow)
    else:
        clear_row(flow)
        add_weighted(flow, sum.weights, sum.columns, terms, block.unit, 0)
    paid_too_much(
        bars[stretch.cursor : stretch.cursor + flow.size], stretch.days, sum.span, block.total, flow, paid, cap,
        block.lows[block.lows.size - 1],
    )  # fmt: skip


@part
def paid_too_much(
    bars: Integers, days: Integers, span: Integers, total: Floats, flow: Floats, paid: float, cap: float, least: float
) -> None:
    """Walk the days: `paid` before the stretch, `flow` at each of its settlements, nothing when a day begins. Where all that is
    paid in the stretch, and nothing received, would not be too much of the `least` equity, there is no need to."""
    k, s, first, limit = 0, 0, span[FIRST], cap * (1.0 - HAIR)
    if max(paid, 0.0) + gains_of(flow) <= limit * max(least, 0.0):
        return
    for t in range(span[CALM]):
        if s < flow.size and bars[s] == first + t:
            paid += flow[s]
            s += 1
        if k < days.size and days[k] == first + t:
            paid = 0.0
            k += 1
        if paid > limit * max(total[t], 0.0):
            span[CALM] = t
            return
