"""What the next hours may ask of every account: joint moves of the past, drawn in blocks, through the book's own margin.

Nothing is taken to be linear: at every step of every draw equity and maintenance margin are those of the prices there, tiers and
coin collateral included. Positions stand as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.kernels.types import Floats, Integers, Lines
from perpbook.treasury.standing import Standing

CHUNK = 200
"""Draws that are revalued together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The past as steps. moves (n, assets, 3) : close, high and low over the close before, joint rows. block : the mean length of
    what is drawn together, steps."""

    assets: tuple[str, ...]
    moves: Floats
    step_seconds: float
    block: float
    source: str
    simulated: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Swings:
    """Dollars. shortfall (draws, accounts, steps) : the most by each step that an account's requirement, buffer included, was
    above its equity; < 0 where it never was. day_flow (draws, accounts) : how equity changes in a day. above (accounts,) :
    equity less that requirement now."""

    shortfall: Floats
    day_flow: Floats
    above: Floats
    step_seconds: float

    def at(self, seconds: float) -> Floats:
        """(draws, accounts) the most that was lacking within so many seconds; steps are whole, and one is the least."""
        step = int(np.clip(np.ceil(seconds / self.step_seconds), 1, self.shortfall.shape[2])) - 1
        out: Floats = self.shortfall[:, :, step]
        return out

    def lacking(self, confidence: float, seconds: float) -> Floats:
        """(accounts,) the quantile of what is lacking within so many seconds; < 0: that much could go."""
        out: Floats = np.quantile(self.at(seconds), confidence, axis=0, method="higher")
        return out

    def drained(self, seconds: float) -> Floats:
        """(draws, accounts) the most within so many seconds that an account's margin was below today's, > 0."""
        out: Floats = np.maximum(self.at(seconds) + self.above, 0.0)
        return out

    def lasts(self, account: int, confidence: float) -> float:
        """Seconds for which an account has its margin with that probability; inf where it has it all along. Within a step the
        quantile is taken to grow with the square root of time."""
        if self.above[account] <= 0.0:
            return 0.0
        levels = np.quantile(self.shortfall[:, account], confidence, axis=0, method="higher")
        gone = np.flatnonzero(levels > 0.0)
        if gone.size == 0:
            return float("inf")
        step = int(gone[0])
        before = -self.above[account] if step == 0 else float(levels[step - 1])
        share = -before / (float(levels[step]) - before)
        root = np.sqrt(step) + share * (np.sqrt(step + 1) - np.sqrt(step))
        return float(root**2 * self.step_seconds)


def swings_of(standing: Standing, pool: Pool, buffer: float, rows: Integers) -> Swings:
    """Every account's swings. buffer : a share of maintenance margin that must be left over. rows (draws, steps) : the pool's
    rows in the order they come, from `block_rows`."""
    lines, prices = standing.lines, standing.arrays.prices
    place = [pool.assets.index(one.asset) if one.asset in pool.assets else -1 for one in standing.arrays.columns]
    draws, steps = rows.shape
    accounts = standing.equity.size
    day = min(steps, max(1, round(86_400.0 / pool.step_seconds)))
    shortfall, flow = np.empty((draws, accounts, steps)), np.empty((draws, accounts))
    for first in range(0, draws, CHUNK):
        part = slice(first, min(first + CHUNK, draws))
        factors = _factors(pool, rows[part], place)
        lacking, equity = _lacking(lines, prices, factors, buffer)
        shortfall[part] = np.maximum.accumulate(lacking.max(axis=0), axis=2)
        flow[part] = equity[0, :, :, day - 1] - standing.equity
    return Swings(
        shortfall=shortfall,
        day_flow=flow,
        above=standing.equity - (1.0 + buffer) * standing.maintenance,
        step_seconds=pool.step_seconds,
    )


def block_rows(count: int, block: float, draws: int, steps: int, rng: np.random.Generator) -> Integers:
    """(draws, steps) rows of a past of `count`: blocks of geometric length from anywhere, running on past the end at the start
    (stationary bootstrap, Politis and Romano 1994)."""
    rows = np.empty((draws, steps), dtype=np.int64)
    fresh = rng.integers(0, count, size=(draws, steps))
    begins = rng.random((draws, steps)) < 1.0 / block
    rows[:, 0] = fresh[:, 0]
    for step in range(1, steps):
        rows[:, step] = np.where(begins[:, step], fresh[:, step], (rows[:, step - 1] + 1) % count)
    return rows


def _factors(pool: Pool, rows: Integers, place: list[int]) -> Floats:
    """(3, columns, draws, steps) close, high and low over the price now; assets without a past stand still."""
    moves = pool.moves[rows]
    close = np.cumprod(moves[..., 0], axis=1)
    before = np.concatenate([np.ones_like(close[:, :1]), close[:, :-1]], axis=1)
    by_asset = np.stack([close, before * moves[..., 1], before * moves[..., 2]])
    out = np.ones((3, len(place), *rows.shape))
    for column, at in enumerate(place):
        if at >= 0:
            out[:, column] = by_asset[..., at]
    return out


def _lacking(lines: Lines, prices: Floats, factors: Floats, buffer: float) -> tuple[Floats, Floats]:
    """(3, draws, accounts, steps) requirement with buffer above equity, and equity."""
    kinds, columns, draws, steps = factors.shape
    lanes = (
        np.ascontiguousarray(factors.transpose(1, 0, 2, 3)).reshape(columns, kinds * draws * steps) * prices[:, None]
    )
    equity, need = margins_at(lines, lanes)

    def shaped(values: Floats) -> Floats:
        return values.reshape(lines.cash.size, kinds, draws, steps).transpose(1, 2, 0, 3)

    return shaped((1.0 + buffer) * need - equity), shaped(equity)


def margins_at(lines: Lines, lanes: Floats) -> tuple[Floats, Floats]:
    """(accounts, n) equity and maintenance margin at prices (columns, n): `kernels.margin.account_margins`, all lanes at once and
    nothing to compile."""
    accounts = lines.cash.size
    equity = np.repeat(lines.cash[:, None], lanes.shape[1], axis=1)
    need = np.zeros_like(equity)
    for account in range(accounts):
        for row in range(lines.start[account], lines.start[account + 1]):
            price = lanes[lines.column[row]]
            equity[account] += lines.delta[row] * price
            used = lines.pieces[row]
            if used:
                most = lines.slope[row, 0] * price + lines.offset[row, 0]
                for piece in range(1, used):
                    np.maximum(most, lines.slope[row, piece] * price + lines.offset[row, piece], out=most)
                need[account] += most + lines.reciprocal[row] / price
    return equity, need
