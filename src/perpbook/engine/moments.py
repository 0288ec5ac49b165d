"""What sizes must survive: every path's own limit at given sizes, its worst moment, and where it ends.

A moment is a scenario like any other: prices, and the funding paid until then. At fixed prices an account's surplus is concave
in the vector of its sizes, so a moment that kills is a cut that never removes a good size. Paths are drawn over again instead
of kept: memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.engine.drill import CHUNK_PATHS, Drill, Stage, set_stage
from perpbook.kernels.critical import critical_scales
from perpbook.kernels.drill import Draw, stage_path
from perpbook.kernels.paths import fill_path
from perpbook.kernels.sight import hold_still
from perpbook.kernels.types import Floats, Holdings, Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A drill's book laid out for sizing. `held`: its items, sizes free to scale, closing at what `costs` say. `rows` (n,):
    the items that are positions. `owner` (items,): the account of each."""

    drill: Drill
    stage: Stage
    held: Holdings
    rows: Integers
    owner: Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Where an account stands worst along a path: the bar, prices (C,) then, and funding paid per unit by column (C,)."""

    path: int
    account: int
    bar: int
    prices: Floats
    paid: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What each path leaves where nothing is liquidated: `gain` (P, n) dollars a position earns at today's size, `fixed`
    (P, A) dollars that an account's coins earn."""

    gain: Floats
    fixed: Floats


def lay_ground(drill: Drill) -> Ground:
    """The book of a drill, without rules, at its first prices; closing is free until `with_costs`."""
    stage = set_stage(drill)
    ready = stage.ready
    opens = np.ascontiguousarray(drill.journey.bars.open[:, 0])
    held = ready.play.mind.scratch.held
    for account in range(len(ready.arrangement.accounts)):
        hold_still(ready.arrangement.slots, ready.body.holding, opens, held, account)
    held.close_cost[:] = 0.0
    rows = [row for row in ready.arrangement.positions if ready.arrangement.rows[row].quantity != 0.0]
    return Ground(
        drill=drill,
        stage=stage,
        held=held._replace(price=held.price.copy()),
        rows=np.array(rows, dtype=np.int64),
        owner=np.repeat(np.arange(held.cash.size), np.diff(held.start)),
    )


def with_costs(held: Holdings, rows: Integers, costs: Floats) -> Holdings:
    """The same items, closing position k whole costing costs[k] dollars."""
    close = np.zeros_like(held.close_cost)
    close[rows] = costs
    return held._replace(close_cost=close)


def at_sizes(ground: Ground, sizes: Floats, saved: Floats | None = None) -> Holdings:
    """The book with position k cut to sizes[k] of today's, the cost of it paid.

    saved : (n,) fraction of notional that a lower whole-position tier asks less than today's.
    """
    held, rows = ground.held, ground.rows
    scale = np.ones(held.delta.size)
    scale[rows] = sizes
    cash, rate = held.cash.copy(), held.rate.copy()
    np.subtract.at(cash, ground.owner[rows], np.abs(1.0 - sizes) * held.close_cost[rows])
    if saved is not None:
        rate[rows, 0] -= saved
    return held._replace(
        cash=cash,
        rate=rate,
        price=held.price.copy(),
        delta=scale * held.delta,
        notional_slope=scale * held.notional_slope,
        notional_offset=scale * held.notional_offset,
        curve_slope=scale * scale * held.curve_slope,
        curve_reciprocal=scale * scale * held.curve_reciprocal,
        pieces=np.where(scale > 0.0, held.pieces, 0),
        close_cost=np.zeros_like(held.close_cost),
    )


def limits_of_paths(ground: Ground, held: Holdings, paths: Sequence[int] | None = None) -> Floats:
    """(P, A) the largest common scale on `held` at which each account lives through each path, 64 at most."""
    every = ground.drill.paths
    spans: Iterable[tuple[int, int]] = (
        ((first, min(first + CHUNK_PATHS, every)) for first in range(0, every, CHUNK_PATHS))
        if paths is None
        else ((path, path + 1) for path in paths)
    )
    out = np.empty((every if paths is None else len(paths), held.cash.size))
    scratch, prices, done = (
        held._replace(price=held.price.copy()),
        np.zeros(ground.drill.journey.bars.close.shape[0]),
        0,
    )
    stage = ground.stage
    for first, last in spans:
        draw = Draw(ground.drill.source, ground.drill.seed, first, last, stage.brush, stage.steps)
        part = out[done : done + last - first]
        critical_scales(stage.ready.reel.tape, scratch, stage.weather, draw, held.price, prices, part)
        done += last - first
    return out


def draw_path(ground: Ground, path: int) -> Floats:
    """Put one path on the tape; gives (C, T) what funding one unit of each column has paid by each bar."""
    stage, tape = ground.stage, ground.stage.ready.reel.tape
    fill_path(ground.drill.source, ground.drill.seed, path, stage.brush, stage.steps)
    stage_path(tape, stage.steps, stage.weather)
    paid = np.zeros(tape.close.shape)
    paid[:, tape.funding_bar] = tape.open[:, tape.funding_bar] * tape.funding_rate
    out: Floats = np.cumsum(paid, axis=1)
    return out


def worst_moments(ground: Ground, held: Holdings, path: int, accounts: Sequence[int]) -> list[Moment]:
    """Where each of these accounts has the least surplus along a path, by the prices that a drill tests it at."""
    tape, paid, found = ground.stage.ready.reel.tape, draw_path(ground, path), []
    for account in accounts:
        worst, at_bar, at_prices = np.inf, 0, tape.close[:, 0]
        for prices in (_hurting(ground, held, account), tape.close):
            surplus = surplus_along(held, account, prices, paid)
            bar = int(surplus.argmin())
            if surplus[bar] < worst:
                worst, at_bar, at_prices = float(surplus[bar]), bar, prices[:, bar].copy()
        found.append(Moment(path=path, account=account, bar=at_bar, prices=at_prices, paid=paid[:, at_bar].copy()))
    return found


def _hurting(ground: Ground, held: Holdings, account: int) -> Floats:
    """(C, T) the end of each bar that hurts what the account holds of a column."""
    tape, own = ground.stage.ready.reel.tape, slice(held.start[account], held.start[account + 1])
    net = np.zeros(tape.close.shape[0])
    np.add.at(net, held.column[own], held.delta[own])
    out: Floats = np.where((net > 0.0)[:, None], tape.low, tape.high)
    return out


def surplus_along(held: Holdings, account: int, prices: Floats, paid: Floats) -> Floats:
    """(T,) equity less maintenance margin of an account at every bar's prices (C, T), by plain NumPy."""
    out = np.full(prices.shape[1], held.cash[account])
    for i in range(held.start[account], held.start[account + 1]):
        price = prices[held.column[i]]
        if not held.scalable[i]:
            out += held.delta[i] * price
            continue
        out += held.delta[i] * (price - held.price[i] - paid[held.column[i]])
        if not held.pieces[i]:
            continue
        notional = held.notional_slope[i] * price + held.notional_offset[i]
        worth = price if held.in_coin[i] else np.ones_like(price)
        needs = [held.rate[i, k] * notional - held.deduction[i, k] * worth for k in range(held.pieces[i])]
        out -= np.max(needs, axis=0) + held.curve_slope[i] * price + held.curve_reciprocal[i] / price
    return out


def ends_of(ground: Ground) -> Ends:
    """What every path leaves, by position and for coins, where nothing is liquidated."""
    held, rows, tape = ground.held, ground.rows, ground.stage.ready.reel.tape
    gain = np.empty((ground.drill.paths, rows.size))
    fixed = np.zeros((ground.drill.paths, held.cash.size))
    coins = np.flatnonzero(held.scalable == 0)
    for path in range(ground.drill.paths):
        paid = draw_path(ground, path)[:, -1]
        moved = tape.close[:, -1][held.column] - held.price
        gain[path] = held.delta[rows] * (moved[rows] - paid[held.column[rows]])
        np.add.at(fixed[path], ground.owner[coins], held.delta[coins] * moved[coins])
    return Ends(gain=gain, fixed=fixed)


def gross_leverage(drill: Drill) -> float:
    """Notional of all positions over the book's equity, at the first prices."""
    ground = lay_ground(drill)
    held, rows, ready = ground.held, ground.rows, ground.stage.ready
    equity = float(ready.start_equity.sum() + ready.body.outside.layers.sum() + ready.body.outside.transit[0])
    return float(np.abs(held.delta[rows] * held.price[rows]).sum()) / equity
