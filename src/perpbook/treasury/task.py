"""What a treasurer is asked, and what is answered: needs with deadlines, money that could go, ways, what may fail; moves, cuts.

Dollars and seconds. It knows neither facts nor book: `network` makes a task from them, planners solve it, `arrivals` tries it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from perpbook.kernels.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """`dollars` wanted in a place within `seconds`, in one of `assets`, and why. critical : it must be met after any one failure.
    weight : what a dollar that is missing counts for against other needs (survival before comfort)."""

    place: str
    dollars: float
    seconds: float
    why: str
    assets: tuple[str, ...] = ()
    critical: bool = False
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spare:
    """`dollars` of a coin that may leave a place; `kept` is what stays behind, and why."""

    place: str
    asset: str
    dollars: float
    kept: float = 0.0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One way from a spare to a need: its cost (`fixed` dollars, `rate` of the amount), what goes at least and at most, when it
    arrives with the promised probability (`seconds`) and mostly (`typical`), what it shares with others.

    `pipes` : ids of the routes it uses, each with a limit of its own. `domains` : what it does not go without. `risk` : the risk
    class of its riskiest route. `converts` : what changing the coin costs, a fraction. `unknown` : figures that nobody knows:
    a lane with any carries nothing until the trader gives them. `worth` : what a dollar that arrives counts for in its need.
    """

    number: int
    spare: int
    need: int
    words: str
    fixed: float
    rate: float
    least: float
    most: float
    seconds: float
    typical: float
    pipes: tuple[str, ...] = ()
    domains: frozenset[str] = frozenset()
    risk: str = ""
    converts: float = 0.0
    unknown: tuple[str, ...] = ()
    worth: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Reducing positions as a way: up to `dollars` of need `need` go away at `rate` a dollar, within `seconds`."""

    need: int
    words: str
    dollars: float
    rate: float
    seconds: float
    domains: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that may be lost: `domains` that go with it. What leaves a place of `places` does not go either."""

    name: str
    domains: frozenset[str]
    places: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Everything a plan depends on.

    pipes : most dollars that go through each route within the horizon, a shared cap counted at the trader's own share.
    in_flight : most dollars under way by risk class. waiting : what a dollar on its way costs a second. probability : with
    which every arrival is promised. together : lanes that are one transfer, for several needs of one place: they differ in their
    need alone, and the fixed charge, the least and the most are those of all of them.
    """

    needs: tuple[Need, ...]
    spares: tuple[Spare, ...]
    lanes: tuple[Lane, ...]
    cuts: tuple[Cut, ...] = ()
    failures: tuple[Failure, ...] = ()
    pipes: Mapping[str, float] = field(default_factory=dict)
    in_flight: Mapping[str, float] = field(default_factory=dict)
    waiting: float = 0.0
    probability: float = 0.95
    together: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The answer. sent : (lanes,) dollars leaving. reduced : (cuts,) dollars of need taken away. short : (needs,) dollars that
    are still missing. short_after : by failure, (needs,) what would be missing after it, of critical needs, and reduced_after,
    (cuts,), what would be reduced then beside. cost : dollars, waiting counted apart. method : "exact" or "greedy", with `why`
    where it is not exact. binds : what holds it back."""

    sent: Floats
    reduced: Floats
    short: Floats
    short_after: Mapping[str, Floats]
    cost: float
    waiting_cost: float
    slowest_seconds: float
    method: str
    why: str = ""
    binds: tuple[str, ...] = ()
    reduced_after: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def feasible(self) -> bool:
        """Whether every need is met, whatever fails once."""
        return not self.short.any() and not any(one.any() for one in self.short_after.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What leaves over one way at once: its lanes, the first of which tells it, `dollars` leaving, and what of them that
    costs."""

    lanes: tuple[Lane, ...]
    dollars: float
    cost: float

    @property
    def arrives(self) -> float:
        """Dollars."""
        return self.dollars - self.cost


def transfers_of(task: Task, plan: Plan) -> Iterator[Transfer]:
    """What a plan sends, in the order of lanes; for several needs of one place once."""
    parts = {number: one for one in task.together for number in one}
    told: set[int] = set()
    for number in np.flatnonzero(plan.sent > 0.0).tolist():
        if number in told:
            continue
        lanes = tuple(task.lanes[k] for k in parts.get(number, (number,)) if plan.sent[k] > 0.0)
        told.update(one.number for one in lanes)
        dollars, first = sum(float(plan.sent[one.number]) for one in lanes), lanes[0]
        yield Transfer(lanes=lanes, dollars=dollars, cost=dollars * (first.rate + first.converts) + first.fixed)
