"""The drills a playbook asks for, its storms known: the schema cannot know the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError, PlaybookError, Problem

if TYPE_CHECKING:
    from perpbook.playbook.schema import Drills, Playbook


def asked_drills(playbook: Playbook, path: Path) -> Drills:
    """The playbook's [drill].

    Raises
    ------
    InputError : it has none, or names a storm that does not exist.
    """
    if playbook.drill is None:
        raise InputError(f'{path} asks for no drill: add [drill] with cadence = "weekly" (see docs/drills-schedule.md)')
    refuse_unknown_storms(playbook, path)
    return playbook.drill


def refuse_unknown_storms(playbook: Playbook, path: Path) -> None:
    """Raise PlaybookError with every storm of [drill] that is in no catalogue and no file."""
    if playbook.drill is None or not playbook.drill.storms:
        return
    from perpbook.scenario.catalogue import find_storm

    problems = []
    for number, storm in enumerate(playbook.drill.storms):
        try:
            find_storm(storm)
        except InputError as error:
            problems.append(
                Problem(file=str(path), key=f"drill.storms[{number}]", message=str(error), value=f'"{storm}"')
            )
    if problems:
        count = f"{len(problems)} problems" if len(problems) > 1 else "1 problem"
        raise PlaybookError(f"the playbook has {count}", problems)
