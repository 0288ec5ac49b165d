"""One seed, from its plan to what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.simulation.again import again
from tests.simulation.brain import InMemory
from tests.simulation.broken import LawBroken
from tests.simulation.crash import CrashAt
from tests.simulation.plan import plan_of
from tests.simulation.world import World


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


def sweep(seed: int, every: int = 1) -> Iterator[Outcome]:
    """A seed with a crash at every write of it, before and after the effect that follows."""
    for write in range(1, play(seed).writes + 1, every):
        yield play(seed, CrashAt(write=write, late=False))
        yield play(seed, CrashAt(write=write, late=True))


def play(seed: int, crash: CrashAt | None = None, *, trace: bool = False) -> Outcome:
    """Run a seed to its end, or to the first law that does not hold. `trace` : print what the guard writes and asks for."""
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
    return Outcome(seed, digest, world.writes, law, broken, crash, world.counts)
