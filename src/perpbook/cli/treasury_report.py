"""`perpbook treasury report`: everything about a book's treasury on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perpbook.cli.output import OK, Answer, AsJson, reply
from perpbook.cli.treasury_status import (
    UNREAD,
    Book,
    Last,
    MarketFile,
    Memory,
    OwnFacts,
    Rules,
    Seed,
    Storm,
    state_asked,
)


def report(
    book: Book = Path("book.toml"),
    playbook: Rules = None,
    html: Annotated[Path, typer.Option("--html", help="The page's file.")] = Path("treasury.html"),
    market: MarketFile = None,
    storm: Storm = None,
    need: Annotated[
        list[str] | None,
        typer.Option("--need", help="PLACE=DOLLARS@MINUTES to plan for; repeat it; else what is short."),
    ] = None,
    volatility: Annotated[
        list[str] | None,
        typer.Option("--volatility", help='BTC=0.6: a year\'s; "*=0.8" for every other coin; repeat it.'),
    ] = None,
    lake: Annotated[
        Path | None, typer.Option("--lake", help="Folder of the lake; $PERPBOOK_DATA_LAKE, or lake in the home folder.")
    ] = None,
    made_up: Annotated[
        bool, typer.Option("--made-up", help="Reckon needs with a simulated year, without a lake.")
    ] = False,
    venue: Annotated[str, typer.Option("--venue", help="Whose prices stand for the past.")] = "binance",
    rpc: Annotated[
        list[str] | None,
        typer.Option("--rpc", help="arbitrum=https://host/path: whom to ask how layers are; repeat it."),
    ] = None,
    providers: Annotated[
        Path | None, typer.Option("--providers", help="health.toml, as `treasury health` reads it.")
    ] = None,
    facts: OwnFacts = None,
    health: Memory = None,
    last: Last = None,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Write one page: where money is and will be, what is short, what to move, what may fail, health, fee economics.

    It fetches nothing and works without a network; layers are asked how they are only with --rpc or --providers. Exit codes: 0
    written, 30 written but something cannot be read and nothing new may start, 3 a file or an option is wrong, 20 a price is
    missing or stale.
    """
    given = locals()
    reply("treasury-report/1", as_json, lambda: reported(given))


def reported(given: dict[str, Any]) -> Answer:
    """The page as an answer."""
    from perpbook.engine.clock import now_ns
    from perpbook.report.treasury_told import report_document
    from perpbook.runs.asked import mapped
    from perpbook.runs.places import lake_folder, terms_folders
    from perpbook.runs.treasury_report import ReportAsked, run_report, write_report

    lake = given["lake"] or lake_folder()
    asked = ReportAsked(
        state=state_asked(given),
        lake=lake if given["lake"] or lake.exists() else None, made_up=given["made_up"], venue=given["venue"],
        needs=tuple(given["need"] or ()), volatility=mapped(given["volatility"], "--volatility"),
        rpc=tuple(given["rpc"] or ()), providers=given["providers"],
    )  # fmt: skip
    found = run_report(asked, now_ns=now_ns(), terms_folders=terms_folders())
    write_report(found, given["html"])
    return Answer(
        data={"page": given["html"], **report_document(found.told)},
        tell=lambda console: console.print(f"Report: {given['html']}"),
        exit_code=OK if found.told.holdings.may_start else UNREAD,
    )
