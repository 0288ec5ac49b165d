"""The playbook of a command: named after the book, or by the option that some commands had before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perpbook.errors import InputError

Rules = Annotated[Path | None, typer.Argument(help="Playbook file; the one beside the book when left out.")]
Option = Annotated[Path | None, typer.Option("--playbook", hidden=True, help="The playbook, as it was named before.")]


def one_playbook(given: dict[str, Any]) -> dict[str, Any]:
    """A command's arguments with one `playbook`, whichever way it was named.

    Raises
    ------
    InputError : it is named both ways.
    """
    return given | {"playbook": one_of(given["playbook"], given["playbook_option"], "--playbook", "playbook")}


def one_of(place: Path | None, option: Path | None, word: str, what: str) -> Path | None:
    """The file that stands in its place, or after the option; not both.

    Raises
    ------
    InputError : it is named both ways.
    """
    if place is not None and option is not None:
        raise InputError(f"the {what} is named twice: {place} and {word} {option}\n    leave {word} out")
    return option if place is None else place
