"""A linear programme given all at once."""

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


def solved(*, cost: Floats, upper: Floats, matrix: csc_matrix, low: Floats, high: Floats) -> Solved | None:
    """Minimise `cost` x under `low <= matrix x <= high`, `0 <= x <= upper`; None when there is no best x."""
    import highspy

    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(cost.size), upper
    lp.row_lower_, lp.row_upper_ = low, high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    solver = silent_solver()
    solver.setOptionValue("presolve", "off")
    solver.passModel(lp)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    found = solver.getSolution()
    return Solved(
        columns=np.array(found.col_value, dtype=np.float64),
        prices=np.array(found.row_dual, dtype=np.float64),
        objective=float(solver.getObjectiveValue()),
    )
