"""A linear or mixed-integer programme that grows row by row: HiGHS, silent, started where it stood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from perpbook.kernels.types import Floats

MOST_NODES = 20_000
"""Branch-and-bound nodes before a mixed-integer programme is given up: far above what books need."""

FEASIBLE = 2
"""HiGHS' word for a solution that keeps every row."""

OPTIONS: dict[str, bool | int | float] = {
    "output_flag": False,
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
    "mip_feasibility_tolerance": 1e-9,
    "mip_rel_gap": 1e-9,
    "mip_max_nodes": MOST_NODES,
    "threads": 1,
}


class Programme:
    """Minimise a linear cost over bounded columns under rows `low <= a x <= high`. gap : how near to the best, relatively, an
    answer with whole columns may stay (None: as near as can be, or there is none); after so many `nodes` or `seconds` (of
    all searches together) the best so far is the answer."""

    def __init__(self, gap: float | None = None, nodes: int = MOST_NODES, seconds: float = np.inf) -> None:
        self.highs: Any = silent_solver()
        self.highs.setOptionValue("time_limit", seconds)
        self.highs.setOptionValue("mip_max_nodes", nodes)
        self.settles = gap is not None
        if gap is not None:
            self.highs.setOptionValue("mip_rel_gap", gap)
        self.columns = 0
        self.rows = 0
        self.whole = False

    def column(self, cost: float, low: float, high: float, *, whole: bool = False) -> int:
        """Add a column and give its number; `whole` columns take integers only."""
        import highspy

        self.highs.addCol(cost, low, high, 0, np.zeros(0, np.int32), np.zeros(0))
        if whole:
            self.whole = True
            self.highs.changeColIntegrality(self.columns, highspy.HighsVarType.kInteger)
        self.columns += 1
        return self.columns - 1

    def row(self, low: float, high: float, columns: Sequence[int], values: Sequence[float]) -> int:
        """Add a row and give its number."""
        self.highs.addRow(low, high, len(columns), np.array(columns, np.int32), np.array(values, np.float64))
        self.rows += 1
        return self.rows - 1

    def fix(self, column: int, value: float) -> None:
        """Hold a column at a value and let it be any number: it is decided."""
        import highspy

        self.highs.changeColBounds(column, value, value)
        self.highs.changeColIntegrality(column, highspy.HighsVarType.kContinuous)

    def bound(self, column: int, low: float, high: float) -> None:
        """Hold a column between other values from now on."""
        self.highs.changeColBounds(column, low, high)

    def search_once(self) -> None:
        """Do not begin a search anew when its root has become smaller: where whole columns have been decided before, that costs
        more than it brings."""
        self.highs.setOptionValue("mip_allow_restart", False)

    def search_lightly(self) -> None:
        """Solve no smaller programmes on the way and try few branches before choosing: where a search starts from a good answer,
        they cost more than they bring."""
        for name in ("mip_heuristic_run_rins", "mip_heuristic_run_rens", "mip_heuristic_run_root_reduced_cost"):
            self.highs.setOptionValue(name, False)
        self.highs.setOptionValue("mip_pscost_minreliable", 2)

    def search_within(self, apart: float) -> None:
        """Let an answer with whole columns stay so far from the best, absolutely, and no further; a millionth, if nobody says."""
        self.highs.setOptionValue("mip_abs_gap", apart)

    def relax(self, *, on: bool) -> None:
        """Let whole columns take any number from now on, or no more."""
        self.highs.setOptionValue("solve_relaxation", on)

    def limits(self) -> tuple[Floats, Floats]:
        """(columns,) low and high."""
        stands = self.highs.getLp()
        return np.array(stands.col_lower_, dtype=np.float64), np.array(stands.col_upper_, dtype=np.float64)

    def start(self, columns: Floats) -> None:
        """Begin the next search from an answer."""
        import highspy

        solution = highspy.HighsSolution()
        solution.col_value = columns.tolist()
        self.highs.setSolution(solution)

    def bound_row(self, row: int, low: float, high: float) -> None:
        """Hold a row between other values from now on."""
        self.highs.changeRowBounds(row, low, high)

    @property
    def timed_out(self) -> bool:
        """Whether the last search ended because its seconds were over."""
        import highspy

        return bool(self.highs.getModelStatus() == highspy.HighsModelStatus.kTimeLimit)

    @property
    def impossible(self) -> bool:
        """Whether the last search proved that no columns keep every row."""
        import highspy

        return bool(self.highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible)

    def price(self, costs: Floats) -> None:
        """Minimise other costs from now on, (columns,) of them, from where it stands."""
        self.highs.changeColsCost(self.columns, np.arange(self.columns, dtype=np.int32), costs)

    def solve(self) -> Floats | None:
        """The best columns under the rows so far, or None when there are none (or none was proven best)."""
        import highspy

        self.highs.run()
        status, kinds = self.highs.getModelStatus(), highspy.HighsModelStatus
        ended = status in (kinds.kSolutionLimit, kinds.kTimeLimit)
        settled = self.settles and ended and self.highs.getInfo().primal_solution_status == FEASIBLE
        if status != kinds.kOptimal and not settled:
            return None
        found: Floats = np.array(self.highs.getSolution().col_value, dtype=np.float64)
        return found

    def gap(self) -> float:
        """How far the last answer may be from the best, relative to it; 0 where it is proven best."""
        found = float(self.highs.getInfo().mip_gap) if self.whole else 0.0
        return found if np.isfinite(found) else 1.0

    def objective(self) -> float:
        """The least that any answer costs, as far as was proven at the last solution."""
        info = self.highs.getInfo()
        bound = float(info.mip_dual_bound)
        return bound if self.whole and np.isfinite(bound) else float(info.objective_function_value)

    def reduced_costs(self) -> Floats:
        """(columns,) by how much the least cost grows by one more unit of each, at the last solution without whole columns."""
        found: Floats = np.array(self.highs.getSolution().col_dual, dtype=np.float64)
        return found

    def duals(self) -> Floats:
        """(rows,) what one more unit of each row's bound is worth at the last solution; 0 after whole columns."""
        found: Floats = np.array(self.highs.getSolution().row_dual, dtype=np.float64)
        return found


def silent_solver() -> Any:
    """A HiGHS that prints nothing, ever.

    The Python wrapper starts its callbacks while it is built, and that alone prints a banner on standard output before
    any option can be set. Callbacks are of no use here, so they are not started.
    """
    import highspy

    class Silent(highspy.Highs):
        def enableCallbacks(self) -> None:
            self.setOptionValue("output_flag", False)

    solver: Any = Silent()  # type: ignore[no-untyped-call]
    for name, value in OPTIONS.items():
        solver.setOptionValue(name, value)
    return solver
