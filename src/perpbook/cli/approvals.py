"""`perpbook approvals`: what waits for a person, and the person's word on it."""

from __future__ import annotations

from typing import Annotated

import typer

from perpbook.cli.guard import Journal, Name
from perpbook.cli.output import OK, Answer, AsJson, reply

app = typer.Typer(help="What the guard proposes, and your yes or no to it.", no_args_is_help=True)

Digest = Annotated[str, typer.Argument(help="The beginning of its digest, four letters or more.")]


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    journal: Journal = None,
    name: Name = "guard",
    as_json: AsJson = False,
) -> None:
    """What waits for you, with what it would do, cost and change."""

    def work() -> Answer:
        from perpbook.report.guard_text import tell_proposals
        from perpbook.runs.guard_people import proposals_of
        from perpbook.runs.guard_places import guard_places

        found = proposals_of(guard_places(name, journal), every=every)
        return Answer(data=found, tell=lambda console: tell_proposals(console, found))

    reply("approvals/1", as_json, work)


@app.command()
def approve(digest: Digest, journal: Journal = None, name: Name = "guard", as_json: AsJson = False) -> None:
    """Say yes to one proposal, exactly as it is. It is held against positions and prices once more before anything is sent,
    and followed for some seconds.

    Exit code 30: no guard runs, the proposal has expired, or prices or positions have changed; nothing was sent.
    """
    _answer(digest, True, journal, name, as_json)


@app.command()
def deny(digest: Digest, journal: Journal = None, name: Name = "guard", as_json: AsJson = False) -> None:
    """Say no to one proposal; one that is under way sends nothing more."""
    _answer(digest, False, journal, name, as_json)


def _answer(digest: str, yes: bool, journal: str | None, name: str, as_json: bool) -> None:
    def work() -> Answer:
        from perpbook.errors import Refused
        from perpbook.report.guard_text import tell_answered
        from perpbook.runs.guard_people import answer, became
        from perpbook.runs.guard_places import guard_places

        places = guard_places(name, journal)
        found = answer(places, digest, approve=yes)
        found = became(places, found) if yes else found
        stopped = yes and found.phase == "aborted"
        return Answer(
            data=found,
            tell=lambda console: tell_answered(console, found),
            exit_code=Refused.exit_code if stopped else OK,
        )

    reply("approval/1", as_json, work)
