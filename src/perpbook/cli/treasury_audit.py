"""`perpbook treasury audit`: what any single failure would break, and the smallest change after which none does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perpbook.cli.output import BREACH, OK, Answer, AsJson, reply
from perpbook.cli.treasury_status import Book, Last, MarketFile, Memory, OwnFacts, Rules, Seed, Storm, state_asked

UNKNOWN = 20
"""Exit code: what the answer hangs on is not known."""

Volatility = Annotated[
    list[str] | None,
    typer.Option("--volatility", help='BTC=0.6: a year\'s; "*=0.8" for every other asset; repeat it.'),
]
Correlation = Annotated[
    float | None,
    typer.Option("--correlation", help="Of any two assets, 0 to 1; left out, the worst there can be is taken."),
]
Lasting = Annotated[
    str | None,
    typer.Option("--lasting", help="How long a failure lasts, like 8h; left out, 9 in 10 halts were over by then."),
]
Late = Annotated[float, typer.Option("--late-max", help="Most chance to be liquidated before money comes.")]
Rails = Annotated[
    list[str] | None, typer.Option("--rail", help="A bridge family you use; repeat it; left out, all are ready.")
]


def audit(
    book: Book = Path("book.toml"),
    playbook: Rules = None,
    market: MarketFile = None,
    storm: Storm = None,
    failure: Annotated[
        list[str] | None, typer.Option("--failure", help="Only this failure, as the list names it; repeat it.")
    ] = None,
    volatility: Volatility = None,
    correlation: Correlation = None,
    lasting: Lasting = None,
    late_max: Late = 0.01,
    naked_max: Annotated[
        float, typer.Option("--naked-max", help="Most loss of legs left alone, as a share of the equity left.")
    ] = 0.25,
    depeg: Annotated[float, typer.Option("--depeg", help="By how much a stablecoin falls, a fraction.")] = 0.1,
    rail: Rails = None,
    change: Annotated[
        bool, typer.Option("--change/--no-change", help="Look for the smallest change after which nothing breaks?")
    ] = True,
    facts: OwnFacts = None,
    health: Memory = None,
    last: Last = None,
    seed: Seed = 1,
    every: Annotated[bool, typer.Option("--all", help="List the failures that break nothing, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Apply every single failure to a book: venues, layers, bridges, exchanges' wallets, stablecoins, providers, clouds.

    The playbook's largest survival move is what legs left alone must bear. Exit codes: 0 any one of them may fail, 10 something
    breaks, 20 that hangs on a volatility nobody gave, 3 a file or an option is wrong. Nothing is ever sent.
    """
    given = locals()
    reply("treasury-audit/1", as_json, lambda: audited(given))


def audited(given: dict[str, Any]) -> Answer:
    """An audit as an answer."""
    from perpbook.report.treasury_audit_text import audit_document, tell_audit
    from perpbook.runs.treasury_audit import run_audit

    found = run_audit(asked_from(given), names=tuple(given["failure"] or ()), change=given["change"])
    code = {True: OK, False: BREACH, None: UNKNOWN}[found.audit.safe]

    def tell(console: Any) -> None:
        tell_audit(console, found, every=given["every"])

    return Answer(data=audit_document(found), tell=tell, exit_code=code)


def asked_from(given: dict[str, Any]) -> Any:
    """What an audit or a runbook asks for, from a command's options."""
    from perpbook.engine.clock import now_ns
    from perpbook.runs.asked import mapped
    from perpbook.runs.places import terms_folders
    from perpbook.runs.treasury_audit import Asked

    return Asked(
        state=state_asked(given), now_ns=now_ns(), terms_folders=terms_folders(),
        volatility=mapped(given["volatility"], "--volatility"),
        correlation=given["correlation"], lasting=given["lasting"], late=given["late_max"],
        naked=given.get("naked_max", 0.25), depeg=given.get("depeg", 0.1), rails=tuple(given["rail"] or ()),
    )  # fmt: skip
