"""`survey` of the rules on rates: positions that have turned to paying, or are expected to; what a day would come to cost.

They ask about settlements, of which a stretch has few, and about equity. As in `survey`, they may say too few bars.
"""

from __future__ import annotations

import numpy as np

from perpbook.kernels.in_force import last_settlement, still_due
from perpbook.kernels.jit import part
from perpbook.kernels.memory import DAY_NS
from perpbook.kernels.rules.rotation import MOVES
from perpbook.kernels.screens import Block
from perpbook.kernels.state import Policy
from perpbook.kernels.sums import CALM, FIRST, HAIR, gains_of
from perpbook.kernels.tape import Tape
from perpbook.kernels.types import Integers, Rows


@part
def survey_funding(
    tape: Tape, cursor: int, settled: int, days: Integers, rows: Rows, held: Rows, policy: Policy, block: Block
) -> None:
    """Shorten the calm to the bars in which no rule on rates may act; `cursor`, `settled`, `days` as in `Stretch`."""
    span = block.sum.span
    if policy.flip_after > 0 or policy.funding_expected < np.inf:
        for i in range(rows.size):
            if not rows[i].coin and held[i].quantity != 0.0 and span[CALM] > 0:
                turning(tape, cursor, settled, rows, held, policy, block, i)
    if policy.funding_projected < np.inf and span[CALM] > 0:
        coming(tape, cursor, settled, days, rows, held, policy.funding_projected * (1.0 - HAIR), block)


@part
def turning(
    tape: Tape, cursor: int, settled: int, rows: Rows, held: Rows, policy: Policy, block: Block, i: int
) -> None:
    """Where row i has paid few enough settlements in a row and is not expected to pay too much, or nowhere is cheaper."""
    span, row = block.sum.span, block.unit[rows[i].column]
    side = 1.0 if held[i].quantity > 0.0 else -1.0
    paid, received = held[i].paid_in_row, held[i].received
    for s in range(-1, settled):
        if s >= 0:
            if tape.funding_bar[cursor + s] >= span[FIRST] + span[CALM]:
                return
            if side * row[s] < 0.0:
                paid, received = 0.0, 1.0
            elif side * row[s] > 0.0:
                paid += 1.0
        now = cursor + s + 1
        acts = policy.flip_after > 0 and received != 0.0 and paid > policy.flip_after
        acts = acts or side * expected_at(tape, rows[i].column, now) > policy.funding_expected * (1.0 - HAIR)
        if acts and (policy.funding_rotates != MOVES or is_cheaper(tape, now, rows, side, policy.funding_payback, i)):
            span[CALM] = tape.funding_bar[now - 1] - span[FIRST] if s >= 0 else 0
            return


@part
def expected_at(tape: Tape, c: int, cursor: int) -> float:
    """The rate a year that is expected of column c before settlement number `cursor`; NaN unknown."""
    s = last_settlement(tape, c, cursor)
    return float(tape.expected[c, s]) if s >= 0 and tape.expected.shape[1] > 0 else np.nan


@part
def is_cheaper(tape: Tape, cursor: int, rows: Rows, side: float, payback: float, i: int) -> bool:
    """Whether another contract in row i's asset may save its side more, in so many years, than the fees of moving there."""
    own = expected_at(tape, rows[i].column, cursor)
    for j in range(rows.size):
        if j != i and not rows[j].coin and rows[j].asset == rows[i].asset:
            saved = side * (own - expected_at(tape, rows[j].column, cursor))
            fees = rows[i].taker + rows[j].taker
            if saved > 0.0 and saved * payback > fees - HAIR * abs(fees):
                return True
    return False


@part
def coming(
    tape: Tape, cursor: int, settled: int, days: Integers, rows: Rows, held: Rows, cap: float, block: Block
) -> None:
    """Where what the day has paid and what the rates in force cost until midnight stay under `cap` times the book's equity."""
    span, paid, worst = block.sum.span, 0.0, 0.0
    flow = block.flow[:settled]
    for s in range(settled):
        flow[s] = -block.funding[s]
    for i in range(rows.size):
        if not rows[i].coin:
            paid -= held[i].day_funding
            if held[i].quantity != 0.0:
                worst += dearest_day(tape, cursor, settled, rows, held, block, i)
    if max(paid, 0.0) + gains_of(flow) + worst <= cap * max(block.lows[block.lows.size - 1], 0.0):
        return
    k, s = 0, 0
    for t in range(span[CALM]):
        bar = span[FIRST] + t
        if s < settled and tape.funding_bar[cursor + s] == bar:
            paid += flow[s]
            s += 1
        if k < days.size and days[k] == bar:
            paid = 0.0
            k += 1
        if paid + due_at(tape, cursor + s, rows, held, bar) > cap * max(block.total[t], 0.0):
            span[CALM] = t
            return


@part
def dearest_day(tape: Tape, cursor: int, settled: int, rows: Rows, held: Rows, block: Block, i: int) -> float:
    """Dollars, at least 0, that row i may owe for the rest of a day by any rate in force in a stretch."""
    c, dearest = rows[i].column, 0.0
    side = 1.0 if held[i].quantity > 0.0 else -1.0
    size = abs(held[i].quantity) * (1.0 if rows[i].inverse else block.sum.bounds[c, 1])
    for n in range(-1, settled):
        s = last_settlement(tape, c, cursor) if n < 0 else cursor + n
        if s >= 0 and tape.interval_ns[c, s] > 0:
            dearest = max(dearest, side * tape.funding_rate[c, s] * (DAY_NS // tape.interval_ns[c, s] + 1))
    return size * dearest


@part
def due_at(tape: Tape, cursor: int, rows: Rows, held: Rows, bar: int) -> float:
    """Dollars (> 0 paid) that every row still owes at a bar's close until midnight, a hair more for rounding."""
    due, size = 0.0, 0.0
    for i in range(rows.size):
        s = last_settlement(tape, rows[i].column, cursor)
        if rows[i].coin or held[i].quantity == 0.0 or s < 0:
            continue
        value = held[i].quantity * (1.0 if rows[i].inverse else tape.close[rows[i].column, bar])
        owed = value * still_due(tape, rows[i].column, s, tape.open_ns[bar] + tape.bar_ns)
        due, size = due + owed, size + abs(owed)
    return due + HAIR * size
