"""`perpbook treasury economics`: how finely it pays to rebalance on every layer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perpbook.cli.output import Answer, AsJson, reply
from perpbook.cli.treasury_status import Book, MarketFile, OwnFacts, Rules

Volatility = Annotated[
    list[str] | None,
    typer.Option("--volatility", help="BTC=0.6: a year's; coins without one move by their beta to BTC; repeat it."),
]
PerLayer = list[str] | None


def economics(
    book: Book = Path("book.toml"),
    playbook: Rules = None,
    market: MarketFile = None,
    lake: Annotated[
        Path | None, typer.Option("--lake", help="Folder of the lake; $PERPBOOK_DATA_LAKE, or lake in the home folder.")
    ] = None,
    venue: Annotated[str, typer.Option("--venue", help="Whose prices in the lake say how coins move.")] = "binance",
    volatility: Volatility = None,
    risk_aversion: Annotated[
        float, typer.Option("--risk-aversion", help="1 bets all that Kelly says, 2 half of it, and so on.")
    ] = 2.0,
    gas: Annotated[
        PerLayer, typer.Option("--gas", help="arbitrum=0.02,0.3: dollars of gas a trade, median and dear; repeat it.")
    ] = None,
    gas_units: Annotated[float, typer.Option("--gas-units", help="Units of gas a trade takes on a chain.")] = 200_000.0,
    latency: Annotated[
        PerLayer, typer.Option("--latency", help="paradex=0.5: seconds until an order is filled; repeat it.")
    ] = None,
    facts: OwnFacts = None,
    as_json: AsJson = False,
) -> None:
    """Find the band around each coin's target that costs least under every layer's gas, fees and latency.

    Nothing is traded. Exit codes: 0 told, 3 a file or an option is wrong, 20 a price or history is missing.
    """
    given = locals()
    reply("treasury-economics/1", as_json, lambda: economics_answer(given))


def economics_answer(given: dict[str, Any]) -> Answer:
    """Fee economics as an answer."""
    from perpbook.engine.clock import now_ns
    from perpbook.report.treasury_economics_text import economics_document, tell_economics
    from perpbook.runs.places import terms_folders
    from perpbook.runs.treasury_economics import economics_asked, run_economics

    found = run_economics(economics_asked(given), now_ns=now_ns(), terms_folders=terms_folders())
    return Answer(data=economics_document(found), tell=lambda console: tell_economics(console, found))
