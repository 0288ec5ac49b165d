"""The end of a tick: look, decide, and turn what was decided into orders."""

from __future__ import annotations

import numpy as np

from perpbook.kernels.body import DECIDED, HALTED, SETTLED, TARGETED, WAITING, Body, Mind
from perpbook.kernels.decide import decide
from perpbook.kernels.in_force import look_at_funding
from perpbook.kernels.jit import inlined, part
from perpbook.kernels.journal import BY_STRATEGY, HALT, RULE, write
from perpbook.kernels.orders import Habits, slippage_rate, start
from perpbook.kernels.rows import copy_row
from perpbook.kernels.screens import survives_all_at_once
from perpbook.kernels.sight import look, look_at_layers
from perpbook.kernels.slots import Slots
from perpbook.kernels.state import FUNDING_MOVED, Findings
from perpbook.kernels.tape import NO_PRICE, Tape
from perpbook.kernels.types import Floats


@inlined
def judge(tape: Tape, slots: Slots, body: Body, mind: Mind, bar: int, due: int) -> None:
    """Look at the book at the bar's close and let `decide` speak."""
    state, proposals = mind.state, mind.proposals
    copy_row(tape.close[:, bar], body.prices)
    state.book[0].now_ns, state.book[0].rebalance_due = tape.open_ns[bar] + tape.bar_ns, due
    rules = mind.rules
    for a in range(body.holding.accounts.size):
        safe = survives_all_at_once(body.holding.lines, rules.policy.buffer, rules.storms, body.prices, a)
        mind.scratch.safe[a] = 1 if safe else 0
    look(slots, body.holding, mind.rules, body.outside, mind.scratch, body.prices, state)
    look_at_funding(tape, slots, body.holding, body.clock[SETTLED], state.book[0].now_ns, state)
    look_at_layers(body.outside, body.under_way, body.moving, state)
    for k in range(slots.positions.size):
        i = slots.positions[k]
        share = body.target[i]
        wanted = 0.0 if np.isnan(share) else share * state.book[0].equity
        dollars = abs(wanted - state.positions[k].value)
        state.positions[k].target = share
        state.positions[k].cost = slots.rows[i].taker + slippage_rate(tape, slots.rows[i].column, bar, dollars)
    proposals.scale[:], proposals.reason[:], proposals.target[:] = 1.0, 0, np.nan
    proposals.no_new_risk[0] = 0
    decide(state, mind.rules.policy, mind.rules.memory, mind.findings, proposals)
    body.counts[DECIDED] += 1


@inlined
def obey(tape: Tape, slots: Slots, habits: Habits, body: Body, mind: Mind, bar: int) -> None:
    """Turn proposals into orders, and write down which rule asked.

    What a rule cuts, the strategy's standing target is cut to as well: a rebalance does not bring back what a higher rule
    took away; only a new target does. What is moved to another venue is wanted there from then on.
    """
    due, proposals, journal = bar + 1 + habits.latency, mind.proposals, body.journal
    if proposals.no_new_risk[0] != body.clock[HALTED]:
        body.clock[HALTED] = proposals.no_new_risk[0]
        number = write(journal, bar, HALT, -1, -1, 0)
        journal.figures[number, 4] = proposals.no_new_risk[0]
    for k in range(slots.positions.size):
        i = slots.positions[k]
        price = tape.close[slots.rows[i].column, bar]
        reason, change = proposals.reason[k], 0.0
        if proposals.scale[k] < 1.0:
            change = -(1.0 - proposals.scale[k]) * body.holding.rows[i].quantity
            if not np.isnan(body.target[i]) and mind.state.book[0].equity > 0.0:
                kept = mind.state.positions[k].value * proposals.scale[k]
                body.target[i] = kept / mind.state.book[0].equity
        elif not np.isnan(proposals.target[k]):
            dollars = proposals.target[k] - mind.state.positions[k].value
            change = dollars if slots.rows[i].inverse else dollars / price
            if reason == FUNDING_MOVED and not np.isnan(body.target[i]) and mind.state.book[0].equity > 0.0:
                body.target[i] = proposals.target[k] / mind.state.book[0].equity
        if change != 0.0 and start(slots, body.holding, body.orders, i, change, price, due, reason):
            body.clock[WAITING] += 1
            number = write(journal, bar, RULE, slots.rows[i].account, i, reason)
            journal.figures[number, 0], journal.figures[number, 1] = change, price
            measured, limit = worst_finding(mind.findings, reason)
            journal.figures[number, 4], journal.figures[number, 5] = measured, limit


@part
def worst_finding(findings: Findings, code: int) -> tuple[float, float]:
    """The measured value and limit of a rule's finding that is furthest over its limit; NaN when it made none."""
    measured, limit, most = np.nan, np.nan, -np.inf
    for k in range(findings.rows[0]):
        if findings.code[k] == code and findings.measured[k] - findings.limit[k] > most:
            measured, limit = findings.measured[k], findings.limit[k]
            most = measured - limit
    return measured, limit


@part
def adopt_targets(targets: Floats, standing: Floats, number: int) -> None:
    """The strategy's newest targets become the standing ones."""
    for i in range(standing.size):
        if not np.isnan(targets[number, i]):
            standing[i] = targets[number, i]


@inlined
def aim(tape: Tape, slots: Slots, habits: Habits, body: Body, targets: Floats, bar: int, book: float) -> None:
    """Start the orders that bring positions to the targets decided at this close."""
    row, due = body.clock[TARGETED] - 1, bar + 1 + habits.latency
    for k in range(slots.positions.size):
        i = slots.positions[k]
        share, price = targets[row, i], tape.close[slots.rows[i].column, bar]
        if np.isnan(share) or tape.stale[slots.rows[i].column, bar] & NO_PRICE:
            continue
        wanted = share * max(book, 0.0) / (1.0 if slots.rows[i].inverse else price)
        held = body.holding.rows[i].quantity
        if body.clock[HALTED] == 1:
            wanted = 0.0 if wanted * held <= 0.0 else np.copysign(min(abs(wanted), abs(held)), held)
        if start(slots, body.holding, body.orders, i, wanted - held, price, due, BY_STRATEGY):
            body.clock[WAITING] += 1
