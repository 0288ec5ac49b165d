"""Every storm that a book may face: those of the catalogue, its playbook's grid, and the worst of its own history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perpbook.errors import DataError, InputError
from perpbook.runs.drill import DrillAsked, Tell, nothing, read_past, run_asked_drill, stage_journey

if TYPE_CHECKING:
    from perpbook.engine.drilled import Drilled
    from perpbook.scenario.storm import Storm

USUAL = ("historic", "synthetic", "grid")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnStorms:
    """Storms that only one book has. `lacking` says why there is no worst of its history, "" when there is."""

    storms: tuple[Storm, ...]
    lacking: str = ""


def own_storms(asked: DrillAsked) -> OwnStorms:
    """The grid of the playbook, and the worst windows, as long as the horizon, that history holds for the book as it is.

    Raises
    ------
    InputError : a file is wrong.
    """
    from perpbook.engine.stage import contracts_of
    from perpbook.runs.check import load_all_terms, read_inputs
    from perpbook.runs.own_storms import OwnBook, storms_of_book
    from perpbook.runs.storms import ground_of

    folders = asked.terms_folders
    snapshot, playbook = read_inputs(asked.book, asked.playbook, market=None, now_ns=None, terms_folders=folders)
    terms = load_all_terms(snapshot, folders)
    rules = playbook if asked.playbook else None
    own = OwnBook(snapshot=snapshot, playbook=rules, terms=terms, journey=stage_journey(asked, snapshot, terms, rules))
    bare = ground_of(snapshot, terms, own.journey, None)
    try:
        past = read_past(asked, terms, contracts_of(snapshot, terms))
        found = storms_of_book(own, past, bare)
    except (DataError, InputError) as error:
        return OwnStorms(storms=storms_of_book(own, None, bare), lacking=str(error))
    return OwnStorms(storms=tuple(one for one in found if one.name != "worst"))


def face_every_storm(
    asked: DrillAsked, kinds: Sequence[str], *, tell: Tell = nothing
) -> list[tuple[Storm, Drilled | str]]:
    """The storms of some kinds, each alone; in place of what it found, why one could not be faced. asked : the book, its
    playbook, and where its history is.

    Raises
    ------
    InputError : a file is wrong, or a kind of storm is none.
    """
    from perpbook.scenario.catalogue import catalogue
    from perpbook.scenario.storm import KINDS
    from perpbook.scenario.worst import OWN

    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f'"{kind}" is no kind of storm: choose from {", ".join(KINDS)}')
    known = (*catalogue().values(), *own_storms(asked).storms)
    storms = [one for one in known if one.kind in (kinds or USUAL)]
    out: list[tuple[Storm, Drilled | str]] = []
    for number, storm in enumerate(storms):
        tell(storm.name, number, len(storms))
        own = storm.replay is not None and storm.replay.source == OWN
        alone = replace(
            asked, storm=storm.name, kind="replay" if own else "still", horizon_ns=storm.horizon_ns, step_ns=storm.step_ns
        )  # fmt: skip
        try:
            out.append((storm, run_asked_drill(alone, threads=1)))
        except InputError as error:
            out.append((storm, str(error)))
    return out
