"""Until when a contract's books lead to nothing: what a glimpse of a raw message is held against (`kernels.glimpse`).

A calm is granted when a book led to nothing, and ends at the latest when time alone would ask for more. Whatever else a guard is
told ends every one, but for wakes and prices that led to no effect and no decision: nothing that a book hangs on changed by them.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from perpbook.kernels.calm import AT, GRANTED, IN_ORDER, NONE, UNTIL, WIDTH


class Calm:
    """Of one guard. table : (1 + contracts, 4) int64, written here, and by a glimpse that passes."""

    def __init__(self, contracts: Collection[tuple[str, str]]) -> None:
        self._rows = {name: 1 + number for number, name in enumerate(sorted(contracts))}
        self.table: NDArray[np.int64] = np.zeros((1 + len(self._rows), WIDTH), dtype=np.int64)
        self._cells = self.table.data.cast("B").cast("q")
        self.end()

    def row(self, venue: str, symbol: str) -> int:
        """A contract's row; 0 for a stranger."""
        return self._rows.get((venue, symbol), 0)

    def end(self) -> None:
        """None holds any more."""
        self._cells[GRANTED] += 1

    def grant(self, name: tuple[str, str], until_ns: int, at_ns: int, sequence: int) -> None:
        """A book led to nothing, nor will one that is not older and is received before `until_ns`. Nothing is granted where its
        numbers do not fit: a venue may say anything."""
        cells, begin = self._cells, WIDTH * self._rows[name]
        cells[begin + GRANTED] = NONE
        try:
            cells[begin + UNTIL] = until_ns
            cells[begin + AT] = at_ns
            cells[begin + IN_ORDER] = sequence
        except (TypeError, ValueError):
            return
        cells[begin + GRANTED] = cells[GRANTED]
