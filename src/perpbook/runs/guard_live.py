"""Live venues for a guard: keys loaded, clients made, markets read, and a feed for each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import TYPE_CHECKING

from perpbook.engine.clock import now_ns
from perpbook.engine.ports import Venue
from perpbook.errors import InputError, PerpbookError, VenueUnavailable
from perpbook.model.market import Snapshot
from perpbook.runs.guard_config import GuardConfig, check_accounts
from perpbook.runs.guard_streams import PLACES, feed_of
from perpbook.runs.live_accounts import parse_as
from perpbook.venues.awaited import Awaited

if TYPE_CHECKING:
    from perpbook.guard.desk import Desk
    from perpbook.terms.terms import VenueTerms
    from perpbook.venues.rest import LiveVenue

Tell = Callable[[str], object]

TRIES_S = (1.0, 2.0, 4.0, 8.0)
"""Seconds before a venue that is away is tried again; then every so many of the last."""
FIRST_S = 5.0
"""How long the other venues wait for one that may be opened later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Venues, their feeds, and the contracts to listen to, by venue; accounts' venues. held : accounts that the book has
    positions in.  opened : venues that answered, in which the loop sees them come.  empty : accounts of `held` that showed
    nothing where that was let pass.  sizes : base units of one contract by the terms, by venue and contract."""

    venues: Mapping[str, LiveVenue]
    feeds: Mapping[str, Awaited]
    symbols: Mapping[str, tuple[str, ...]]
    accounts: Mapping[str, str]
    held: frozenset[str]
    sizes: Mapping[tuple[str, str], float]
    opened: dict[str, Venue] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)

    async def open(self, desk: Desk, tell: Tell = lambda _: None, *, closes: bool = False) -> None:
        """Open every venue, all at once, and try one that is away again. Comes back when each is open, or is one that may be
        opened later (`open_later`): the journal knows all its accounts, or the guard only `closes`.

        Raises
        ------
        VenueUnavailable : a venue stays away, and whether its accounts are those of the book was never seen.
        InputError : an account shows nothing where the book holds something.
        """
        tries = [asyncio.ensure_future(self._first(name, desk, tell, closes)) for name in self.venues]
        try:
            await asyncio.gather(*tries)
        except (PerpbookError, asyncio.CancelledError):
            for one in tries:
                one.cancel()
            await asyncio.gather(*tries, return_exceptions=True)
            await self.close()
            raise

    async def open_later(self, desk: Desk, closes: bool) -> None:
        """Go on trying those that are away, until none is."""
        await asyncio.gather(*(self._tried(name, desk, closes) for name in self.venues.keys() - self.opened.keys()))

    async def _first(self, name: str, desk: Desk, tell: Tell, closes: bool) -> None:
        may_wait = closes or all(one in desk.positions for one in self.held if self.accounts[one] == name)
        for wait in (*TRIES_S, None):
            try:
                async with asyncio.timeout(FIRST_S if may_wait else None):
                    await self._open(name, desk, closes)
                return
            except (VenueUnavailable, TimeoutError) as error:
                why = str(error) or f"{name} does not answer"
                if may_wait:
                    tell(f"{why}: it is tried again; what it has is unknown until it answers")
                    return
                if wait is None:
                    raise VenueUnavailable(f"{why}: nothing is guarded. Is it up, and its endpoint right?") from None
                tell(f"{why}: tried again in {wait:g} s")
                await asyncio.sleep(wait)

    async def _tried(self, name: str, desk: Desk, closes: bool) -> None:
        for wait in chain(TRIES_S, repeat(TRIES_S[-1])):
            await asyncio.sleep(wait)
            with suppress(PerpbookError):
                return await self._open(name, desk, closes)

    async def _open(self, name: str, desk: Desk, closes: bool) -> None:
        """Read what a venue lists, look at accounts that the journal does not know, know again the orders that it has, and let
        the loop see it."""
        venue = self.venues[name]
        await venue.open()
        self._refuse_contracts(venue)
        for account in (one for one, its_venue in self.accounts.items() if its_venue == name):
            venue.watch(account, self.symbols[name])
            if account in self.held and account not in desk.positions:
                await self._refuse_empty(venue, account, closes)
        for request in (ticket.request for ticket in desk.tickets.values()):
            if request.venue == name:
                venue.expect(request.account, request.symbol, (request.client_id,))
        self.opened[name] = venue
        self.feeds[name].opened.set()

    def _refuse_contracts(self, venue: LiveVenue) -> None:
        """Contracts that are not guarded there, and those whose size the terms have wrong: every quantity would be, too."""
        for symbol in self.symbols[venue.name]:
            if venue.name not in PLACES and not venue.lists(symbol):
                raise InputError(
                    f"{symbol} is no linear perpetual that {venue.name} lists, and nothing else is guarded there: close it, and "
                    "take it out of the book"
                )
            known = self.sizes.get((venue.name, symbol))
            if known is not None and abs((size := venue.contract_size(symbol)) - known) > 1e-9 * known:
                raise InputError(
                    f"one contract of {symbol} is {size:g} at {venue.name}, and {known:g} by its terms: give terms of today"
                )

    async def _refuse_empty(self, venue: LiveVenue, account: str, closes: bool) -> None:
        """A wrong address shows an empty account, and so does an agent's: that is never taken for flat."""
        if (await venue.account(account)).account.positions or account in self.empty:
            return
        if not closes:
            raise InputError(
                f"{account} shows no position at {venue.name} and the book holds some: is the address the account's own, and "
                "not an agent's? Where it is flat, take the positions out of the book"
            )
        self.empty.append(account)

    async def close(self) -> None:
        """Let go of connections."""
        for venue in self.venues.values():
            await venue.close()


def live_of(config: GuardConfig, snapshot: Snapshot, terms: Mapping[str, VenueTerms]) -> Live:
    """Everything that a live guard speaks to. Keys are loaded here and nowhere else.

    Raises
    ------
    InputError : a key is not where it is said to be, or the configuration is not of this book.
    """
    from perpbook.venues.clients import client_for
    from perpbook.venues.dialect_list import DIALECTS
    from perpbook.venues.keys import load_secret
    from perpbook.venues.rest import LiveVenue, Login

    check_accounts(config, snapshot.book)
    parents = {one.id: one.parent for one in snapshot.book.accounts if one.parent is not None}
    venues: dict[str, LiveVenue] = {}
    for name in dict.fromkeys(one.venue for one in config.accounts.values()):
        logins = [
            Login(
                account=account,
                address=one.address,
                client=client_for(
                    name,
                    one.address,
                    load_secret(one.key),
                    one.endpoint or None,
                    load_secret(one.passphrase) if one.passphrase else None,
                ),
            )
            for account, one in config.accounts.items()
            if one.venue == name
        ]
        dialect = DIALECTS[name]
        venues[name] = LiveVenue(dialect, logins, parse_as(dialect.format), now_ns, parents)
    symbols = {name: symbols_of(snapshot, name) for name in venues}
    return Live(
        venues=venues,
        feeds={name: Awaited(name, feed_of(config, venue, parents), now_ns) for name, venue in venues.items()},
        symbols=symbols,
        sizes={key: size for name in venues for key, size in sizes_of(terms[name], symbols[name]).items()},
        accounts={one.id: one.venue for one in snapshot.book.accounts},
        held=frozenset(one.id for one in snapshot.book.accounts if one.positions),
    )


def symbols_of(snapshot: Snapshot, venue: str) -> tuple[str, ...]:
    """Contracts of a venue that the book holds or has prices of."""
    held = [held.symbol for one in snapshot.book.accounts if one.venue == venue for held in one.positions]
    priced = [symbol for name, symbol in snapshot.market.quotes if name == venue]
    return tuple(dict.fromkeys([*held, *priced]))


def sizes_of(terms: VenueTerms, symbols: tuple[str, ...]) -> dict[tuple[str, str], float]:
    """Base units of one contract by the terms, for a venue that counts in contracts."""
    from perpbook.terms.find import find_contract
    from perpbook.venues.dialect_list import DIALECTS

    if not DIALECTS[terms.venue].in_contracts:
        return {}
    return {(terms.venue, symbol): find_contract(terms, symbol).contract.contract_size for symbol in symbols}
