"""`perpbook terms`: what Perpbook knows of each venue's rules."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from perpbook.cli.output import Answer, AsJson, reply

app = typer.Typer(
    help="Venues' published rules: tiers, fees, funding, liquidation.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def list_terms(as_json: AsJson = False) -> None:
    """List the venues, the date of their terms, and how many contracts they have."""

    def work() -> Answer:
        from perpbook.report.terms import tell_venues
        from perpbook.runs.places import terms_folders
        from perpbook.terms.load import load_terms, venues

        found = [load_terms(venue, folders=terms_folders()) for venue in venues(terms_folders())]
        data = [
            {"venue": one.venue, "name": one.name, "as_of": one.as_of, "contracts": len(one.contracts)} for one in found
        ]
        return Answer(data=data, tell=lambda console: tell_venues(console, found))

    reply("terms.list/1", as_json, work)


@app.command("show")
def show(
    venue: Annotated[str, typer.Argument(help="Venue, as in `perpbook terms list`.")],
    contract: Annotated[str | None, typer.Option("--contract", help="One contract, with all its tiers.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="The terms as they were on this date, YYYY-MM-DD.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a venue's terms with their sources, or one contract's tiers."""

    def work() -> Answer:
        from perpbook.report.terms import tell_contract, tell_terms
        from perpbook.runs.places import terms_folders
        from perpbook.terms.find import find_contract
        from perpbook.terms.load import load_terms

        terms = load_terms(venue, at=_date(at), folders=terms_folders())
        if contract is not None:
            found = find_contract(terms, contract)
            return Answer(data=found, tell=lambda console: tell_contract(console, terms, found))
        folder = terms_folders()[0]
        return Answer(data=terms, tell=lambda console: tell_terms(console, terms, folder))

    reply("terms.show/1", as_json, work)


def _date(text: str | None) -> date | None:
    from perpbook.errors import InputError

    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f'"{text}" is not a date: write --at 2026-07-19') from None
