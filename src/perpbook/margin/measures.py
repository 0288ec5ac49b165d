"""Every number of an assessment as arrays, before it becomes words: one kernel call each, never one per position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perpbook.kernels.lanes import in_order_of_slope, stress_grid
from perpbook.kernels.liquidation import LEAST, bankruptcy_prices, first_deaths, joint_moves, liquidation_prices
from perpbook.kernels.margin import account_margins, lines_at, requirement
from perpbook.kernels.partial import shares_to_close
from perpbook.kernels.types import Floats, Integers, Lines
from perpbook.margin.arrays import BookArrays


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Dollars and fractions. (n,) by row, (accounts,) by account; NaN where there is no such price or move.

    `exposure` is beta-free signed dollars by row (coins included), `net` its beta-weighted sum by account.
    `moves` (accounts, 2) falling and rising; `move` the one nearer to zero; `effective` leverage at that move.
    `to_close` the share of a row that must go for its account to have its margin.
    """

    lines: Lines
    equity: Floats
    maintenance: Floats
    initial: Floats
    notional: Floats
    exposure: Floats
    row_initial: Floats
    row_maintenance: Floats
    liquidation: Floats
    bankruptcy: Floats
    to_close: Floats
    gross: Floats
    net: Floats
    moves: Floats
    move: Floats
    effective: Floats


def measure(arrays: BookArrays) -> Measures:
    """Measure a book as it stands."""
    held, prices = arrays.held, arrays.prices
    lines = lines_at(held)
    accounts, rows = len(arrays.accounts), len(arrays.items)
    equity, maintenance = np.empty(accounts), np.empty(accounts)
    account_margins(lines, prices, equity, maintenance)
    liquidation, bankruptcy = np.empty((rows, 2)), np.empty(rows)
    liquidation_prices(lines, prices, liquidation)
    bankruptcy_prices(lines, prices, equity, bankruptcy)
    to_close = np.empty(rows)
    shares_to_close(held, 0.0, penalties(arrays), to_close)
    moves = np.empty((accounts, 2))
    joint_moves(lines, prices, arrays.betas, moves)
    of = np.repeat(np.arange(accounts), np.diff(held.start))
    sizes = position_sizes(arrays)
    notional = sizes[0] * held.price + sizes[1]
    exposure = held.delta * held.price
    fractions = np.array(
        [item.requirement.initial_margin_fraction if item.requirement else 0.0 for item in arrays.items]
    )
    row_initial = (held.notional_slope * held.price + held.notional_offset) * fractions
    row_maintenance = np.array([requirement(lines, row, held.price[row]) for row in range(rows)], dtype=np.float64)
    gross = sums(of, notional, accounts)
    move = nearer(moves, equity >= maintenance)
    return Measures(
        lines=lines,
        equity=equity,
        maintenance=maintenance,
        initial=sums(of, row_initial, accounts),
        notional=notional,
        exposure=exposure,
        row_initial=row_initial,
        row_maintenance=row_maintenance,
        liquidation=liquidation,
        bankruptcy=bankruptcy,
        to_close=to_close,
        gross=gross,
        net=sums(of, exposure * arrays.betas[held.column], accounts),
        moves=moves,
        move=move,
        effective=effective_leverages(arrays, lines, move, sizes),
    )


def penalties(arrays: BookArrays) -> Floats:
    """(n,) each position's liquidation penalty, a fraction of notional."""
    rates = [arrays.terms[item.account].liquidation.penalty_rate if item.position else 0.0 for item in arrays.items]
    return np.array(rates, dtype=np.float64)


def sums(groups: Integers, values: Floats, count: int) -> Floats:
    """(count,) the sum of the values of each group."""
    out: Floats = np.bincount(groups, values, count).astype(np.float64)
    return out


def nearer(moves: Floats, alive: NDArray[np.bool_]) -> Floats:
    """The end of each account's safe stretch nearer to zero: 0 for an account past it, NaN when neither comes."""
    down, up = np.abs(moves[:, 0]), np.abs(moves[:, 1])
    falls_first = np.isnan(up) | (down <= up)
    return np.where(alive, np.where(falls_first, moves[:, 0], moves[:, 1]), 0.0)


def position_sizes(arrays: BookArrays) -> tuple[Floats, Floats]:
    """(n,) and (n,): dollar notional by row is the first times the price plus the second; coins have none.

    Not always what margin is taken on: some venues take an isolated position's at its entry price.
    """
    slope, offset = np.zeros(len(arrays.items)), np.zeros(len(arrays.items))
    for row, item in enumerate(arrays.items):
        if item.position is not None and item.terms is not None:
            size = abs(item.position.quantity)
            slope[row], offset[row] = (0.0, size * item.ratio) if item.terms.contract.is_inverse else (size, 0.0)
    return slope, offset


def effective_leverages(
    arrays: BookArrays, lines: Lines, move: Floats, sizes: tuple[Floats, Floats] | None = None
) -> Floats:
    """The leverage of the single position that dies at the same joint move: `1 / (d + m (1 + u d))` (see DESIGN).

    `d` is the size of the move, `u` its sign, `m` maintenance margin over notional (`sizes`: from `position_sizes`) at
    that point; 0 when never, infinite when it is dead already.
    """
    out = np.zeros(move.size)
    slope, offset = position_sizes(arrays) if sizes is None else sizes
    for a in np.flatnonzero(~np.isnan(move)):
        prices = arrays.prices * np.maximum(1.0 + arrays.betas * move[a], LEAST)
        rows = slice(arrays.held.start[a], arrays.held.start[a + 1])
        at = prices[arrays.held.column[rows]]
        notional = (slope[rows] * at + offset[rows]).sum()
        if notional <= 0:
            continue
        if move[a] == 0.0:
            out[a] = np.inf
            continue
        first = int(arrays.held.start[a])
        needs = sum(requirement(lines, first + i, price) for i, price in enumerate(at))
        ratio = needs / notional
        out[a] = 1.0 / (abs(move[a]) + ratio * (1.0 + move[a]))
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class StressGrid:
    """Scenario prices (columns, scenarios), and every account's state in each, (accounts, scenarios).

    `fraction` is how far along the way the account dies, NaN when it lives.
    """

    prices: Floats
    equity: Floats
    maintenance: Floats
    fraction: Floats


def stress(arrays: BookArrays, lines: Lines, moves: Floats) -> StressGrid:
    """Put the book through moves (columns, scenarios), fractions of each column's price."""
    prices = np.ascontiguousarray(arrays.prices[:, None] * (1.0 + moves))
    shape = (len(arrays.accounts), prices.shape[1])
    equity, maintenance, fraction = np.empty(shape), np.empty(shape), np.full(shape, np.nan)
    stress_grid(in_order_of_slope(lines), prices, equity, maintenance)
    first_deaths(lines, arrays.prices, np.ascontiguousarray(prices - arrays.prices[:, None]), fraction)
    return StressGrid(prices=prices, equity=equity, maintenance=maintenance, fraction=fraction)
