"""A hedge as it is asked for: options by name, read into one question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from perpbook.errors import InputError
from perpbook.runs.hedge_past import PastAsked

METHODS = ("delta", "variance", "cvar", "budget")
REPORT = "report"
"""In place of a method: look at the book, and hedge nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsBeside:
    """A chain's files, () for no options. `limit` : the largest loss in a storm, a share of equity, None for what the hedge
    leaves. `spread`, `share` : as `hedging.candidates.Trading`. `allowed` even where the playbook says no."""

    chain: tuple[Path, ...] = ()
    limit: float | None = None
    spread: float | None = None
    share: float | None = None
    allowed: bool = False

    def __post_init__(self) -> None:
        given = (self.limit, self.spread, self.share)
        if not self.chain and (self.allowed or any(one is not None for one in given)):
            raise InputError(
                "--max-loss, --spread, --depth-share and --allow-options are of options: give a chain of them with --chain, "
                "or leave them out"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeAsked:
    """A hedge as the trader asks for it. against : assets hedged with, None for BTC and ETH, or each asset's own (delta).
    horizon_ns : how long it is held, None for the width of a move. tail : what shortfall is the mean of. stress : share of the
    scenarios' weight that is stressed. draws : of the intervals of betas. storms : kinds of storms to go through, () for all.
    method, beta, budget (most shortfall, a share of equity) : None for what the playbook says, see `under_rules`."""

    book: Path
    playbook: Path | None
    past: PastAsked
    method: str | None = None
    beta: str | None = None
    budget: float | None = None
    against: tuple[str, ...] | None = None
    market: Path | None = None
    horizon_ns: int | None = None
    tail: float = 0.025
    stress: float = 0.5
    turnover: float = np.inf
    draws: int = 1_000
    seed: int = 0
    storms: tuple[str, ...] = ()
    options: OptionsBeside = field(default_factory=OptionsBeside)
    terms_folders: tuple[Path, ...] = field(default=())

    def __post_init__(self) -> None:
        from perpbook.hedging.betas import ESTIMATORS

        if self.method not in (None, *METHODS, REPORT):
            raise InputError(f'"{self.method}" is no way to hedge: choose one of {", ".join(METHODS)}')
        if self.beta is not None and self.beta not in ESTIMATORS:
            raise InputError(f'"{self.beta}" estimates no betas: choose one of {", ".join(ESTIMATORS)}')
        if self.budget is not None and not 0.0 <= self.budget <= 1.0:
            raise InputError(f"--tail-budget {self.budget:g}: a share of equity lies between 0 and 1, such as 0.1")
        if not 0.0 < self.tail <= 0.25:
            raise InputError(f"--tail {self.tail:g}: a tail is above 0 and up to 0.25; 0.025 is the worst fortieth")
        if not 0.0 <= self.stress <= 1.0:
            raise InputError(f"--stress {self.stress:g}: a share of the scenarios lies between 0 and 1, such as 0.5")
        if not self.turnover > 0.0:
            raise InputError(
                f"--turnover {self.turnover:g}: a limit on dollars traded is above 0; leave it out for none"
            )
        if self.against is not None and (not self.against or len(set(self.against)) < len(self.against)):
            raise InputError("--against names the same asset twice, or none: write it like BTC,ETH")


def hedge_from(given: Mapping[str, Any]) -> HedgeAsked:
    """The hedge that a command's options ask for.

    Raises
    ------
    InputError : an option's value is not what it takes.
    """
    from perpbook.runs.moments import length_ns, moment_ns, pairs, width_ns
    from perpbook.runs.places import lake_folder, playbook_beside, terms_folders

    book = Path(given["book"])
    named = given["against"]
    return HedgeAsked(
        book=book,
        playbook=playbook_beside(book) if given["playbook"] is None else Path(given["playbook"]),
        market=given["market"],
        past=PastAsked(
            lake=given["lake"] or lake_folder(), venue=given["venue"], bar_ns=width_ns(given["bar"]),
            since_ns=moment_ns(given["since"], "--since"), until_ns=moment_ns(given["until"], "--until"),
            like=pairs(given["like"], "--like"),
        ),
        method=given["method"],
        beta=given["beta"],
        budget=given["tail_budget"],
        against=None if named is None else tuple(one.strip() for one in named.split(",") if one.strip()),
        horizon_ns=None if given["horizon"] is None else length_ns(given["horizon"]),
        tail=given["tail"],
        stress=given["stress"],
        turnover=np.inf if given["turnover"] is None else given["turnover"],
        draws=given["draws"],
        seed=given["seed"],
        storms=tuple(given["storms"] or ()),
        options=options_from(given),
        terms_folders=terms_folders(),
    )  # fmt: skip


def options_from(given: Mapping[str, Any]) -> OptionsBeside:
    """The options that a command asks for; none where it has no such options.

    Raises
    ------
    InputError : they do not go together.
    """
    if "chain" not in given:
        return OptionsBeside()
    if given["chain"] and given["market"]:
        raise InputError("--chain: options are laid over the prices of the book file; leave --market out")
    return OptionsBeside(
        chain=tuple(given["chain"] or ()), limit=given["max_loss"], spread=given["spread"], share=given["depth_share"],
        allowed=given["allow_options"],
    )  # fmt: skip
