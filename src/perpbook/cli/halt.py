"""`perpbook halt`: the kill switch."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from perpbook.cli.guard import Journal, Name
from perpbook.cli.output import Answer, AsJson, reply


class Level(StrEnum):
    """How far."""

    pause = "pause"
    cancel = "cancel"
    flatten = "flatten"


def halt(
    level: Annotated[
        Level, typer.Argument(help="pause: send nothing. cancel: and take opening orders back. flatten: and close.")
    ] = Level.pause,
    why: Annotated[str, typer.Option("--why", help="Kept in the journal.")] = "halted by hand",
    resume: Annotated[bool, typer.Option("--resume", help="Take the flag down and let the guard go on.")] = False,
    journal: Journal = None,
    name: Name = "guard",
    as_json: AsJson = False,
) -> None:
    """Stop the guard: a flag on disk that is looked at before every order, whatever the guard is doing.

    It holds until `--resume`, for guards that begin later, too. Exit code 30 from `--resume`: the guard did not take the word.
    """

    def work() -> Answer:
        from perpbook.model.message import KillLevel
        from perpbook.report.guard_text import tell_status
        from perpbook.runs import guard_people
        from perpbook.runs.guard_places import guard_places

        places = guard_places(name, journal)
        if resume:
            found = guard_people.resume(places, why)
            return Answer(data=found, tell=lambda console: tell_status(console, found))
        runs = guard_people.halt(places, KillLevel[level.value.upper()], why)
        told = f"Halted: {level.value}. " + (
            "The guard that runs has seen it or will within a tenth of a second."
            if runs
            else "No guard runs now; none that begins will send anything until `perpbook halt --resume`."
        )
        return Answer(
            data={"level": level.value, "running": runs, "flag": places.halt},
            tell=lambda console: console.print(told, soft_wrap=True),
        )

    reply("halt/1", as_json, work)
