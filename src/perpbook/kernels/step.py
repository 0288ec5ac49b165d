"""The tick, and the only loop over time.

One tick, always in this order: the bar's prices hold; transfers arrive; funding is settled; orders fill at the open; margin
is tested at the bar's worst prices and at its close, and the venues liquidate; the rules decide; orders start; the curve is
written. Between events nothing but prices and cash changes, so a stretch of bars in which the screens say that nothing can
happen is done at once: each account's equity is a sum of rows. What the screens cannot rule out is halved and halved again
until one bar is left for the tick. With `forced` every bar gets the tick, and the result is the same to the bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.decide import decide
from perpbook.kernels.holding import ARRIVED, Holding
from perpbook.kernels.jit import kernel
from perpbook.kernels.journal import BY_STRATEGY, HALT, MONEY_IN, ROOM, RULE, Journal, write
from perpbook.kernels.lanes import add_weighted
from perpbook.kernels.margin import account_margin
from perpbook.kernels.memory import Memory, roll
from perpbook.kernels.orders import Habits, Orders, cancel_all, fill_due, fill_limits, slippage_rate, start
from perpbook.kernels.screens import Block, Storms, anything_may_happen, rules_may_act
from perpbook.kernels.seize import is_dead, liquidate, worst_prices
from perpbook.kernels.settle import cash_rows, next_coin_settlement, settle_bar
from perpbook.kernels.sight import Outside, Scratch, look
from perpbook.kernels.slots import Slots
from perpbook.kernels.state import Findings, Policy, Proposals, State
from perpbook.kernels.tape import Tape, block_bounds
from perpbook.kernels.types import Floats, Integers

WIDTH = 512
"""Most bars done at once."""

DONE, FULL = 0, 1
"""Why `advance` came back: it is where it was sent, or the journal must be emptied first."""

TICK, SETTLED, TARGETED, EVENT, SPAN, WAITING, HALTED = range(7)
"""Places in `Run.clock`: next bar, next settlement, next target, next event, width tried next, orders under way, halted."""

TICKS, BLOCKS, TRIED, UNKNOWN, DECIDED = range(5)
"""Places in `Run.counts`: full ticks, blocks done at once, blocks given up, ticks with a stale market, decisions."""


class Transfers(NamedTuple):
    """Money under way, the first `count` (1,) of: bar (X,) it arrives in, account, dollars."""

    count: Integers
    bar: Integers
    account: Integers
    dollars: Floats


class Run(NamedTuple):
    """Everything a run changes. event_bar : (E,) rising bars that need a tick whatever the prices.  target : (n,) the
    strategy's standing targets, NaN none.  rows : (A, WIDTH + 1), since : (A,), prices : (C,), weights, columns : (n,)
    scratch.  clock, counts : see above."""

    holding: Holding
    orders: Orders
    journal: Journal
    transfers: Transfers
    policy: Policy
    memory: Memory
    storms: Storms
    outside: Outside
    state: State
    findings: Findings
    proposals: Proposals
    scratch: Scratch
    block: Block
    event_bar: Integers
    target: Floats
    rows: Floats
    since: Integers
    prices: Floats
    weights: Floats
    columns: Integers
    clock: Integers
    counts: Integers


@kernel
def advance(tape: Tape, slots: Slots, habits: Habits, run: Run, curve: Floats, until: int, forced: bool) -> int:
    """Go on to bar `until` (not included), writing every account's equity at each close into `curve` (A, B).

    DONE, or FULL when the journal has to be emptied; call again to go on.
    """
    while run.clock[TICK] < until:
        if run.journal.what.shape[0] - run.journal.rows[0] < ROOM * (slots.rows.size + 1):
            return FULL
        first = run.clock[TICK]
        last = first if forced else free_until(tape, slots, run, first, until)
        span = min(last - first, run.clock[SPAN])
        if span >= 2:
            if lanes(tape, slots, habits, run, curve, first, first + span):
                run.clock[TICK] = first + span
                run.clock[SPAN] = min(2 * span, WIDTH)
                run.counts[BLOCKS] += 1
            else:
                run.clock[SPAN] = span // 4
                run.counts[TRIED] += 1
            continue
        tick(tape, slots, habits, run, curve, first, forced)
        run.clock[TICK] = first + 1
        run.clock[SPAN] = max(4, run.clock[SPAN])
        run.counts[TICKS] += 1
    return DONE


@kernel
def free_until(tape: Tape, slots: Slots, run: Run, first: int, until: int) -> int:
    """The bar before which no event falls; `first` itself when it needs a tick."""
    if run.clock[WAITING] > 0:
        return first
    while run.clock[EVENT] < run.event_bar.size and run.event_bar[run.clock[EVENT]] < first:
        run.clock[EVENT] += 1
    last = min(until, first + WIDTH)
    if run.clock[EVENT] < run.event_bar.size:
        last = min(last, run.event_bar[run.clock[EVENT]])
    for k in range(run.transfers.count[0]):
        last = min(last, max(run.transfers.under_way[k].bar, first))
    return next_coin_settlement(tape, slots, run.holding, run.clock[SETTLED], last)


@kernel
def lanes(
    tape: Tape, slots: Slots, habits: Habits, run: Run, curve: Floats, first: int, last: int
) -> bool:
    """Do bars first..last-1 at once; False, with nothing changed but scratch and `curve`, when something might happen."""
    block, holding = run.block, run.holding
    block_bounds(tape, first, last, block.bounds)
    cash_rows(tape, slots, holding, first, last, run.clock[SETTLED], run.rows, run.since, block.cash, block.paid)
    count, floor = last - first, outside_dollars(run.outside)
    for a in range(holding.accounts.size):
        own = curve[a, first:last]
        own[:] = run.rows[a, :count]
        add_positions(tape, slots, run, a, first, last, own)
        block.equity[a] = own.min()
    total = run.rows[0, :count]
    total[:] = curve[0, first:last]
    for a in range(1, holding.accounts.size):
        total += curve[a, first:last]
    block.book[0] = total.min() + floor
    if anything_may_happen(slots, holding, run.orders, habits, run.policy, run.memory, run.storms, block):
        return False
    run.clock[SETTLED] = settle_bar(tape, slots, holding, last - 1, run.clock[SETTLED])
    return True


@kernel
def add_positions(tape: Tape, slots: Slots, run: Run, a: int, first: int, last: int, own: Floats) -> None:
    """Add what account a's rows are worth at every close."""
    count = 0
    for i in range(slots.start[a], slots.start[a + 1]):
        if run.holding.lines.delta[i] != 0.0:
            run.weights[count], run.columns[count] = run.holding.lines.delta[i], slots.rows[i].column
            count += 1
    add_weighted(own, run.weights, run.columns, count, tape.close[:, first:last])


@kernel
def outside_dollars(outside: Outside) -> float:
    """Book equity outside accounts."""
    total = outside.transit[0]
    for layer in range(outside.layers.size):
        total += outside.layers[layer]
    return total


@kernel
def tick(tape: Tape, slots: Slots, habits: Habits, run: Run, curve: Floats, bar: int, forced: bool) -> None:
    """One bar, in full."""
    now_ns = tape.open_ns[bar] + tape.bar_ns
    holding, orders, columns = run.holding, run.orders, tape.open.shape[0]
    arrive(slots, run, bar)
    run.clock[SETTLED] = settle_bar(tape, slots, holding, bar, run.clock[SETTLED])
    run.prices[:] = tape.open[:, bar]
    if run.clock[WAITING] > 0:
        run.clock[WAITING] = fill_due(tape, slots, habits, holding, orders, run.journal, bar, run.prices)
    if orders.limits[0] > 0:
        fill_limits(tape, slots, habits, holding, orders, run.journal, bar, run.prices)
    test_margin(tape, slots, habits, run, bar, now_ns)
    for c in range(columns):
        run.prices[c] = tape.close[c, bar]
    for a in range(holding.accounts.size):
        own = curve[a, bar : bar + 1]
        own[0] = holding.lines.cash[a]
        add_positions(tape, slots, run, a, bar, bar + 1, own)
        run.block.equity[a] = own[0]
    think(tape, slots, habits, run, bar, now_ns, forced)


@kernel
def arrive(slots: Slots, run: Run, bar: int) -> None:
    """Money whose time has come reaches its account."""
    transfers, kept = run.transfers, 0
    for k in range(transfers.count[0]):
        a, dollars = transfers.under_way[k].account, transfers.under_way[k].dollars
        if transfers.under_way[k].bar > bar:
            transfers.under_way[kept].bar, transfers.under_way[kept].account, transfers.under_way[kept].dollars = transfers.under_way[k].bar, a, dollars
            kept += 1
            continue
        run.holding.accounts[a].cash += dollars
        run.holding.lines.cash[a] = run.holding.accounts[a].cash + run.holding.accounts[a].fixed
        run.holding.moved[a, ARRIVED] += dollars
        run.outside.transit[0] -= dollars
        number = write(run.journal, bar, MONEY_IN, a, -1, 0)
        run.journal.figures[number, 0] = dollars
    transfers.count[0] = kept


@kernel
def test_margin(tape: Tape, slots: Slots, habits: Habits, run: Run, bar: int, now_ns: int) -> None:
    """Test every account at the bar's worst prices, then at its close; liquidate those that die."""
    for a in range(run.holding.accounts.size):
        for closing in range(1 - habits.adverse, 2):
            run.prices[:] = tape.close[:, bar]
            if closing == 0:
                worst_prices(tape, slots, run.holding, a, bar, run.prices)
            equity, need = account_margin(run.holding.lines, a, run.prices)
            if is_dead(slots, a, equity, need):
                cancel_all(slots, run.orders, a)
                liquidate(tape, slots, run.holding, run.journal, a, run.prices, bar, now_ns)


@kernel
def think(tape: Tape, slots: Slots, habits: Habits, run: Run, bar: int, now_ns: int, forced: bool) -> None:
    """Let time pass in memory, decide when a rule may act or something is due, and start orders."""
    book = outside_dollars(run.outside)
    total = run.block.equity[0]
    for a in range(1, run.holding.accounts.size):
        total += run.block.equity[a]
    book += total
    day = run.memory.day[0]
    roll(run.memory, now_ns, book)
    if run.memory.day[0] != day:
        run.holding.rows[:].day_funding = 0.0
    targeted = run.clock[TARGETED] < tape.target_bar.size and tape.target_bar[run.clock[TARGETED]] == bar
    if targeted:
        adopt_targets(tape, run, run.clock[TARGETED])
        run.clock[TARGETED] += 1
    run.block.book[0] = book
    if knows_prices(tape, slots, run, bar):
        if forced or targeted or tape.due[bar] == 1 or may_act_now(tape, slots, run, bar):
            judge(tape, slots, run, bar, now_ns)
            obey(tape, slots, habits, run, bar)
    if targeted:
        aim(tape, slots, habits, run, bar, book)


@kernel
def knows_prices(tape: Tape, slots: Slots, run: Run, bar: int) -> bool:
    """Whether no market that is held is stale: rules do not judge what nobody knows."""
    for i in range(slots.rows.size):
        if run.holding.rows[i].quantity != 0.0 and tape.stale[slots.rows[i].column, bar]:
            run.counts[UNKNOWN] += 1
            return False
    return True


@kernel
def may_act_now(tape: Tape, slots: Slots, run: Run, bar: int) -> bool:
    """The screens, on this bar's close alone."""
    block = run.block
    for c in range(tape.close.shape[0]):
        block.bounds[c, 0], block.bounds[c, 1] = tape.close[c, bar], tape.close[c, bar]
    block.cash[:] = run.holding.lines.cash
    block.paid[:] = -run.holding.day_funding
    return rules_may_act(slots, run.holding, run.policy, run.memory, run.storms, block)


@kernel
def judge(tape: Tape, slots: Slots, run: Run, bar: int, now_ns: int) -> None:
    """Look at the book at the bar's close and let `decide` speak."""
    run.prices[:] = tape.close[:, bar]
    state = run.state
    state.book[0].now_ns, state.book[0].rebalance_due = now_ns, tape.due[bar]
    look(slots, run.holding, run.policy, run.storms, run.outside, run.scratch, run.prices, state)
    for k in range(slots.positions.size):
        i = slots.positions[k]
        state.positions[k].target = run.target[i]
        wanted = 0.0 if np.isnan(run.target[i]) else run.target[i] * state.book[0].equity
        dollars = abs(wanted - state.positions[k].value)
        state.positions[k].cost = slots.rows[i].taker + slippage_rate(tape, slots.rows[i].column, bar, dollars)
    run.proposals.scale[:], run.proposals.reason[:], run.proposals.target[:] = 1.0, 0, np.nan
    run.proposals.no_new_risk[0] = 0
    decide(state, run.policy, run.memory, run.findings, run.proposals)
    run.counts[DECIDED] += 1


@kernel
def obey(tape: Tape, slots: Slots, habits: Habits, run: Run, bar: int) -> None:
    """Turn proposals into orders, and write down which rule asked."""
    due = bar + 1 + habits.latency
    if run.proposals.no_new_risk[0] != run.clock[HALTED]:
        run.clock[HALTED] = run.proposals.no_new_risk[0]
        number = write(run.journal, bar, HALT, -1, -1, 0)
        run.journal.figures[number, 4] = run.proposals.no_new_risk[0]
    for k in range(slots.positions.size):
        i = slots.positions[k]
        price = tape.close[slots.rows[i].column, bar]
        reason, change = run.proposals.reason[k], 0.0
        if run.proposals.scale[k] < 1.0:
            change = -(1.0 - run.proposals.scale[k]) * run.holding.rows[i].quantity
        elif not np.isnan(run.proposals.target[k]):
            dollars = run.proposals.target[k] - run.state.positions[k].value
            change = dollars if slots.rows[i].inverse else dollars / price
        if change != 0.0 and start(slots, run.holding, run.orders, i, change, price, due, reason):
            run.clock[WAITING] += 1
            number = write(run.journal, bar, RULE, slots.rows[i].account, i, reason)
            run.journal.figures[number, 0], run.journal.figures[number, 1] = change, price
            measured, limit = worst_finding(run.findings, reason)
            run.journal.figures[number, 4], run.journal.figures[number, 5] = measured, limit


@kernel
def worst_finding(findings: Findings, code: int) -> tuple[float, float]:
    """The measured value and limit of a rule's finding that is furthest over its limit; NaN when it made none."""
    measured, limit, most = np.nan, np.nan, -np.inf
    for k in range(findings.rows[0]):
        if findings.code[k] == code and findings.measured[k] - findings.limit[k] > most:
            measured, limit = findings.measured[k], findings.limit[k]
            most = measured - limit
    return measured, limit


@kernel
def adopt_targets(tape: Tape, run: Run, number: int) -> None:
    """The strategy's newest targets become the standing ones."""
    for i in range(run.target.size):
        if not np.isnan(tape.target[number, i]):
            run.target[i] = tape.target[number, i]


@kernel
def aim(tape: Tape, slots: Slots, habits: Habits, run: Run, bar: int, book: float) -> None:
    """Start the orders that bring positions to the targets decided at this close."""
    row = run.clock[TARGETED] - 1
    due = bar + 1 + habits.latency
    for k in range(slots.positions.size):
        i = slots.positions[k]
        share, price = tape.target[row, i], tape.close[slots.rows[i].column, bar]
        if np.isnan(share) or tape.stale[slots.rows[i].column, bar]:
            continue
        wanted = share * max(book, 0.0) / (1.0 if slots.rows[i].inverse else price)
        held = run.holding.rows[i].quantity
        if run.clock[HALTED] == 1:
            wanted = 0.0 if wanted * held <= 0.0 else np.copysign(min(abs(wanted), abs(held)), held)
        if start(slots, run.holding, run.orders, i, wanted - held, price, due, BY_STRATEGY):
            run.clock[WAITING] += 1
