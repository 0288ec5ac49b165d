"""What chosen options bring when they are given up again: at other prices, at another time, all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.hedging.candidates import Board, fees
from perpbook.hedging.structures import Columns
from perpbook.kernels.types import Floats, Integers
from perpbook.options.revalue import VolatilityRule, dollars_after, sensitivities, some


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """Options held: `coins` (n,) by column, > 0 bought, < 0 sold, at the columns' prices."""

    board: Board
    columns: Columns
    coins: Floats
    rule: VolatilityRule

    def values(self, factors: Mapping[str, Floats], years: Floats) -> Floats:
        """(m,) dollars that all is worth at m moments, nothing given up: spot over today's by coin, years from now."""
        out = np.zeros(years.size)
        for base, found in self.board.items():
            mine = np.flatnonzero((self.columns.base == base) & (self.coins != 0.0))
            if mine.size:
                laid = some(found.laid, self.columns.number[mine])
                out += self.coins[mine] @ dollars_after(found.surface, laid, factors[base], years, self.rule)
        return out

    @property
    def outlay(self) -> float:
        """Dollars that it costs, spreads and fees in them, less what was sold."""
        held = np.flatnonzero(self.coins)
        return float(self.coins[held] @ self.columns.price[held])

    def gains(self, factors: Mapping[str, Floats], years: Floats) -> Floats:
        """(m,) dollars gained since the purchase when all is given up at m moments: spot over today's by coin, years from now."""
        held = np.flatnonzero(self.coins)
        each = gains_of(self.board, self.columns, held, factors, years, self.rule)
        out: Floats = np.abs(self.coins[held]) @ each
        return out

    def gains_if_all_move(self, factor: Floats, days: float) -> Floats:
        """(m,) dollars gained where every coin moves alike."""
        return self.gains(dict.fromkeys(self.board, factor), np.full(factor.size, days / 365.0))

    def waiting(self, days: Sequence[float]) -> Floats:
        """(m,) dollars gained (< 0: lost) by giving up after so many days in which nothing moved."""
        years = np.array(days, dtype=np.float64) / 365.0
        return self.gains(dict.fromkeys(self.board, np.ones(years.size)), years)

    def greeks(self) -> dict[str, dict[str, float]]:
        """By coin: delta and premium-adjusted delta in coins, dollars of theta a day and of vega a point."""
        out = {}
        for base, found in self.board.items():
            mine = np.flatnonzero((self.columns.base == base) & (self.coins != 0.0))
            if not mine.size:
                continue
            number, coins = self.columns.number[mine], self.coins[mine]
            each = sensitivities(found.surface, some(found.laid, number))
            out[base] = {
                "delta": float(coins @ each.delta),
                "premium_adjusted_delta": float(coins @ each.premium_adjusted_delta),
                "theta_day": float(coins @ each.theta_day),
                "vega_point": float(coins @ each.vega_point),
            }
        return out


def gains_of(
    board: Board, columns: Columns, at: Integers, factors: Mapping[str, Floats], years: Floats, rule: VolatilityRule
) -> Floats:
    """(n, m) dollars gained by one coin of columns `at`: bought ones are sold at m moments and sold ones bought back, at half a
    spread from their value, and the venue's fee is paid again."""
    out = np.empty((at.size, years.size))
    for base, found in board.items():
        mine = np.flatnonzero(columns.base[at] == base)
        if not mine.size:
            continue
        number, sign = columns.number[at[mine]], columns.sign[at[mine]][:, None]
        worth = dollars_after(found.surface, some(found.laid, number), factors[base], years, rule)
        exits = worth * (1.0 - sign * found.half[number][:, None])
        paid = fees(exits, found.surface.spot * factors[base])
        out[mine] = sign * (exits - columns.price[at[mine]][:, None]) - paid
    return out
