"""Many imagined futures of one book: draw a path, run the tick over it, write down what became of the accounts.

Every path is the same run from the same start as a backtest, on a tape that is drawn over again for each: what dies, and
when, is found by the venues' own procedures and the playbook's own rules, not by a formula. A path's numbers depend on its
number and the seed alone, so neither threads nor chunks change a result.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.body import FULL, Body, Mind
from perpbook.kernels.deleverage import debt_of
from perpbook.kernels.in_force import expect
from perpbook.kernels.jit import inlined, lean, part
from perpbook.kernels.journal import BACKSTOP, BY_VENUE, FILL, INSURED_LOSS, LIQUIDATION, RULE, Journal
from perpbook.kernels.orders import Habits
from perpbook.kernels.paths import Brush, Source, Steps, fill_path
from perpbook.kernels.rows import add_row, copy_row
from perpbook.kernels.settle import price_row
from perpbook.kernels.shelter import find_shelter
from perpbook.kernels.slots import Slots
from perpbook.kernels.step import advance
from perpbook.kernels.sweep import Fresh, begin_again, fall, wind_back
from perpbook.kernels.tape import NO_PRICE, Schedule, Tape
from perpbook.kernels.toll import BARE, DEBT, TAKEN, Worth, in_dollars
from perpbook.kernels.types import Flags, Floats, Integers

(
    END,
    LEAST,
    DEEPEST,
    FIRST,
    WHO,
    LIQUIDATIONS,
    RULES,
    FILLS,
    FUNDING,
    COSTS,
    TRIM_COSTS,
    PENALTIES,
    ORPHAN,
    ORPHAN_BARS,
) = range(14)
"""Columns of what a path gave. Dollars: end and least book equity, funding received, fees and slippage paid (<= 0), those
paid for orders of rules, penalties and what venues kept (<= 0), exposure that the first account to die left without its
other leg. Bars: FIRST that at whose end an account was first liquidated (the horizon when none was), WHO its number (-1),
ORPHAN_BARS how long the other leg stood alone. DEEPEST drawdown is a share; the others are counts."""

MEASURES = 14

BINS = 600
"""Bins of the fan; the last holds what lies beyond."""

BY_RULES = 100
"""Reasons of fills below this are rules."""

COUNTED = 8
"""Paths whose equity is counted into the fan together: its rows lie far apart, and are fetched once for all of them."""


class Weather(NamedTuple):
    """What happens beside the path, by column and step (C, T): a factor on the close (the open carries the one before),
    factors on what is lowest and highest then (low <= 1 <= high), and funding per hour put in place of the path's, or added
    to it (NaN and 0 for neither). Where the tape says that nobody knows the price, it stands still.

    calm : (C,) 1 for columns that have no weather.  hours : (C, S) hours settled at each of the tape's settlements, 0 for
    none.  worth : of coins.
    """

    calm: Flags
    factor: Floats
    low: Floats
    high: Floats
    funding_set: Floats
    funding_add: Floats
    hours: Floats
    worth: Worth


class Run(NamedTuple):
    """One run laid out, as `advance` takes it, and its start to begin again from."""

    tape: Tape
    schedule: Schedule
    slots: Slots
    habits: Habits
    body: Body
    mind: Mind
    fresh: Fresh


class Look(NamedTuple):
    """Scratch for reading journals: `held` (n,) sizes as events leave them, `first_held` (n,) at the start, `died` (A,) bar
    of each account's first liquidation, the horizon for none; `fired` (REASONS,) orders of each rule in this path; `totals`
    (COUNTED, T) book equity of paths not yet counted into the fan."""

    held: Floats
    first_held: Floats
    died: Floats
    fired: Integers
    totals: Floats


class Found(NamedTuple):
    """Results, by path p - first: `figures` (P, MEASURES), `died` (P, A) bars, `ends` (P, A) end equity, `tolls` (P, A, 4)
    what `kernels.toll` says.

    Added to: `fan` (T, BINS) counts of book equity, `scale` bins a dollar; `rules` (REASONS, 2) orders and paths by reason.
    """

    figures: Floats
    died: Floats
    ends: Floats
    tolls: Floats
    fan: Integers
    rules: Integers
    scale: float


class Draw(NamedTuple):
    """Which paths: `source`, `seed`, numbers first..last-1; `brush` and `steps` are scratch."""

    source: Source
    seed: int
    first: int
    last: int
    brush: Brush
    steps: Steps


@lean
def stage_path(tape: Tape, steps: Steps, weather: Weather) -> None:
    """Make the tape of a path whose prices are on it already (`Steps` of a stage are the tape's own arrays): the weather on
    them, the rates of settlements."""
    for c in range(tape.close.shape[0]):
        if not weather.calm[c]:
            weather_column(tape, weather, c)
        rates = tape.funding_rate[c]
        price_row(steps.funding[c], tape.funding_bar, weather.hours[c], rates)
        if not weather.calm[c]:
            shock_column(weather, tape.funding_bar, c, rates)
    if tape.expected.shape[1] > 0:
        expect(tape.funding_rate, tape.interval_ns, tape.decay, tape.expected)


@part
def shock_column(weather: Weather, bars: Integers, c: int, rates: Floats) -> None:
    """The weather's funding in place of a column's own, or on top of it."""
    for s in range(rates.size):
        hours = weather.hours[c, s]
        if not np.isnan(weather.funding_set[c, bars[s]]):
            rates[s] = weather.funding_set[c, bars[s]] * hours
        rates[s] += weather.funding_add[c, bars[s]] * hours


@part
def weather_column(tape: Tape, weather: Weather, c: int) -> None:
    """The weather on one column; a factor that changes inside a bar belongs to its close."""
    opens, high, low, close = tape.open[c], tape.high[c], tape.low[c], tape.close[c]
    start, before = opens[0], 1.0
    for t in range(close.size):
        now = weather.factor[c, t]
        first, last = opens[t] * before, close[t] * now
        before = now
        if tape.stale[c, t] & NO_PRICE:
            last = start if t == 0 else close[t - 1]
            opens[t], high[t], low[t], close[t] = last, last, last, last
            continue
        opens[t], close[t] = first, last
        high[t] = max(max(first, last), high[t] * now) * weather.high[c, t]
        low[t] = min(min(first, last), low[t] * now) * weather.low[c, t]


@lean
def run_paths(run: Run, weather: Weather, draw: Draw, look: Look, found: Found) -> None:
    """Run every path of `draw`, writing what it gave into `found`."""
    tape, body, bars = run.tape, run.body, run.tape.open_ns.size
    begin_again(body, run.mind, run.fresh)
    found_one = find_shelter(
        tape, run.slots, body.holding, body.orders, run.mind.rules, body.block, body.curve, body.shelter
    )
    for p in range(draw.first, draw.last):
        fill_path(draw.source, draw.seed, p, draw.brush, draw.steps)
        stage_path(tape, draw.steps, weather)
        if body.shelter.holds[0] == 1:
            wind_back(body, run.mind.rules.memory, run.fresh)
        else:
            begin_again(body, run.mind, run.fresh)
        body.shelter.holds[0] = found_one
        out, tolls = found.figures[p - draw.first], found.tolls[p - draw.first]
        begin_look(look, out, bars)
        tolls[:, :] = 0.0
        while advance(tape, run.schedule, run.slots, run.habits, body, run.mind, bars, False) == FULL:
            read_journal(body.journal, run.slots, tape, look, out, tolls)
            body.journal.rows[0] = 0
        read_journal(body.journal, run.slots, tape, look, out, tolls)
        close_path(body, look, weather.worth, found, p - draw.first, bars)
        if (p - draw.first) % COUNTED == COUNTED - 1 or p == draw.last - 1:
            count_fan(look.totals[: (p - draw.first) % COUNTED + 1], found.scale, found.fan)


@inlined
def begin_look(look: Look, out: Floats, bars: int) -> None:
    """Nothing has happened yet."""
    out[:] = 0.0
    out[FIRST], out[WHO] = bars, -1.0
    copy_row(look.first_held, look.held)
    look.died[:] = bars
    look.fired[:] = 0


@inlined
def read_journal(journal: Journal, slots: Slots, tape: Tape, look: Look, out: Floats, tolls: Floats) -> None:
    """Take in what the journal tells, in its order."""
    for k in range(journal.rows[0]):
        kind = journal.what[k, 1]
        if kind == RULE:
            out[RULES] += 1.0
            look.fired[journal.what[k, 4]] += 1
        elif kind == FILL:
            if journal.what[k, 4] == BY_VENUE:
                read_taken(journal, slots, tape, look, tolls, k)
            read_fill(journal, look, out, k)
        elif kind in (LIQUIDATION, BACKSTOP):
            read_death(journal, slots, tape, look, out, k)
        elif kind == INSURED_LOSS:
            tolls[journal.what[k, 2], DEBT] += debt_of(journal, k)
        if kind in (FILL, LIQUIDATION, BACKSTOP) and out[ORPHAN] > 0.0 and out[ORPHAN_BARS] == 0.0:
            bar = journal.what[k, 0]
            if bar > out[FIRST] and is_alone_no_more(slots, look, out):
                out[ORPHAN_BARS] = bar - out[FIRST]


@inlined
def read_fill(journal: Journal, look: Look, out: Floats, k: int) -> None:
    """An order that filled, and what it cost."""
    cost = journal.figures[k, 2] + journal.figures[k, 3]
    look.held[journal.what[k, 3]] += journal.figures[k, 0]
    out[FILLS] += 1.0
    out[COSTS] += cost
    if journal.what[k, 4] < BY_RULES:
        out[TRIM_COSTS] += cost


@inlined
def read_taken(journal: Journal, slots: Slots, tape: Tape, look: Look, tolls: Floats, k: int) -> None:
    """A winner that its venue closed, before it is: its exposure, and by how much more the book's other side of the asset
    then stands alone, at the bar's close."""
    bar, i, change = journal.what[k, 0], journal.what[k, 3], journal.figures[k, 0]
    closed, own, other = 0.0, 0.0, 0.0
    for j in range(slots.rows.size):
        if slots.rows[j].coin or slots.rows[j].asset != slots.rows[i].asset:
            continue
        size = abs(look.held[j]) * (1.0 if slots.rows[j].inverse else tape.close[slots.rows[j].column, bar])
        if look.held[j] * change > 0.0:
            other += size
        else:
            own += size
        if j == i:
            closed = size * min(abs(change / look.held[j]), 1.0)
    a = slots.rows[i].account
    tolls[a, TAKEN] += closed
    tolls[a, BARE] += max(other - own + closed, 0.0) - max(other - own, 0.0)


@inlined
def read_death(journal: Journal, slots: Slots, tape: Tape, look: Look, out: Floats, k: int) -> None:
    """A part of an account that its venue closed."""
    bar, a, i = journal.what[k, 0], journal.what[k, 2], journal.what[k, 3]
    out[LIQUIDATIONS] += 1.0
    look.died[a] = min(look.died[a], float(bar))
    if out[WHO] < 0.0:
        out[FIRST], out[WHO] = bar, a
    if out[WHO] == a and out[FIRST] == bar:
        out[ORPHAN] += left_alone(slots, tape, look, i, journal.figures[k, 0], bar)
    look.held[i] += journal.figures[k, 0]
    out[COSTS] += journal.figures[k, 2]
    out[PENALTIES] += journal.figures[k, 3]


@inlined
def left_alone(slots: Slots, tape: Tape, look: Look, i: int, change: float, bar: int) -> float:
    """Dollars that other accounts hold against the part of row i that is closed, at most as much as is closed."""
    other, price = 0.0, tape.close[slots.rows[i].column, bar]
    for j in range(slots.rows.size):
        same = slots.rows[j].asset == slots.rows[i].asset and slots.rows[j].account != slots.rows[i].account
        if same and not slots.rows[j].coin and look.held[j] * change > 0.0:
            size = abs(look.held[j])
            other += size if slots.rows[j].inverse else size * tape.close[slots.rows[j].column, bar]
    closed = abs(change) * (1.0 if slots.rows[i].inverse else price)
    return min(other, closed)


@inlined
def is_alone_no_more(slots: Slots, look: Look, out: Floats) -> bool:
    """Whether everything outside the account that died first is closed."""
    held = 0
    for j in range(slots.rows.size):
        other = slots.rows[j].account != out[WHO] and not slots.rows[j].coin
        held += 1 if other and abs(look.held[j]) > 1e-12 * abs(look.first_held[j]) else 0
    return held == 0


@inlined
def close_path(body: Body, look: Look, worth: Worth, found: Found, number: int, bars: int) -> None:
    """Write what a finished path came to, in dollars."""
    out, curve = found.figures[number], body.curve
    in_dollars(worth, curve, found.tolls[number])
    for a in range(curve.shape[0]):
        found.ends[number, a], found.died[number, a] = curve[a, bars - 1], look.died[a]
    total = curve[0]
    for a in range(1, curve.shape[0]):
        add_row(curve[a], total)
    add_row(worth.away, total)
    fall(total, 0.0, out)
    out[END] = total[bars - 1]
    if out[ORPHAN] > 0.0 and out[ORPHAN_BARS] == 0.0:
        out[ORPHAN_BARS] = bars - out[FIRST]
    for i in range(body.holding.rows.size):
        out[FUNDING] += body.holding.totals[i, 1]
    for a in range(curve.shape[0]):
        out[PENALTIES] += body.holding.moved[a, 0]
    copy_row(total, look.totals[number % COUNTED])
    for reason in range(look.fired.size):
        found.rules[reason, 0] += look.fired[reason]
        found.rules[reason, 1] += 1 if look.fired[reason] > 0 else 0


@inlined
def count_fan(totals: Floats, scale: float, fan: Integers) -> None:
    """Count book equity of some paths (n, T) at every close into its bin."""
    for t in range(totals.shape[1]):
        for k in range(totals.shape[0]):
            fan[t, np.uint64(min(max(int(totals[k, t] * scale), 0), BINS - 1))] += 1
