"""An exit as a plan: stages of reduce-only legs, what each leaves, what it costs, how long it takes, and how accounts stand
after it.

A plan is plain data (`plain_plan`, `plan_from`). How far it has come is read off the positions alone (`next_stage`), so it goes
on after a restart wherever it was.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from perpbook.errors import InputError, MissingData
from perpbook.execution.closing import PositionKey
from perpbook.files.rebuild import rebuild
from perpbook.model.action import Leg


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a position is once a stage is done, signed."""

    account: str
    symbol: str
    quantity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAfter:
    """An account at today's prices once a stage is done. `equity` dollars; `margin_ratio` maintenance over equity, liquidation
    at 1; `joint`, `alone` : sizes of the smallest moves that kill it, of all prices together and of one asset's, fractions, None
    for none."""

    account: str
    equity: float
    margin_ratio: float
    joint: float | None
    alone: float | None

    @property
    def nearest(self) -> float | None:
        """The smaller of both."""
        return min((one for one in (self.joint, self.alone) if one is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Legs that are traded together, each at its limit or better.

    notional : dollars closed.  fees : dollars.  slippage_low : dollars where books refill between stages, slippage_high : where
    they never do; depth_unknown : positions whose depth nobody knows, of which neither counts anything.  visits : times a book
    must refill for the stage to be filled within its limits, at least.  net : dollars of net exposure by asset, sizes added up.
    """

    number: int
    name: str
    legs: tuple[Leg, ...]
    left: tuple[Left, ...]
    notional: float
    fees: float
    slippage_low: float
    slippage_high: float
    depth_unknown: tuple[str, ...]
    visits: int
    accounts: tuple[AccountAfter, ...]
    net: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Danger:
    """The chance that an account is liquidated before its last leg is done, by the volatilities given."""

    account: str
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitPlan:
    """The whole way to flat. `steps` each group is cut into; `collar` fraction of the margin price that limits lie beyond it;
    `pace_seconds` between two visits to a book; `before` accounts as they stand; `net` as in `Stage`, today.

    dangers : () where no volatility was given.  budget : the most that any of them may be, None for none; kept : they are, or
    nothing was asked.  destination : layer the money goes to, "" not said.
    """

    as_of_ns: int
    steps: int
    collar: float
    pace_seconds: float
    stages: tuple[Stage, ...]
    before: tuple[AccountAfter, ...]
    net: float
    dangers: tuple[Danger, ...] = ()
    budget: float | None = None
    kept: bool = True
    destination: str = ""
    notes: tuple[str, ...] = ()

    @property
    def fees(self) -> float:
        """Dollars."""
        return math.fsum(stage.fees for stage in self.stages)

    @property
    def slippage(self) -> tuple[float, float]:
        """Dollars: books refill between stages, and never do."""
        return math.fsum(one.slippage_low for one in self.stages), math.fsum(one.slippage_high for one in self.stages)

    @property
    def seconds(self) -> float:
        """From the first leg to the last, at least."""
        return self.pace_seconds * max(sum(stage.visits for stage in self.stages) - 1, 0)

    @property
    def depth_unknown(self) -> tuple[str, ...]:
        """Positions whose depth nobody knows: time and cost are at least what is told."""
        return tuple(dict.fromkeys(symbol for stage in self.stages for symbol in stage.depth_unknown))


def plain_plan(plan: ExitPlan) -> dict[str, object]:
    """The plan as JSON keeps it: text, finite numbers, true, false, null, lists, objects."""
    found: dict[str, object] = json.loads(json.dumps(asdict(plan), allow_nan=False))
    return found


def plan_from(value: object) -> ExitPlan:
    """A plan from what JSON kept of it.

    Raises
    ------
    InputError : it is none.
    """
    try:
        return rebuild(ExitPlan, value)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise InputError(
            f"this is no exit plan ({type(error).__name__}: {error}); make one with `perpbook exit plan`"
        ) from None


def next_stage(plan: ExitPlan, positions: Mapping[PositionKey, float]) -> Stage | None:
    """The first stage that is not done by these positions, with legs for what is still to be closed; None when all is.

    positions : signed, by account and symbol, 0 where there is none any more; read now.

    Raises
    ------
    MissingData : a position of the plan is not known now.
    InputError : one stands on the other side than when the plan was made, or is no number.
    """
    targets: dict[PositionKey, float] = {}
    for stage in plan.stages:
        targets |= {(one.account, one.symbol): one.quantity for one in stage.left}
        legs = [leg for leg in (_still(leg, positions, targets) for leg in stage.legs) if leg is not None]
        if legs:
            return replace(stage, legs=tuple(legs))
    return None


def _still(leg: Leg, positions: Mapping[PositionKey, float], targets: Mapping[PositionKey, float]) -> Leg | None:
    """What is left of a leg: reduce-only from what is held now down to what the stage leaves."""
    key = (leg.account, leg.symbol)
    if key not in positions:
        raise MissingData(f"{leg.symbol} @ {leg.account} is in the exit plan and not known now: read the account again")
    held = positions[key]
    if not math.isfinite(held):
        raise InputError(f"{leg.symbol} @ {leg.account} is {held}: read the account again")
    if held * leg.held < 0.0:
        raise InputError(f"{leg.symbol} @ {leg.account} has turned to {held:g} since the plan was made: make a new one")
    more = round(abs(held) - abs(targets[key]), 12)
    if more <= 1e-12 * abs(leg.held):
        return None
    return replace(leg, quantity=-math.copysign(min(more, abs(held)), held), held=held)


def strangers(plan: ExitPlan, positions: Mapping[PositionKey, float]) -> tuple[PositionKey, ...]:
    """Positions that the plan does not know, and would leave open."""
    known = {(leg.account, leg.symbol) for stage in plan.stages for leg in stage.legs}
    return tuple(key for key, quantity in positions.items() if quantity != 0.0 and key not in known)
