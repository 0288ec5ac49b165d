"""Where a book's money stands and when what is under way comes: read once, for every verb of the treasury."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError
from perpbook.runs.treasury_conditions import Look, conditions_of

if TYPE_CHECKING:
    from perpbook.model.market import Snapshot
    from perpbook.playbook.schema import Playbook
    from perpbook.terms.terms import VenueTerms
    from perpbook.treasury.flights import Forecast
    from perpbook.treasury.holdings import Holdings
    from perpbook.treasury.rescue import Treasury
    from perpbook.treasury.standing import Standing

DRAWS = 4_000
"""Draws of how long every hop takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateAsked:
    """Which book, with which playbook (None for none), in which storm (an expression; its outages alone count). facts : the
    trader's own figures. look : what is remembered of layers' health, None to leave it out."""

    book: Path
    playbook: Path | None = None
    market: Path | None = None
    storm: str | None = None
    facts: Path | None = None
    look: Look | None = None
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that is known of the book's money. `holdings` : what is likely stuck is locked in them."""

    snapshot: Snapshot
    playbook: Playbook
    terms: Mapping[str, VenueTerms]
    treasury: Treasury
    standing: Standing
    holdings: Holdings
    forecasts: tuple[Forecast, ...]
    notes: tuple[str, ...]


def state_of(asked: StateAsked, *, now_ns: int | None, terms_folders: Sequence[Path]) -> State:
    """Read the files and find where everything is.

    Raises
    ------
    InputError : a file or the storm is wrong.
    DataError : a price is missing or stale.
    """
    from perpbook.kernels import jit
    from perpbook.runs.check import load_all_terms, read_inputs

    check_seed(asked.seed)
    jit.prefer_plain()
    snapshot, playbook = read_inputs(
        asked.book, asked.playbook, market=asked.market, now_ns=now_ns, terms_folders=terms_folders
    )
    return state_from(snapshot, playbook, load_all_terms(snapshot, terms_folders), asked, now_ns)


def check_seed(seed: int) -> None:
    """InputError for one that is none."""
    if not 0 <= seed < 2**63:
        raise InputError(f"the seed is {seed}: it must be a whole number from 0 to 2^63 - 1")


def state_from(
    snapshot: Snapshot,
    playbook: Playbook,
    terms: Mapping[str, VenueTerms],
    asked: StateAsked,
    now_ns: int | None = None,
) -> State:
    """Of a book that is read; errors as `state_of`."""
    from perpbook.runs.rescue import scores_by_name
    from perpbook.treasury.flights import counted_on, forecast_of
    from perpbook.treasury.own_facts import treasury_facts
    from perpbook.treasury.pots import pots_of
    from perpbook.treasury.rescue import Treasury
    from perpbook.treasury.standing import standing_of
    from perpbook.treasury.standing_money import holdings_of
    from perpbook.treasury.ways import Chance, Traffic

    facts = treasury_facts(asked.facts)
    conditions, told = conditions_of(facts, asked.storm, asked.look, now_ns)
    standing = standing_of(snapshot, terms)
    treasury = Treasury(
        facts=facts,
        terms=terms,
        pots=pots_of(snapshot.book, snapshot.market, standing.free, facts).pots,
        conditions=conditions,
        chance=Chance(scores=scores_by_name(asked.seed, DRAWS)),
    )
    found = holdings_of(snapshot.book, snapshot.market, terms, facts, free=standing.free)
    traffic = Traffic(conditions=conditions, chance=treasury.chance)
    forecasts = tuple(forecast_of(one, snapshot.book, facts, traffic) for one in found.flights)
    holdings = counted_on(found, forecasts)
    return State(
        snapshot=snapshot, playbook=playbook, terms=terms, treasury=treasury, standing=standing, holdings=holdings,
        forecasts=forecasts, notes=(*holdings.notes, *told),
    )  # fmt: skip
