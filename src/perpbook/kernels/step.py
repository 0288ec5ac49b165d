"""The tick, and the only loop over time.

One tick, always in this order: the bar's prices hold; transfers arrive; funding is settled; orders fill at the open; margin
is tested at the bar's worst prices and at its close, and the venues liquidate; the rules decide; orders start; the curve is
written. Between events nothing but prices and cash changes, so a stretch of bars is done at once as far as the survey says that
nothing can happen: each account's equity is a sum of rows. The bar after that gets the tick. With `forced` every bar gets the
tick, and the result is the same to the bit.
"""

from __future__ import annotations

from perpbook.kernels.act import adopt_targets, aim, judge, obey
from perpbook.kernels.body import (
    BLOCKS,
    DAY,
    DONE,
    EVENT,
    FULL,
    HALTED,
    SETTLED,
    SPAN,
    TARGETED,
    TICK,
    TICKS,
    TRIED,
    UNKNOWN,
    WAITING,
    WIDTH,
    Body,
    Mind,
)
from perpbook.kernels.deleverage import deleverage
from perpbook.kernels.holding import ARRIVED, Holding
from perpbook.kernels.in_force import count_payments
from perpbook.kernels.jit import inlined, lean, part
from perpbook.kernels.journal import MONEY_IN, ROOM, Journal, write
from perpbook.kernels.lanes import add_weighted, lowest
from perpbook.kernels.margin import account_margin
from perpbook.kernels.memory import Memory, forget, roll
from perpbook.kernels.orders import Desk, Habits, cancel_all, fill_due, fill_limits
from perpbook.kernels.rows import add_row, copy_row
from perpbook.kernels.screens import Rules
from perpbook.kernels.seize import is_dead, liquidate, worst_prices
from perpbook.kernels.settle import cash_ahead, next_coin_settlement, settle_bar, take_in
from perpbook.kernels.shelter import is_sheltered
from perpbook.kernels.sight import Outside
from perpbook.kernels.slots import Slots
from perpbook.kernels.sums import CALM, FIRST, LOOKS
from perpbook.kernels.survey import survey_margin, survey_rules
from perpbook.kernels.survey_days import Stretch, survey_days
from perpbook.kernels.tape import NO_PRICE, Schedule, Tape, block_bounds
from perpbook.kernels.types import Floats, Integers, Lines, Rows
from perpbook.kernels.wants import note_wants, wants_changed

LEAST_SPAN = 16
"""Bars looked at after one in which something happened, at least."""

MOST_LOOKS = 1
"""Questions asked bar by bar in a stretch that is not too long."""


@lean
def advance(
    tape: Tape, schedule: Schedule, slots: Slots, habits: Habits, body: Body, mind: Mind, until: int, forced: bool
) -> int:
    """Go on to bar `until` (not included), writing every account's equity at each close into the curve.

    DONE, or FULL when the journal has to be emptied; call again to go on.
    """
    clock, journal = body.clock, body.journal
    while clock[TICK] < until:
        if journal.what.shape[0] - journal.rows[0] < ROOM * (slots.rows.size + 1):
            return FULL
        first = clock[TICK]
        last = first
        if not forced and not wants_changed(mind.rules.policy, body):
            last = free_until(tape, schedule, slots, body, mind.rules.memory, until)
        span = min(last - first, clock[SPAN])
        if span >= 2:
            done = lanes(tape, schedule.day_bar, slots, body, mind.rules, first, first + span)
            clock[TICK] = first + done
            clock[SPAN] = next_span(span, done, body.block.sum.span[LOOKS])
            body.counts[BLOCKS if done > 0 else TRIED] += 1
            if done == span:
                continue
        body.shelter.holds[0] = 0
        tick(tape, schedule, slots, habits, body, mind, clock[TICK], forced)
        clock[TICK] += 1
        body.counts[TICKS] += 1
    return DONE


@part
def next_span(span: int, done: int, looks: int) -> int:
    """How many bars to look at after a stretch of `span` bars of which `done` passed: more where its ranges settled almost
    everything, fewer where many questions had to be asked bar by bar, which costs more than the bars themselves."""
    if done < span:
        return min(max(4 * done, LEAST_SPAN), WIDTH)
    if looks > MOST_LOOKS:
        return max(span // 2, LEAST_SPAN)
    return min(2 * span, WIDTH)


@inlined
def free_until(tape: Tape, schedule: Schedule, slots: Slots, body: Body, memory: Memory, until: int) -> int:
    """The bar before which no event falls; the next bar itself when it needs a tick.

    Every bar from the moment at which a halt ends needs one, until a bar whose prices are known lifts it.
    """
    clock, event_bar, day_bar = body.clock, schedule.event_bar, schedule.day_bar
    first = clock[TICK]
    if clock[WAITING] > 0:
        return first
    while clock[EVENT] < event_bar.size and event_bar[clock[EVENT]] < first:
        clock[EVENT] += 1
    while clock[DAY] < day_bar.size and day_bar[clock[DAY]] < first:
        clock[DAY] += 1
    last = min(until, first + WIDTH)
    if clock[EVENT] < event_bar.size:
        last = min(last, event_bar[clock[EVENT]])
    if clock[HALTED] == 1:
        wait_ns = memory.halted_until_ns[0] - tape.open_ns[first] - tape.bar_ns
        last = min(last, first + max(0, -(-wait_ns // tape.bar_ns)))
    for k in range(body.moving[0]):
        last = min(last, max(body.under_way[k].bar, first))
    return next_coin_settlement(tape, slots, body.holding, clock[SETTLED], last)


@inlined
def lanes(tape: Tape, day_bar: Integers, slots: Slots, body: Body, rules: Rules, first: int, last: int) -> int:
    """Do bars from `first` on at once, up to `last` (not included) or the first in which something might happen; how many.

    What is not done has changed nothing but scratch and the curve.
    """
    block, holding, curve = body.block, body.holding, body.curve
    block_bounds(tape, first, last, block.sum.bounds)
    cursor, count = body.clock[SETTLED], last - first
    stretch = Stretch(cursor, cash_ahead(tape, slots, holding, cursor, first, last, block), day_bar[body.clock[DAY] :])
    for a in range(holding.accounts.size):
        own = curve[a, first:last]
        copy_row(block.cash[a], own)
        add_positions(tape.close, slots, holding.lines, a, own, first, body.weights, body.columns)
    add_accounts(curve, first, outside_dollars(body.outside), block.total[:count], block.lows)
    span = block.sum.span
    span[FIRST], span[CALM], span[LOOKS] = first, count, 0
    if not is_sheltered(body.shelter, block.sum.bounds, block.cash, block.lows, count):
        survey_margin(tape.low, tape.high, holding.lines, body.orders, block.sum, block.cash)
        survey_rules(slots.rows, holding.rows, holding.lines, rules, block, tape.close, curve)
    survey_days(tape, stretch, slots.rows, holding.rows, rules, block)
    if span[CALM] > 0:
        pass_days(tape, stretch, slots, body, rules, first + span[CALM] - 1)
    return span[CALM]


@part
def add_accounts(curve: Floats, first: int, outside: float, total: Floats, lows: Floats) -> None:
    """Write the book's equity at every close from bar `first` on: that of its accounts (A, B), and what is outside them; and
    the least of each (A + 1,)."""
    last = first + total.size
    copy_row(curve[0, first:last], total)
    lows[0] = lowest(total)
    for a in range(1, curve.shape[0]):
        add_row(curve[a, first:last], total)
        lows[a] = lowest(curve[a, first:last])
    for t in range(total.size):
        total[t] += outside
    lows[curve.shape[0]] = lowest(total)


@inlined
def pass_days(tape: Tape, stretch: Stretch, slots: Slots, body: Body, rules: Rules, last: int) -> None:
    """Settle the funding of a stretch up to bar `last`, and begin the days that began in it."""
    clock, holding, block = body.clock, body.holding, body.block
    day = 0
    for k in range(stretch.days.size):
        bar = stretch.days[k]
        if bar > last:
            break
        new_day(holding, rules.memory, tape.open_ns[bar] + tape.bar_ns, block.total[bar - block.sum.span[FIRST]])
        day = settled_by(tape, stretch, day, bar)
        clock[DAY] += 1
    settled = settled_by(tape, stretch, day, last)
    take_in(slots, holding, block, settled, day)
    if rules.policy.flip_after > 0:
        count_payments(slots, holding, block.unit, settled)
    clock[SETTLED] = stretch.cursor + settled


@part
def settled_by(tape: Tape, stretch: Stretch, count: int, bar: int) -> int:
    """How many of a stretch's bars with settlements are not after `bar`; `count` of them are known not to be."""
    while count < stretch.settled and tape.funding_bar[stretch.cursor + count] <= bar:
        count += 1
    return count


@part
def add_positions(
    closes: Floats, slots: Slots, lines: Lines, a: int, own: Floats, first: int, weights: Floats, columns: Integers
) -> None:
    """Add what account a's rows are worth at every close (C, B) from bar `first` on to `own` (lanes,)."""
    count = 0
    for i in range(slots.start[a], slots.start[a + 1]):
        if lines.delta[i] != 0.0:
            weights[count], columns[count] = lines.delta[i], slots.column[i]
            count += 1
    add_weighted(own, weights, columns, count, closes, first)


@part
def outside_dollars(outside: Outside) -> float:
    """Book equity outside accounts."""
    total = outside.transit[0]
    for layer in range(outside.layers.size):
        total += outside.layers[layer]
    return total


@part
def tick(
    tape: Tape, schedule: Schedule, slots: Slots, habits: Habits, body: Body, mind: Mind, bar: int, forced: bool
) -> None:
    """One bar, in full."""
    holding, orders, clock, prices = body.holding, body.orders, body.clock, body.prices
    desk = Desk(slots, holding, orders, body.journal)
    if body.moving[0] > 0:
        arrive(holding, body.journal, body.under_way, body.moving, body.outside, bar)
    counted = mind.rules.policy.flip_after > 0
    clock[SETTLED] = settle_bar(tape, slots, holding, bar, clock[SETTLED], counted)
    copy_row(tape.open[:, bar], prices)
    if clock[WAITING] > 0:
        clock[WAITING] = fill_due(tape, desk, habits, bar, prices)
    if orders.resting_count[0] > 0:
        fill_limits(tape, desk, habits, bar, prices)
    for a in range(holding.accounts.size):
        test_margin(tape, desk, habits, prices, a, bar)
    if tape.taken.size + tape.unfunded.size > 0:
        deleverage(tape, slots, holding, body.journal, bar, prices)
    forget_closed(slots, holding, mind.rules.memory)
    book = look_at_close(tape, slots, body, bar)
    new_day(holding, mind.rules.memory, tape.open_ns[bar] + tape.bar_ns, book)
    note_wants(mind.rules.policy, body, bar)
    targeted = clock[TARGETED] < schedule.target_bar.size and schedule.target_bar[clock[TARGETED]] == bar
    if targeted:
        adopt_targets(schedule.target, body.target, clock[TARGETED])
        clock[TARGETED] += 1
    if knows_prices(tape, slots, holding, bar):
        called = forced or targeted or schedule.due[bar] == 1 or clock[HALTED] == 1
        if called or rules_may_act(tape, slots, body, mind.rules, bar):
            judge(tape, slots, body, mind, bar, schedule.due[bar])
            obey(tape, slots, habits, body, mind, bar)
    else:
        body.counts[UNKNOWN] += 1
    if targeted:
        aim(tape, slots, habits, body, schedule.target, bar, book)


@inlined
def arrive(holding: Holding, journal: Journal, under_way: Rows, moving: Integers, outside: Outside, bar: int) -> None:
    """Money whose time has come reaches its account."""
    kept = 0
    for k in range(moving[0]):
        a, dollars = under_way[k].account, under_way[k].dollars
        if under_way[k].bar > bar:
            under_way[kept].bar, under_way[kept].account = under_way[k].bar, a
            under_way[kept].dollars = dollars
            kept += 1
            continue
        outside.transit[0] -= dollars
        if a < 0:
            outside.layers[-1 - a] += dollars
            continue
        holding.accounts[a].cash += dollars
        holding.lines.cash[a] = holding.accounts[a].cash + holding.accounts[a].fixed
        holding.moved[a, ARRIVED] += dollars
        number = write(journal, bar, MONEY_IN, a, -1, 0)
        journal.figures[number, 0] = dollars
    moving[0] = kept


@inlined
def test_margin(tape: Tape, desk: Desk, habits: Habits, prices: Floats, a: int, bar: int) -> None:
    """Test account a at the bar's worst prices, then at its close; liquidate it if it dies."""
    slots, holding = desk.slots, desk.holding
    for closing in range(1 - habits.adverse, 2):
        copy_row(tape.close[:, bar], prices)
        if closing == 0:
            worst_prices(tape, slots, holding, a, bar, prices)
        equity, need = account_margin(holding.lines, a, prices)
        if is_dead(slots, a, equity, need):
            cancel_all(slots, desk.orders, a)
            liquidate(tape, desk, a, prices, bar)


@inlined
def forget_closed(slots: Slots, holding: Holding, memory: Memory) -> None:
    """Positions that were closed or turned over start their profit ladder again, and have paid nothing yet."""
    for k in range(slots.positions.size):
        i = slots.positions[k]
        if holding.rows[i].turned != 0.0:
            holding.rows[i].turned, holding.rows[i].paid_in_row, holding.rows[i].received = 0.0, 0.0, 0.0
            forget(memory, k)


@inlined
def look_at_close(tape: Tape, slots: Slots, body: Body, bar: int) -> float:
    """Write the curve at the bar's close; gives the book's equity."""
    total = 0.0
    for a in range(body.holding.accounts.size):
        own = body.curve[a, bar : bar + 1]
        own[0] = body.holding.lines.cash[a]
        add_positions(tape.close, slots, body.holding.lines, a, own, bar, body.weights, body.columns)
        body.block.equity[a] = own[0]
        total = own[0] if a == 0 else total + own[0]
    body.block.book[0] = total + outside_dollars(body.outside)
    return float(body.block.book[0])


@inlined
def new_day(holding: Holding, memory: Memory, now_ns: int, book: float) -> None:
    """Let time pass in memory; a new day's funding starts from nothing."""
    day = memory.day[0]
    roll(memory, now_ns, book)
    if memory.day[0] != day:
        for i in range(holding.rows.size):
            holding.rows[i].day_funding = 0.0


@inlined
def knows_prices(tape: Tape, slots: Slots, holding: Holding, bar: int) -> bool:
    """Whether no market that is held is stale: rules do not judge what nobody knows."""
    stale = 0
    for i in range(slots.rows.size):
        stale += tape.stale[slots.rows[i].column, bar] & NO_PRICE if holding.rows[i].quantity != 0.0 else 0
    return stale == 0


@part
def rules_may_act(tape: Tape, slots: Slots, body: Body, rules: Rules, bar: int) -> bool:
    """Whether any rule may act at one bar's close, whose funding is settled and whose day has begun."""
    block, holding, bounds, span = body.block, body.holding, body.block.sum.bounds, body.block.sum.span
    for c in range(tape.close.shape[0]):
        bounds[c, 0], bounds[c, 1] = tape.close[c, bar], tape.close[c, bar]
    for a in range(holding.accounts.size):
        block.cash[a, 0], block.lows[a] = holding.lines.cash[a], body.curve[a, bar]
    block.lows[holding.accounts.size] = block.book[0]
    block.total[0], span[FIRST], span[CALM] = block.book[0], bar, 1
    survey_rules(slots.rows, holding.rows, holding.lines, rules, block, tape.close, body.curve)
    here = Stretch(body.clock[SETTLED], 0, slots.start[:0])
    survey_days(tape, here, slots.rows, holding.rows, rules, block)
    return span[CALM] == 0
