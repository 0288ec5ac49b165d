"""`perpbook treasury runbook`: what to do with this book at each waiting time of one incident."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perpbook.cli.output import Answer, AsJson, reply
from perpbook.cli.treasury_audit import (
    Correlation,
    Lasting,
    Late,
    Rails,
    Volatility,
    asked_from,
)
from perpbook.cli.treasury_status import Book, Last, MarketFile, Memory, OwnFacts, Rules, Seed, Storm


def runbook(
    book: Book = Path("book.toml"),
    playbook: Rules = None,
    when: Annotated[
        str, typer.Option("--when", help='What happened: "arbitrum halted", "binance frozen", "cctp-fast closed", …')
    ] = ...,  # type: ignore[assignment]
    market: MarketFile = None,
    storm: Storm = None,
    volatility: Volatility = None,
    correlation: Correlation = None,
    lasting: Lasting = None,
    late_max: Late = 0.01,
    depeg: Annotated[float, typer.Option("--depeg", help="By how much a stablecoin has fallen, a fraction.")] = 0.1,
    rail: Rails = None,
    facts: OwnFacts = None,
    health: Memory = None,
    last: Last = None,
    seed: Seed = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Write the proposals to this JSON file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the contingency ladder of a book for one incident, with numbers; nothing is ever sent.

    A layer is halted, unreachable or rolled back; a venue halted, frozen or hacked; a bridge closed or hacked; a coin frozen or
    fallen. Exit codes: 0 there is a ladder, 3 a file or an option is wrong, 20 a price is missing.
    """
    given = locals()
    reply("treasury-runbook/1", as_json, lambda: laddered(given))


def laddered(given: dict[str, Any]) -> Answer:
    """A runbook as an answer."""
    import json

    from perpbook.files.plain import plain
    from perpbook.report.treasury_runbook_text import proposals_document, runbook_document, tell_runbook
    from perpbook.runs.book import write
    from perpbook.runs.treasury_runbook import run_runbook

    found = run_runbook(asked_from(given), given["when"])
    if given["out"] is not None:
        write(given["out"], json.dumps(plain(proposals_document(found)), indent=1, ensure_ascii=False) + "\n")
    return Answer(data=runbook_document(found), tell=lambda console: tell_runbook(console, found))
