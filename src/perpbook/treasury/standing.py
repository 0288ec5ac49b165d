"""How accounts stand as far as a rescue must know: an assessment without what takes long to compile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from perpbook.kernels.liquidation import joint_moves
from perpbook.kernels.margin import account_margins, lines_at
from perpbook.kernels.types import Floats, Lines
from perpbook.margin.arrays import BookArrays, book_arrays
from perpbook.margin.measures import sums
from perpbook.model.market import Snapshot
from perpbook.terms.terms import VenueTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Dollars by account; `moves` (accounts, 2) falling and rising at which each dies, as `margin.measures.Measures`."""

    arrays: BookArrays
    lines: Lines
    equity: Floats
    maintenance: Floats
    initial: Floats
    moves: Floats

    @property
    def free(self) -> dict[str, float]:
        """Equity above initial margin, by account."""
        left = self.equity - self.initial
        return {account.id: float(left[number]) for number, account in enumerate(self.arrays.accounts)}

    def rings(self, ratio: float) -> list[bool]:
        """By account, whether its margin ratio has reached `ratio` as it stands."""
        return [bool(one) for one in (self.maintenance > 0.0) & (self.maintenance >= 0.999 * ratio * self.equity)]


def standing_of(snapshot: Snapshot, terms: Mapping[str, VenueTerms]) -> Standing:
    """Measure a book as it stands; errors as `margin.assess.assess`."""
    arrays = book_arrays(snapshot.book, snapshot.market, terms)
    held, count = arrays.held, len(arrays.accounts)
    lines = lines_at(held)
    equity, maintenance, moves = np.empty(count), np.empty(count), np.empty((count, 2))
    account_margins(lines, arrays.prices, equity, maintenance)
    joint_moves(lines, arrays.prices, arrays.betas, moves)
    fractions = [one.requirement.initial_margin_fraction if one.requirement else 0.0 for one in arrays.items]
    asked = (held.notional_slope * held.price + held.notional_offset) * np.array(fractions, dtype=np.float64)
    of = np.repeat(np.arange(count), np.diff(held.start))
    return Standing(
        arrays=arrays, lines=lines, equity=equity, maintenance=maintenance, initial=sums(of, asked, count), moves=moves
    )
