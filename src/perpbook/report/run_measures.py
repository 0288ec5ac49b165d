"""What a run's curves say: drawdown, volatility, leverage and room through time, what liquidations left behind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perpbook.engine.outcome import Outcome
from perpbook.kernels import journal as codes
from perpbook.kernels.holding import draw_account, empty_holding
from perpbook.kernels.liquidation import joint_moves
from perpbook.kernels.margin import account_margin
from perpbook.model.units import DAY_NS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
DAYS_A_YEAR = 365.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """A run in figures. Shares are fractions; `sharpe` and `volatility` are a year's, of daily returns, None when the run is
    shorter than three days. `trough_bar` is where the deepest drawdown ends."""

    start: float
    end: float
    least: float
    returned: float
    drawdown: float
    trough_bar: int
    volatility: float | None
    sharpe: float | None
    worst_day: float | None
    fills: int
    refused: int
    liquidations: int
    dead: tuple[str, ...]
    rules: dict[str, int]


def measures_of(outcome: Outcome) -> Measures:
    """The figures of a run."""
    equity = outcome.equity
    fall = drawdowns(equity)
    daily = daily_returns(outcome)
    spread = float(np.std(daily)) if daily.size > 2 else 0.0
    kinds = Counter(outcome.what[:, 1].tolist())
    fired = Counter(outcome.what[outcome.what[:, 1] == codes.RULE, 4].tolist())
    ended = np.isin(outcome.what[:, 1], (codes.LIQUIDATION, codes.BACKSTOP))
    start = float(outcome.start_equity.sum() + outcome.outside[0])
    return Measures(
        start=start,
        end=float(equity[-1]),
        least=float(equity.min()),
        returned=float(equity[-1] / start - 1.0) if start > 0 else 0.0,
        drawdown=float(fall.max()),
        trough_bar=int(fall.argmax()),
        volatility=spread * DAYS_A_YEAR**0.5 if spread > 0 else None,
        sharpe=float(daily.mean()) / spread * DAYS_A_YEAR**0.5 if spread > 0 else None,
        worst_day=float(daily.min()) if daily.size > 2 else None,
        fills=kinds[codes.FILL],
        refused=kinds[codes.REFUSED],
        liquidations=int(ended.sum()),
        dead=tuple(
            outcome.arrangement.accounts[number].id for number in dict.fromkeys(outcome.what[ended, 2].tolist())
        ),
        rules={outcome.reasons.get(code, str(code)): count for code, count in fired.most_common()},
    )


def drawdowns(equity: Floats) -> Floats:
    """(B,) the share of the highest equity so far that is lost."""
    peak = np.maximum.accumulate(equity)
    out: Floats = np.where(peak > 0.0, 1.0 - equity / np.where(peak > 0.0, peak, 1.0), 0.0)
    return out


def daily_returns(outcome: Outcome) -> Floats:
    """Returns from one UTC day's last close to the next one's; days that begin with nothing are left out."""
    closes = outcome.bars.open_ns[: outcome.ended] + outcome.bars.bar_ns
    last = np.flatnonzero(np.diff(closes // DAY_NS, append=-1))
    ends = outcome.equity[last]
    alive = ends[:-1] > 0.0
    out: Floats = ends[1:][alive] / ends[:-1][alive] - 1.0
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Through:
    """Accounts at sampled closes, (A, S) each: gross leverage (NaN without equity), the maintenance margin as a share of
    equity (liquidation at 1; 0 when nothing is held, NaN without equity), and the liquidation distance: the size of the
    nearer joint move of all prices, by beta, at which the account dies (NaN when none does)."""

    bars: Integers
    leverage: Floats
    used: Floats
    distance: Floats


def through_time(outcome: Outcome, bars: Integers) -> Through:
    """Leverage, margin use and liquidation distance at the closes of `bars`, from what was held and the venues' own rules.

    Coins held beside positions stand still in the joint move.
    """
    arrangement, slots = outcome.arrangement, outcome.arrangement.slots
    held = {row: outcome.held(row, bars) for row in arrangement.positions}
    accounts = len(arrangement.accounts)
    leverage, used, distance = (np.full((accounts, bars.size), np.nan) for _ in range(3))
    scratch, moves = empty_holding(slots), np.empty((accounts, 2))
    betas = np.ones(len(outcome.bars.series))
    betas[slots.rows.column] = slots.rows.beta
    of = {row: (int(slots.rows.account[row]), int(slots.rows.column[row])) for row in held}
    inverse = {row for row in held if slots.rows.inverse[row]}
    sizes, entries = scratch.rows.quantity, scratch.rows.entry
    for at, bar in enumerate(bars.tolist()):
        prices = np.ascontiguousarray(outcome.bars.close[:, bar])
        for row, quantity in held.items():
            sizes[row] = quantity[at]
            entries[row] = prices[of[row][1]] if quantity[at] != 0.0 else 0.0
        for number in range(accounts):
            equity = float(outcome.curve[number, bar])
            draw_account(slots, scratch, prices, number)
            worth, need = account_margin(scratch.lines, number, prices)
            scratch.lines.cash[number] += equity - worth
            gross = sum(
                abs(float(size[at])) * (1.0 if row in inverse else prices[of[row][1]])
                for row, size in held.items()
                if of[row][0] == number
            )
            if equity > 0.0:
                leverage[number, at], used[number, at] = gross / equity, need / equity
        joint_moves(scratch.lines, prices, betas, moves)
        distance[:, at] = np.where(leverage[:, at] > 0.0, np.fmin(-moves[:, 0], moves[:, 1]), np.nan)
    return Through(bars=bars, leverage=leverage, used=used, distance=distance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """An account that was liquidated: when, what it lost in penalties and to the venue, and the exposure (dollars, by asset)
    that the rest of the book was left with at that close."""

    bar: int
    account: str
    closed: tuple[str, ...]
    cost: float
    left: dict[str, float]


def deaths_of(outcome: Outcome) -> tuple[Death, ...]:
    """Every liquidation, one entry per account and bar."""
    arrangement, rows = outcome.arrangement, outcome.arrangement.rows
    ended = np.isin(outcome.what[:, 1], (codes.LIQUIDATION, codes.BACKSTOP, codes.SEIZED_REST))
    out = []
    for bar, account in dict.fromkeys(map(tuple, outcome.what[ended][:, [0, 2]].tolist())):
        mine = ended & (outcome.what[:, 0] == bar) & (outcome.what[:, 2] == account)
        left: dict[str, float] = {}
        for row in arrangement.positions:
            if rows[row].account != account:
                size = float(outcome.held(row, np.array([bar]))[0])
                price = float(outcome.bars.close[rows[row].column, bar])
                value = size if arrangement.slots.rows[row].inverse else size * price
                left[rows[row].asset] = left.get(rows[row].asset, 0.0) + value
        hit = [row for row in dict.fromkeys(outcome.what[mine, 3].tolist()) if row >= 0]
        out.append(
            Death(
                bar=int(bar),
                account=arrangement.accounts[account].id,
                closed=tuple(rows[row].symbol for row in hit),
                cost=float(outcome.figures[mine, 3].sum()),
                left={asset: value for asset, value in left.items() if abs(value) > 1.0},
            )
        )
    return tuple(out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A layer that came short of its reserve (dollars) or of gas (coins) at a bar: what it had, and the least that was asked."""

    bar: int
    layer: str
    rule: str
    had: float
    least: float


def wants_of(outcome: Outcome) -> list[Want]:
    """Every time a layer came short, in order."""
    return [
        Want(
            bar=tick,
            layer=outcome.place(kind, account),
            rule=outcome.reasons.get(reason, str(reason)),
            had=sizes[4],
            least=sizes[5],
        )
        for (tick, kind, account, _, reason), sizes in zip(outcome.what.tolist(), outcome.figures.tolist(), strict=True)
        if kind == codes.WANTED
    ]
