"""`perpbook tails`: what coins do together when it goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perpbook.cli.output import Answer, AsJson, reply


def tails(
    coins: Annotated[list[str], typer.Argument(help="Two coins or more: BTC ETH SOL, or BASE-QUOTE.")],
    venue: Annotated[str, typer.Option("--venue", help="Whose prices.")] = "binance",
    bar: Annotated[str, typer.Option("--bar", help="Width of a bar: 5m, 1h, 4h, 1d.")] = "1h",
    since: Annotated[str | None, typer.Option("--since", help="First time; left out: where all have prices.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="End; left out: where the prices end.")] = None,
    level: Annotated[float, typer.Option("--level", help="The tail: 0.05 is the worst twentieth of bars.")] = 0.05,
    market: Annotated[
        str | None, typer.Option("--market", help="The coin whose worst bars are the market's; left out: mean of all.")
    ] = None,
    window: Annotated[
        list[str] | None, typer.Option("--window", help="A crisis, as in ftx=2022-11-06/2022-11-12; repeatable.")
    ] = None,
    draws: Annotated[int, typer.Option("--draws", help="Resamples for intervals, 1000 at least.")] = 1_000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same intervals.")] = 0,
    lake: Annotated[
        Path | None, typer.Option("--lake", help="Folder of the lake; $PERPBOOK_DATA_LAKE, or lake in the home folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tail dependence, stressed correlation, expected shortfall and hedges, each with its interval and Gaussian null."""

    def work() -> Answer:
        from perpbook.report.progress import progress
        from perpbook.report.tails import tell_tails
        from perpbook.runs.moments import moment_ns, width_ns
        from perpbook.runs.places import lake_folder
        from perpbook.runs.tails import Asked, run_tails

        asked = Asked(
            symbols=tuple(coins), venue=venue, bar_ns=width_ns(bar), since_ns=moment_ns(since, "--since"),
            until_ns=moment_ns(until, "--until"), level=level, market=market, windows=tuple(window or ()),
            draws=draws, seed=seed,
        )  # fmt: skip
        with progress("Measuring", quiet=as_json) as step:
            report = run_tails(lake or lake_folder(), asked, step)
        return Answer(data=report, tell=lambda console: tell_tails(console, report))

    reply("tails/1", as_json, work)
