"""Bounds of effective leverage over a box: how soon, and how late, each account may die on a joint move.

Along a joint move surplus is concave between floors, so an account alive at no move and at some move is alive between: one
bound of surplus over the whole box at one move proves that no point of the box dies before it, or that every point has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from perpbook.guard.watch_box import Box, Span
from perpbook.kernels.liquidation import LEAST, joint_moves
from perpbook.kernels.types import Floats

TRIES = 14
FARTHEST = 1e6


@dataclass(frozen=True, slots=True)
class Death:
    """On one side: no point of the box dies before `least`, every one has at `most` (inf: not proven). `leverage` bounds the
    effective leverage there."""

    least: float
    most: float
    leverage: Span


def effective_spans(box: Box, dead: list[bool]) -> tuple[list[Span | None], Span]:
    """(accounts,) of each account's effective leverage, None where it is dead or holds nothing; and of the book's, which is
    that of the account that dies first."""
    moves = np.empty((box.accounts, 2))
    joint_moves(box.lines, box.arrays.prices, box.arrays.betas, moves)
    spans: list[Span | None] = []
    first: list[tuple[float, float, Span]] = []
    for account in range(box.accounts):
        rows = box.account_rows(account)
        gross = float((box.sizes[0][rows] * box.high[box.lines.column[rows], 0] + box.sizes[1][rows]).sum())
        if gross <= 0.0:
            spans.append(None)
            continue
        if dead[account]:
            spans.append(None)
            first.append((0.0, 0.0, Span(math.inf, math.inf)))
            continue
        fall, rise = (_death(box, account, side, float(moves[account, k])) for k, side in ((0, -1.0), (1, 1.0)))
        span = _nearer(fall, rise)
        spans.append(span)
        first.append((min(fall.least, rise.least), min(fall.most, rise.most), span))
    sure = min((most for _, most, _ in first), default=math.inf)
    candidates = [span for least, _, span in first if least <= sure]
    if not candidates:
        return spans, Span(0.0, 0.0)
    return spans, Span(min(one.low for one in candidates), max(one.high for one in candidates))


def _nearer(fall: Death, rise: Death) -> Span:
    """Effective leverage at the side that comes first, or at either where that is not sure."""
    if fall.most < rise.least:
        return fall.leverage
    if rise.most < fall.least:
        return rise.leverage
    low, high = min(fall.leverage.low, rise.leverage.low), max(fall.leverage.high, rise.leverage.high)
    return Span(low if min(fall.most, rise.most) < math.inf else 0.0, high)


def _death(box: Box, account: int, side: float, move: float) -> Death:
    """One side of an account; `move` is where it dies at the middle of the box, NaN for never."""
    at = FARTHEST if math.isnan(move) else abs(move)
    step = 1e-9 * (1.0 + at)
    least, most = 0.0, math.inf
    for _ in range(3 * TRIES):
        trial = max(at - step, 0.0)
        if trial == 0.0 or _lives_until(box, account, side, trial):
            least = trial
            break
        step *= 3.0
    step = 1e-9 * (1.0 + at)
    for _ in range(2 * TRIES if not math.isnan(move) else 0):
        if _surplus(box, account, side, at + step).high < 0.0:
            most = at + step
            break
        step *= 3.0
    return Death(least, most, _leverage(box, account, side, least, most))


def _lives_until(box: Box, account: int, side: float, move: float) -> bool:
    """Whether surplus is not negative at a move, nor where on the way to it a price comes to its floor."""
    betas = -side * box.arrays.betas[box.lines.column[box.account_rows(account)]]
    floors = ((1.0 - LEAST) / beta for beta in set(betas[betas > 0.0].tolist()))
    return all(_surplus(box, account, side, at).low >= 0.0 for at in (*(one for one in floors if one < move), move))


def _prices(box: Box, side: float, move: float) -> tuple[Floats, Floats]:
    factor = np.maximum(1.0 + box.arrays.betas * side * move, LEAST)
    return box.low[:, 0] * factor, box.high[:, 0] * factor


def _surplus(box: Box, account: int, side: float, move: float) -> Span:
    low, high = _prices(box, side, move)
    return box.surplus_at(account, low, high, 1.0, 1.0)


def _leverage(box: Box, account: int, side: float, least: float, most: float) -> Span:
    """1 / (d + m (1 + u d)) for d between, m the maintenance margin over the notional there: it falls as either grows."""
    if most == math.inf:
        return Span(0.0, 1.0 / least if least > 0.0 else math.inf)
    ends = [_prices(box, side, least), _prices(box, side, most)]
    low = np.minimum(ends[0][0], ends[1][0])
    high = np.maximum(ends[0][1], ends[1][1])
    rows = box.account_rows(account)
    column = box.lines.column[rows]
    at_low, at_high, least_need = box.needs(rows, low[column], high[column])
    slope, offset = box.sizes[0][rows], box.sizes[1][rows]
    notional = Span(float((slope * low[column] + offset).sum()), float((slope * high[column] + offset).sum()))
    if notional.low <= 0.0:
        return Span(0.0, math.inf)
    ratio = Span(float(least_need.sum()) / notional.high, float(np.maximum(at_low, at_high).sum()) / notional.low)
    slowest = most + ratio.high * (1.0 + side * (most if side > 0.0 else least))
    soonest = least + ratio.low * (1.0 + side * (least if side > 0.0 else most))
    return Span(1.0 / slowest if slowest > 0.0 else 0.0, 1.0 / soonest if soonest > 0.0 else math.inf)
