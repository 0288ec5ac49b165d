"""The rates in force: what is settled next at what was settled last, what is expected, who paid how often in a row.

Nothing here looks ahead: the rate in force is the last one settled, and the hours of a venue's settlements are public.
"""

from __future__ import annotations

import numpy as np

from perpbook.kernels.holding import Holding
from perpbook.kernels.jit import lean, part
from perpbook.kernels.memory import next_day_ns
from perpbook.kernels.slots import Slots
from perpbook.kernels.state import State
from perpbook.kernels.tape import Tape
from perpbook.kernels.types import Floats, Integers

YEAR_NS = 365 * 86_400_000_000_000

HALF_LIFE_NS = 3 * 86_400_000_000_000
"""Of the weights of past rates in what is expected."""


@lean
def yearly_rate(rate: float, interval_ns: int) -> float:
    """A rate of one interval as a simple rate of 365 days."""
    return rate * (YEAR_NS / interval_ns)


@part
def left_today(settled_ns: int, interval_ns: int, now_ns: int) -> int:
    """How many settlements, each an interval after the last at `settled_ns` <= now, fall in [now, the next midnight UTC)."""
    first = max(-((settled_ns - now_ns) // interval_ns), 1)
    last = -((settled_ns - next_day_ns(now_ns)) // interval_ns) - 1
    return int(max(last - first + 1, 0))


@part
def last_settlement(tape: Tape, c: int, cursor: int) -> int:
    """The number of column c's last settlement before `cursor`, -1 for none."""
    return int(tape.settled[c, cursor - 1]) if cursor > 0 else -1


@part
def still_due(tape: Tape, c: int, s: int, now_ns: int) -> float:
    """What settlement s of column c, as it was, would still cost a long of one dollar until midnight UTC."""
    return float(
        tape.funding_rate[c, s] * left_today(tape.open_ns[tape.funding_bar[s]], tape.interval_ns[c, s], now_ns)
    )


@part
def expect(rates: Floats, intervals: Integers, decay: Floats, out: Floats) -> None:
    """Write the rate a year expected after each settlement, all (C, S): an average of the rates so far, weighted by time; NaN
    before the first."""
    for c in range(out.shape[0]):
        found = np.nan
        for s in range(out.shape[1]):
            if intervals[c, s] > 0:
                rate = yearly_rate(rates[c, s], intervals[c, s])
                found = rate if np.isnan(found) else decay[c, s] * found + (1.0 - decay[c, s]) * rate
            out[c, s] = found


@part
def look_at_funding(tape: Tape, slots: Slots, holding: Holding, cursor: int, now_ns: int, state: State) -> None:
    """Write what is known of every position's funding, at the moment before settlement number `cursor`; values are known."""
    for k in range(slots.positions.size):
        i = slots.positions[k]
        c = slots.rows[i].column
        s = last_settlement(tape, c, cursor)
        paid = holding.rows[i].paid_in_row
        state.positions[k].paid_in_row = paid if holding.rows[i].received != 0.0 else 0.0
        state.positions[k].yearly, state.positions[k].expected, state.positions[k].ahead = np.nan, np.nan, np.nan
        if s >= 0:
            state.positions[k].yearly = yearly_rate(tape.funding_rate[c, s], tape.interval_ns[c, s])
            state.positions[k].ahead = state.positions[k].value * still_due(tape, c, s, now_ns)
            if tape.expected.shape[1] > 0:
                state.positions[k].expected = tape.expected[c, s]


@part
def count_payment(holding: Holding, i: int, dollars: float) -> None:
    """Row i received dollars (< 0 paid) at a settlement."""
    if dollars > 0.0:
        holding.rows[i].paid_in_row, holding.rows[i].received = 0.0, 1.0
    elif dollars < 0.0:
        holding.rows[i].paid_in_row += 1.0


@part
def count_payments(slots: Slots, holding: Holding, unit: Floats, last: int) -> None:
    """`count_payment` of every linear row for the first `last` settlements of a stretch; `unit` (C, S) is what one unit pays."""
    for i in range(slots.rows.size):
        if slots.rows[i].coin or slots.rows[i].pays >= 0 or holding.rows[i].quantity == 0.0:
            continue
        paid, s, side = 0.0, last - 1, 1.0 if holding.rows[i].quantity > 0.0 else -1.0
        row = unit[slots.column[i]]
        while s >= 0 and side * row[s] >= 0.0:
            paid += 1.0 if side * row[s] > 0.0 else 0.0
            s -= 1
        if s >= 0:
            holding.rows[i].paid_in_row, holding.rows[i].received = paid, 1.0
        else:
            holding.rows[i].paid_in_row += paid
