"""A run's book at one instant as the rules see it: `State`, filled in place.

The compiled twin of `playbook.state`, which does the same for a book that is checked: tests hold the two to one answer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.holding import Holding, value_of
from perpbook.kernels.jit import part
from perpbook.kernels.liquidation import LEAST, death_on_the_way
from perpbook.kernels.margin import account_margin, requirement
from perpbook.kernels.rows import copy_row
from perpbook.kernels.scale import largest_scale, surplus_at_scale
from perpbook.kernels.screens import FLOOR, Rules, Storms, calm_ratio, gain_of, lowest_rate, next_bend
from perpbook.kernels.slots import Slots, closing_fee, initial_fraction
from perpbook.kernels.state import Policy, State
from perpbook.kernels.types import Floats, Holdings, Integers, Rows

HEDGED = 1e-9
"""Relative: less net exposure than this has no sign (as in `margin.breaking`)."""


class Outside(NamedTuple):
    """Money outside accounts, dollars. layers : (L,) by layer.  transit : (1,).  reserve : the sleeve it idles in, -1.

    besides : (L,) what counts as free on a layer beside `layers` and what is under way there in the run: promised without a time,
    less what cannot leave.  gas : (L,) coins for fees, NaN not known.  told : (2, L) 1 while the journal has it that a
    layer is short of its reserve, of gas.
    """

    layers: Floats
    transit: Floats
    reserve: int
    besides: Floats
    gas: Floats
    told: Integers


class Scratch(NamedTuple):
    """Room for one look. prices, way : (C,).  stormy : (C, S).  exposures : (assets,).  held : the book, so
    that its sizes can be scaled.  safe : (A,) 1 for accounts that are known to survive every scenario."""

    prices: Floats
    way: Floats
    stormy: Floats
    exposures: Floats
    held: Holdings
    safe: Integers


@part
def look(
    slots: Slots, holding: Holding, rules: Rules, outside: Outside, scratch: Scratch, prices: Floats, state: State
) -> None:
    """Fill `state` at `prices` (C,). Its clock, targets, costs and `rebalance_due` are the caller's."""
    look_at_positions(slots, holding, prices, state)
    look_at_accounts(slots, holding, outside, prices, state)
    storm_prices(slots, holding, rules.storms, prices, scratch)
    look_at_storms(slots, holding, rules.policy.buffer, scratch, prices, state)
    look_at_leverage(slots, holding, rules.policy, scratch, prices, state)
    look_at_sleeves(slots, holding, outside, prices, state)


@part
def look_at_positions(slots: Slots, holding: Holding, prices: Floats, state: State) -> None:
    """Notional, exposure, loss, gain, funding of every position, and notional by asset."""
    state.asset_notional[:] = 0.0
    for k in range(slots.positions.size):
        i = slots.positions[k]
        price, quantity = prices[slots.rows[i].column], holding.rows[i].quantity
        value = quantity if slots.rows[i].inverse else quantity * price
        state.positions[k].value, state.positions[k].notional = value, abs(value)
        state.positions[k].exposure = value * slots.rows[i].beta
        state.positions[k].loss = max(-value_of(slots, holding, i, price), 0.0)
        state.positions[k].gain = gain_of(slots.rows, holding.rows, i, price)
        state.positions[k].funding = -holding.rows[i].day_funding
        state.positions[k].wanted = slots.rows[i].wanted if quantity != 0.0 else 0
        state.asset_notional[slots.rows[i].asset] += abs(value)


@part
def look_at_accounts(slots: Slots, holding: Holding, outside: Outside, prices: Floats, state: State) -> None:
    """Equity, death and coins of every account; equity by venue, money by layer, net exposure by asset, the book's equity."""
    state.venue_equity[:], state.layer_value[:], state.asset_net[:] = 0.0, 0.0, 0.0
    state.book[0].equity, state.book[0].coins = 0.0, 0.0
    for a in range(holding.accounts.size):
        equity, need = account_margin(holding.lines, a, prices)
        net, own = 0.0, 0.0
        for i in range(slots.start[a], slots.start[a + 1]):
            leans = holding.lines.delta[i] * prices[slots.rows[i].column] * slots.rows[i].beta
            net += leans
            state.asset_net[slots.rows[i].asset] += leans
            if not slots.rows[i].coin:
                own += state.positions[slots.rows[i].place].exposure
        state.accounts[a].equity, state.accounts[a].coins = equity, net - own
        state.accounts[a].dead = 1 if equity < need else 0
        state.venue_equity[slots.accounts[a].home] += equity
        if slots.accounts[a].layer >= 0:
            state.layer_value[slots.accounts[a].layer] += equity
        state.book[0].equity += equity
        state.book[0].coins += net - own
    for layer in range(outside.layers.size):
        state.layer_value[layer] += outside.layers[layer]
        state.book[0].equity += outside.layers[layer]
    state.book[0].equity += outside.transit[0]


@part
def look_at_layers(outside: Outside, under_way: Rows, moving: Integers, state: State) -> None:
    """What is free on each layer, with what is on its way there, and what there is for fees."""
    for layer in range(outside.layers.size):
        state.layer_free[layer] = free_on(outside, under_way, moving, layer)
        state.layer_gas[layer] = outside.gas[layer]


@part
def free_on(outside: Outside, under_way: Rows, moving: Integers, layer: int) -> float:
    """Dollars free on a layer, with what is on its way there."""
    total = outside.layers[layer] + outside.besides[layer]
    for k in range(moving[0]):
        if under_way[k].account == -1 - layer:
            total += under_way[k].dollars
    return float(total)


@part
def storm_prices(slots: Slots, holding: Holding, storms: Storms, prices: Floats, scratch: Scratch) -> None:
    """Write the prices of every scenario into `scratch.stormy`."""
    scratch.exposures[:] = 0.0
    largest = 0.0
    for i in range(slots.rows.size):
        scratch.exposures[slots.rows[i].asset] += holding.lines.delta[i] * prices[slots.rows[i].column]
    for asset in range(scratch.exposures.size):
        largest = max(largest, abs(scratch.exposures[asset]))
    scratch.stormy[:] = 0.0
    for i in range(slots.rows.size):
        c, asset = slots.rows[i].column, slots.rows[i].asset
        held = scratch.exposures[asset]
        for s in range(storms.broken.size):
            move = storms.moves[asset, s]
            if storms.broken[s] and abs(held) > HEDGED * largest and storms.widest[asset, 0] < 1.0:
                move -= storms.pull[s] if held > 0.0 else -storms.pull[s]
            scratch.stormy[c, s] = prices[c] * (1.0 + max(move, FLOOR))


@part
def look_at_storms(
    slots: Slots, holding: Holding, buffer: float, scratch: Scratch, prices: Floats, state: State
) -> None:
    """Every account in every scenario, and the largest scale that survives where one does not.

    An account that is known to be safe (`scratch.safe`) is not looked at: infinite equity, no requirement.
    """
    for a in range(holding.accounts.size):
        fails = False
        state.accounts[a].safe_scale = 1.0
        if scratch.safe[a] == 1:
            state.stress_equity[a, :], state.stress_maintenance[a, :] = np.inf, 0.0
            continue
        for s in range(scratch.stormy.shape[1]):
            copy_row(scratch.stormy[:, s], scratch.prices)
            equity, need = account_margin(holding.lines, a, scratch.prices)
            state.stress_equity[a, s], state.stress_maintenance[a, s] = equity, need
            fails = fails or (1.0 + buffer) * need >= equity * (1.0 - 1e-9)
        if fails:
            hold_still(slots, holding, prices, scratch.held, a)
            best = largest_scale(scratch.held, a, prices, buffer)
            for s in range(scratch.stormy.shape[1]):
                equity, need = state.stress_equity[a, s], state.stress_maintenance[a, s]
                if (1.0 + buffer) * need < equity * (1.0 - 1e-9):
                    continue
                copy_row(scratch.stormy[:, s], scratch.prices)
                if best == np.inf or surplus_at_scale(scratch.held, a, scratch.prices, buffer, best)[0] < 0.0:
                    best = min(best, largest_scale(scratch.held, a, scratch.prices, buffer))
            state.accounts[a].safe_scale = best


@part
def hold_still(slots: Slots, holding: Holding, prices: Floats, held: Holdings, a: int) -> None:
    """Write account a into `held` at `prices`, its sizes free to scale: tiers as its lines have them.

    What an inverse contract has gained is a coin like others, whatever becomes of the contract.
    """
    lines, cash = holding.lines, holding.lines.cash[a]
    for i in range(slots.start[a], slots.start[a + 1]):
        price, quantity = prices[slots.rows[i].column], holding.rows[i].quantity
        held.price[i], held.delta[i] = price, lines.delta[i]
        held.scalable[i], held.pieces[i] = 1 - slots.rows[i].coin, lines.pieces[i]
        held.notional_slope[i], held.notional_offset[i] = 1.0, 0.0
        held.close_cost[i] = 0.0
        if slots.rows[i].coin:
            continue
        cash += quantity if slots.rows[i].inverse else lines.delta[i] * price
        notional = abs(quantity) if slots.rows[i].inverse else abs(quantity) * price
        held.close_cost[i] = notional * max(slots.rows[i].taker, 0.0)
        split_lines(slots, holding, held, i, price)
    for i in range(slots.start[a], slots.start[a + 1]):
        if slots.rows[i].pays >= 0 and holding.rows[i].quantity != 0.0:
            held.delta[i] = holding.rows[i].quantity / held.price[i]
            held.delta[slots.rows[i].pays] += lines.delta[i] - held.delta[i]
    held.cash[a] = cash


@part
def split_lines(slots: Slots, holding: Holding, held: Holdings, i: int, price: float) -> None:
    """Part row i's lines into what grows with size (rates on notional) and what does not (deductions)."""
    size, entry = abs(holding.rows[i].quantity), holding.rows[i].entry
    slope, offset = size, 0.0
    if slots.rows[i].inverse:
        slope, offset = (size / entry, 0.0) if slots.rows[i].on_entry else (0.0, size)
    elif slots.rows[i].on_entry:
        slope, offset = 0.0, size * entry
    held.notional_slope[i], held.notional_offset[i] = slope, offset
    held.in_coin[i] = slots.rows[i].in_coin
    curve = 0.0 if slots.rows[i].inverse else slots.rows[i].per_unit * size * size
    held.curve_slope[i], held.curve_reciprocal[i] = curve, holding.lines.reciprocal[i]
    floors = 1 if slots.rows[i].least_collateral > 0.0 else 0
    for k in range(holding.lines.pieces[i]):
        first, rest = holding.lines.slope[i, k] - curve, holding.lines.offset[i, k]
        fixed = 0.0
        if k < floors:
            fixed = -slots.rows[i].least_collateral
        elif not slots.rows[i].whole:
            fixed = slots.deduction[i, k - floors]
        if slots.rows[i].in_coin:
            first += fixed
        else:
            rest += fixed
        held.rate[i, k] = first / slope if slope > 0.0 else rest / offset
        held.deduction[i, k] = fixed


@part
def look_at_leverage(
    slots: Slots, holding: Holding, policy: Policy, scratch: Scratch, prices: Floats, state: State
) -> None:
    """Effective leverages and the scales that calm them, where the playbook caps them."""
    state.book[0].effective = 0.0
    infinity = float("inf")
    for a in range(state.accounts.size):
        state.accounts[a].effective, state.accounts[a].calm_scale = 0.0, 1.0
        state.accounts[a].book_calm_scale = 1.0
    if policy.account_effective == infinity and policy.book_effective == infinity:
        return
    nearest = infinity
    for a in range(holding.accounts.size):
        move = nearest_death(slots, holding, scratch, a, prices)
        if np.isnan(move):
            continue
        leverage = effective_leverage(slots, holding, a, prices, move)
        state.accounts[a].effective = leverage
        if leverage > 0.0 and abs(move) <= nearest:
            tied = abs(move) == nearest
            state.book[0].effective = max(leverage, state.book[0].effective) if tied else leverage
            nearest = abs(move)
        if leverage > policy.account_effective:
            state.accounts[a].calm_scale = calm_scale(slots, holding, scratch, a, prices, policy.account_effective)
    if state.book[0].effective > policy.book_effective:
        for a in range(holding.accounts.size):
            state.accounts[a].book_calm_scale = calm_scale(slots, holding, scratch, a, prices, policy.book_effective)


@part
def nearest_death(slots: Slots, holding: Holding, scratch: Scratch, a: int, prices: Floats) -> float:
    """The joint move nearer to zero at which account a dies: 0 when it is dead, NaN when it never does."""
    equity, need = account_margin(holding.lines, a, prices)
    if equity < need:
        return 0.0
    down = first_death(slots, holding, scratch, a, prices, -1.0)
    up = first_death(slots, holding, scratch, a, prices, 1.0)
    if np.isnan(up) or down <= up:
        return -down
    return up


@part
def first_death(slots: Slots, holding: Holding, scratch: Scratch, a: int, prices: Floats, side: float) -> float:
    """How large a joint move on one side account a lives through; NaN for any."""
    copy_row(prices, scratch.prices)
    scratch.way[:] = 0.0
    for i in range(slots.start[a], slots.start[a + 1]):
        c = slots.column[i]
        scratch.way[c] = side * prices[c] * slots.rows[i].beta
    return death_on_the_way(holding.lines, a, prices, scratch.prices, scratch.way)


@part
def effective_leverage(slots: Slots, holding: Holding, a: int, prices: Floats, move: float) -> float:
    """The leverage of the single position that dies at the same joint move (DESIGN, section 5); inf when dead."""
    notional, need = 0.0, 0.0
    for i in range(slots.start[a], slots.start[a + 1]):
        price = prices[slots.rows[i].column] * max(1.0 + slots.rows[i].beta * move, LEAST)
        if not slots.rows[i].coin:
            notional += abs(holding.rows[i].quantity) * (1.0 if slots.rows[i].inverse else price)
        need += requirement(holding.lines, i, price)
    if notional <= 0.0:
        return 0.0
    if move == 0.0:
        return float("inf")
    return 1.0 / (abs(move) + need / notional * (1.0 + move))


@part
def calm_scale(slots: Slots, holding: Holding, scratch: Scratch, a: int, prices: Floats, cap: float) -> float:
    """The largest scale at which account a's effective leverage is sure to stay under a cap (see `margin.calm`)."""
    best, rate = 1.0, lowest_rate(slots.rows, holding.rows, slots.start[a], slots.start[a + 1])
    hold_still(slots, holding, prices, scratch.held, a)
    for side in range(-1, 2, 2):
        move = (1.0 / cap - rate) / (1.0 + side * rate)
        at = 0.0
        while at < move:
            at = next_bend(slots.rows, slots.start[a], slots.start[a + 1], side, at, move)
            copy_row(prices, scratch.prices)
            for i in range(slots.rows.size):
                c = slots.rows[i].column
                scratch.prices[c] = prices[c] * calm_ratio(side * at, slots.rows[i].beta)
            best = min(best, largest_scale(scratch.held, a, scratch.prices, 0.0))
    return best


@part
def look_at_sleeves(slots: Slots, holding: Holding, outside: Outside, prices: Floats, state: State) -> None:
    """Each sleeve's capital: accounts' equity by the initial margin of its positions, idle money with the reserve."""
    state.sleeve_capital[:] = 0.0
    idle = outside.transit[0] + outside.layers.sum()
    for a in range(holding.accounts.size):
        margin = 0.0
        for i in range(slots.start[a], slots.start[a + 1]):
            margin += row_initial(slots, holding, i, prices)
        if margin <= 0.0:
            idle += state.accounts[a].equity
            continue
        for i in range(slots.start[a], slots.start[a + 1]):
            if slots.rows[i].sleeve >= 0:
                part = row_initial(slots, holding, i, prices) / margin
                state.sleeve_capital[slots.rows[i].sleeve] += state.accounts[a].equity * part
    if outside.reserve >= 0:
        state.sleeve_capital[outside.reserve] += idle


@part
def row_initial(slots: Slots, holding: Holding, i: int, prices: Floats) -> float:
    """Initial margin of row i with the fee to close that some venues ask beside it, dollars."""
    size = abs(holding.rows[i].quantity)
    if slots.rows[i].coin or size == 0.0:
        return 0.0
    price = prices[slots.rows[i].column]
    asked = initial_fraction(slots, i, size, price)
    if slots.rows[i].bankruptcy_fee > 0.0:
        asked += closing_fee(slots, i, holding.rows[i].quantity, price)
    return (size if slots.rows[i].inverse else size * price) * asked
