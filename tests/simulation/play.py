"""One seed, from its plan to what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from tests.simulation.again import again
from tests.simulation.brain import InMemory
from tests.simulation.broken import LawBroken
from tests.simulation.crash import CrashAt
from tests.simulation.forks import Forks
from tests.simulation.plan import plan_of
from tests.simulation.world import Asked, World


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a seed. `digest` : over everything the guard was told and asked for. `broken` : the law, and how; "" for none.
    `writes` : to the journal."""

    seed: int
    digest: str
    writes: int
    law: str = ""
    broken: str = ""
    crash: CrashAt | None = None
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def command(self) -> str:
        """What replays it."""
        at = f" --crash {self.crash.write}{'+' if self.crash.late else ''}" if self.crash else ""
        return f"python -m tests.simulation --seeds {self.seed}{at}"


def sweep(seed: int, every: int = 1) -> list[Outcome]:
    """A seed with a crash at every so many of its writes, before and after the effect that follows."""
    forks = Forks[Outcome](every)
    return forks.of(partial(play, seed, crash=forks.crash))


def play(seed: int, crash: CrashAt | Asked | None = None, *, trace: bool = False) -> Outcome:
    """Run a seed to its end, or to the first law that does not hold. crash : on purpose; a callable is asked at every write until
    it says how. `trace` : print what the guard writes and asks for."""
    plan = plan_of(seed)
    brain = InMemory(plan)
    world = World(plan, brain, crash, print if trace else None)
    law, broken = "", ""
    try:
        world.run()
        again(plan, brain.lines, [record for _, record in brain.journal.read()])
    except LawBroken as error:
        law, broken = error.law, str(error)
    digest = f"{world.digest[:32]}{brain.journal.digest[:32]}"
    return Outcome(seed, digest, world.writes, law, broken, world.crash_at, world.counts)
