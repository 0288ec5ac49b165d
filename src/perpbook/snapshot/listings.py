"""Venues and contracts a book names, each looked up once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from perpbook.errors import TermsError
from perpbook.model.contract import Contract
from perpbook.model.units import SECOND_NS
from perpbook.snapshot.fields import Table
from perpbook.terms.find import find_contract
from perpbook.terms.load import load_terms
from perpbook.terms.terms import VenueTerms


@dataclass(slots=True)
class Listings:
    """The terms of one date (None: the newest), and every answer they gave, the refusals among them."""

    at: date | None = None
    folders: Sequence[Path] = ()
    venues: dict[str, VenueTerms | str] = field(default_factory=dict)
    contracts: dict[tuple[str, str], Contract | str] = field(default_factory=dict)

    def venue(self, table: Table, key: str = "venue") -> str | None:
        """The venue a table names, None after an issue."""
        name = table.needed_text(key, 'name the venue, e.g. venue = "hyperliquid"')
        if name is None:
            return None
        terms = self._terms(name)
        if isinstance(terms, str):
            table.issue(key, terms)
            return None
        return name

    def contract(self, table: Table, venue: str | None, key: str = "symbol") -> Contract | None:
        """The contract a table names on a venue, None after an issue (the venue's own, when that is unknown)."""
        symbol = table.needed_text(key, 'name the contract, e.g. symbol = "BTC"')
        if symbol is None or venue is None:
            return None
        found = self.find(venue, symbol)
        if isinstance(found, str):
            table.issue(key, found)
            return None
        return found

    def find(self, venue: str, symbol: str) -> Contract | str:
        """A contract of a venue, or why there is none."""
        if (venue, symbol) not in self.contracts:
            self.contracts[venue, symbol] = self._find(venue, symbol)
        return self.contracts[venue, symbol]

    def _find(self, venue: str, symbol: str) -> Contract | str:
        terms = self._terms(venue)
        if isinstance(terms, str):
            return terms
        try:
            return find_contract(terms, symbol).contract
        except TermsError as error:
            return error.message

    def _terms(self, venue: str) -> VenueTerms | str:
        if venue not in self.venues:
            try:
                self.venues[venue] = load_terms(venue, at=self.at, folders=self.folders)
            except TermsError as error:
                self.venues[venue] = error.message
        return self.venues[venue]


def listings_at(time_ns: int | None, folders: Sequence[Path] = ()) -> Listings:
    """The listings that held at an instant."""
    day = None if time_ns is None else datetime.fromtimestamp(time_ns // SECOND_NS, tz=UTC).date()
    return Listings(at=day, folders=folders)
