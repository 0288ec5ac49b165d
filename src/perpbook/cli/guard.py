"""`perpbook guard`: the playbook over a book that moves, and people's words to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perpbook.cli.output import Answer, AsJson, reply

if TYPE_CHECKING:
    from perpbook.report.guard_told import GuardStatus
    from perpbook.runs.guard_places import GuardPlaces

app = typer.Typer(help="Watch a book under its playbook, propose, and act once that is approved.", no_args_is_help=True)

Journal = Annotated[
    str | None,
    typer.Option("--journal", help="A file, or postgresql://...; $PERPBOOK_JOURNAL, or journal.db in the home folder."),
]
Name = Annotated[str, typer.Option("--name", help="Which guard, where there are several: a book each.")]
StormName = Annotated[
    str | None, typer.Option("--storm", help="A storm of the catalogue, or a file; left out: prices stand.")
]
LakePlace = Annotated[
    Path | None, typer.Option("--lake", help="A lake whose past is replayed, laid on the book's prices.")
]
Fresh = Annotated[
    bool,
    typer.Option("--fresh", help="Begin with what the book file says, not with what paper accounts were left with."),
]
Config = Annotated[
    Path | None, typer.Option("--config", help="guard.toml: paper or live, accounts and where their keys lie.")
]
Spin = Annotated[
    bool,
    typer.Option(
        "--spin", help="Ask the sockets again and again instead of sleeping: sooner by tens of us, a core busy."
    ),
]
LENGTHS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def seconds_of(text: str, option: str) -> float:
    """`30m`, `8h`, `90s` in seconds.

    Raises
    ------
    InputError : no such length.
    """
    from perpbook.errors import InputError

    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if found is None:
        raise InputError(f"{option} {text!r} is no length of time: write it like 90s, 30m or 8h")
    return float(found[1]) * LENGTHS[found[2]]


@app.command()
def run(
    book: Annotated[Path, typer.Argument(help="Book file: what is held, and what venues do not say.")] = Path(
        "book.toml"
    ),
    playbook: Annotated[Path | None, typer.Argument(help="Playbook file; ./playbook.toml when there is one.")] = None,
    storm: StormName = None,
    lake: LakePlace = None,
    speed: Annotated[float, typer.Option("--speed", min=0.01, help="Minutes of the storm in a minute.")] = 1.0,
    after: Annotated[
        str, typer.Option("--after", help="How long prices stand before the storm or the past begins: 0s, 30s, 5m.")
    ] = "30s",
    during: Annotated[
        str | None, typer.Option("--for", help="Stop after 90s, 30m, 8h; left out: until Ctrl-C.")
    ] = None,
    fresh: Fresh = False,
    config: Config = None,
    spin: Spin = False,
    journal: Journal = None,
    name: Name = "guard",
    as_json: AsJson = False,
) -> None:
    """Guard a book on the paper venue: simulated exchanges that hold what the book file says, with the clock of now.

    With a --config that says `mode = "live"` it is the real accounts; nothing is sent there before `guard arm`.

    Alerts and proposals are told on standard error; answer them in another terminal with `perpbook approvals`. Exit code 30:
    another guard has one of the accounts, or the halt flag is up.
    """

    def work() -> Answer:
        from perpbook.runs.guard import GuardAsked, run_guard
        from perpbook.runs.guard_config import config_given
        from perpbook.runs.guard_console import ConsoleSink, say_error
        from perpbook.runs.guard_places import guard_places
        from perpbook.runs.places import playbook_beside, terms_folders

        asked = GuardAsked(
            book=book, playbook=playbook_beside(book) if playbook is None else playbook,
            places=guard_places(name, journal), storm=storm, lake=lake, speed=speed,
            after=seconds_of(after, "--after"), fresh=fresh, spin=spin,
            config=config_given(config, of_paper=bool(storm or lake or fresh)),
            seconds=None if during is None else seconds_of(during, "--for"), terms_folders=terms_folders(),
        )  # fmt: skip
        records = run_guard(asked, ConsoleSink(), say_error)
        return Answer(
            data={"records": records, "journal": asked.places.journal},
            tell=lambda console: console.print(f"Stopped. The journal has {records} records."),
        )

    reply("guard-run/1", as_json, work)


@app.command()
def status(journal: Journal = None, name: Name = "guard", as_json: AsJson = False) -> None:
    """How the guard stands: whether one runs, its kill switch, what it holds, what waits, what is wrong."""
    from perpbook.runs.guard_people import status_of

    standing(status_of, journal, name, as_json)


@app.command()
def arm(
    during: Annotated[str, typer.Option("--for", help="For how long: 90s, 30m, 8h.")],
    journal: Journal = None,
    name: Name = "guard",
    as_json: AsJson = False,
) -> None:
    """Let a running guard act on live venues for some time. It ends by itself."""
    from perpbook.runs.guard_people import arm as armed

    standing(lambda places: armed(places, seconds_of(during, "--for")), journal, name, as_json)


@app.command()
def disarm(journal: Journal = None, name: Name = "guard", as_json: AsJson = False) -> None:
    """From now on a running guard proposes only."""
    from perpbook.runs.guard_people import arm as armed

    standing(lambda places: armed(places, 0.0), journal, name, as_json)


@app.command()
def adopt(
    account: Annotated[str, typer.Argument(help="The account, by its id in the book.")],
    journal: Journal = None,
    name: Name = "guard",
    as_json: AsJson = False,
) -> None:
    """Take what the venue says an account holds for true, and end what stands open against it."""
    from perpbook.runs.guard_people import adopt as adopted

    standing(lambda places: adopted(places, account), journal, name, as_json)


@app.command()
def acknowledge(
    incident: Annotated[str, typer.Argument(help="Its key, as `guard status` names it.")],
    journal: Journal = None,
    name: Name = "guard",
    as_json: AsJson = False,
) -> None:
    """Say that you have seen an incident and looked after it: it ends, and what it forbade is allowed again."""
    from perpbook.runs.guard_people import acknowledge as acknowledged

    standing(lambda places: acknowledged(places, incident), journal, name, as_json)


def standing(say: Callable[[GuardPlaces], GuardStatus], journal: str | None, name: str, as_json: bool) -> None:
    """Say something to a guard, and tell how it then stands."""

    def work() -> Answer:
        from perpbook.report.guard_text import tell_status
        from perpbook.runs.guard_places import guard_places

        found = say(guard_places(name, journal))
        return Answer(data=found, tell=lambda console: tell_status(console, found))

    reply("guard-status/1", as_json, work)
