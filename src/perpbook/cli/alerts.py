"""`perpbook alerts`: who is told what, and whether it gets there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from perpbook.cli.output import BREACH, OK, Answer, AsJson, reply

FAILED, STALE = 21, 20

app = typer.Typer(
    help="Who is told what: one look, tests, routes, what was told, and who has seen it.", no_args_is_help=True
)

Rules = Annotated[Path | None, typer.Argument(help="Playbook file; ./playbook.toml when there is one.")]
Place = Annotated[
    str | None,
    typer.Option(
        "--journal",
        help="Where what was told is kept: a file, or postgresql://...; $PERPBOOK_ALERTS, or alerts.db in the home folder.",
    ),
]


def _place(journal: str | None) -> str:
    from perpbook.runs.places import alerts_place

    return journal or alerts_place()


def _rules(playbook: Path | None, beside: Path) -> Path | None:
    from perpbook.runs.places import playbook_beside

    return playbook or playbook_beside(beside)


@app.command()
def run(
    book: Annotated[Path, typer.Argument(help="Book file: TOML, JSON or CSV.")] = Path("book.toml"),
    playbook: Rules = None,
    market: Annotated[Path | None, typer.Option("--market", help="File with newer prices.")] = None,
    journal: Place = None,
    health: Annotated[
        float | None,
        typer.Option(
            "--health", min=1.0, help="Tell of layers as last seen, not known where that is older in seconds."
        ),
    ] = None,
    listen: Annotated[
        bool, typer.Option("--listen", help="Take what was acknowledged on Telegram; not beside a running guard.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a book once and tell whoever the playbook says: what is new, worse, over, or still not acknowledged.

    Made for cron. Exit codes: 0 nothing pages, 10 a page stands, 20 the book cannot be judged, 21 a message did not go out.
    """

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.report.alerts_text import tell_look
        from perpbook.runs.alerts import Asked, look

        asked = Asked(
            book=book, playbook=_rules(playbook, book), journal=_place(journal), market=market, health_s=health, listen=listen
        )  # fmt: skip
        found = look(asked, now_ns())
        pages = any(one.severity.value == "page" for one in found.standing)
        failed = any(not one.ok for one in found.went)
        return Answer(
            data=found,
            tell=lambda console: tell_look(console, found.standing, found.went, found.unjudged),
            exit_code=STALE if found.unjudged else FAILED if failed else BREACH if pages else OK,
        )

    reply("alerts-run/1", as_json, work)


@app.command()
def test(
    channel: Annotated[str | None, typer.Argument(help="A channel of the playbook; all when left out.")] = None,
    playbook: Annotated[Path | None, typer.Option("--playbook", help="./playbook.toml when there is one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send a test message and say what came back. Exit code 21 when one did not go out."""

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.report.alerts_text import tell_sent
        from perpbook.runs.alerts import try_channels

        went = try_channels(_rules(playbook, Path("book.toml")), channel, now_ns())
        return Answer(
            data=went,
            tell=lambda console: tell_sent(console, went),
            exit_code=OK if all(one.ok for one in went) else FAILED,
        )

    reply("alerts-test/1", as_json, work)


@app.command()
def routes(playbook: Rules = None, as_json: AsJson = False) -> None:
    """What would go where, for every kind of alert and severity."""

    def work() -> Answer:
        from perpbook.report.alerts_text import tell_routes
        from perpbook.runs.alerts import routes as routes_of

        found = routes_of(_rules(playbook, Path("book.toml")))
        return Answer(data=found, tell=lambda console: tell_routes(console, found))

    reply("alerts-routes/1", as_json, work)


@app.command()
def history(
    journal: Place = None,
    last: Annotated[int | None, typer.Option("--last", min=1, help="The last so many.")] = None,
    as_json: AsJson = False,
) -> None:
    """What was heard, told and acknowledged, oldest first. A guard's journal may be given as well."""

    def work() -> Answer:
        from perpbook.report.alerts_text import tell_history
        from perpbook.runs.alerts import history as history_of

        found = history_of(_place(journal), last)
        return Answer(data=found, tell=lambda console: tell_history(console, found))

    reply("alerts-history/1", as_json, work)


@app.command()
def ack(
    key: Annotated[str | None, typer.Argument(help="The page's key, or as much of it as only one has.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every page that waits.")] = False,
    journal: Place = None,
    who: Annotated[str | None, typer.Option("--who", help="Who says so; $USER when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say that you have seen a page: it is not told again, and goes no further."""

    def work() -> Answer:
        from perpbook.runs.alerts import acknowledge

        if every is (key is not None):
            from perpbook.errors import InputError

            raise InputError("name a page by its key, or give --all")
        found = acknowledge(_place(journal), key, who or os.environ.get("USER") or "terminal")
        told = f"acknowledged: {'; '.join(found) or 'nothing waits'}"
        return Answer(data={"keys": found}, tell=lambda console: console.print(told, soft_wrap=True))

    reply("alerts-ack/1", as_json, work)
