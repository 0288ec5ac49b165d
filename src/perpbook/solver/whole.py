"""A linear programme given in blocks of columns, started where it stood when more are added."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_matrix

from perpbook.kernels.types import Floats
from perpbook.solver.programme import silent_solver


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """`columns` (n,), the `prices` (m,) of the rows (what one more unit of a row's bound adds), and what it costs."""

    columns: Floats
    prices: Floats
    objective: float


class Columns:
    """Minimise cost x under `low <= matrix x <= high`, `0 <= x <= upper`: rows first, then columns as they come."""

    def __init__(self, low: Floats, high: Floats) -> None:
        self._highs = silent_solver()
        self._highs.setOptionValue("presolve", "off")
        nothing, rows = np.zeros(0), low.size
        self._highs.addRows(rows, low, high, 0, np.zeros(rows, np.int32), np.zeros(0, np.int32), nothing)

    def add(self, cost: Floats, upper: Floats, matrix: csc_matrix) -> None:
        """More columns, after those that are there: `matrix` (m, n)."""
        self._highs.addCols(
            cost.size, cost, np.zeros(cost.size), upper, matrix.nnz, matrix.indptr[:-1].astype(np.int32),
            matrix.indices.astype(np.int32), matrix.data,
        )  # fmt: skip

    def solve(self) -> Solved | None:
        """The best columns, None when there are none."""
        import highspy

        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        found = self._highs.getSolution()
        return Solved(
            columns=np.array(found.col_value, dtype=np.float64),
            prices=np.array(found.row_dual, dtype=np.float64),
            objective=float(self._highs.getObjectiveValue()),
        )
