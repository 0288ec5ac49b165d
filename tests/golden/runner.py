"""Running golden cases through their adapters, and the tally of what came out."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.golden import adapters, registry
from tests.golden.cases import GoldenCase
from tests.golden.compare import differences

NO_ADAPTER = "no adapter for this shape"


@dataclass(slots=True)
class Tally:
    """What came out: cases counted and reproduced by venue, one line a mismatch, open puzzles, sets skipped."""

    cases: Counter[str] = field(default_factory=Counter)
    reproduced: Counter[str] = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)
    puzzles: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def load_adapters() -> list[str]:
    """Import every module of `tests.golden.adapters`; one line for each that does not import."""
    broken: list[str] = []
    for module in sorted(pkgutil.iter_modules(adapters.__path__), key=lambda one: one.name):
        try:
            importlib.import_module(f"{adapters.__name__}.{module.name}")
        except Exception as problem:
            broken.append(f"adapters/{module.name}.py does not import: {type(problem).__name__}: {problem}")
    return broken


def run_cases(cases: Iterable[GoldenCase]) -> Tally:
    """Run every case; adapters must be loaded."""
    topics = {(one.venue, one.topic) for one in registry.ADAPTERS}
    tally = Tally()
    for case in cases:
        if case.skippable and (case.venue, case.topic) not in topics:
            tally.skipped[case.topic] += 1
            continue
        problems = case_problems(case)
        if not case.reproduced:
            tally.puzzles.append(f"{case.id}: {'; '.join(problems) or 'reproduced by ours'}")
            continue
        tally.cases[case.venue] += 1
        tally.reproduced[case.venue] += not problems
        tally.mismatches.extend(f"{case.id}: {problem}" for problem in problems)
    return tally


def case_problems(case: GoldenCase) -> list[str]:
    """One line for each way our values miss the case's; empty when it is reproduced."""
    fitting = registry.find(case.venue, case.topic, case.inputs, case.expected)
    if fitting is None:
        keys = ", ".join(sorted(case.inputs))
        return [f"{NO_ADAPTER} ({case.venue} {case.topic}: {keys} -> {', '.join(sorted(case.expected))})"]
    try:
        observed = {key: case.expected[key] for key in fitting.observes if key in case.expected}
        ours = fitting.adapt({**observed, **case.inputs})
    except Exception as problem:
        return [f"the adapter raised {type(problem).__name__}: {problem}"]
    return [
        f"{one.key}: ours {one.ours!r}, expected {one.expected!r}"
        for one in differences(ours, case.expected, case.tolerance)
    ]
