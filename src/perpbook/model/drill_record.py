"""A drill that was done on schedule, as it is remembered: of which book, when, through what, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldThen:
    """A position at the time of a drill: `quantity` as in `Position`, `notional` dollars."""

    account: str
    symbol: str
    quantity: float
    notional: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BookThen:
    """The book that was drilled. `path` is where its file stood; `accounts` their ids. Dollars; `as_of_ns` of its prices."""

    path: str
    accounts: tuple[str, ...]
    positions: tuple[HeldThen, ...]
    equity: float
    as_of_ns: int
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StormSide:
    """What one storm did to the book: who is liquidated, and the share of book equity lost at its end (< 0: gained)."""

    dies: tuple[str, ...]
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StormFound:
    """One storm, by its expression. `playbook` None: without one. `unfaced` says why it could not be gone through."""

    storm: str
    playbook: StormSide | None
    alone: StormSide | None
    unfaced: str | None = None

    def side(self, judged: str) -> StormSide | None:
        """The side that limits are for: the book alone where no playbook was drilled."""
        return self.playbook if judged == "playbook" and self.playbook else self.alone


@dataclass(frozen=True, slots=True, kw_only=True)
class FuturesSide:
    """What the futures did: in how many of `paths` an account is liquidated, and the 95 % interval of that share; expected
    shortfall as a share of equity at the start (None: too few to tell), the same of the median's and the worst's loss.

    `fan` : book equity at each of `levels`, by step, as a multiple of that at the start.
    """

    paths: int
    dies: int
    low: float
    high: float
    shortfall: float | None
    median: float
    worst: float
    first: str | None
    fan: tuple[tuple[float, ...], ...]

    @property
    def share(self) -> float:
        """Of futures in which an account is liquidated."""
        return self.dies / self.paths


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRecord:
    """A drill on the shelf: `taken_ns` when it was done, `folder` where it is kept, `levels` the fan's quantiles, `step_ns` its
    step. `history_simulated` : no market made the history that its futures were drawn from. `notes` : what stands in for
    what."""

    taken_ns: int
    folder: str
    result: str
    version: str
    book: BookThen
    playbook: str | None
    horizon: str
    kind: str
    seed: int
    step_ns: int
    history_simulated: bool
    levels: tuple[float, ...]
    storms: tuple[StormFound, ...]
    playbook_side: FuturesSide | None
    alone_side: FuturesSide
    notes: tuple[str, ...] = ()

    def side(self, judged: str) -> FuturesSide:
        """The side that limits are for: the book alone where no playbook was drilled."""
        return self.playbook_side if judged == "playbook" and self.playbook_side else self.alone_side

    def killing(self, judged: str) -> tuple[str, ...]:
        """Storms that liquidate an account."""
        sides = [(one.storm, one.side(judged)) for one in self.storms]
        return tuple(storm for storm, side in sides if side is not None and side.dies)

    @property
    def faced(self) -> int:
        """How many storms were gone through."""
        return sum(one.unfaced is None for one in self.storms)
