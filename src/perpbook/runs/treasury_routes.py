"""`perpbook treasury routes`: every way for money, of the facts or between the book's places, in calm or in a storm."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError
from perpbook.runs.treasury_conditions import Look, conditions_of
from perpbook.runs.treasury_state import StateAsked, check_seed, state_of

if TYPE_CHECKING:
    from perpbook.treasury.conditions import Conditions
    from perpbook.treasury.exit_gas import ExitGas
    from perpbook.treasury.facts import Facts, Venue
    from perpbook.treasury.pots import Pot
    from perpbook.treasury.route_table import Routes, Row
    from perpbook.treasury.ways import Traffic, Way

DRAWS = 10_000
"""Of every hop."""

BETWEEN_PLACES = 3
"""Ways that are told between two of the book's places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which ways. `book` None: routes of the facts. `start`, `end` : a layer, a venue or an account; None for every one. amount :
    dollars. prices : dollars by coin, beside those of the book. most : rows at most. lake : whose gas takes the place of the
    facts', from `gas_since_ns` to before `gas_until_ns`; None: that of the facts. playbook, market : of the book; the rest as
    `StateAsked` has it."""

    book: Path | None = None
    playbook: Path | None = None
    market: Path | None = None
    start: str | None = None
    end: str | None = None
    asset: str = "USDC"
    amount: float = 10_000.0
    storm: str | None = None
    facts: Path | None = None
    look: Look | None = None
    prices: Mapping[str, float] = field(default_factory=dict)
    most: int = 20
    seed: int = 1
    lake: Path | None = None
    gas_since_ns: int | None = None
    gas_until_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somewhere money leaves from or comes to: a layer, or an account of a venue."""

    name: str
    layer: str = ""
    venue: str = ""

    def pot(self, asset: str, dollars: float) -> Pot:
        """Money that stands there."""
        from perpbook.treasury.pots import Pot

        account = self.name if self.venue else ""
        return Pot(name=self.name, asset=asset, dollars=dollars, layer=self.layer, account=account, venue=self.venue)


def run_routes(asked: Asked, *, now_ns: int | None = None, terms_folders: Sequence[Path] = ()) -> Routes:
    """Read the facts, find ways, and draw how long each takes.

    Raises
    ------
    InputError : a file, a place, a coin, an amount or the storm is wrong. MissingData : the lake has no gas in the window.
    """
    from perpbook.runs.gas_history import with_lake_gas
    from perpbook.treasury.own_facts import treasury_facts
    from perpbook.treasury.route_table import route_row

    check_seed(asked.seed)
    facts = treasury_facts(asked.facts)
    if asked.lake is not None:
        facts = with_lake_gas(facts, asked.lake, asked.gas_since_ns, asked.gas_until_ns)
    _refuse_nonsense(asked, facts)
    book = _of_book(asked, now_ns, terms_folders) if asked.book else _Money(prices=asked.prices)
    conditions, notes = conditions_of(facts, asked.storm, asked.look, now_ns)
    gas = _gas(facts, book.prices)
    if asked.book is None and asked.start is None and asked.end is None:
        if asked.storm or asked.look:
            raise InputError(
                "a storm or layers' health acts on ways: say between which places with --from and --to, or give a book"
            )
        rows = tuple(route_row(facts, one, book.prices) for one in facts.routes.values() if asked.asset in one.assets)
        return _answer(asked, facts, rows, gas, notes, between=False)
    traffic = _traffic(conditions, asked.seed)
    rows, more = _rows(asked, facts, book, traffic)
    return _answer(asked, facts, rows, gas, (*notes, *more, *book.notes), between=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Money:
    """What a book adds: its pots, its accounts, its prices."""

    pots: tuple[Pot, ...] = ()
    accounts: tuple[Place, ...] = ()
    prices: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def _refuse_nonsense(asked: Asked, facts: Facts) -> None:
    from perpbook.scenario.table_reader import nearest

    if not (math.isfinite(asked.amount) and asked.amount > 0.0):
        raise InputError(f"an amount of {asked.amount:g} dollars does not go anywhere: give one above 0")
    for name in ("playbook", "market") if asked.book is None else ():
        if getattr(asked, name) is not None:
            raise InputError(f"a {name} is of a book: give the book before it")
    if asked.most < 1:
        raise InputError(f"--most {asked.most} shows nothing: give 1 or more")
    coins = tuple(dict.fromkeys(coin for one in facts.routes.values() for coin in one.assets))
    if asked.asset not in coins:
        raise InputError(f'no route carries "{asked.asset}": {nearest(asked.asset, coins)}')
    for coin, price in asked.prices.items():
        if not (math.isfinite(price) and price > 0.0):
            raise InputError(f"a price of {price:g} for {coin} is none: give dollars above 0")


def _answer(
    asked: Asked, facts: Facts, rows: Sequence[Row], gas: tuple[ExitGas, ...], notes: Sequence[str], *, between: bool
) -> Routes:
    from perpbook.treasury.route_table import Routes

    shown = rows[: asked.most] if between else rows
    return Routes(
        rows=tuple(shown), gas=gas, notes=tuple(dict.fromkeys(notes)), more=len(rows) - len(shown), as_of=facts.as_of,
        storm=asked.storm, between=between,
    )  # fmt: skip


def _traffic(conditions: Conditions, seed: int) -> Traffic:
    from perpbook.runs.rescue import scores_by_name
    from perpbook.treasury.ways import Chance, Traffic

    return Traffic(conditions=conditions, chance=Chance(scores=scores_by_name(seed, DRAWS), held=True))


def _gas(facts: Facts, prices: Mapping[str, float]) -> tuple[ExitGas, ...]:
    from perpbook.treasury.exit_gas import exit_gas

    return tuple(exit_gas(one, prices) for one in facts.layers.values())


def _rows(asked: Asked, facts: Facts, book: _Money, traffic: Traffic) -> tuple[tuple[Row, ...], list[str]]:
    """Rows of ways, the soonest first, and why others are left out."""
    from perpbook.treasury.route_table import unreckoned, way_row, worth_telling

    rows, notes, found, hidden = [], [], False, 0
    starts = [_place(asked.start, facts, book)] if asked.start else None
    ends = [_place(asked.end, facts, book)] if asked.end else None
    few = BETWEEN_PLACES if not (asked.start and asked.end) and asked.book else asked.most
    one_route = (starts is None or ends is None) and asked.book is None
    for pot, end in _pairs(asked, facts, book, starts, ends):
        ways = _between(facts, pot, end)
        if one_route:
            ways = [way for way in ways if sum(hop.route is not None for hop in way.hops) <= 1]
        found = found or bool(ways)
        if starts is not None and ends is not None:
            layers = [_layers(facts, one.layer, one.venue) for one in (pot, end)]
            notes += unreckoned(facts, layers[0], layers[1], asked.asset, asked.amount)
        told = worth_telling(traffic, ways)
        rows += [way_row(facts, traffic, way, book.prices, end.name) for way in told[:few]]
        hidden += max(len(told) - few, 0)
    if not found:
        notes.append(f"no way brings {asked.asset} there: try another coin with --asset, or another place")
    if hidden:
        notes.append(f"{hidden} slower ways between two places are not shown: name the places with --from and --to")
    order = sorted(rows, key=lambda row: (row.seconds[1], row.seconds[0], row.words))
    return tuple(order), notes


def _pairs(
    asked: Asked, facts: Facts, book: _Money, starts: list[Place] | None, ends: list[Place] | None
) -> Iterator[tuple[Pot, Place]]:
    """From where to where: of the book where there is one, else of all layers."""
    layers = [Place(name=one.id, layer=one.id) for one in facts.layers.values()]
    if starts is not None or not asked.book:
        pots = [one.pot(asked.asset, asked.amount) for one in (starts if starts is not None else layers)]
    else:
        pots = [replace(one, dollars=min(one.dollars, asked.amount)) for one in book.pots if one.asset == asked.asset]
    targets = ends if ends is not None else (list(book.accounts) if asked.book else layers)
    for pot in pots:
        for end in targets:
            if pot.name != end.name and (pot.layer != end.layer or not pot.layer):
                yield pot, end


def _between(facts: Facts, pot: Pot, end: Place) -> list[Way]:
    from perpbook.treasury.ways import ways_onto, ways_to

    return ways_onto(facts, pot, end.layer) if end.layer else ways_to(facts, pot, facts.venues[end.venue], end.name)


def _layers(facts: Facts, layer: str, venue: str) -> tuple[str, ...]:
    """Layers at which a place opens."""
    if layer:
        return (layer,)
    keeper: Venue = facts.venues[facts.venues[venue].wallet or venue]
    return (keeper.layer,) if keeper.layer else keeper.networks


def _place(name: str, facts: Facts, book: _Money) -> Place:
    """A layer, a venue or an account by its name."""
    from perpbook.scenario.table_reader import nearest

    layer = facts.layer_id(name)
    if layer is not None:
        return Place(name=layer, layer=layer)
    account = next((one for one in book.accounts if one.name == name), None)
    if account is not None:
        return account
    if name in facts.venues:
        return Place(name=name, venue=name)
    known = (*facts.layers, *facts.venues, *(one.name for one in book.accounts))
    raise InputError(f'no layer, venue or account is called "{name}": {nearest(name, known)}')


def _of_book(asked: Asked, now_ns: int | None, terms_folders: Sequence[Path]) -> _Money:
    """A book's money: balances on layers, free collateral, and the accounts it can go to (isolated ones take it from those)."""
    from perpbook.model.account import MarginMode

    assert asked.book is not None
    wished = StateAsked(
        book=asked.book, playbook=asked.playbook, market=asked.market, facts=asked.facts, seed=asked.seed
    )
    state = state_of(wished, now_ns=now_ns, terms_folders=terms_folders)
    accounts = tuple(
        Place(name=one.id, venue=one.venue)
        for one in state.snapshot.book.accounts
        if one.venue in state.treasury.facts.venues and one.mode is MarginMode.CROSS
    )
    prices = {**state.snapshot.market.asset_prices, **asked.prices}
    return _Money(pots=tuple(state.treasury.pots), accounts=accounts, prices=prices, notes=state.notes)
