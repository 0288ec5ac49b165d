"""`funding offset` and `funding scan`: a book file and the lake's funding become ways to pay less, and carry to be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import DataError, InputError, MissingData
from perpbook.model.units import DAY_NS, to_iso

if TYPE_CHECKING:
    from perpbook.funding.dated import Dated
    from perpbook.funding.forecast import Forecast
    from perpbook.funding.offsets import Offsets, Told
    from perpbook.funding.planner import Curves, Planner
    from perpbook.funding.scan import Carries, Limits, Place
    from perpbook.funding.trading import Desk
    from perpbook.funding.trial import Sender
    from perpbook.history.lake import Lake
    from perpbook.model.bars import Settlements

Tell = Callable[[str, int, int], None]

GRID_DAYS = (1, 7, 30)
"""Horizons forecast besides the one asked for: a break-even lies between two of them."""

SEED = 1
"""Of the chance that hops of money take long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetsAsked:
    """Whose funding, over what horizon. `at_ns` None: the time of the book's prices; `only` a position, as symbol or coin, with
    or without "@ account"; `least` dollars over the horizon that are worth a plan; `part` of a position a partial way is for;
    `dollars` a leg of a pair, None for a tenth of the book's equity; `dated` a file of quotes; `loss` and `depth_share` how far a
    pair may go into depth, the share None for that of the playbook beside the book, or all of it."""

    book: Path
    horizon_ns: int = 14 * DAY_NS
    level: float = 0.9
    model: str | None = None
    at_ns: int | None = None
    only: str | None = None
    least: float = 0.0
    part: float = 0.5
    dollars: float | None = None
    half_spread: float = 1e-4
    spot_fee: float = 1e-3
    spot_spread: float = 1e-4
    dated: Path | None = None
    loss: float = 1e-3
    depth_share: float | None = None
    terms_folders: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 < self.part < 1.0:
            raise InputError(f"--part {self.part:g} is no part of a position: choose one between 0 and 1, like 0.5")
        if not 0.0 <= self.least < float("inf"):
            raise InputError(f"--least {self.least:g}: dollars over the horizon, 0 or above")
        fractions = {"half-spread": self.half_spread, "spot-fee": self.spot_fee, "spot-spread": self.spot_spread}
        for name, value in {**fractions, "most-lost": self.loss}.items():
            if not 0.0 <= value < 0.1:
                raise InputError(f"--{name} {value:g}: a fraction of price from 0 to 0.1, like 0.0001")
        if self.dollars is not None and not self.dollars > 0.0:
            raise InputError(f"--size {self.dollars:g}: dollars a leg, above 0")
        if self.depth_share is not None and not 0.0 < self.depth_share <= 1.0:
            raise InputError(f"--depth-share {self.depth_share:g}: a share of what rests, above 0 and up to 1")


def run_offsets(folder: Path, asked: OffsetsAsked, tell: Tell) -> Offsets:
    """Plan them.

    Raises
    ------
    InputError : a file or option is wrong, or the book has no such position.
    DataError : a price is missing, or the lake has no funding of the book's assets.
    """
    from perpbook.funding.offsets import Offsets, plan_offsets
    from perpbook.funding.planner import curve_of
    from perpbook.runs.baskets import baskets_for

    found = _ready(folder, asked, tell)
    desk, now = found.planner.desk, next(iter(found.planner.curves.values()))[0].now_ns
    named = None if asked.only is None else held_as(desk, asked.only)
    if named is not None and all(curve_of(found.planner, *one) is None for one in named):
        raise MissingData(f"no funding of {asked.only} can be forecast: " + "; ".join(found.told.notes))
    baskets = baskets_for(folder, desk, now, asked.horizon_ns, asked.level)
    positions = plan_offsets(replace(found.planner, baskets=baskets), asked.least, named)
    return Offsets(told=found.told, positions=positions, named=asked.only or "")


def held_as(desk: Desk, words: str) -> frozenset[tuple[str, str]]:
    """Positions by account and symbol that "BTCUSDT", "BTC" or "BTC @ main" names: by symbol, else by coin.

    Raises
    ------
    InputError : the book holds no such position.
    """
    name, _, where = (part.strip() for part in words.partition("@"))
    held = [(account.id, one.symbol) for account in desk.snapshot.book.accounts for one in account.positions]
    there = [one for one in held if not where or one[0] == where]
    found = [one for one in there if one[1] == name] or [
        one for one in there if desk.contract(*one).contract.base == name.upper()
    ]
    if not found:
        known = ", ".join(f"{symbol} @ {account}" for account, symbol in held) or "nothing"
        hint = "; a book file goes with --book" if Path(name).suffix else ""
        raise InputError(f'the book holds no "{words}": it holds {known}{hint}')
    return frozenset(found)


def run_scan(folder: Path, asked: OffsetsAsked, tell: Tell) -> Carries:
    """Look for carry among the book's accounts and the assets it knows prices of; errors as `run_offsets`."""
    from perpbook.funding.scan import Carries, scan
    from perpbook.margin.assess import assess

    found = _ready(folder, asked, tell)
    desk = found.planner.desk
    dollars = asked.dollars or 0.1 * assess(desk.snapshot, desk.terms).assessment.book.equity
    if not dollars > 0.0:
        raise InputError("the book is worth nothing: give --size dollars a leg")
    known = [
        place for place in (*found.places, *_dated_places(found.planner)) if _key(desk, place) in found.planner.curves
    ]
    limits = limits_of(asked)
    pairs = scan(found.planner, known, dollars, found.histories, limits)
    return Carries(told=found.told, dollars=dollars, candidates=pairs, limits=limits)


def _dated_places(planner: Planner) -> Iterator[Place]:
    """Futures that expire after the horizon, in every account that may trade them."""
    from perpbook.funding.planner import horizons_of
    from perpbook.funding.scan import Place

    until = next(iter(planner.curves.values()))[0].now_ns + horizons_of(planner)[planner.horizon]
    for account in planner.desk.snapshot.book.accounts:
        for (venue, symbol), end in planner.ends_ns.items():
            if account.venue == venue and end >= until:
                asset = planner.desk.contract(account.id, symbol).contract.base
                yield Place(account=account.id, symbol=symbol, asset=asset)


def limits_of(asked: OffsetsAsked) -> Limits:
    """How far a pair may go into depth: the share asked for, or that of the playbook beside the book."""
    from perpbook.funding.scan import Limits
    from perpbook.playbook.load import load_playbook
    from perpbook.runs.places import playbook_beside

    share, beside = asked.depth_share, playbook_beside(asked.book)
    if share is None and beside is not None:
        liquidity = load_playbook(beside).liquidity
        share = liquidity.max_depth_share if liquidity else None
    return Limits(loss=asked.loss, share=1.0 if share is None else min(share, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Everything both verbs start from."""

    planner: Planner
    places: tuple[Place, ...]
    histories: Mapping[tuple[str, str], Settlements]
    told: Told


def _ready(folder: Path, asked: OffsetsAsked, tell: Tell) -> Ready:
    from perpbook.funding.dated import expiries
    from perpbook.funding.offsets import Told
    from perpbook.funding.planner import Planner
    from perpbook.funding.trading import Desk, Prices
    from perpbook.history.lake import Lake
    from perpbook.runs.check import load_all_terms, read_inputs

    snapshot, _ = read_inputs(asked.book, None, market=None, now_ns=None, terms_folders=asked.terms_folders)
    terms = load_all_terms(snapshot, asked.terms_folders)
    prices = Prices(half_spread=asked.half_spread, spot_fee=asked.spot_fee, spot_spread=asked.spot_spread)
    desk = Desk(snapshot=snapshot, terms=terms, prices=prices)
    if asked.only is not None:
        held_as(desk, asked.only)
    places, now = tuple(places_of(desk)), asked.at_ns or snapshot.market.as_of_ns
    if not places:
        raise InputError(f"{asked.book}: the book holds and prices no contract, so there is no funding to plan for")
    horizons = sorted({asked.horizon_ns, *(days * DAY_NS for days in GRID_DAYS)})
    histories, notes = _histories(Lake(folder), desk, places)
    curves = {}
    for number, (key, history) in enumerate(histories.items()):
        tell(f"forecasting {' '.join(key)}", number, len(histories))
        curve = _curve(key, history, horizons, now, asked, desk, notes)
        if asked.horizon_ns in curve:
            curves[key] = curve
    if not curves:
        raise MissingData("no funding of the book's assets can be forecast: " + "; ".join(dict.fromkeys(notes)))
    shared = [horizon for horizon in horizons if all(horizon in curve for curve in curves.values())]
    found = {key: tuple(curve[horizon] for horizon in shared) for key, curve in curves.items()}
    simulated = snapshot.market.simulated or _made_up(Lake(folder), desk, places)
    quoted = _quoted(asked, desk, now, notes)
    desk, whole = _with_quotes(desk, found, quoted)
    planner = Planner(
        desk=desk, curves=whole, send=sender(desk), horizon=shared.index(asked.horizon_ns), part=asked.part,
        ends_ns=expiries(quoted),
    )  # fmt: skip
    if now != snapshot.market.as_of_ns:
        notes.append(f"sizes and prices are of {to_iso(snapshot.market.as_of_ns)}, funding up to {to_iso(now)}")
    told = Told(
        as_of=to_iso(now), horizon_days=asked.horizon_ns / DAY_NS, level=asked.level,
        simulated=simulated, notes=tuple(dict.fromkeys(notes)),
    )  # fmt: skip
    return Ready(planner=planner, places=places, histories=histories, told=told)


def _quoted(asked: OffsetsAsked, desk: Desk, now_ns: int, notes: list[str]) -> tuple[Dated, ...]:
    """The futures of the file of quotes that can be tried on the book."""
    from perpbook.runs.dated import read_dated, usable

    return () if asked.dated is None else usable(desk, read_dated(asked.dated, now_ns), now_ns, notes)


def _with_quotes(desk: Desk, curves: Curves, quoted: tuple[Dated, ...]) -> tuple[Desk, Curves]:
    """The desk and what holding costs, with futures that expire in both."""
    from perpbook.funding.dated import basis_curve, spot_price, with_dated

    like = next(iter(curves.values()))
    horizons = [one.horizon_ns for one in like]
    added = {}
    for one in quoted:
        spot = spot_price(desk, one)
        assert spot is not None
        added[one.key] = basis_curve(one, spot, horizons, like[0].now_ns, like[0].level)
    return with_dated(desk, quoted), {**curves, **added}


def _made_up(lake: Lake, desk: Desk, places: tuple[Place, ...]) -> bool:
    """Whether any of the lake's series that are read is simulated."""
    from perpbook.runs.funding import series_of

    found = (series_of(lake, desk.contract(place.account, place.symbol).contract) for place in places)
    return any(one is not None and one.simulated for one in found)


def places_of(desk: Desk) -> Iterator[Place]:
    """Every contract that an account holds, or may trade in an asset that the book holds or prices: settled as its venue is."""
    from perpbook.funding.scan import Place

    book, market = desk.snapshot.book, desk.snapshot.market
    held = {(one.id, desk.contract(one.id, position.symbol)) for one in book.accounts for position in one.positions}
    priced = {
        venue.contracts[symbol]
        for (name, symbol) in market.quotes
        if (venue := desk.terms.get(name)) and symbol in venue.contracts
    }
    assets = {terms.contract.base for _, terms in held} | {terms.contract.base for terms in priced}
    for account in book.accounts:
        venue = desk.terms[account.venue]
        for symbol, terms in venue.contracts.items():
            if terms.contract.base in assets and (terms.contract.settle == venue.settle or (account.id, terms) in held):
                yield Place(account=account.id, symbol=symbol, asset=terms.contract.base)


def _key(desk: Desk, place: Place) -> tuple[str, str]:
    return desk.account(place.account).venue, place.symbol


def _histories(
    lake: Lake, desk: Desk, places: tuple[Place, ...]
) -> tuple[dict[tuple[str, str], Settlements], list[str]]:
    """What the lake has of every place's funding, and notes of what it has not."""
    from perpbook.history.load import read_settlements
    from perpbook.runs.funding import series_of

    out, notes = {}, []
    for place in places:
        key = _key(desk, place)
        found = None if key in out else series_of(lake, desk.contract(place.account, place.symbol).contract)
        if found is not None:
            out[key] = read_settlements(lake, found)
        elif key not in out:
            notes.append(f"the lake has no funding of {place.symbol} on {key[0]}")
    return out, notes


def _curve(
    key: tuple[str, str],
    history: Settlements,
    horizons: list[int],
    now_ns: int,
    asked: OffsetsAsked,
    desk: Desk,
    notes: list[str],
) -> dict[int, Forecast]:
    """One contract's funding over every horizon that its history allows; `notes` of those that it does not."""
    from perpbook.funding.forecast import forecast

    out = {}
    for horizon in horizons:
        try:
            out[horizon] = forecast(
                history, horizon_ns=horizon, now_ns=now_ns, level=asked.level, model=asked.model, venue=key[0],
                symbol=key[1], terms=desk.terms[key[0]].funding,
            )  # fmt: skip
        except DataError as error:
            notes.append(f"no forecast over {horizon / DAY_NS:g} days: {error}")
    return out


def sender(desk: Desk) -> Sender:
    """How money goes from one of a book's accounts to another, by the facts on routes."""
    from perpbook.funding.trading import Money
    from perpbook.runs.rescue import FEWEST_DRAWS, scores_by_name
    from perpbook.treasury.conditions import Conditions
    from perpbook.treasury.facts_load import packaged_facts
    from perpbook.treasury.law import Z90
    from perpbook.treasury.pots import Pot, leaving
    from perpbook.treasury.ways import Chance, Traffic, ways_to

    facts = packaged_facts()
    traffic = Traffic(conditions=Conditions(facts=facts), chance=Chance(scores=scores_by_name(SEED, FEWEST_DRAWS)))

    def send(source: str, destination: str, dollars: float) -> Money:
        start, end = desk.account(source).venue, desk.account(destination).venue
        bare = Money(source=source, destination=destination, dollars=dollars)
        if start not in facts.venues or end not in facts.venues:
            return bare
        found = [
            way
            for coin in leaving(desk.terms[start].settle, facts, start)
            for way in ways_to(
                facts,
                Pot(name=source, asset=coin, dollars=dollars, account=source, venue=start),
                facts.venues[end],
                destination,
            )
            if way.dollars >= dollars
        ]
        if not found:
            return bare
        best = traffic.ranked(found)[0]
        return Money(
            source=source, destination=destination, dollars=dollars, seconds=traffic.at_score(best, Z90),
            fee=best.fee_dollars, by=best.words,
        )  # fmt: skip

    return send


def write_offsets(found: Offsets, path: Path) -> None:
    """Ways to pay less as one self-contained page."""
    from perpbook import __version__
    from perpbook.report.offsets_page import offsets_page
    from perpbook.runs.drill_page import write_page

    write_page(path, offsets_page(found, __version__))
