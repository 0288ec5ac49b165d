"""Where the book's money stands: per place and coin what is free, posted, gas, on its way, owed or locked; and a plan's moves
booked into it at once.

What cannot be read is said so in `unread`, and then nothing new may start: a need may be met already by money that nobody sees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from perpbook.errors import InvariantError, Refused
from perpbook.model.account import Account, MarginMode
from perpbook.model.book import Book, LayerBalance, Transfer
from perpbook.model.market import STABLECOINS, Market, Snapshot
from perpbook.scenario.table_reader import nearest
from perpbook.terms.terms import VenueTerms
from perpbook.treasury.facts import Facts
from perpbook.treasury.holdings import Flight, Holding, Holdings
from perpbook.treasury.pots import price_of, weight_of
from perpbook.treasury.standing import standing_of
from perpbook.treasury.task import Plan, Task, transfers_of

WALLET = "wallet:"
"""What the place of a venue's wallet begins with: money there stands in none of its accounts."""

CENT = 0.01


def place_of(name: str, book: Book, facts: Facts) -> str | None:
    """The place that a book's name means: an account, a layer by any of its names, a venue's wallet; None for no such place."""
    if any(name == one.id for one in book.accounts):
        return name
    layer = facts.layer_id(name)
    venue = name.removeprefix(WALLET)
    return layer or (WALLET + (facts.venues[venue].wallet or venue) if venue in facts.venues else None)


def places_known(book: Book, facts: Facts) -> tuple[str, ...]:
    """Names that `place_of` knows."""
    return (*(one.id for one in book.accounts), *facts.layers, *facts.venues)


def holdings_of(
    book: Book,
    market: Market,
    terms: Mapping[str, VenueTerms],
    facts: Facts,
    *,
    free: Mapping[str, float] | None = None,
) -> Holdings:
    """Every place's money in dollars, from the book as it stands. free : dollars above initial margin by account
    (`Standing.free`), reckoned here when left out.

    A stablecoin without a price is a dollar. A coin without one counts for nothing where it stands, and is unread where it moves.

    Raises
    ------
    DataError : a position has no price.
    """
    if free is None:
        free = standing_of(Snapshot(book=book, market=market), terms).free
    desk = _Desk(book=book, market=market, terms=terms, facts=facts)
    for one in book.layers:
        desk.layer(one)
    for account in book.accounts:
        desk.account(account, free.get(account.id, 0.0))
    for number, transfer in enumerate(book.transfers, start=1):
        desk.transfer(transfer, number)
    told = [f"{one.what}: {one.why}" for one in book.unread]
    return Holdings(
        holdings=desk.held,
        flights=tuple(desk.flights),
        unread=tuple(dict.fromkeys([*told, *desk.unread])),
        notes=tuple(dict.fromkeys(desk.notes)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    book: Book
    market: Market
    terms: Mapping[str, VenueTerms]
    facts: Facts
    held: dict[tuple[str, str], Holding] = field(default_factory=dict)
    flights: list[Flight] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def layer(self, one: LayerBalance) -> None:
        asset, price = one.balance.asset, self._price(one.balance.asset)
        place = place_of(one.layer, self.book, self.facts)
        if place is None:
            hint = nearest(one.layer, tuple(self.facts.layers))
            self.notes.append(f'nothing is known of "{one.layer}", where the book has {asset}: {hint}')
        if price is None:
            self.notes.append(f"{asset} on {one.layer} has no price: it is not counted; write it under [prices]")
            return
        loose = (one.balance.amount - one.locked) * price
        kind = "gas" if is_gas(one, place or one.layer, self.facts) else "free"
        self._add(place or one.layer, asset, **{kind: loose, "locked": one.locked * price})

    def account(self, account: Account, free: float) -> None:
        for asset, loose, posted in self._parts(account, free):
            self._add(account.id, asset, free=loose, posted=posted)
        for one in account.collateral:
            price = self._price(one.asset)
            if price is None:
                self.notes.append(
                    f"{one.asset} in {account.id} has no price: it is not counted; write it under [prices]"
                )
            elif one.amount < 0.0:
                self._add(account.id, one.asset, owed=-one.amount * price)

    def _parts(self, account: Account, free: float) -> Iterator[tuple[str, float, float]]:
        """(coin, dollars that can leave, dollars that cannot) of an account's coins: dollars leave first."""
        left = max(free, 0.0) if account.mode is MarginMode.CROSS else 0.0
        coins: dict[str, float] = {}
        for one in account.collateral:
            if one.amount > 0.0:
                coins[one.asset] = coins.get(one.asset, 0.0) + one.amount * (self._price(one.asset) or 0.0)
        for asset in sorted(coins, key=lambda coin: (coin not in STABLECOINS, coin)):
            weight = self._weight(asset, account)
            loose = min(coins[asset], left / weight if weight > 0.0 else coins[asset])
            left = max(left - loose * weight, 0.0)
            yield asset, loose, coins[asset] - loose

    def _weight(self, asset: str, account: Account) -> float:
        known = account.venue in self.facts.venues
        return weight_of(asset, account, self.terms[account.venue], self.facts) if known else 1.0

    def transfer(self, one: Transfer, number: int) -> None:
        name = f"transfer {number} ({one.asset} from {one.source} to {one.destination})"
        place, price = place_of(one.destination, self.book, self.facts), self._price(one.asset)
        source = place_of(one.source, self.book, self.facts)
        if place is None:
            hint = nearest(one.destination, places_known(self.book, self.facts))
            self.unread.append(f"{name}: its destination is no account, layer or venue that is known: {hint}")
            return
        if price is None:
            self.unread.append(f"{name}: {one.asset} has no price: write it under [prices]")
            return
        for route in one.routes:
            if route not in self.facts.routes:
                hint = nearest(route, tuple(self.facts.routes))
                self.unread.append(f'{name}: no route "{route}" is known: {hint}')
        if source is None:
            self.notes.append(f"{name}: where it comes from is no place that is known, so nobody can say when it comes")
        dollars = one.amount * price
        self._add(place, one.asset, **{"locked" if one.stuck else "arriving": dollars})
        self.flights.append(
            Flight(
                asset=one.asset, dollars=dollars, source=source or one.source, destination=place, ways=one.routes,
                departed_ns=one.departed_ns, arrives_ns=one.arrives_ns, stuck=one.stuck,
            )
        )  # fmt: skip

    def _price(self, asset: str) -> float | None:
        return price_of(asset, self.market.asset_prices)

    def _add(self, place: str, asset: str, **dollars: float) -> None:
        held = self.held.get((place, asset), Holding(place=place, asset=asset))
        self.held[place, asset] = added(held, **dollars)


def added(held: Holding, **dollars: float) -> Holding:
    """A holding with so much more of some of its parts."""
    return replace(held, **{name: getattr(held, name) + more for name, more in dollars.items()})


def is_gas(one: LayerBalance, place: str, facts: Facts) -> bool:
    """Whether a balance is what its layer's transactions are paid from: as the book says, else where it is the layer's own coin
    and no stablecoin."""
    if one.gas is not None:
        return one.gas
    return one.balance.asset == gas_token(place, facts) and one.balance.asset not in STABLECOINS


def gas_token(layer: str, facts: Facts) -> str:
    """The coin that a layer's transactions are paid in, "" for none that is known."""
    gas = facts.layers[layer].gas if layer in facts.layers else None
    return gas.token if gas else ""


def total_virtual(holdings: Holdings) -> float:
    """Dollars of the book in every place, once all that has begun is through; what is locked aside."""
    return sum(one.virtual for one in holdings.holdings.values())


def booked(holdings: Holdings, task: Task, plan: Plan, *, departs_ns: int) -> Holdings:
    """The holdings with a plan's transfers begun: what leaves is leaving, what arrives of it is arriving. A plan is booked once.

    Raises
    ------
    Refused : something is unread, or this plan is in it already.
    """
    if not holdings.may_start:
        raise Refused(refusal(holdings))
    key = plan_key(task, plan, departs_ns)
    if key in holdings.plans:
        raise Refused("this plan is booked already: make a new one from what stands now")
    held, flights = dict(holdings.holdings), list(holdings.flights)
    for one in transfers_of(task, plan):
        lane, sent, arrives = one.lanes[0], one.dollars, one.arrives
        spare, need = task.spares[lane.spare], task.needs[lane.need]
        at = (spare.place, spare.asset)
        asset = spare.asset if not need.assets or spare.asset in need.assets else need.assets[0]
        _may_leave(held, at, sent, arrives)
        held[at] = added(held[at], leaving=sent)
        there = (need.place, asset)
        held[there] = added(held.get(there, Holding(place=there[0], asset=asset)), arriving=arrives)
        flights.append(
            Flight(
                asset=asset, dollars=arrives, source=spare.place, destination=need.place, ways=lane.pipes,
                departed_ns=departs_ns,
            )
        )  # fmt: skip
    return replace(holdings, holdings=held, flights=tuple(flights), plans=(*holdings.plans, key))


def _may_leave(held: Mapping[tuple[str, str], Holding], at: tuple[str, str], sent: float, arrives: float) -> None:
    """A plan that sends what is not there, or less than it costs, is none of ours."""
    there = held.get(at)
    left = 0.0 if there is None else there.free + there.gas - there.leaving
    if sent > left + CENT or arrives < 0.0:
        raise InvariantError(f"a plan sends {sent:,.2f} of {at[1]} from {at[0]}, where {left:,.2f} can leave")


def plan_key(task: Task, plan: Plan, departs_ns: int) -> str:
    """A name for a plan made at one time: the same lanes with the same amounts have the same."""
    told = [(lane.words, task.spares[lane.spare].place, task.needs[lane.need].place) for lane in task.lanes]
    text = repr((departs_ns, told, plan.sent.tolist()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def refusal(holdings: Holdings) -> str:
    """Why nothing new may start, and what to do."""
    return (
        f"nothing new may start while something is unread: {'; '.join(holdings.unread)}\n"
        "  read it, or write into the book what is known of it"
    )
