"""A treasury's plan: eight layers, eighty-eight lanes, eight failures, all five levels proven best, on one core.

The baseline is the first level of the same task alone, written densely for scipy's own solver, with what each lane delivers in
each scenario as a column; the greedy planner stands beside it. The floor is the linear relaxation of that level. `gap` is how far
the best is from the relaxation, as a fraction of all needs by weight.
"""

from __future__ import annotations

import numpy as np

from benchmarks.document import median, paired, publish, seconds
from benchmarks.treasury_dense import UNIT, Dense, whole_best
from perpbook.treasury.exact import solve
from perpbook.treasury.greedy import greedy
from perpbook.treasury.task import Cut, Failure, Lane, Need, Plan, Spare, Task

LAYERS, LANES = 8, 88
RAILS = ("cctp", "validators", "pool", "solver", "exchange")


def example(least: int = 10, most: int = 60) -> Task:
    """A seeded desk: a need and money on every layer, lanes between them over five rails, each layer and rail may fail. least,
    most : thousands of dollars of a need."""
    chance = np.random.default_rng(6)
    layers = [f"layer{k}" for k in range(LAYERS)]
    needs = tuple(
        Need(place=f"account{k}", dollars=float(chance.integers(least, most)) * 1e3,
             seconds=float(chance.integers(20, 120)) * 60.0, why="", critical=k % 2 == 0, weight=10.0 if k % 2 == 0 else 1.0)
        for k in range(LAYERS)
    )  # fmt: skip
    spares = tuple(Spare(place=one, asset="USDC", dollars=float(chance.integers(30, 90)) * 1e3) for one in layers)
    return Task(
        needs=needs, spares=spares, lanes=tuple(_lane(chance, number, layers) for number in range(LANES)),
        cuts=tuple(Cut(need=k, words="", dollars=10e3, rate=0.006, seconds=60.0) for k in range(0, LAYERS, 2)),
        failures=tuple(Failure(name=one, domains=frozenset({one})) for one in (*RAILS, *layers[:3])),
        pipes={f"{rail}-{k}": float(chance.integers(20, 90)) * 1e3 for rail in RAILS for k in range(4)},
        in_flight={"solver": 120e3, "pool": 90e3}, waiting=2e-9,
    )  # fmt: skip


def _lane(chance: np.random.Generator, number: int, layers: list[str]) -> Lane:
    spare, need, rail = int(chance.integers(LAYERS)), number % LAYERS, str(chance.choice(RAILS))
    typical = float(chance.integers(1, 25)) * 60.0
    return Lane(
        number=number, spare=spare, need=need, words=f"lane{number}", fixed=float(chance.choice([0.5, 1.0, 5.0])),
        rate=float(chance.choice([0.0, 1e-4, 8e-4])), least=float(chance.choice([0.0, 100.0, 5e3])),
        most=float(chance.integers(20, 90)) * 1e3, seconds=typical * float(1.0 + 2.0 * chance.random()), typical=typical,
        pipes=(f"{rail}-{int(chance.integers(4))}",), domains=frozenset({rail, layers[spare]}), risk=rail,
    )  # fmt: skip


def first_level(task: Task, plan: Plan) -> float:
    """Dollars missing times their weight, now and after every failure."""
    weights = np.array([one.weight for one in task.needs])
    return float(weights @ plan.short) + sum(float(weights @ one) for one in plan.short_after.values())


def densely(task: Task) -> float:
    """The first level alone by the dense matrix: held to what it came to, scipy's solver rounds too much for the others."""
    dense = Dense(task)
    return whole_best(dense, dense.costs()[0]) * UNIT


def relaxed(task: Task) -> float:
    """The first level with lanes open by any share."""
    dense = Dense(task)
    return dense.relaxed(dense.costs()[0]) * UNIT


def main() -> None:
    """Measure and print."""
    task = example()
    best, quick, other = solve(task), greedy(task), densely(task)
    unit = sum(one.dollars * one.weight for one in task.needs)
    assert best.method == "exact" and abs(first_level(task, best) - other) <= 1e-6 * unit
    ours, theirs = paired(lambda: solve(task), lambda: densely(task), repeat=5)
    hands, floor = seconds(lambda: greedy(task), repeat=5), seconds(lambda: relaxed(task), repeat=5)
    scarce = example(30, 80)
    found, by_hand = solve(scarce), greedy(scarce)
    publish(
        {
            "name": "treasury",
            "unit": "plans/s",
            "value": 1.0 / median(ours),
            "seconds": median(ours),
            "baseline": {"name": "scipy's milp on a dense matrix, the first level alone", "value": 1.0 / median(theirs)},
            "floor": {"name": "the relaxation of the first level", "value": 1.0 / median(floor)},
            "ratio": median(theirs) / median(ours),
            "lanes": LANES, "layers": LAYERS, "failures": len(task.failures),
            "greedy": {"seconds": median(hands), "missing": first_level(task, quick)},
            "scarce": {
                "seconds": median(seconds(lambda: solve(scarce), repeat=3)), "why": found.why,
                "missing": first_level(scarce, found), "greedy": first_level(scarce, by_hand), "relaxed": relaxed(scarce),
            },
            "missing": first_level(task, best), "gap": (first_level(task, best) - relaxed(task)) / unit,
        },
        ("numpy", "scipy", "highspy", "perpbook"),
    )  # fmt: skip


if __name__ == "__main__":
    main()
