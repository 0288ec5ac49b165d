"""`perpbook web`: the guard's inbox in a browser."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perpbook.cli.guard import Journal, Name, seconds_of
from perpbook.cli.output import OK, Answer, AsJson, reply

if TYPE_CHECKING:
    from perpbook.web.server import Web


def web(
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.", min=0, max=65535)] = 0,
    allow_actions: Annotated[
        bool,
        typer.Option("--allow-actions", help="Let the page approve, deny, acknowledge and halt; else it only shows."),
    ] = False,
    during: Annotated[
        str | None, typer.Option("--for", help="Stop after 90s, 30m, 8h; left out: until Ctrl-C.")
    ] = None,
    journal: Journal = None,
    name: Name = "guard",
    as_json: AsJson = False,
) -> None:
    """Serve the guard's inbox on 127.0.0.1: how it stands, what it proposes, incidents, alerts, the journal; and a JSON API.

    The login link that is printed counts once, for ten minutes. Programs send the token of the file that is named as
    `Authorization: Bearer`. The page says a word, the guard decides. Exit code 3: the port cannot be had.
    """
    ready: list[Web] = []
    seconds: list[float | None] = [None]

    def work() -> Answer:
        from perpbook.runs.guard_places import guard_places
        from perpbook.web.server import WebAsked, prepare

        seconds[0] = None if during is None else seconds_of(during, "--for")
        made = prepare(WebAsked(places=guard_places(name, journal), port=port, allow_actions=allow_actions))
        ready.append(made)
        data = {
            "url": made.url,
            "login": made.login,
            "token_file": made.token_file,
            "allow_actions": made.allow_actions,
        }
        return Answer(data=data, tell=lambda _: tell(data))

    try:
        reply("web/1", as_json, work)
    except typer.Exit as done:
        if done.exit_code != OK:
            raise
    sys.stdout.flush()
    ready[0].serve(seconds[0])


def tell(found: dict[str, Any]) -> None:
    """Where it is, and how to come in."""
    acts = "it may approve, deny, acknowledge and halt" if found["allow_actions"] else "it only shows (--allow-actions)"
    print(f"The guard's inbox, on this machine alone; {acts}. Ctrl-C ends it.")
    print(f"  open      {found['login']}\n            counts once, within ten minutes")
    print(f"  programs  {found['url']}/api/state with the token of {found['token_file']}")
