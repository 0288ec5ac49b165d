"""`perpbook venue-sim`: the book's venues, simulated, for a bot to be drilled against."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perpbook.cli.backtest import Bar, From, LakeAt, Proxy, To
from perpbook.cli.output import OK, Answer, AsJson, reply

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.runs.venue_sim import Simulation

ConfigAt = Annotated[
    Path | None,
    typer.Option(
        "--guard-config", help="Write a file for `guard run --config` here, and the made-up keys in files beside it."
    ),
]


def venue_sim(
    book: Annotated[Path, typer.Argument(help="Book file: its accounts, positions and prices.")],
    storm: Annotated[str, typer.Option("--storm", help="A storm of `perpbook drill list`, or a file.")] = "",
    lake: LakeAt = None,
    start: From = None,
    end: To = None,
    bar: Bar = "1m",
    proxies: Proxy = None,
    speed: Annotated[float, typer.Option("--speed", help="Venue seconds a second: 60 is a minute a second.")] = 1.0,
    after: Annotated[str, typer.Option("--after", help="How long the market stands before it moves: 30s, 5m.")] = "30s",
    faults: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            help="Chance of a fault: 500, hang, reject, partial, stale, duplicate, late, drop, wrong_symbol, malformed, "
            "disconnect, silent, own_hand, as in 500=0.01; the venue's clock is ahead by skew=2s. Repeat it.",
        ),
    ] = None,
    hang: Annotated[str, typer.Option("--hang", help="How long a request that hangs gets no answer.")] = "30s",
    seed: Annotated[int, typer.Option("--seed", help="Draws faults and made-up keys; the same seed, the same.")] = 1,
    host: Annotated[str, typer.Option("--host", help="127.0.0.1, and no other.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.", min=0, max=65535)] = 0,
    config: ConfigAt = None,
    lasts: Annotated[str | None, typer.Option("--for", help="Stop by itself after 90s, 10m; usually never.")] = None,
    as_json: AsJson = False,
) -> None:
    """Serve the book's venues on 127.0.0.1 as Hyperliquid, dYdX and Binance speak, so that a bot can be drilled.

    Nothing leaves this machine, and the keys that are printed are made up. Ctrl-C ends it and tells what became of the accounts.
    Exit codes: 0 done, 3 the book or an option is wrong, 20 history is missing, 130 interrupted.
    """
    given = locals()
    ready: list[Simulation] = []
    try:
        reply("venue-sim/1", as_json, lambda: prepared(given, ready))
    except typer.Exit as done:
        if done.exit_code != OK:
            raise
    sys.stdout.flush()
    from perpbook.runs.moments import length_ns
    from perpbook.runs.venue_sim import outcome

    try:
        ready[0].serve(None if lasts is None else length_ns(lasts) / 1e9)
    finally:
        for line in outcome(ready[0]):
            print(line, file=sys.stderr)


def prepared(given: dict[str, Any], ready: list[Simulation]) -> Answer:
    """Get ready to serve; what clients must know is the answer."""
    from perpbook.runs.moments import length_ns, moment_ns, pairs, width_ns
    from perpbook.runs.venue_sim import SimAsked, prepare, told
    from perpbook.runs.venue_sim_config import refuse_others, write_config

    for option in ("after", "hang"):
        length_ns(given[option])
    if given["lasts"] is not None:
        length_ns(given["lasts"])
    if given["config"] is not None:
        refuse_others(given["config"])
    made = prepare(
        SimAsked(
            book=given["book"],
            storm=given["storm"],
            lake=given["lake"],
            since_ns=moment_ns(given["start"], "--from"),
            until_ns=moment_ns(given["end"], "--to"),
            bar_ns=width_ns(given["bar"]),
            proxies=pairs(given["proxies"], "--proxy"),
            speed=given["speed"],
            wait_ns=length_ns(given["after"]),
            faults=tuple(given["faults"] or ()),
            seed=given["seed"],
            host=given["host"],
            port=given["port"],
            hang_s=length_ns(given["hang"]) / 1e9,
        )
    )
    ready.append(made)
    found = told(made)
    if given["config"] is not None:
        write_config(given["config"], found["venues"])
    return Answer(data=found, tell=lambda console: tell(console, found))


def tell(console: Console, found: dict[str, Any]) -> None:
    """Addresses, keys and settings, for people."""
    print(f"Simulated venues at {found['url']}, seed {found['seed']}, speed {found['speed']:g}. Ctrl-C ends it.")
    for note in found["notes"]:
        print(f"  {note}")
    for venue in found["venues"]:
        for account in venue["accounts"]:
            print(f"\n{venue['venue']} {account['account']}: {venue['url']} (keys are made up)")
            for line in account["settings"]:
                print(f"    {line}")
