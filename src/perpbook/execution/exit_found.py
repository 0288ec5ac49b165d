"""A plan to get out with all that is said beside it: what starts it, its limit on time, where the money goes."""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.execution.exit_plan import ExitPlan
from perpbook.model.verdict import Finding, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A rule that starts the exit. `broken` None: one look at a book cannot judge it. `told`: the finding's sentence, or why."""

    rule: str
    broken: bool | None
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """What an account would hold once flat, and the soonest way for it to the destination; `why` where none is known. Seconds
    in half of all cases, and in 95 of 100; `fee` dollars, what is known of it."""

    account: str
    dollars: float
    by: str = ""
    typical_seconds: float | None = None
    slow_seconds: float | None = None
    fee: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitFound:
    """A plan with all that is said beside it."""

    plan: ExitPlan
    playbook: str
    triggers: tuple[Trigger, ...]
    limit: Finding | None
    onward: tuple[Onward, ...]
    correlation: float | None
    simulated: bool

    @property
    def is_kept(self) -> bool:
        """The budget is kept, the time is inside its limit, and no account dies on the way."""
        dies = any(one.margin_ratio >= 1.0 for stage in self.plan.stages for one in stage.accounts)
        return self.plan.kept and not dies and (self.limit is None or self.limit.status is not Status.BREACH)
