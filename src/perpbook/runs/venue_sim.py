"""`venue-sim`: a book's venues simulated on a path of prices and served on loopback; the only place that seeds their faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.engine.clock import monotonic_ns, now_ns
from perpbook.errors import InputError, MissingData
from perpbook.model.units import SECOND_NS

if TYPE_CHECKING:
    import socket

    from perpbook.dialects.face import Face
    from perpbook.dialects.keys import MadeUpKey
    from perpbook.dialects.pace import Pace
    from perpbook.dialects.venue import Rate, ServedVenue
    from perpbook.model.account import Account
    from perpbook.model.market import Depth, Snapshot
    from perpbook.simulation.faults import Faults
    from perpbook.simulation.market import Path as PricePath
    from perpbook.simulation.market import Prices, Step
    from perpbook.terms.terms import VenueTerms

SERVED = ("hyperliquid", "dydx", "binance")
"""Venues that have a dialect."""

PAST_SETTLEMENTS = 168
"""Settlements before the start that a funding history shows: at the rate of the start."""

MOST_BARS = 200_000
"""Bars of all contracts of a venue together that are held at most: about 600 MB of steps."""

ALSO = {"500": "error", "stale": "stale_account", "late": "delay"}
"""Faults by the words of those who suffer them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimAsked:
    """What is to be served. storm : its name or file, "" for none. lake, since_ns, until_ns, bar_ns, proxies : the past that is
    replayed, where `lake` is given. speed : venue seconds a second. wait_ns : of the wall, before the market moves."""

    book: Path
    storm: str = ""
    lake: Path | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    bar_ns: int = 60 * SECOND_NS
    proxies: Mapping[str, str]
    speed: float = 1.0
    wait_ns: int = 0
    faults: Sequence[str] = ()
    seed: int = 1
    host: str = "127.0.0.1"
    port: int = 0
    hang_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """Venues ready to be served, with what their clients must be told."""

    url: str
    faces: Mapping[str, Face]
    keys: Mapping[str, tuple[MadeUpKey, ...]]
    venues: Mapping[str, ServedVenue]
    notes: tuple[str, ...]
    asked: SimAsked
    listening: socket.socket

    def serve(self, seconds: float | None = None) -> None:
        """Answer clients until interrupted, or for so long."""
        from perpbook.dialects.server import made_app, serve

        serve(made_app(self.faces, self.asked.hang_s), self.listening, seconds)


def prepare(asked: SimAsked) -> Simulation:
    """Read the book, draw the path, open the venues and the port.

    Raises
    ------
    InputError : nothing in the book can be served, an option makes no sense, or the port cannot be had.
    MissingData : the lake has no history of a contract.
    """
    from perpbook.dialects.server import bound
    from perpbook.runs.places import terms_folders
    from perpbook.snapshot import load_snapshot
    from perpbook.terms.load import load_terms

    if not (np.isfinite(asked.speed) and asked.speed > 0.0):
        raise InputError(f"--speed {asked.speed:g}: a speed is above 0, such as 60 for a minute a second")
    faults = faults_of(asked.faults)
    snapshot = load_snapshot(asked.book, now_ns=now_ns(), terms_folders=terms_folders())
    names = [venue for venue in SERVED if any(account.venue == venue for account in snapshot.book.accounts)]
    if not names:
        raise InputError(f"{asked.book}: no account is on a venue that is served: {', '.join(SERVED)}")
    strangers = sorted(set(asked.proxies) - set(names))
    if strangers:
        raise InputError(f"--proxy {strangers[0]}: it is not served here; {', '.join(names)} are")
    terms = {name: load_terms(name, folders=terms_folders()) for name in names}
    from perpbook.dialects.pace import Pace

    pace = Pace(start_ns=now_ns(), began_ns=monotonic_ns(), speed=asked.speed, monotonic_ns=monotonic_ns)
    opened = [open_venue(asked, snapshot, terms[name], pace, faults, number) for number, name in enumerate(names)]
    listening = bound(asked.host, asked.port)
    others = sorted({account.venue for account in snapshot.book.accounts} - set(names))
    notes = [f"{venue} is not served: its accounts are left out" for venue in others]
    return Simulation(
        url=f"http://{asked.host}:{listening.getsockname()[1]}",
        faces={name: one.face for name, one in zip(names, opened, strict=True)},
        keys={name: one.keys for name, one in zip(names, opened, strict=True)},
        venues={name: one.venue for name, one in zip(names, opened, strict=True)},
        notes=(*notes, *dict.fromkeys(note for one in opened for note in one.notes)),
        asked=asked,
        listening=listening,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One venue, its face, the keys of its accounts, and what to say of its market."""

    venue: ServedVenue
    face: Face
    keys: tuple[MadeUpKey, ...]
    notes: tuple[str, ...]


def open_venue(
    asked: SimAsked, snapshot: Snapshot, terms: VenueTerms, pace: Pace, faults: Faults, number: int
) -> Opened:
    """Simulate one venue of the book. `number` : its turn, which its chances are drawn by."""
    from perpbook.dialects.keys import made_up_key
    from perpbook.dialects.venue import ServedVenue
    from perpbook.simulation.exchange import Exchange
    from perpbook.simulation.setting import Setting

    accounts = tuple(account for account in snapshot.book.accounts if account.venue == terms.venue)
    first = first_step(snapshot, terms, pace.start_ns)
    path, notes = path_of(asked, snapshot, terms, first)
    coins = Setting(coin_prices=dict(snapshot.market.asset_prices))
    exchange = Exchange(terms, accounts, pace.start_ns, first.prices, setting=coins)
    exchange.advance(pace.start_ns, first.prices, first.books)
    exchange.drain()
    draw = np.random.default_rng([asked.seed, number]).random
    venue = ServedVenue(exchange, path, pace, faults, lambda: float(draw()), past_rates(exchange, pace.start_ns))
    keys = tuple(made_up_key(terms.venue, account.id, asked.seed) for account in roots(accounts))
    left = sum(len(account.orders) for account in accounts)
    orders = (f"{left} resting orders of the book are not placed at {terms.name}",) if left else ()
    return Opened(venue=venue, face=face_of(terms.venue, venue, keys), keys=keys, notes=(*notes, *orders))


def roots(accounts: Sequence[Account]) -> list[Account]:
    """Accounts that hang on no other."""
    names = {account.id for account in accounts}
    return [account for account in accounts if account.parent not in names]


def face_of(name: str, venue: ServedVenue, keys: tuple[MadeUpKey, ...]) -> Face:
    """The dialect of a venue."""
    from perpbook.dialects.binance_face import BinanceFace
    from perpbook.dialects.dydx_face import DydxFace
    from perpbook.dialects.hyperliquid_face import HyperliquidFace

    made: dict[str, Any] = {"hyperliquid": HyperliquidFace, "dydx": DydxFace, "binance": BinanceFace}
    found: Face = made[name](venue, keys)
    return found


def first_step(snapshot: Snapshot, terms: VenueTerms, at_ns: int) -> Step:
    """The market of the book: its prices, and its order books where it has some."""
    from perpbook.simulation.market import Prices, Step
    from perpbook.terms.find import find_contract

    prices: dict[str, Prices] = {}
    books: dict[str, Depth] = {}
    for (venue, symbol), quote in snapshot.market.quotes.items():
        mark = quote.mark_price or quote.oracle_price or quote.index_price
        if venue != terms.venue or mark is None:
            continue
        contract = find_contract(terms, symbol).contract
        if contract.is_inverse:
            continue
        prices[contract.symbol] = Prices(
            mark=mark,
            oracle=quote.oracle_price,
            index=quote.index_price,
            funding_rate=quote.funding_rate,
            open_interest=quote.open_interest,
        )
        if quote.depth is not None:
            books[contract.symbol] = quote.depth
    if not prices:
        raise InputError(f"the book has no price of any contract at {terms.name}: add a [[markets]] table")
    return Step(at_ns=at_ns, prices=prices, books=books)


def path_of(asked: SimAsked, snapshot: Snapshot, terms: VenueTerms, first: Step) -> tuple[PricePath, tuple[str, ...]]:
    """The prices that follow, beginning at `first`, and what to say of them."""
    from perpbook.simulation.market import Path as PricePath

    if asked.storm and asked.lake is not None:
        raise InputError("--storm and --lake are two markets: choose one")
    if asked.storm:
        found, notes = of_storm(asked, snapshot, terms, first)
    elif asked.lake is not None:
        found, notes = of_lake(asked, terms, first)
    else:
        return PricePath(steps=(first,)), ("prices stand as the book has them",)
    wait = int(asked.wait_ns * asked.speed)
    shift = first.at_ns + wait - found.start_ns + 1
    moved = tuple(replace(step, at_ns=step.at_ns + shift) for step in found.steps)
    length = (found.end_ns - found.start_ns) / asked.speed / 60e9
    lasts = (
        f"the market moves {asked.wait_ns / 1e9:g} s after the start, for {length:.1f} minutes at speed {asked.speed:g}"
    )
    return PricePath(steps=(first, *moved)), (*notes, lasts)


def of_storm(asked: SimAsked, snapshot: Snapshot, terms: VenueTerms, first: Step) -> tuple[PricePath, tuple[str, ...]]:
    """A storm over prices that stand still otherwise; a window it replays is outlined by its known moves."""
    from perpbook.model.bars import SeriesKey
    from perpbook.scenario.catalogue import find_storm
    from perpbook.scenario.draw import draw
    from perpbook.scenario.overlay import Ground
    from perpbook.scenario.replay import outline
    from perpbook.simulation.market import path_of_storm
    from perpbook.terms.find import find_contract

    storm = find_storm(asked.storm)
    if not storm.horizon_ns or not storm.step_ns:
        raise InputError(f'--storm {asked.storm}: nothing happens in "{storm.name}"')
    symbols = tuple(first.prices)
    ground = Ground(
        series=tuple(SeriesKey(venue=terms.venue, symbol=symbol) for symbol in symbols),
        assets=tuple(find_contract(terms, symbol).contract.base for symbol in symbols),
        betas=snapshot.market.betas,
    )
    steps = -(-storm.horizon_ns // storm.step_ns)
    overlay = draw(outline(storm) if storm.replay else storm, ground, bar_ns=storm.step_ns, steps=steps)
    marks = {symbol: price.mark for symbol, price in first.prices.items()}
    path = path_of_storm(overlay, marks, first.at_ns, terms.funding.interval_ns)
    return path, (f"storm: {storm.title}", *overlay.notes)


def of_lake(asked: SimAsked, terms: VenueTerms, first: Step) -> tuple[PricePath, tuple[str, ...]]:
    """The past of a lake, begun at the book's prices: its moves, not its levels."""
    from perpbook.history.choose import Wanted, span_of
    from perpbook.history.lake import Lake
    from perpbook.history.load import load_bars
    from perpbook.simulation.market import path_of_bars
    from perpbook.terms.find import find_contract

    assert asked.lake is not None, "a lake is given"
    if not asked.lake.is_dir():
        raise MissingData(f"{asked.lake} is no folder: give the lake that `perpbook data pull` filled")
    lake, found = Lake(asked.lake), [find_contract(terms, symbol).contract for symbol in first.prices]
    wanted = [Wanted(venue=terms.venue, symbol=one.symbol, base=one.base, quote=one.quote) for one in found]
    proxies = {venue: other for venue, other in asked.proxies.items() if venue == terms.venue}
    start, end = span_of(lake, wanted, bar_ns=asked.bar_ns, proxies=proxies)
    first_ns = start if asked.since_ns is None else asked.since_ns
    last_ns = end if asked.until_ns is None else asked.until_ns
    if (last_ns - first_ns) // asked.bar_ns * len(wanted) > MOST_BARS:
        raise InputError(f"more than {MOST_BARS:,} bars: choose a span with --from and --to, or a wider --bar")
    bars = load_bars(
        lake,
        wanted,
        bar_ns=asked.bar_ns,
        start_ns=first_ns,
        end_ns=last_ns,
        proxies=proxies,
    )
    level = np.array([price.mark for price in first.prices.values()])[:, None] / bars.open[:, :1]
    levelled = replace(bars, **{name: getattr(bars, name) * level for name in ("open", "high", "low", "close")})
    path = path_of_bars(levelled, terms.venue, tuple(first.prices), terms.funding.interval_ns)
    return path, (f"{terms.name}: the moves of {bars.source}, laid on the book's prices", *bars.notes)


def past_rates(exchange: Any, start_ns: int) -> dict[str, list[Rate]]:
    """Settlements before the start: at the rate and price of the start."""
    from perpbook.dialects.venue import Rate

    interval = exchange.terms.funding.interval_ns
    last = start_ns // interval * interval
    out = {}
    for symbol in exchange.symbols:
        now: Prices = exchange.prices(symbol)
        out[symbol] = [
            Rate(at_ns=last - back * interval, rate=now.funding_rate or 0.0, price=now.oracle or now.mark)
            for back in reversed(range(PAST_SETTLEMENTS))
        ]
    return out


def faults_of(given: Sequence[str]) -> Faults:
    """Faults out of words like `500=0.01`, `hang=0.05`, `skew=-2s`.

    Raises
    ------
    InputError : an unknown fault, or a chance that is none.
    """
    from perpbook.runs.moments import length_ns
    from perpbook.simulation.faults import Faults

    known = [one.name for one in fields(Faults) if not one.name.endswith("_ns")]
    found: dict[str, Any] = {}
    for words in given:
        name, _, value = words.partition("=")
        field = ALSO.get(name, name)
        if name == "skew":
            found["skew_ns"] = length_ns(value.lstrip("-")) * (-1 if value.startswith("-") else 1)
        elif field in known:
            found[field] = chance(words, value)
        else:
            raise InputError(f"--fault {words}: known are {', '.join([*ALSO, 'skew', *known])}, as in --fault 500=0.01")
    return Faults(**found)


def chance(words: str, value: str) -> float:
    """A chance of 0 to 1."""
    try:
        number = float(value)
    except ValueError:
        number = np.nan
    if not 0.0 <= number <= 1.0:
        raise InputError(f"--fault {words}: a chance is a number from 0 to 1, as in --fault 500=0.01")
    return number


def told(simulation: Simulation) -> dict[str, Any]:
    """Addresses, made-up keys and client settings, as data."""
    from perpbook.dialects.settings import settings_of

    return {
        "url": simulation.url,
        "seed": simulation.asked.seed,
        "speed": simulation.asked.speed,
        "notes": list(simulation.notes),
        "venues": [
            {
                "venue": name,
                "url": f"{simulation.url}/{name}",
                "accounts": [
                    {
                        "account": key.account,
                        "made_up_public": key.public,
                        "made_up_secret": key.secret,
                        "settings": settings_of(name, f"{simulation.url}/{name}", key),
                    }
                    for key in keys
                ],
            }
            for name, keys in simulation.keys.items()
        ],
    }


def outcome(simulation: Simulation) -> list[str]:
    """What became of every account, in words, and which faults struck."""
    out = []
    for name, venue in simulation.venues.items():
        for account in venue.truth.accounts:
            equity = venue.truth.account(account).reported.equity or 0.0
            died = sum(1 for one in venue.liquidated if one.account == account)
            fate = f", liquidated in {died} steps" if died else ""
            out.append(f"{name} {account}: equity {equity:,.2f}, {len(venue.trades[account])} trades{fate}")
        counts = venue.faults_struck()
        if counts:
            out.append(f"{name} faults: " + ", ".join(f"{kind} {count}" for kind, count in counts.items()))
    return out
