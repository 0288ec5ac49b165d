"""One order over 8 venues x 20 levels: this kernel, a sorted merge in plain Python, and HiGHS, in one run.

`fixed` is the same with a fixed cost and a least size at every venue (255 sets of venues).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from benchmarks.document import median, publish, seconds
from perpbook.kernels.route import Ladders, cheapest_fill

VENUES, LEVELS, WANTED, SEED = 8, 20, 400, 7
MICRO = 1e6


def drawn(fixed: float, least: int) -> Ladders:
    chance = np.random.default_rng(SEED)
    key = np.concatenate([100.0 + np.cumsum(chance.uniform(0.001, 0.02, LEVELS)) for _ in range(VENUES)])
    return Ladders(
        start=np.arange(VENUES + 1, dtype=np.int64) * LEVELS, key=key,
        lots=chance.integers(1, 12, VENUES * LEVELS), least=np.full(VENUES, least, dtype=np.int64),
        most=np.full(VENUES, 10**6, dtype=np.int64), fixed=np.full(VENUES, fixed),
    )  # fmt: skip


def ours(ladders: Ladders) -> tuple[float, int]:
    taken = np.zeros(ladders.key.size, dtype=np.int64)
    return cheapest_fill(ladders, WANTED, taken), int(taken.sum())


def sorted_merge(levels: list[tuple[float, int]]) -> tuple[float, int]:
    left, cost = WANTED, 0.0
    for key, lots in sorted(levels):
        take = min(lots, left)
        cost += take * key
        left -= take
        if left == 0:
            break
    return cost, WANTED - left


def by_highs(ladders: Ladders) -> float:
    count = ladders.key.size
    rows = np.zeros((2 * VENUES + 1, count + VENUES))
    for venue in range(VENUES):
        mine = slice(int(ladders.start[venue]), int(ladders.start[venue + 1]))
        rows[2 * venue, mine], rows[2 * venue, count + venue] = 1.0, -float(ladders.lots[mine].sum())
        rows[2 * venue + 1, mine], rows[2 * venue + 1, count + venue] = -1.0, float(ladders.least[venue])
    rows[-1, :count] = 1.0
    low = np.concatenate([np.full(2 * VENUES, -np.inf), [WANTED]])
    high = np.concatenate([np.zeros(2 * VENUES), [WANTED]])
    whole = np.concatenate([np.zeros(count), np.ones(VENUES)])
    top = np.concatenate([ladders.lots, np.ones(VENUES)])
    found: Any = milp(
        np.concatenate([ladders.key, ladders.fixed]), integrality=whole, bounds=Bounds(0.0, top),
        constraints=LinearConstraint(rows, low, high), options={"mip_rel_gap": 0.0},
    )  # fmt: skip
    return float(found.fun)


def many(run: Any, times: int) -> float:
    """Median microseconds of one call, of seven blocks of calls."""
    return MICRO * median(seconds(lambda: [run() for _ in range(times)])) / times


def main() -> None:
    plain, fixed = drawn(0.0, 0), drawn(0.5, 5)
    levels = list(zip(plain.key.tolist(), plain.lots.tolist(), strict=True))
    taken = np.zeros(plain.key.size, dtype=np.int64)
    assert abs(ours(plain)[0] - sorted_merge(levels)[0]) < 1e-6
    assert abs(ours(fixed)[0] - by_highs(fixed)) < 1e-6
    merged, subsets = (
        many(lambda: cheapest_fill(plain, WANTED, taken), 1_000),
        many(lambda: cheapest_fill(fixed, WANTED, taken), 100),
    )
    python, highs = many(lambda: sorted_merge(levels), 100), many(lambda: by_highs(fixed), 1)
    publish(
        {
            "name": "routing", "value": merged, "unit": "us an order (merge, 8 venues x 20 levels)",
            "baseline": {"name": "sorted merge in plain Python, us", "value": python}, "ratio": python / merged,
            "floor": None, "fixed": {"value": subsets, "unit": "us an order", "highs": highs, "ratio": highs / subsets},
        },
        ("numpy", "numba", "scipy"),
    )  # fmt: skip


if __name__ == "__main__":
    main()
