"""`perpbook exit`: the way to flat."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perpbook.cli.guard import Journal, Name, standing
from perpbook.cli.output import BREACH, OK, Answer, AsJson, reply

app = typer.Typer(help="The way to flat: in which order, how long, how dear, and what is left.", no_args_is_help=True)


@app.command()
def plan(
    book: Annotated[Path, typer.Argument(help="Book file.")] = Path("book.toml"),
    playbook: Annotated[
        Path | None, typer.Argument(help="Playbook file with [exit]; the one beside the book when left out.")
    ] = None,
    pace: Annotated[
        float | None,
        typer.Option("--pace", help="Seconds that a book needs to fill again after a leg; 60, a guess, unless given."),
    ] = None,
    volatility: Annotated[
        list[str] | None,
        typer.Option(
            "--volatility", help="A year's, as ASSET=0.6, or 0.8 for all others; repeatable. None: no chances."
        ),
    ] = None,
    correlation: Annotated[float, typer.Option("--correlation", help="Between any two assets, 0 to 1.")] = 0.5,
    budget: Annotated[
        float | None,
        typer.Option("--budget", help="Largest chance that an account is liquidated before it is flat: 0.001."),
    ] = None,
    market: Annotated[Path | None, typer.Option("--market", help="File with newer prices.")] = None,
    as_json: AsJson = False,
) -> None:
    """Plan how everything is closed: stages, limits, cost and time from the depth in the book file, and margin after each stage.

    Nothing is sent. Exit codes: 0 it can be done; 10 it takes too long, keeps not the budget, or an account dies on the way;
    3 a file or an option is wrong; 20 a price is missing or too old.
    """

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.report.exit_text import exit_document, tell_exit
        from perpbook.runs.exit import Asked, run_exit, volatilities
        from perpbook.runs.places import playbook_beside, terms_folders

        asked = Asked(
            book=book, playbook=playbook_beside(book) if playbook is None else playbook, market=market, pace_seconds=pace,
            volatility=volatilities(volatility or ()), correlation=correlation, budget=budget,
        )  # fmt: skip
        found = run_exit(asked, now_ns=now_ns(), terms_folders=terms_folders())
        code = OK if found.is_kept else BREACH
        return Answer(data=exit_document(found), tell=lambda console: tell_exit(console, found), exit_code=code)

    reply("exit-plan/1", as_json, work)


@app.command()
def start(journal: Journal = None, name: Name = "guard", as_json: AsJson = False) -> None:
    """Let the running guard close everything, by a plan it makes now: stage by stage, each proposed, reduce-only, verified."""
    _said("start", journal, name, as_json)


@app.command()
def pause(journal: Journal = None, name: Name = "guard", as_json: AsJson = False) -> None:
    """Propose no further stage until `exit start`; what is approved already goes on."""
    _said("pause", journal, name, as_json)


@app.command()
def stop(journal: Journal = None, name: Name = "guard", as_json: AsJson = False) -> None:
    """Give the exit up where it is."""
    _said("stop", journal, name, as_json)


def _said(what: str, journal: str | None, name: str, as_json: bool) -> None:
    from perpbook.runs.guard_people import exit_word

    standing(lambda places: exit_word(places, what), journal, name, as_json)
