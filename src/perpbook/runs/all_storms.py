"""Every storm of the catalogue, one by one, on one book."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError
from perpbook.runs.drill import DrillAsked, History, Tell, nothing, run_asked_drill
from perpbook.runs.places import lake_folder, playbook_beside, terms_folders

if TYPE_CHECKING:
    from perpbook.engine.drilled import Drilled
    from perpbook.scenario.storm import Storm

USUAL = ("historic", "synthetic")


def face_every_storm(
    book: Path, playbook: Path | None, kinds: Sequence[str], *, no_playbook: bool, tell: Tell = nothing
) -> list[tuple[Storm, Drilled | str]]:
    """The storms of some kinds, each alone; in place of what it found, why one could not be faced.

    Raises
    ------
    InputError : a file is wrong, or a kind of storm is none.
    """
    from perpbook.runs.check import read_inputs
    from perpbook.scenario.catalogue import catalogue
    from perpbook.scenario.storm import KINDS

    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f'"{kind}" is no kind of storm: choose from {", ".join(KINDS)}')
    rules = playbook_beside(book) if playbook is None else playbook
    read_inputs(book, None if no_playbook else rules, market=None, now_ns=None, terms_folders=terms_folders())
    storms = [one for one in catalogue().values() if one.kind in (kinds or USUAL)]
    out: list[tuple[Storm, Drilled | str]] = []
    for number, storm in enumerate(storms):
        tell(storm.name, number, len(storms))
        asked = DrillAsked(
            book=book,
            playbook=None if no_playbook else rules,
            history=History(lake=lake_folder(), proxies={}, funding={}),
            storm=storm.name,
            kind="still",
            horizon_ns=storm.horizon_ns,
            step_ns=storm.step_ns,
            terms_folders=terms_folders(),
        )
        try:
            out.append((storm, run_asked_drill(asked, threads=1)))
        except InputError as error:
            out.append((storm, str(error)))
    return out
