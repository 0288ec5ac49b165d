"""The runs of one backtest: under the playbook, without it, with the most hopeful fills, with and without a treasurer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.engine.backtest import backtest
from perpbook.engine.drive import Driver, Routes, asked_every, drive, window_of
from perpbook.engine.treasured import named_ways, treasured_of
from perpbook.errors import InputError
from perpbook.model.units import DAY_NS
from perpbook.runs.treasury_given import treasurer_of

if TYPE_CHECKING:
    from perpbook.engine.backtest import Journey
    from perpbook.engine.outcome import Outcome
    from perpbook.engine.treasured import Treasured
    from perpbook.engine.treasurer import Treasurer
    from perpbook.runs.backtest_overlay import Laid
    from perpbook.runs.treasury_given import TreasuryGiven, Weathered
    from perpbook.strategies.protocol import Strategy
    from perpbook.strategies.table import TargetTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """What is traded. One of: nothing (what the book holds is held), a built-in by `name` with `options`, a `targets`
    file, or the trader's `own` callable, asked every `every_ns`."""

    legs: tuple[str, ...] = ()
    name: str | None = None
    options: Mapping[str, str] | None = None
    targets: Path | None = None
    own: str | None = None
    every_ns: int = DAY_NS
    routes: Routes = field(default_factory=Routes)

    def __post_init__(self) -> None:
        chosen = [one for one in (self.name, self.targets, self.own) if one is not None]
        if len(chosen) > 1:
            raise InputError("give one of --strategy, --targets and --own, not several")
        if self.options and self.name is None:
            raise InputError("--set gives a built-in strategy its options: name one with --strategy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """The three runs of one backtest; where options are laid the one without them; what a treasurer did in the main run."""

    guarded: Outcome | None
    control: Outcome
    hopeful: Outcome
    without: Outcome | None
    treasured: Treasured | None = None


def outcomes_of(
    idea: Idea, bare: Journey, laid: Laid | None, under: tuple[TreasuryGiven | None, Weathered | None]
) -> Outcomes:
    """The run under the playbook, without it, and with the most hopeful fills. under : the treasurer asked for, and the sky."""
    journey, (given, weathered) = bare if laid is None else laid.journey, under
    targets = targets_of(idea, bare)
    strategy = _own(idea)
    steps = max(1, idea.every_ns // journey.bars.bar_ns)

    def one(changed: Journey, purse: Treasurer | None = None) -> Outcome:
        if strategy is None and purse is None:
            return backtest(replace(changed, targets=targets))
        if strategy is None:
            outcome = drive(replace(changed, targets=targets), None, purse=purse)
        else:
            driver = Driver(
                strategy=strategy,
                asked=asked_every(journey.bars.count, steps),
                window=window_of(changed, changed.legs, 500),
                routes=idea.routes,
            )
            outcome = drive(changed, driver, purse=purse)
        return outcome if purse is None else named_ways(purse, outcome)

    def purse() -> Treasurer | None:
        acts = weathered is not None and given is not None and given.acts
        return (
            treasurer_of(given, journey, weathered.sky, None, weathered.past) if acts and given and weathered else None
        )

    hopeful = replace(journey, fills=replace(journey.fills, pessimistic=False))
    alone = replace(journey, playbook=None, due=None)
    hands = [purse(), purse()]
    guarded = one(journey, hands[0]) if journey.playbook is not None else None
    control = one(alone, hands[1])
    main = (hands[0], guarded, journey) if guarded is not None else (hands[1], control, alone)
    return Outcomes(
        guarded=guarded, control=control, hopeful=one(hopeful, purse()), without=one(bare, purse()) if laid else None,
        treasured=treasured_of(main[0], main[1], one(main[2])) if main[0] is not None else None,
    )  # fmt: skip


def targets_of(idea: Idea, journey: Journey) -> TargetTable | None:
    """The targets of a built-in strategy or of a file; None when there are none."""
    from perpbook.strategies.catalogue import build

    if idea.name is not None:
        return build(idea.name, idea.options or {}, journey.bars, journey.legs)
    if idea.targets is not None:
        from perpbook.history.targets import read_targets

        return read_targets(idea.targets, journey.bars, journey.legs)
    return None


def _own(idea: Idea) -> Strategy | None:
    from perpbook.strategies.own import load_callable

    return load_callable(idea.own) if idea.own is not None else None
