"""One seed, from its plan to what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.brain import InMemory
from tests.simulation.broken import LawBroken
from tests.simulation.plan import plan_of
from tests.simulation.world import CrashAt, World


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


def play(seed: int, crash: CrashAt | None = None) -> Outcome:
    """Run a seed to its end, or to the first law that does not hold."""
    plan = plan_of(seed)
    brain = InMemory(plan)
    world = World(plan, brain, crash)
    law, broken = "", ""
    try:
        world.run()
    except LawBroken as error:
        law, broken = error.law, str(error)
    digest = f"{world.digest[:32]}{brain.journal.digest[:32]}"
    return Outcome(seed, digest, world.writes, law, broken, crash, world.counts)
