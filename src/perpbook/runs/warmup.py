"""`warmup`: compile the kernels into the cache; checks, backtests and drills then compile nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmed:
    """What was compiled, where it is kept, and how long it took."""

    kernels: tuple[str, ...]
    folder: Path
    seconds: float


def run_warmup(now_ns: Callable[[], int], tell: Callable[[str, int, int], None]) -> Warmed:
    """Compile everything, telling (name, number, of how many) before each step."""
    from perpbook.kernels import jit

    jit.prefer_compiled()
    started = now_ns()
    from perpbook.engine.backtest import backtest
    from perpbook.engine.drill import run_drill, scales_survived
    from perpbook.engine.smallest import smallest_drill, smallest_journey
    from perpbook.kernels.warmup import steps
    from perpbook.runs.demo import check_example

    todo = list(steps())
    for number, (name, compile_it) in enumerate(todo):
        tell(name, number, len(todo) + 3)
        compile_it()
    tell("rules", len(todo), len(todo) + 3)
    check_example("desk", "conservative")
    tell("the tick, two or three minutes", len(todo) + 1, len(todo) + 3)
    backtest(smallest_journey())
    tell("drills, a minute or two", len(todo) + 2, len(todo) + 3)
    run_drill(smallest_drill(), threads=1)
    scales_survived(smallest_drill())
    names = (*(name for name, _ in todo), "rules", "the tick", "drills")
    return Warmed(kernels=names, folder=jit.cache_folder(), seconds=(now_ns() - started) / 1e9)
