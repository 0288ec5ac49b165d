"""The cheapest options that keep a book's loss in its storms within a limit: a mixed-integer programme, solved by cuts.

A lot's gain is what it brings at a moment of a storm less what it cost. Loss of the book less the gains of all lots is within the
limit at every moment; only moments that bind are ever in the programme. What is least is the outlay (premium paid less
premium received, fees in both), or the cost of holding: outlay less what would come out after `hold_days` in which nothing moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.hedging.candidates import Board
from perpbook.hedging.moments import Moments
from perpbook.hedging.silence import silent_output
from perpbook.hedging.structures import STRUCTURES, Columns, columns_of, rows_of
from perpbook.hedging.worth import gains_of
from perpbook.kernels.types import Floats, Integers
from perpbook.options.revalue import VolatilityRule

ROUNDS = 40
TOLERANCE = 1e-6
"""Of the book's equity: what counts as keeping the limit."""

GAP = 1e-3
"""Relative gap at which a mixed-integer programme is called best."""

BESIDE = 0.01
"""What a dollar lost to spreads and fees counts beside a dollar of what is least, so that no lot is traded for nothing."""

LEAST = ("outlay", "hold")

MOST_NODES = 3_000
"""A programme that is not proven best by then gives the best found; the answer says so."""

HOURS_A_YEAR = 24.0 * 365.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an overlay is for: loss in dollars at most `limit` at every moment, by one of `STRUCTURES`, over the coins in
    `exposure` (coins, > 0 long), with the least of `LEAST`. `cover` : at most so many coins of
    options bought for one that the book holds, None for any number."""

    moments: Moments
    board: Board
    exposure: Mapping[str, float]
    limit: float
    hold_days: float
    rule: VolatilityRule
    least: str = "outlay"
    cover: float | None = None

    def __post_init__(self) -> None:
        if self.cover is not None and not self.cover > 0.0:
            raise InputError(f"a cover of {self.cover:g} times what is held buys nothing: choose a number above 0")
        if self.least not in LEAST:
            raise InputError(f'"{self.least}" cannot be least: choose {" or ".join(LEAST)}')
        if not self.limit >= 0.0:
            raise InputError(f"a limit of {self.limit:,.0f} dollars of loss is none: it must be 0 or more")
        if not self.hold_days >= 0.0:
            raise InputError(f"an overlay held for {self.hold_days:g} days is none: choose 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """An overlay. `coins` (n,) by column of `columns`, > 0 bought, < 0 sold. `cost` dollars of holding it `hold_days` in a still
    market, `outlay` what goes in at first. `short_by` dollars by which the limit is missed at best (0: kept). `losses` (M,) of
    the book with it, at `binding` of them as large as the limit allows. `proven` says that none is cheaper by a thousandth."""

    structure: str
    columns: Columns
    coins: Floats
    outlay: float
    cost: float
    short_by: float
    losses: Floats
    binding: Integers
    proven: bool


def choose(wanted: Wanted, structure: str) -> Chosen:
    """The cheapest overlay of one structure; where none keeps the limit, the one that misses it by least, and of those the
    cheapest.

    Raises
    ------
    InputError : the structure is none, or no option of it can be bought.
    """
    if structure not in STRUCTURES:
        raise InputError(f'"{structure}" is no structure: choose from {", ".join(STRUCTURES)}')
    columns = columns_of(wanted.board, wanted.exposure, structure)
    if not columns.lot.size:
        raise InputError(
            "no option that would protect this book can be bought: it is hedged already, or the chain has none"
        )
    return _Search(wanted, columns, structure).run()


class _Search:
    """One structure's programme while it grows."""

    def __init__(self, wanted: Wanted, columns: Columns, structure: str) -> None:
        self.wanted, self.columns, self.structure = wanted, columns, structure
        self.fixed, self.most = rows_of(columns, wanted.exposure, wanted.cover)
        self.hold = self._costs(wanted.hold_days)
        paid = columns.lot * columns.sign * columns.price
        self.least = (paid if wanted.least == "outlay" else self.hold) + BESIDE * np.maximum(self._costs(0.0), 0.0)
        self.rows: dict[int, Floats] = {}
        self.proven = True

    def run(self) -> Chosen:
        losses, tolerance = self.wanted.moments.losses, TOLERANCE * max(self.wanted.moments.start, 1.0)
        lots = np.zeros(self.columns.lot.size)
        after, short = losses, 0.0
        for _ in range(ROUNDS):
            over = after - self.wanted.limit - short
            worst = self.wanted.moments.worst_of(over)
            new = [int(at) for at in worst if over[at] > tolerance and int(at) not in self.rows]
            if not new:
                break
            self._add(new)
            lots, short = self._solve()
            after = losses - self._gains(lots)
        chosen = np.array(sorted(self.rows), dtype=np.int64)
        tight = (
            chosen[after[chosen] >= self.wanted.limit + short - 0.01 * max(self.wanted.limit, tolerance)]
            if self.rows
            else chosen
        )
        missed = float(after.max()) - self.wanted.limit
        coins = lots * self.columns.lot * self.columns.sign + 0.0
        return Chosen(
            structure=self.structure,
            columns=self.columns,
            coins=coins,
            outlay=float((coins * self.columns.price).sum()),
            cost=float(lots @ self.hold),
            short_by=missed if missed > tolerance else 0.0,
            losses=after,
            binding=tight,
            proven=self.proven,
        )

    def _costs(self, days: float) -> Floats:
        """(n,) dollars a lot costs to hold in a still market; of no days: what spreads and fees take."""
        every, still = np.arange(self.columns.lot.size), {base: np.ones(1) for base in self.wanted.board}
        year = np.array([days / 365.0])
        gained = gains_of(self.wanted.board, self.columns, every, still, year, self.wanted.rule)[:, 0]
        out: Floats = -self.columns.lot * gained
        return out

    def _gain(self, at: Integers, moments: Integers) -> Floats:
        """(n, m) dollars gained by a lot of columns `at`."""
        of = self.wanted.moments
        factors = {base: of.factors[base][moments] for base in self.wanted.board}
        years = of.hours[moments] / HOURS_A_YEAR
        return self.columns.lot[at][:, None] * gains_of(
            self.wanted.board, self.columns, at, factors, years, self.wanted.rule
        )

    def _gains(self, lots: Floats) -> Floats:
        """(M,) dollars gained at every moment."""
        held = np.flatnonzero(lots)
        every = np.arange(self.wanted.moments.hours.size)
        out: Floats = lots[held] @ self._gain(held, every) if held.size else np.zeros(every.size)
        return out

    def _add(self, moments: list[int]) -> None:
        gains = self._gain(np.arange(self.columns.lot.size), np.array(moments, dtype=np.int64))
        for number, moment in enumerate(moments):
            self.rows[moment] = gains[:, number]

    def _solve(self) -> tuple[Floats, float]:
        """(lots, dollars by which the limit is missed)."""
        found = self._milp(self.least, 0.0)
        if found is not None:
            return found[:-1], 0.0
        size = self.columns.lot.size
        least = self._milp(np.zeros(size), np.inf, miss_costs=1.0)
        assert least is not None, "buying nothing is always allowed"
        short = float(least[-1])
        again = self._milp(self.least, short * (1.0 + 1e-9) + 1e-6)
        return (again if again is not None else least)[:-1], short

    def _milp(self, costs: Floats, most_missed: float, miss_costs: float = 0.0) -> Floats | None:
        """(n + 1,) lots and the miss, or None when there are none."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        size = self.columns.lot.size
        gains = np.array([np.append(row, 1.0) for row in self.rows.values()])
        needed = self.wanted.moments.losses[list(self.rows)] - self.wanted.limit
        scale = max(self.wanted.moments.start, 1.0) / 1_000.0
        gains[:, :size] /= scale
        constraints = [LinearConstraint(gains, needed / scale, np.inf)]
        if self.fixed.size:
            constraints.append(LinearConstraint(np.pad(self.fixed, ((0, 0), (0, 1))), -np.inf, self.most))
        with silent_output():
            found = milp(
                np.append(costs / scale, miss_costs),
                integrality=np.append(np.ones(size), 0.0),
                bounds=Bounds(np.zeros(size + 1), np.append(self.columns.most, most_missed / scale)),
                constraints=constraints,
                options={"mip_rel_gap": GAP, "node_limit": MOST_NODES},
            )
        self.proven = self.proven and found.status == 0 if found.x is not None else self.proven
        if found.x is None:
            return None
        out: Floats = np.append(np.round(found.x[:size]) + 0.0, found.x[size] * scale)
        return out
