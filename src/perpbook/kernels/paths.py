"""One imagined path of every price: drawn from the past, or from a law.

`fill_path` serves every kind of source, so a drill is compiled once.
Blocks of the past keep what came together together: moves of all prices in a row, their extremes, their funding.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from perpbook.kernels.chance import MASK, WORDS, below, gamma, next_word, normal, seed_path, uniform
from perpbook.kernels.jit import inlined, lean, part
from perpbook.kernels.types import Floats, Integers

BOOTSTRAP, NORMAL, STUDENT, COPULA, FILTERED, GIVEN, REPLAY = range(7)
"""Kinds of source: blocks of the past; correlated normal moves; the same with common fat tails; a t-copula with each
price's own distribution; filtered historical simulation; moves given path by path; the pool's rows in their order, once."""

CLOSE, HIGH, LOW, FUNDING = range(4)
"""Last axis of a pool: close, high and low over the close before, and funding per hour."""

ROOM = WORDS
"""Size of the generator's state."""


class Steps(NamedTuple):
    """One path, (C, T) each: prices from `start` (C,) on, and the funding rate per hour in force (> 0: longs pay)."""

    start: Floats
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    funding: Floats


class Jumps(NamedTuple):
    """Jumps on top of a path, log sizes normal. rate, own_rate : expected number in a step, common to all and (C,) of each.

    mean, spread : (C,) of a jump's log size. excite : how much a common fall adds to the common rate; it then fades by
    `fade` a step (0 for none). The mean effect on the price is taken out, that of the excitement apart.
    """

    rate: float
    excite: float
    fade: float
    own_rate: Floats
    mean: Floats
    spread: Floats


class Source(NamedTuple):
    """Where paths come from. Arrays that a kind does not use are empty.

    pool : (n, C, 4) rows of the past, see above, all prices of a row together, so that a block is read as one piece; for
    FILTERED log residuals of volatility 1 in its CLOSE.
    restart : chance that a step begins a new block.  drift : (C,) added to every log move.
    root : (C, C) times independent numbers gives log moves (NORMAL, STUDENT) or correlated ones of variance 1 (COPULA).
    nu : degrees of freedom.  table : (C, Q) quantiles of log moves at (k + 1/2) / Q.
    recursion : (C, 6) omega, alpha, gamma, beta, variance now, highest variance, of FILTERED.
    given : (P, C, T) log moves.  funding : (C,) rate per hour where no pool has one.
    bridge : (C,) volatility of a step for the extremes inside it, 0 for none beyond its ends.
    """

    kind: int
    pool: Floats
    restart: float
    drift: Floats
    root: Floats
    nu: float
    table: Floats
    recursion: Floats
    given: Floats
    funding: Floats
    bridge: Floats
    jumps: Jumps


class Brush(NamedTuple):
    """Scratch of a thread: generator's `state` (ROOM,), `rows` (T,) of the pool, `shocks` (2, C), `moves` (C, T),
    `jumped` (C, T) flags of steps with a jump in them, `variance` (C,)."""

    state: Integers
    rows: Integers
    shocks: Floats
    moves: Floats
    jumped: Integers
    variance: Floats


def new_brush(columns: int, steps: int) -> Brush:
    """Scratch for paths of C prices and T steps."""
    return Brush(
        state=np.zeros(ROOM, dtype=np.int64),
        rows=np.zeros(steps, dtype=np.int64),
        shocks=np.zeros((2, columns)),
        moves=np.zeros((columns, steps)),
        jumped=np.zeros((columns, steps), dtype=np.int64),
        variance=np.zeros(columns),
    )


def empty_steps(columns: int, steps: int) -> Steps:
    """Room for one path, of prices as multiples of what they are at the start."""
    shape = (columns, steps)
    return Steps(np.ones(columns), np.ones(shape), np.ones(shape), np.ones(shape), np.ones(shape), np.zeros(shape))


@lean
def fill_path(source: Source, seed: int, path: int, brush: Brush, steps: Steps) -> None:
    """Draw path number `path` into `steps`; columns beyond the brush's stand still."""
    seed_path(brush.state, seed, path)
    for c in range(brush.variance.size, steps.close.shape[0]):
        stand_still(steps, c)
    if source.kind in (BOOTSTRAP, FILTERED):
        draw_rows(source, brush)
    elif source.kind == REPLAY:
        for t in range(brush.rows.size):
            brush.rows[t] = min(t, source.pool.shape[0] - 1)
    if source.kind in (BOOTSTRAP, REPLAY) and source.jumps.mean.size == 0:
        for c in range(brush.variance.size):
            replay(source.pool, brush.rows, math.exp(source.drift[c]), steps, c)
        return
    draw_moves(source, path, brush)
    add_jumps(source.jumps, brush)
    for c in range(brush.variance.size):
        walk(source, brush, steps, c)


@part
def stand_still(steps: Steps, c: int) -> None:
    """Column c at its start, all the way."""
    for t in range(steps.close.shape[1]):
        steps.open[c, t], steps.high[c, t], steps.low[c, t] = steps.start[c], steps.start[c], steps.start[c]
        steps.close[c, t] = steps.start[c]


@inlined
def draw_rows(source: Source, brush: Brush) -> None:
    """Rows of the pool in blocks of random length, the past taken as a circle (Politis and Romano, 1994)."""
    state, count = brush.state, source.pool.shape[0]
    limit = int(source.restart * (MASK + 1.0))
    row = below(state, count)
    for t in range(brush.rows.size):
        if next_word(state) < limit:
            row = below(state, count)
        brush.rows[t] = row
        row += 1
        if row == count:
            row = 0


@inlined
def replay(pool: Floats, rows: Integers, lift: float, steps: Steps, c: int) -> None:
    """Column c of a path from rows of the past; `lift` is a factor on every step. Places without a sign: those with one may count
    from the end, and are tested for it."""
    opens, high, low, close, funding = steps.open[c], steps.high[c], steps.low[c], steps.close[c], steps.funding[c]
    level = steps.start[c]
    for t in range(rows.size):
        row = np.uint64(rows[t])
        opens[t] = level
        high[t], low[t] = level * max(pool[row, c, HIGH] * lift, 1.0), level * min(pool[row, c, LOW] * lift, 1.0)
        level *= pool[row, c, CLOSE] * lift
        close[t], funding[t] = level, pool[row, c, FUNDING]


@part
def draw_moves(source: Source, path: int, brush: Brush) -> None:
    """Log moves of every price in every step, into `brush.moves`."""
    columns, count = brush.moves.shape
    for c in range(columns):
        if source.kind == FILTERED:
            brush.variance[c] = source.recursion[c, 4]
    for t in range(count):
        if source.kind == NORMAL or source.kind == STUDENT or source.kind == COPULA:
            shock(source, brush)
        for c in range(columns):
            if source.kind == GIVEN:
                move = source.given[path, c, t]
            elif source.kind in (BOOTSTRAP, REPLAY):
                move = math.log(source.pool[brush.rows[t], c, CLOSE])
            elif source.kind == FILTERED:
                move = filtered(source, brush, c, t)
            elif source.kind == COPULA:
                move = from_table(source.table[c], student_share(brush.shocks[1, c], source.nu))
            else:
                move = brush.shocks[1, c]
            brush.moves[c, t] = move + source.drift[c]


@inlined
def shock(source: Source, brush: Brush) -> None:
    """Correlated numbers of one step into `brush.shocks[1]`; fat tails come to all at once."""
    columns = brush.variance.size
    for c in range(columns):
        brush.shocks[0, c] = normal(brush.state)
    stretch = 1.0
    if source.kind != NORMAL:
        stretch = math.sqrt(0.5 * source.nu / gamma(brush.state, 0.5 * source.nu))
    if source.kind == STUDENT:
        stretch *= math.sqrt((source.nu - 2.0) / source.nu)
    for c in range(columns):
        total = 0.0
        for k in range(columns):
            total += source.root[c, k] * brush.shocks[0, k]
        brush.shocks[1, c] = total * stretch


@inlined
def filtered(source: Source, brush: Brush, c: int, t: int) -> float:
    """A residual of the past at today's volatility, which then follows its own recursion (GJR, 1993)."""
    variance = brush.variance[c]
    move = math.sqrt(variance) * source.pool[brush.rows[t], c, CLOSE]
    fallen = 1.0 if move < 0.0 else 0.0
    omega, alpha, leverage, beta = (
        source.recursion[c, 0], source.recursion[c, 1], source.recursion[c, 2], source.recursion[c, 3],
    )  # fmt: skip
    after = omega + (alpha + leverage * fallen) * move * move + beta * variance
    brush.variance[c] = min(after, source.recursion[c, 5])
    return move


@part
def student_share(x: float, nu: float) -> float:
    """P(T <= x) of Student's t with `nu` degrees of freedom, by the incomplete beta function's continued fraction."""
    z = nu / (nu + x * x)
    tail = 0.5 * beta_share(0.5 * nu, 0.5, z)
    return 1.0 - tail if x > 0.0 else tail


@part
def beta_share(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function (Lentz's method; DLMF 8.17.22)."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - beta_share_low(b, a, 1.0 - x)
    return beta_share_low(a, b, x)


@part
def beta_share_low(a: float, b: float, x: float) -> float:
    """The same where its continued fraction converges fast."""
    front = math.exp(
        a * math.log(x) + b * math.log(1.0 - x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    )  # fmt: skip
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    total = d
    for m in range(1, 300):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        d, c = 1.0 + even * d, 1.0 + even / c
        d, c = 1.0 / (d if abs(d) > tiny else tiny), c if abs(c) > tiny else tiny
        total *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d, c = 1.0 + odd * d, 1.0 + odd / c
        d, c = 1.0 / (d if abs(d) > tiny else tiny), c if abs(c) > tiny else tiny
        total *= d * c
        if abs(d * c - 1.0) < 1e-15:
            break
    return front * total / a


@part
def from_table(table: Floats, share: float) -> float:
    """The quantile of a table of quantiles at (k + 1/2) / Q, straight between them, its ends beyond them."""
    at = share * table.size - 0.5
    if at <= 0.0:
        return float(table[0])
    k = int(at)
    if k >= table.size - 1:
        return float(table[table.size - 1])
    return float(table[k] + (at - k) * (table[k + 1] - table[k]))


@part
def add_jumps(jumps: Jumps, brush: Brush) -> None:
    """Jumps into `brush.moves`, marked in `brush.jumped`."""
    brush.jumped[:, :] = 0
    columns, count = brush.moves.shape
    if jumps.mean.size == 0:
        return
    state, extra = brush.state, 0.0
    for t in range(count):
        common = poisson(state, jumps.rate + extra)
        falls = 0
        for _ in range(common):
            z = normal(state)
            falls += 1 if jumps.mean[0] + jumps.spread[0] * z < 0.0 else 0
            for c in range(columns):
                brush.moves[c, t] += jumps.mean[c] + jumps.spread[c] * z
                brush.jumped[c, t] = 1
        for c in range(columns):
            for _ in range(poisson(state, jumps.own_rate[c])):
                brush.moves[c, t] += jumps.mean[c] + jumps.spread[c] * normal(state)
                brush.jumped[c, t] = 1
            size = math.exp(jumps.mean[c] + 0.5 * jumps.spread[c] * jumps.spread[c]) - 1.0
            brush.moves[c, t] -= (jumps.rate + jumps.own_rate[c]) * size
        extra = extra * jumps.fade + jumps.excite * falls


@part
def poisson(state: Integers, mean: float) -> int:
    """A Poisson number of a small mean."""
    if mean <= 0.0:
        return 0
    limit, product, count = math.exp(-mean), uniform(state), 0
    while product > limit:
        product *= uniform(state)
        count += 1
    return count


@inlined
def walk(source: Source, brush: Brush, steps: Steps, c: int) -> None:
    """Column c of a path from its log moves; extremes inside a step from the law of a Brownian bridge, each alone.

    A step with a jump has no bridge: its extremes are its ends.
    """
    level, sigma = steps.start[c], source.bridge[c]
    if source.kind == FILTERED:
        brush.variance[c] = source.recursion[c, 4]
    pooled = source.pool.size > 0
    for t in range(brush.rows.size):
        move = brush.moves[c, t]
        after = level * math.exp(move)
        high, low = max(level, after), min(level, after)
        local = sigma * sigma
        if source.kind == FILTERED:
            local = brush.variance[c]
            filtered(source, brush, c, t)
        if sigma > 0.0 and brush.jumped[c, t] == 0:
            up = 0.5 * (move + math.sqrt(move * move - 2.0 * local * math.log(uniform(brush.state))))
            down = 0.5 * (move - math.sqrt(move * move - 2.0 * local * math.log(uniform(brush.state))))
            high, low = level * math.exp(up), level * math.exp(down)
        steps.open[c, t], steps.close[c, t] = level, after
        steps.high[c, t], steps.low[c, t] = high, low
        steps.funding[c, t] = source.pool[brush.rows[t], c, FUNDING] if pooled else source.funding[c]
        level = after
