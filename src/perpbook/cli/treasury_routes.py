"""`perpbook treasury routes`: every way for money, how long it takes, what it costs, and what nobody knows of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perpbook.cli.output import Answer, AsJson, reply
from perpbook.cli.treasury_status import Last, MarketFile, Memory, OwnFacts, Rules, Seed, Storm
from perpbook.errors import InputError

Book = Annotated[Path | None, typer.Argument(help="Book file: ways between its places. Left out: all routes.")]
From = Annotated[str | None, typer.Option("--from", help="A layer, a venue, or an account of the book.")]
To = Annotated[str | None, typer.Option("--to", help="A layer, a venue, or an account of the book.")]
Coin = Annotated[str, typer.Option("--asset", help="The coin that goes.")]
Dollars = Annotated[float, typer.Option("--amount", help="Dollars that go, at most.")]
Prices = Annotated[list[str] | None, typer.Option("--price", help="Dollars of a coin, as in ETH=3000; repeatable.")]
Most = Annotated[int, typer.Option("--most", help="Rows at most, the soonest first.")]
GasSince = Annotated[
    str | None, typer.Option("--gas-since", help="Base fees of the lake from this time on, not the facts'.")
]
GasUntil = Annotated[str | None, typer.Option("--gas-until", help="Base fees of the lake before this time.")]
LakeFolder = Annotated[
    Path | None, typer.Option("--lake", help="Folder of the lake; $PERPBOOK_DATA_LAKE, or lake in the home folder.")
]


def routes(
    book: Book = None,
    playbook: Rules = None,
    start: From = None,
    end: To = None,
    asset: Coin = "USDC",
    amount: Dollars = 10_000.0,
    market: MarketFile = None,
    storm: Storm = None,
    facts: OwnFacts = None,
    health: Memory = None,
    last: Last = None,
    price: Prices = None,
    most: Most = 20,
    gas_since: GasSince = None,
    gas_until: GasUntil = None,
    lake: LakeFolder = None,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Every way for a coin (one or two routes): by when it arrives, fees, limits, risk, chance of being stuck, what is unknown.

    Without a book and places: all routes of the facts, and the gas of a full exit of each layer.
    """

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.report.treasury_routes_text import routes_document, tell_routes
        from perpbook.runs.moments import moment_ns
        from perpbook.runs.places import lake_folder, playbook_beside, terms_folders
        from perpbook.runs.treasury_conditions import look_asked
        from perpbook.runs.treasury_routes import Asked, run_routes

        own_gas = lake is not None or gas_since is not None or gas_until is not None
        asked = Asked(
            book=book, playbook=playbook_beside(book) if book and playbook is None else playbook, market=market,
            start=start, end=end, asset=asset, amount=amount, storm=storm, facts=facts, look=look_asked(health, last),
            prices=dict(map(_price, price or ())), most=most, seed=seed,
            lake=(lake or lake_folder()) if own_gas else None, gas_since_ns=moment_ns(gas_since, "--gas-since"),
            gas_until_ns=moment_ns(gas_until, "--gas-until"),
        )  # fmt: skip
        found = run_routes(asked, now_ns=now_ns(), terms_folders=terms_folders())
        return Answer(data=routes_document(found), tell=lambda console: tell_routes(console, found))

    reply("treasury-routes/1", as_json, work)


def _price(text: str) -> tuple[str, float]:
    coin, equals, dollars = text.partition("=")
    try:
        return coin.strip(), float(dollars if equals and coin.strip() else "none")
    except ValueError:
        raise InputError(f'--price "{text}" is not a price: write it as ETH=3000') from None
