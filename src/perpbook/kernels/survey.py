"""How many bars of a stretch pass before anything may happen. It may say too few; it never says too many.

Between events positions do not change, so at any bar an account's surplus, a leverage's room and a loss's are a row of
dollars (cash, equity) plus a function of each column's price that is concave (`screens.surplus_at`), or linear. Over the
stretch's range of a price a concave function lies above its chord. So every question is "where is a row plus a few
weighted rows of prices first too low?": asked of the range alone at first, which mostly settles it for every bar at once,
and only then bar by bar, by vector instructions. Kernels take the few arrays they read: tuples of many cost more to hand
over than the work itself.

Rows of `slots.rows` are `rows`, those of `holding.rows` are `held`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.jit import inlined, part
from perpbook.kernels.lanes import add_weighted, lowest
from perpbook.kernels.orders import Orders
from perpbook.kernels.screens import (
    FLOOR,
    Block,
    Rules,
    Storms,
    calm_ratio,
    gain_of,
    group_end,
    lowest_rate,
    next_bend,
    surplus_at,
)
from perpbook.kernels.sums import (
    CALM,
    CONSTANT,
    FIRST,
    HAIR,
    LOOKS,
    LOWEST,
    SIZE,
    Sum,
    add_chord,
    add_line,
    begin,
    first_at_most,
    keep_above,
    scale_row,
    size_of,
)
from perpbook.kernels.types import Floats, Lines, Rows

STILL, AT_ONCE = -1, -2
"""Instead of a scenario's number: prices as they are; every column at its worst in any scenario."""


class Backing(NamedTuple):
    """A row of equity with its least, and the rows that it backs: an account's, or the whole book's."""

    equity: Floats
    least: float
    first: int
    last: int


@part
def survey_margin(low: Floats, high: Floats, lines: Lines, orders: Orders, sum: Sum, cash: Floats) -> None:
    """Shorten the calm to the bars in which no account may die and no resting order may fill. low, high : (C, B) prices."""
    for a in range(cash.shape[0]):
        margin_lasts(low, high, lines, sum, cash[a], a)
    first = sum.span[FIRST]
    for k in range(orders.resting_count[0]):
        c, n = lines.column[orders.resting[k].row], sum.span[CALM]
        if orders.resting[k].quantity > 0.0:
            sum.span[CALM] = first_at_most(low[c, first : first + n], orders.resting[k].price)
        else:
            highs, t = high[c, first : first + n], 0
            while t < n and highs[t] < orders.resting[k].price:
                t += 1
            sum.span[CALM] = t


@part
def survey_rules(
    rows: Rows, held: Rows, lines: Lines, rules: Rules, block: Block, closes: Floats, curve: Floats
) -> None:
    """Shorten the calm to the bars at whose close no rule may act, funding and drawdowns apart.

    closes (C, B) and curve (A, B) of the whole run.
    """
    policy, sum = rules.policy, block.sum
    first = sum.span[FIRST]
    for a in range(lines.cash.size):
        if rules.storms.broken.size > 0:
            survives(lines, rules.storms, policy.buffer, sum, block.cash[a], closes, a)
        calm_leverage(
            rows, held, lines, sum, block.cash[a], closes, min(policy.account_effective, policy.book_effective), a
        )
        equity = Backing(curve[a, first : first + sum.span[CALM]], block.lows[a], lines.start[a], lines.start[a + 1])
        for asset in range(-1, 0):
            exposed(rows, held, sum, equity, closes, asset, policy.account_gross)
            for side in range(-1, 2, 2):
                leaning(rows, lines.delta, sum, equity, closes, asset, policy.account_net, side)
    book = Backing(block.total, block.lows[lines.cash.size], lines.start[0], rows.size)
    for asset in range(-1, policy.asset_cap.size):
        exposed(rows, held, sum, book, closes, asset, policy.asset_cap[asset] if asset >= 0 else policy.book_gross)
        most = policy.hedge_band[asset] if asset >= 0 else policy.book_net
        if most < np.inf:
            for side in range(-1, 2, 2):
                leaning(rows, lines.delta, sum, book, closes, asset, most, side)
    survey_positions(rows, held, rules, sum, book, closes)


@inlined
def survey_positions(rows: Rows, held: Rows, rules: Rules, sum: Sum, book: Backing, closes: Floats) -> None:
    """The same of what one position may lose, and of the next step of its profit ladder."""
    policy = rules.policy
    for i in range(rows.size):
        if not rows[i].coin and held[i].quantity != 0.0:
            if policy.position_loss < np.inf:
                loses(rows, held, sum, book, closes, i, policy.position_loss)
            step = rules.memory.steps_taken[rows[i].place]
            if step < policy.profit_gain.size:
                gains(rows, held, sum, closes, i, policy.profit_gain[step] * (1.0 - HAIR))


@part
def margin_lasts(low: Floats, high: Floats, lines: Lines, sum: Sum, cash: Floats, a: int) -> None:
    """Where account a's surplus stays above nothing at the worse end of every column's bar.

    Columns that hurt at their lows are the sum's first terms, those that hurt at their highs its second half.
    """
    n, half = sum.span[CALM], lines.delta.size
    if n == 0:
        return
    begin(sum, lowest(cash[:n]))
    falls, rises, i = 0, half, lines.start[a]
    while i < lines.start[a + 1]:
        end, c = group_end(lines.column, i, lines.start[a + 1]), lines.column[i]
        below = surplus_at(lines, i, end, sum.bounds[c, 0], 1.0)
        above = surplus_at(lines, i, end, sum.bounds[c, 1], 1.0)
        sum.figures[SIZE] += size_of(lines.delta[i:end], sum.bounds[c, 1])
        add_chord(sum, falls if above >= below else rises, c, below, above)
        if above >= below:
            falls += 1
        else:
            rises += 1
        i = end
    limit = HAIR * sum.figures[SIZE]
    if sum.figures[SIZE] == 0.0 or sum.figures[LOWEST] > limit:
        return
    sum.span[LOOKS] += 1
    sums = sum.sums[:n]
    scale_row(cash, 1.0, sum.figures[CONSTANT], sums)
    add_weighted(sums, sum.weights, sum.columns, falls, low, sum.span[FIRST])
    add_weighted(sums, sum.weights[half:], sum.columns[half:], rises - half, high, sum.span[FIRST])
    sum.span[CALM] = first_at_most(sums, limit)


@part
def survives(lines: Lines, storms: Storms, buffer: float, sum: Sum, cash: Floats, closes: Floats, a: int) -> None:
    """Where account a lives through every scenario with the playbook's buffer.

    Most accounts would live if every column stood at its worst in any scenario. For the others: along the moves of one kind
    surplus is concave too, so standing still and the outermost moves bound those between.
    """
    n = sum.span[CALM]
    for s in range(AT_ONCE, 0):
        stormed(lines, storms, 1.0 + buffer, sum, cash, closes, a, s)
        if s == AT_ONCE:
            if sum.span[CALM] == n:
                return
            sum.span[CALM] = n
    for k in range(storms.outermost.size):
        stormed(lines, storms, 1.0 + buffer, sum, cash, closes, a, storms.outermost[k])


@part
def stormed(
    lines: Lines, storms: Storms, weight: float, sum: Sum, cash: Floats, closes: Floats, a: int, s: int
) -> None:
    """Where account a has surplus, its requirement weighted, after scenario s. Groups that a scenario leaves alone are as in
    STILL, which must have been asked before."""
    if sum.span[CALM] == 0:
        return
    begin(sum, lowest(cash[: sum.span[CALM]]))
    terms, i, last = 0, lines.start[a], lines.start[a + 1]
    while i < last:
        end, c = group_end(lines.column, i, last), lines.column[i]
        asset = storms.asset[c]
        below, above = sum.still[terms, 0], sum.still[terms, 1]
        if s < 0 or storms.broken[s] or storms.moves[asset, s] != 0.0:
            below, above = np.inf, np.inf
            for side in range(sides_of(storms, s)):
                ratio = price_ratio(storms, asset, s, side)
                below = min(below, surplus_at(lines, i, end, sum.bounds[c, 0] * ratio, weight))
                above = min(above, surplus_at(lines, i, end, sum.bounds[c, 1] * ratio, weight))
        if s == STILL:
            sum.still[terms, 0], sum.still[terms, 1] = below, above
        sum.figures[SIZE] += size_of(lines.delta[i:end], sum.bounds[c, 1])
        add_chord(sum, terms, c, below, above)
        terms, i = terms + 1, end
    if sum.figures[SIZE] > 0.0:
        keep_above(sum, cash, 1.0, terms, closes)


@inlined
def sides_of(storms: Storms, s: int) -> int:
    """How many price ratios scenario s may mean for an asset."""
    if s < 0:
        return -s
    return 3 if storms.broken[s] else 1


@inlined
def price_ratio(storms: Storms, asset: int, s: int, side: int) -> float:
    """One of the price ratios that scenario s may mean for an asset."""
    if s == STILL:
        return 1.0
    if s == AT_ONCE:
        return float(storms.widest[asset, side])
    if not storms.broken[s]:
        return 1.0 + max(storms.moves[asset, s], FLOOR)
    return 1.0 + max(storms.moves[asset, s] + (side - 1) * storms.pull[s], FLOOR)


@part
def calm_leverage(
    rows: Rows, held: Rows, lines: Lines, sum: Sum, cash: Floats, closes: Floats, cap: float, a: int
) -> None:
    """Where account a lives through both moves that prove its effective leverage to be under a cap, and the bends before."""
    if cap == np.inf or sum.span[CALM] == 0:
        return
    rate = lowest_rate(rows, held, lines.start[a], lines.start[a + 1])
    for side in range(-1, 2, 2):
        move = (1.0 / cap - rate) / (1.0 + side * rate)
        at = 0.0
        if move <= 0.0:
            sum.span[CALM] = 0
        while at < move and sum.span[CALM] > 0:
            at = next_bend(rows, lines.start[a], lines.start[a + 1], side, at, move)
            moved(rows, lines, sum, cash, closes, side * at, a)


@part
def moved(rows: Rows, lines: Lines, sum: Sum, cash: Floats, closes: Floats, move: float, a: int) -> None:
    """Where account a lives after a joint move."""
    begin(sum, lowest(cash[: sum.span[CALM]]))
    terms, i = 0, lines.start[a]
    while i < lines.start[a + 1]:
        end, c = group_end(lines.column, i, lines.start[a + 1]), lines.column[i]
        ratio, low, high = calm_ratio(move, rows[i].beta), sum.bounds[c, 0], sum.bounds[c, 1]
        sum.figures[SIZE] += size_of(lines.delta[i:end], high)
        below = surplus_at(lines, i, end, low * ratio, 1.0)
        add_chord(sum, terms, c, below, surplus_at(lines, i, end, high * ratio, 1.0))
        terms, i = terms + 1, end
    if sum.figures[SIZE] > 0.0:
        keep_above(sum, cash, 1.0, terms, closes)


@part
def exposed(rows: Rows, held: Rows, sum: Sum, backing: Backing, closes: Floats, asset: int, cap: float) -> None:
    """Where the notional backed, in an asset (-1: all), is under `cap` times its equity."""
    if cap == np.inf or sum.span[CALM] == 0:
        return
    begin(sum, cap * (1.0 - HAIR) * backing.least)
    terms = 0
    for i in range(backing.first, backing.last):
        if (asset < 0 or rows[i].asset == asset) and not rows[i].coin and held[i].quantity != 0.0:
            size = abs(held[i].quantity)
            add_line(sum, terms, rows[i].column, 0.0 if rows[i].inverse else -size, -size if rows[i].inverse else 0.0)
            terms += 1
    if terms > 0:
        keep_above(sum, backing.equity, cap * (1.0 - HAIR), terms, closes)


@part
def leaning(
    rows: Rows, delta: Floats, sum: Sum, backing: Backing, closes: Floats, asset: int, cap: float, side: int
) -> None:
    """Where the beta-weighted exposure backed, in an asset (-1: all), on one side, is under `cap` times its equity. Coins alone
    lean too, but an account or an asset without contracts breaks no rule by them."""
    if cap == np.inf or sum.span[CALM] == 0:
        return
    begin(sum, cap * (1.0 - HAIR) * backing.least)
    terms, contracts = 0, 0
    for i in range(backing.first, backing.last):
        if (asset < 0 or rows[i].asset == asset) and delta[i] != 0.0:
            add_line(sum, terms, rows[i].column, -side * delta[i] * rows[i].beta, 0.0)
            terms, contracts = terms + 1, contracts + (0 if rows[i].coin else 1)
    if contracts > 0 or (terms > 0 and asset < 0 and backing.last - backing.first == rows.size):
        keep_above(sum, backing.equity, cap * (1.0 - HAIR), terms, closes)


@inlined
def loses(rows: Rows, held: Rows, sum: Sum, book: Backing, closes: Floats, i: int, limit: float) -> None:
    """Where row i loses less than `limit` times the book's equity."""
    if sum.span[CALM] == 0:
        return
    quantity, entry = held[i].quantity, held[i].entry
    begin(sum, limit * (1.0 - HAIR) * book.least)
    if rows[i].inverse:
        add_line(sum, 0, rows[i].column, quantity / entry, -quantity)
    else:
        add_line(sum, 0, rows[i].column, quantity, -quantity * entry)
    keep_above(sum, book.equity, limit * (1.0 - HAIR), 1, closes)


@inlined
def gains(rows: Rows, held: Rows, sum: Sum, closes: Floats, i: int, wanted: float) -> None:
    """Where row i's profit stays below the next step of its ladder."""
    c, t = rows[i].column, 0
    best = max(gain_of(rows, held, i, sum.bounds[c, 0]), gain_of(rows, held, i, sum.bounds[c, 1]))
    sum.span[LOOKS] += 1 if best >= wanted else 0
    while best >= wanted and t < sum.span[CALM]:
        if gain_of(rows, held, i, closes[c, sum.span[FIRST] + t]) >= wanted:
            sum.span[CALM] = t
        t += 1
