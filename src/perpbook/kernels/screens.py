"""Screens: may any rule act in a block of bars? A screen may cry wolf; it never misses.

Between events positions do not change, so all that matters of a block is the range of each column's price, the least cash
and the least equity in it. Surplus (equity - requirement) is concave in every column's price, so its least over the range is
at an end: one evaluation per end bounds every bar of the block, whatever its length. Blocks that might act are made
shorter until one bar is left, which gets the full tick.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.holding import Holding, value_of
from perpbook.kernels.jit import inlined, lean
from perpbook.kernels.liquidation import LEAST
from perpbook.kernels.margin import requirement
from perpbook.kernels.memory import Memory
from perpbook.kernels.orders import Orders
from perpbook.kernels.slots import Slots
from perpbook.kernels.state import Policy
from perpbook.kernels.types import Flags, Floats, Integers, Lines

HAIR = 1e-9
"""Relative: nearer to a limit than this counts as over it, so that rounding never hides a rule."""

FLOOR = -0.99
"""No price falls further than this in one scenario (as in `scenario.grid`)."""


class Storms(NamedTuple):
    """Survival scenarios by asset: `moves` (assets, S) fractions, and where `broken` (S,) flags it, `pull` (S,) more
    against the book's own exposure in the asset. outermost : scenarios that no other of their kind goes beyond.
    widest : (assets, 2) the lowest and highest price ratio of any scenario."""

    moves: Floats
    broken: Flags
    pull: Floats
    outermost: Integers
    widest: Floats


class Rules(NamedTuple):
    """A playbook in a run: its limits, what it remembers, the storms it must survive."""

    policy: Policy
    memory: Memory
    storms: Storms


class Block(NamedTuple):
    """What screens know of a block.

    now_ns : (1,) its first close.  bounds : (C, 2) prices.  cash : (A,) least `lines.cash`.  equity : (A,) least equity at
    a close; book : (1,) least of the whole book, most : (1,) its most where a day begins inside the block, else -inf.
    paid : (n,) most dollars of funding paid in a day by row.  still : (n,), since : (A,) scratch.
    """

    now_ns: Integers
    bounds: Floats
    cash: Floats
    equity: Floats
    book: Floats
    most: Floats
    paid: Floats
    still: Floats
    since: Integers


@lean
def group_low(lines: Lines, first: int, last: int, low: float, high: float, weight: float) -> float:
    """The least surplus of rows first..last-1, which share a price, over a range of it."""
    at_low, at_high = 0.0, 0.0
    for i in range(first, last):
        at_low += lines.delta[i] * low - weight * requirement(lines, i, low)
        at_high += lines.delta[i] * high - weight * requirement(lines, i, high)
    return min(at_low, at_high)


@lean
def group_end(slots: Slots, first: int, last: int) -> int:
    """One past the last of the rows that share `first`'s column."""
    i = first
    while i < last and slots.rows[i].column == slots.rows[first].column:
        i += 1
    return i


@lean
def margin_may_end(slots: Slots, lines: Lines, block: Block, a: int) -> bool:
    """Whether account a may be liquidatable somewhere in the block."""
    total, size, i = block.cash[a], 0.0, slots.start[a]
    while i < slots.start[a + 1]:
        end, c = group_end(slots, i, slots.start[a + 1]), slots.rows[i].column
        total += group_low(lines, i, end, block.bounds[c, 0], block.bounds[c, 1], 1.0)
        size += abs(lines.delta[i]) * block.bounds[c, 1]
        i = end
    return size > 0.0 and total <= HAIR * size


@lean
def stormy_low(
    slots: Slots, lines: Lines, storms: Storms, block: Block, first: int, last: int, s: int, weight: float
) -> float:
    """The least surplus of rows first..last-1 after scenario s; their least as they stand is in `block.still`."""
    c, move = slots.column[first], storms.moves[slots.rows[first].asset, s]
    low, high = block.bounds[c, 0], block.bounds[c, 1]
    if not storms.broken[s]:
        if move == 0.0:
            return block.still[first]
        ratio = 1.0 + max(move, FLOOR)
        return group_low(lines, first, last, low * ratio, high * ratio, weight)
    worst = np.inf
    for side in range(-1, 2):
        ratio = 1.0 + max(move + side * storms.pull[s], FLOOR)
        worst = min(worst, group_low(lines, first, last, low * ratio, high * ratio, weight))
    return worst


@lean
def survives_all_at_once(slots: Slots, lines: Lines, buffer: float, storms: Storms, block: Block, a: int) -> bool:
    """Whether account a would live if every column stood at its worst between its lowest and highest in any scenario.

    Most accounts do, most of the time, and then there is no need to look at one scenario after the other.
    """
    total, size, i, last = block.cash[a], 0.0, slots.start[a], slots.start[a + 1]
    while i < last:
        end, c, asset = group_end(slots, i, last), slots.column[i], slots.rows[i].asset
        low, high = block.bounds[c, 0] * storms.widest[asset, 0], block.bounds[c, 1] * storms.widest[asset, 1]
        total += group_low(lines, i, end, low, high, 1.0 + buffer)
        size += abs(lines.delta[i]) * high
        i = end
    return size == 0.0 or total > HAIR * size


@lean
def survival_may_fail(slots: Slots, lines: Lines, buffer: float, storms: Storms, block: Block, a: int) -> bool:
    """Whether account a may fail any scenario with the playbook's buffer.

    Along the moves of one kind surplus is concave too: standing still and the outermost moves bound those between.
    """
    if survives_all_at_once(slots, lines, buffer, storms, block, a):
        return False
    first, last, size, weight = slots.start[a], slots.start[a + 1], 0.0, 1.0 + buffer
    still = block.cash[a]
    for i in range(first, last):
        size += abs(lines.delta[i]) * block.bounds[slots.column[i], 1]
        if i == first or slots.column[i] != slots.column[i - 1]:
            end, c = group_end(slots, i, last), slots.column[i]
            block.still[i] = group_low(lines, i, end, block.bounds[c, 0], block.bounds[c, 1], weight)
            still += block.still[i]
    if size == 0.0 or storms.broken.size == 0:
        return False
    if still <= HAIR * size:
        return True
    for k in range(storms.outermost.size):
        total, i = block.cash[a], first
        while i < last:
            end = group_end(slots, i, last)
            total += stormy_low(slots, lines, storms, block, i, end, storms.outermost[k], weight)
            i = end
        if total <= HAIR * size:
            return True
    return False


@lean
def lowest_rate(slots: Slots, a: int, holding: Holding) -> float:
    """The lowest maintenance rate that any of the account's positions can stand in; 0 without positions."""
    lowest = np.inf
    for i in range(slots.start[a], slots.start[a + 1]):
        if not slots.rows[i].coin and holding.rows[i].quantity != 0.0:
            lowest = min(lowest, holding.rows[i].floor_rate)
    return lowest if lowest < np.inf else 0.0


@lean
def calm_ratio(move: float, beta: float) -> float:
    """Price ratio after a joint move, floored as everywhere."""
    return max(1.0 + move * beta, LEAST)


@lean
def calm_may_end(slots: Slots, holding: Holding, block: Block, a: int, cap: float) -> bool:
    """Whether account a's effective leverage may exceed a cap: whether it may fail either move that proves it does not."""
    if cap == np.inf:
        return False
    rate = lowest_rate(slots, a, holding)
    for side in range(-1, 2, 2):
        move = (1.0 / cap - rate) / (1.0 + side * rate)
        if move <= 0.0:
            return True
        total, size, i = block.cash[a], 0.0, slots.start[a]
        while i < slots.start[a + 1]:
            end, c = group_end(slots, i, slots.start[a + 1]), slots.rows[i].column
            ratio = calm_ratio(side * move, slots.rows[i].beta)
            low, high = block.bounds[c, 0] * ratio, block.bounds[c, 1] * ratio
            total += group_low(holding.lines, i, end, low, high, 1.0)
            size += abs(holding.lines.delta[i]) * block.bounds[c, 1]
            i = end
        if size > 0.0 and total <= HAIR * size:
            return True
    return False


@lean
def most_notional(slots: Slots, holding: Holding, block: Block, i: int) -> float:
    """Row i's largest dollar notional in the block."""
    if slots.rows[i].coin:
        return 0.0
    size = abs(holding.rows[i].quantity)
    return size if slots.rows[i].inverse else size * block.bounds[slots.rows[i].column, 1]


@lean
def exposure_bounds(slots: Slots, holding: Holding, block: Block, i: int) -> tuple[float, float]:
    """The range of row i's beta-weighted signed exposure in the block, dollars."""
    c = slots.rows[i].column
    weight = holding.lines.delta[i] * slots.rows[i].beta
    one, other = weight * block.bounds[c, 0], weight * block.bounds[c, 1]
    return min(one, other), max(one, other)


@lean
def leverage_may_exceed(slots: Slots, holding: Holding, policy: Policy, block: Block, a: int) -> bool:
    """Whether account a's gross or net leverage may exceed its cap."""
    gross, low, high = 0.0, 0.0, 0.0
    for i in range(slots.start[a], slots.start[a + 1]):
        gross += most_notional(slots, holding, block, i)
        below, above = exposure_bounds(slots, holding, block, i)
        low, high = low + below, high + above
    equity = max(block.equity[a], 0.0) * (1.0 - HAIR)
    if gross == 0.0:
        return False
    if policy.account_gross < np.inf and gross > policy.account_gross * equity:
        return True
    return policy.account_net < np.inf and max(abs(low), abs(high)) > policy.account_net * equity


@lean
def book_may_exceed(slots: Slots, holding: Holding, policy: Policy, block: Block) -> bool:
    """Whether the book's gross or net leverage, or an asset's, may exceed its cap; coins alone may exceed the net one."""
    gross, low, high = 0.0, 0.0, 0.0
    equity = max(block.book[0], 0.0) * (1.0 - HAIR)
    for i in range(slots.rows.size):
        gross += most_notional(slots, holding, block, i)
        below, above = exposure_bounds(slots, holding, block, i)
        low, high = low + below, high + above
    if policy.book_gross < np.inf and gross > policy.book_gross * equity:
        return True
    if policy.book_net < np.inf and max(abs(low), abs(high)) > policy.book_net * equity:
        return True
    for asset in range(policy.asset_cap.size):
        if policy.asset_cap[asset] < np.inf:
            notional = 0.0
            for i in range(slots.rows.size):
                if slots.rows[i].asset == asset:
                    notional += most_notional(slots, holding, block, i)
            if notional > policy.asset_cap[asset] * equity:
                return True
    return False


@lean
def loss_or_gain_may_act(slots: Slots, holding: Holding, policy: Policy, memory: Memory, block: Block) -> bool:
    """Whether a position may reach its loss limit or the next step of the profit ladder."""
    equity, steps = max(block.book[0], 0.0) * (1.0 - HAIR), policy.profit_gain.size
    for i in range(slots.rows.size):
        quantity = holding.rows[i].quantity
        if slots.rows[i].coin or quantity == 0.0:
            continue
        low, high = block.bounds[slots.rows[i].column, 0], block.bounds[slots.rows[i].column, 1]
        if policy.position_loss < np.inf:
            worst = min(value_of(slots, holding, i, low), value_of(slots, holding, i, high))
            if -worst > policy.position_loss * equity:
                return True
        place = slots.rows[i].place
        if memory.steps_taken[place] < steps:
            best = max(gain_of(slots, holding, i, low), gain_of(slots, holding, i, high))
            if best >= policy.profit_gain[memory.steps_taken[place]] * (1.0 - HAIR):
                return True
    return False


@lean
def gain_of(slots: Slots, holding: Holding, i: int, price: float) -> float:
    """Row i's unrealised profit over what it cost, signed."""
    if holding.rows[i].quantity == 0.0:
        return 0.0
    side = 1.0 if holding.rows[i].quantity > 0.0 else -1.0
    entry = holding.rows[i].entry
    return side * (1.0 - entry / price) if slots.rows[i].inverse else side * (price / entry - 1.0)


@lean
def is_flat(holding: Holding) -> bool:
    """Whether no row holds anything that moves with a price."""
    held = 0
    for i in range(holding.rows.size):
        held += 1 if holding.rows[i].quantity != 0.0 else 0
    return held == 0


@lean
def day_may_end_badly(holding: Holding, policy: Policy, memory: Memory, block: Block) -> bool:
    """Whether a drawdown limit may be passed, by a book that is not halted and flat already."""
    if block.now_ns[0] < memory.halted_until_ns[0] and is_flat(holding):
        return False
    least = block.book[0] - HAIR * abs(block.book[0])
    day, week = memory.day_start[0], memory.week_start[0]
    if block.most[0] > -np.inf:
        day = day if day >= block.most[0] else block.most[0]
        week = week if week >= block.most[0] else block.most[0]
    if policy.daily_drawdown < np.inf and least < day * (1.0 - policy.daily_drawdown):
        return True
    return policy.weekly_drawdown < np.inf and least < week * (1.0 - policy.weekly_drawdown)


@lean
def funding_may_cost(slots: Slots, policy: Policy, block: Block) -> bool:
    """Whether the day's funding may exceed a cap of the book, an asset or a venue."""
    equity = max(block.book[0], 0.0) * (1.0 - HAIR)
    if policy.funding_cap < np.inf and paid_in(slots, block, False, -1) > policy.funding_cap * equity:
        return True
    for asset in range(policy.funding_asset_cap.size):
        cap = policy.funding_asset_cap[asset]
        if cap < np.inf and paid_in(slots, block, False, asset) > cap * equity:
            return True
    for venue in range(policy.funding_venue_cap.size):
        cap = policy.funding_venue_cap[venue]
        if cap < np.inf and paid_in(slots, block, True, venue) > cap * equity:
            return True
    return False


@lean
def paid_in(slots: Slots, block: Block, by_venue: bool, subject: int) -> float:
    """Most funding paid today in a venue, an asset, or (subject -1) the book."""
    total = 0.0
    for i in range(slots.rows.size):
        whose = slots.rows[i].venue if by_venue else slots.rows[i].asset
        total += block.paid[i] if subject < 0 or whose == subject else 0.0
    return total


@lean
def limit_may_fill(slots: Slots, orders: Orders, block: Block) -> bool:
    """Whether a resting order may be reached."""
    for k in range(orders.resting_count[0]):
        c = slots.rows[orders.resting[k].row].column
        if orders.resting[k].quantity > 0.0 and block.bounds[c, 0] <= orders.resting[k].price:
            return True
        if orders.resting[k].quantity < 0.0 and block.bounds[c, 1] >= orders.resting[k].price:
            return True
    return False


@inlined
def anything_may_happen(slots: Slots, holding: Holding, orders: Orders, rules: Rules, block: Block) -> bool:
    """Whether any liquidation, resting order or rule may act in the block."""
    for a in range(holding.accounts.size):
        if margin_may_end(slots, holding.lines, block, a):
            return True
    return limit_may_fill(slots, orders, block) or rules_may_act(slots, holding, rules, block)


@inlined
def rules_may_act(slots: Slots, holding: Holding, rules: Rules, block: Block) -> bool:
    """Whether any rule of the playbook may act in the block."""
    policy, memory = rules.policy, rules.memory
    cap = min(policy.account_effective, policy.book_effective)
    for a in range(holding.accounts.size):
        if survival_may_fail(slots, holding.lines, policy.buffer, rules.storms, block, a):
            return True
        if leverage_may_exceed(slots, holding, policy, block, a) or calm_may_end(slots, holding, block, a, cap):
            return True
    if book_may_exceed(slots, holding, policy, block) or day_may_end_badly(holding, policy, memory, block):
        return True
    return loss_or_gain_may_act(slots, holding, policy, memory, block) or funding_may_cost(slots, policy, block)
