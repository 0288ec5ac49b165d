"""Storms that only one book has: the grid its playbook names, and the worst that its own contracts' history holds for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perpbook.errors import InputError
from perpbook.model.units import DAY_NS, HOUR_NS, to_iso

if TYPE_CHECKING:
    from perpbook.engine.backtest import Journey
    from perpbook.kernels.types import Floats
    from perpbook.model.bars import Bars
    from perpbook.model.market import Snapshot
    from perpbook.playbook.schema import Playbook
    from perpbook.scenario.overlay import Ground
    from perpbook.scenario.replay import Replayed
    from perpbook.scenario.storm import Storm
    from perpbook.terms.terms import VenueTerms

WORST = re.compile(r"(?<![\w./-])(worst|own-worst-\d+)(?![\w./-])")
"""Words of an expression that mean this book's own worst."""

USUAL_HORIZON_NS, USUAL_STEP_NS = 7 * DAY_NS, HOUR_NS
"""Of a drill that says neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnBook:
    """A book as its files say it, and the stage laid from them; `playbook` None for the book alone."""

    snapshot: Snapshot
    playbook: Playbook | None
    terms: Mapping[str, VenueTerms]
    journey: Journey


def names_worst(text: str | None) -> bool:
    """Whether an expression of storms means a worst window of the book's own history."""
    return text is not None and WORST.search(text) is not None


def span_of_storm(text: str, book: Path, playbook: Path | None, folders: tuple[Path, ...]) -> tuple[int, int]:
    """(horizon, step) of an expression of storms, grid and worst ones too.

    Raises
    ------
    InputError : a storm is unknown, or a file is wrong.
    """
    from perpbook.scenario.catalogue import find_storm

    if names_worst(text):
        return USUAL_HORIZON_NS, USUAL_STEP_NS
    try:
        found = find_storm(text)
    except InputError:
        found = find_storm(text, extra=grid_of_files(book, playbook, folders))
    return found.horizon_ns, found.step_ns


def storm_of(text: str, own: OwnBook, past: Bars | None, ground: Ground) -> Storm:
    """The storm that is named: of the catalogue, a file, the playbook's grid, or the worst of the book's own `past`.

    Raises
    ------
    InputError : it is unknown or contradicts itself, or there is no such worst.
    """
    from perpbook.scenario.catalogue import find_storm

    return find_storm(text, extra=storms_of_book(own, past if names_worst(text) else None, ground))


def storms_of_book(own: OwnBook, past: Bars | None, ground: Ground) -> tuple[Storm, ...]:
    """The grid of the playbook, and with a past the worst of it, each as long as the journey's stage."""
    grid = grid_of(own.snapshot, own.playbook, own.terms) if own.playbook else ()
    if past is None:
        return grid
    stage = own.journey.bars
    return (*grid, *worst_of(past, ground, dollars_of(own, ground), stage.count * stage.bar_ns))


def grid_of_files(book: Path, playbook: Path | None, folders: tuple[Path, ...]) -> tuple[Storm, ...]:
    """The grid of a playbook file on a book file; nothing without a playbook."""
    from perpbook.runs.check import load_all_terms, read_inputs

    if playbook is None:
        return ()
    snapshot, rules = read_inputs(book, playbook, market=None, now_ns=None, terms_folders=folders)
    return grid_of(snapshot, rules, load_all_terms(snapshot, folders))


def grid_of(snapshot: Snapshot, playbook: Playbook, terms: Mapping[str, VenueTerms]) -> tuple[Storm, ...]:
    """A storm for every move of a playbook's [survival] on the assets of a book."""
    from perpbook.runs.check import scenarios_of
    from perpbook.scenario.worst import grid_storms

    return grid_storms(scenarios_of(snapshot, playbook, terms))


def worst_of(past: Bars, ground: Ground, dollars: Floats, horizon_ns: int) -> tuple[Storm, ...]:
    """The worst windows of a book's own past, each as long as the horizon; `worst` is another name of the first.

    Raises
    ------
    InputError : too short a past, a book that holds nothing, or one that never lost.
    """
    from perpbook.scenario.worst import own_worst_storms, worst_windows

    windows = worst_windows(past.close, dollars, max(1, horizon_ns // past.bar_ns))
    found = own_worst_storms(past, ground.assets, windows)
    if not found:
        span = f"{to_iso(int(past.open_ns[0]))} to {to_iso(int(past.open_ns[-1]) + past.bar_ns)}"
        raise InputError(f"the book, as it is, loses in no window of its history ({span}): there is no worst of it")
    return (replace(found[0], name="worst"), *found)


def dollars_of(own: OwnBook, ground: Ground) -> Floats:
    """(C,) dollars of every contract that the book holds, > 0 long; coins that serve as margin count to the first contract of
    their asset."""
    from perpbook.terms.find import find_contract

    out, bars = np.zeros(len(ground.series)), own.journey.bars
    for account in own.snapshot.book.accounts:
        for one in account.positions:
            contract = find_contract(own.terms[account.venue], one.symbol).contract
            row = bars.column(account.venue, contract.symbol)
            out[row] += one.quantity * (1.0 if contract.is_inverse else float(bars.open[row, 0]))
        for coin in account.collateral:
            if coin.asset in ground.assets:
                row = ground.assets.index(coin.asset)
                out[row] += coin.amount * own.snapshot.market.asset_prices.get(coin.asset, 0.0)
    return out


def own_window(storm: Storm, past: Bars, ground: Ground) -> Replayed:
    """The window of a worst storm, out of the bars it was found in."""
    from perpbook.scenario.replay import replayed
    from perpbook.scenario.worst import bars_within

    assert storm.replay is not None
    found = replayed(bars_within(past, storm.replay.start_ns, storm.replay.end_ns), ground.assets, ground)
    return replace(found, notes=(*past.notes, *found.notes))
