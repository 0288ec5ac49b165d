"""`perpbook halt`: the kill switch."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perpbook.cli.guard import Config, Journal, Name, seconds_of
from perpbook.cli.output import BREACH, OK, Answer, AsJson, reply

if TYPE_CHECKING:
    from perpbook.runs.guard_places import GuardPlaces


class Level(StrEnum):
    """How far."""

    pause = "pause"
    cancel = "cancel"
    flatten = "flatten"


def halt(
    level: Annotated[
        Level, typer.Argument(help="pause: send nothing. cancel: and take opening orders back. flatten: and close.")
    ] = Level.pause,
    book: Annotated[
        Path | None,
        typer.Argument(help="With flatten, where no guard runs: the book whose accounts are closed by this command."),
    ] = None,
    config: Config = None,
    during: Annotated[
        str | None, typer.Option("--for", help="Close for at most 90s, 30m, 8h; left out: until all is flat.")
    ] = None,
    why: Annotated[str, typer.Option("--why", help="Kept in the journal.")] = "halted by hand",
    resume: Annotated[bool, typer.Option("--resume", help="Take the flag down and let the guard go on.")] = False,
    journal: Journal = None,
    name: Name = "guard",
    as_json: AsJson = False,
) -> None:
    """Stop the guard: a flag on disk that is looked at before every order, whatever the guard is doing.

    It holds until `--resume`, for guards that begin later, too. `halt flatten BOOK` closes by itself where no guard runs: the
    accounts of the book, on paper or with a live --config, reduce-only and in steps, armed or not; exit code 10 when something
    is left. Exit code 30: the guard that runs did not take the word, or another process has one of the accounts.
    """

    def work() -> Answer:
        from perpbook.errors import InputError, Refused
        from perpbook.model.message import KillLevel
        from perpbook.report.guard_text import tell_status
        from perpbook.runs import guard_people
        from perpbook.runs.guard_places import guard_places

        places = guard_places(name, journal)
        if resume:
            found = guard_people.resume(places, why)
            return Answer(data=found, tell=lambda console: tell_status(console, found))
        if book is not None and level is not Level.flatten:
            raise InputError(f"a book is closed by `halt flatten {book}`; {level.value} takes none")
        runs = guard_people.halt(places, KillLevel[level.value.upper()], why)
        if book is not None and not runs:
            return _flattened(book, config, during, places)
        taken = runs and guard_people.has_taken(places, KillLevel[level.value.upper()])
        return Answer(
            data={"level": level.value, "running": runs, "taken": taken, "flag": places.halt},
            tell=lambda console: console.print(_told(level, runs, taken), soft_wrap=True),
            exit_code=Refused.exit_code if runs and not taken else OK,
        )

    reply("halt/1", as_json, work)


def _told(level: Level, runs: bool, taken: bool) -> str:
    """Who does what about it."""
    if runs and not taken:
        return (
            f"The halt flag is up at {level.value}, but the guard that runs has not taken it in ten seconds. "
            "If it hangs, end its process: `perpbook halt flatten BOOK` closes without it."
        )
    if runs:
        more = ": it closes everything; `perpbook guard status` tells how far it is" if level is Level.flatten else ""
        return f"Halted: {level.value}. The guard that runs has taken it{more}."
    more = " `perpbook halt flatten BOOK` closes without one." if level is Level.flatten else ""
    return (
        f"Halted: {level.value}. No guard runs now; none that begins will send anything until `perpbook halt --resume`."
        f"{more}"
    )


def _flattened(book: Path, config: Path | None, during: str | None, places: GuardPlaces) -> Answer:
    """Close a book's accounts without a guard that runs."""
    from perpbook.report.guard_text import tell_flattened
    from perpbook.runs.guard import GuardAsked
    from perpbook.runs.guard_config import config_given
    from perpbook.runs.guard_console import ConsoleSink, say_error
    from perpbook.runs.guard_flatten import flatten
    from perpbook.runs.places import playbook_beside, terms_folders

    asked = GuardAsked(
        book=book, playbook=playbook_beside(book), places=places, config=config_given(config, of_paper=False),
        seconds=None if during is None else seconds_of(during, "--for"), terms_folders=terms_folders(),
    )  # fmt: skip
    found = flatten(asked, ConsoleSink(), say_error)
    data = {
        "level": "flatten", "running": False, "flag": places.halt, "flat": found.flat, "left": found.left, "empty": found.empty
    }  # fmt: skip
    return Answer(
        data=data,
        tell=lambda console: tell_flattened(console, found),
        exit_code=OK if found.flat and not found.empty else BREACH,
    )
