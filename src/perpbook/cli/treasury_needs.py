"""`perpbook treasury needs`: what every place should hold, what is short, what could go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perpbook.cli.output import BREACH, OK, Answer, AsJson, reply
from perpbook.cli.treasury_routes import GasSince, GasUntil
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


def needs(
    book: Book = Path("book.toml"),
    playbook: Rules = None,
    market: MarketFile = None,
    storm: Storm = None,
    facts: OwnFacts = None,
    health: Memory = None,
    last: Last = None,
    confidence: Annotated[
        float, typer.Option("--confidence", help="With which margin must last until money comes.")
    ] = 0.99,
    promised: Annotated[float, typer.Option("--promised", help="With which money must have come by its time.")] = 0.95,
    buffer: Annotated[
        float | None,
        typer.Option("--buffer", help="Share of maintenance margin left over; the playbook's, or 0.25, when left out."),
    ] = None,
    opportunity: Annotated[
        float, typer.Option("--opportunity", help="What a dollar that lies idle costs a year: 0.1 is 10 %.")
    ] = 0.10,
    transfer_cost: Annotated[
        float,
        typer.Option(
            "--transfer-cost", help="Dollars that a transfer costs beside its known fees and gas: work, tips."
        ),
    ] = 0.0,
    lake: Annotated[
        Path | None, typer.Option("--lake", help="Folder of the lake; $PERPBOOK_DATA_LAKE, or lake in the home folder.")
    ] = None,
    made_up: Annotated[bool, typer.Option("--made-up", help="Reckon with a simulated year, without a lake.")] = False,
    venue: Annotated[str, typer.Option("--venue", help="Whose prices stand for the past.")] = "binance",
    bar: Annotated[str, typer.Option("--bar", help="Width of a bar of the past: 15m, 1h, 4h.")] = "1h",
    like: Annotated[
        list[str] | None, typer.Option("--like", help="LINK=ETH: the coin whose past stands in; repeatable.")
    ] = None,
    gas_since: GasSince = None,
    gas_until: GasUntil = None,
    draws: Annotated[int, typer.Option("--draws", help="Futures that are drawn.")] = 2_000,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Tell what every account, layer and gas tank should hold, what is short there and why, and what could go.

    Exit codes: 0 nothing is short, 10 something is, 30 something cannot be read and nothing new may start, 3 a file or an option
    is wrong, 20 a price or history is missing.
    """
    given = locals()
    reply("treasury-needs/1", as_json, lambda: needed(given))


def needed(given: dict[str, Any]) -> Answer:
    """Needs as an answer."""
    from perpbook.engine.clock import now_ns
    from perpbook.report.treasury_needs_text import needs_document, tell_needs
    from perpbook.runs.places import terms_folders
    from perpbook.runs.treasury_needs import run_needs

    found = run_needs(needs_asked(given), now_ns=now_ns(), terms_folders=terms_folders())
    short = any(one.short > 0.0 for one in found.levels)
    return Answer(
        data=needs_document(found),
        tell=lambda console: tell_needs(console, found),
        exit_code=UNREAD if not found.view.holdings.may_start else BREACH if short else OK,
    )


def needs_asked(given: dict[str, Any]) -> Any:
    """The options of a verb that reckons needs, by their names here."""
    from perpbook.runs.asked import mapped
    from perpbook.runs.moments import moment_ns, width_ns
    from perpbook.runs.places import lake_folder
    from perpbook.runs.treasury_needs import NeedsAsked

    return NeedsAsked(
        state=state_asked(given), lake=given["lake"] or lake_folder(), made_up=given["made_up"], venue=given["venue"],
        bar_ns=width_ns(given["bar"]), like=mapped(given["like"], "--like"), confidence=given["confidence"],
        promised=given["promised"], buffer=given["buffer"], opportunity=given["opportunity"],
        transfer_cost=given["transfer_cost"], draws=given["draws"],
        gas_since_ns=moment_ns(given["gas_since"], "--gas-since"), gas_until_ns=moment_ns(given["gas_until"], "--gas-until"),
    )  # fmt: skip
