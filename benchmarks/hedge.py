"""The hedge of least shortfall: thirty contracts in five thousand scenarios, costs and bounds on, on one core.

The baseline is the same programme as it is usually written, a row and a column for every scenario (Rockafellar and Uryasev
2000), given to the same solver whole. The floor is one evaluation of every scenario's loss and their sorting.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import bmat, csc_matrix, eye

from benchmarks.document import median, paired, publish, seconds
from perpbook.hedging.cvar import cvar_hedge
from perpbook.hedging.instruments import Instruments, Room
from perpbook.hedging.shortfall import Scenarios
from perpbook.kernels.types import Floats
from perpbook.solver.whole import Columns

CONTRACTS, SCENARIOS, TAIL = 30, 5_000, 0.025
LARGEST = 3e5


def example() -> tuple[Scenarios, Instruments]:
    """A seeded book of thirty assets with three factors, fat tails, and something that no contract hedges."""
    chance = np.random.default_rng(1)
    pull = chance.normal(size=(CONTRACTS, 3)) * 0.02
    moves = chance.standard_t(4, size=(SCENARIOS, 3)) @ pull.T
    moves += chance.standard_t(4, size=(SCENARIOS, CONTRACTS)) * 0.015
    held = chance.normal(size=CONTRACTS) * 1e5
    rest = chance.standard_t(4, size=SCENARIOS) * 2e3
    scenarios = Scenarios(pnl=moves @ held + rest, effect=moves, weights=np.full(SCENARIOS, 1.0 / SCENARIOS), tail=TAIL)
    nothing = np.zeros(CONTRACTS)
    contracts = Instruments(
        low=np.full(CONTRACTS, -LARGEST), high=np.full(CONTRACTS, LARGEST), lots=nothing, fees=np.full(CONTRACTS, 5e-4),
        funding=chance.normal(size=CONTRACTS) * 1e-4, held=nothing, margins=nothing,
        accounts=np.zeros(CONTRACTS, dtype=np.int64),
    )  # fmt: skip
    return scenarios, contracts


def epigraph(scenarios: Scenarios, one: Instruments) -> float:
    """The least of cost plus shortfall, with one row and one column per scenario; money in units of its mean."""
    money = float(np.abs(scenarios.pnl).mean())
    unit = money / np.abs(scenarios.effect).mean(axis=0)
    effect = csc_matrix(scenarios.effect * unit / money)
    ones = csc_matrix(np.ones((SCENARIOS, 1)))
    matrix: Any = bmat([[effect, -effect, ones, -ones, eye(SCENARIOS)]], format="csc")
    cost = np.concatenate(
        [
            (one.fees + one.funding) * unit / money, (one.fees - one.funding) * unit / money, [1.0, -1.0],
            scenarios.weights / TAIL,
        ]
    )  # fmt: skip
    upper: Floats = np.concatenate([one.high / unit, -one.low / unit, np.full(2 + SCENARIOS, np.inf)])
    programme = Columns(-scenarios.pnl / money, np.full(SCENARIOS, np.inf))
    programme.add(cost, upper, matrix)
    found = programme.solve()
    assert found is not None
    return found.objective * money


def main() -> None:
    """Measure and print."""
    scenarios, contracts = example()
    room = Room(margin=np.array([np.inf]))
    found, other = cvar_hedge(scenarios, contracts, room), epigraph(scenarios, contracts)
    assert abs(found.objective - other) <= 1e-6 * abs(other) and found.objective - found.bound <= 1e-9 * abs(other)
    ours, theirs = paired(
        lambda: cvar_hedge(scenarios, contracts, room), lambda: epigraph(scenarios, contracts), repeat=5
    )
    floor = seconds(lambda: scenarios.shortfall(np.ones(CONTRACTS)))
    publish(
        {
            "name": "hedge",
            "unit": "hedges/s",
            "value": 1.0 / median(ours),
            "seconds": median(ours),
            "baseline": {"name": "HiGHS, a row per scenario", "value": 1.0 / median(theirs)},
            "floor": {"name": "every loss once, sorted", "value": 1.0 / median(floor)},
            "ratio": median(theirs) / median(ours),
        },
        ("numpy", "scipy", "highspy", "perpbook"),
    )


if __name__ == "__main__":
    main()
