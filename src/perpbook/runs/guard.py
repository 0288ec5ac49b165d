"""`guard run`: a book, a playbook, venues and a journal wired into the loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.engine.clock import now_ns
from perpbook.engine.live import Shell, World
from perpbook.engine.live_halt import HaltFlag
from perpbook.engine.live_owner import owned
from perpbook.engine.paper import Market, PaperVenue
from perpbook.engine.ports import Feed, Sink, Venue
from perpbook.errors import InputError, Refused
from perpbook.guard.desk import Desk, fold
from perpbook.guard.guard import Guard
from perpbook.guard.settings import Settings
from perpbook.guard.watch import Watch
from perpbook.journal.database import open_journal
from perpbook.model.message import KillLevel
from perpbook.runs.check import load_all_terms, read_inputs
from perpbook.runs.guard_config import GuardConfig
from perpbook.runs.guard_decide import Judge
from perpbook.runs.guard_live import Live, live_of
from perpbook.runs.guard_places import GuardPlaces
from perpbook.runs.guard_settings import settings_of
from perpbook.runs.guard_teller import begin, needs_teller
from perpbook.runs.guard_words import spoken
from perpbook.runs.paper_state import forget, keeper, kept_book
from perpbook.runs.venue_sim import SimAsked, first_step, path_of
from perpbook.simulation.exchange import Exchange
from perpbook.simulation.setting import Setting

if TYPE_CHECKING:
    from perpbook.model.market import Snapshot
    from perpbook.playbook.schema import Playbook
    from perpbook.terms.terms import VenueTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardAsked:
    """What to guard. storm : an expression of the catalogue that begins at once; lake : the past that is replayed; neither:
    prices stand. speed : minutes of it in a minute. seconds : for how long; None: until it is stopped. fresh : begin with
    what the book file says, not with what paper accounts were left with. config : logins, and whether it is live; None: paper."""

    book: Path
    playbook: Path | None
    places: GuardPlaces
    storm: str | None = None
    lake: Path | None = None
    speed: float = 1.0
    seconds: float | None = None
    fresh: bool = False
    config: GuardConfig | None = None
    terms_folders: tuple[Path, ...] = ()


def run_guard(asked: GuardAsked, sink: Sink, tell: Callable[[str], object]) -> int:
    """Guard a book until stopped; how many records the journal has then.

    Raises
    ------
    InputError : a file is wrong, or the book has no account to guard.
    Refused : another guard has one of the accounts, or the halt flag is up.
    """
    refuse_halted(asked.places)
    ground = read_ground(asked)
    judge = Judge(base=ground.snapshot, playbook=ground.playbook, terms=ground.terms, watch=Watch())
    told = partial(begun, asked)
    return run_shell(asked, ground, lambda desk: Guard(desk, ground.settings, judge, judge.watch), sink, tell, told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What is guarded, by which rules, and how it is reached."""

    snapshot: Snapshot
    playbook: Playbook
    terms: Mapping[str, VenueTerms]
    settings: Settings
    live: Live | None


def read_ground(asked: GuardAsked) -> Ground:
    """The files of a guard, read, and its keys, loaded."""
    snapshot, playbook = read_inputs(
        asked.book, asked.playbook, market=None, now_ns=None, terms_folders=asked.terms_folders
    )
    if not any(account.positions for account in snapshot.book.accounts):
        raise InputError(f"{asked.book} holds no position: there is nothing to guard")
    terms = load_all_terms(snapshot, asked.terms_folders)
    live = live_of(asked.config, snapshot) if asked.config is not None and asked.config.live else None
    settings = settings_of(snapshot, playbook, terms, live=live is not None)
    return Ground(snapshot=snapshot, playbook=playbook, terms=terms, settings=settings, live=live)


def run_shell(
    asked: GuardAsked,
    ground: Ground,
    made: Callable[[Desk], Guard],
    sink: Sink,
    tell: Callable[[str], object],
    told: Callable[[tuple[str, ...], int], str],
    until: Callable[[Shell], None] | None = None,
) -> int:
    """Own the accounts, open the journal, and run a guard until it is stopped; how many records the journal has then. told : the
    first line, of accounts and records.  until : is handed the shell, to stop it."""
    with owned(asked.places.locks, ground.settings.accounts), closing(open_journal(asked.places.journal)) as journal:
        desk = fold(record for _, record in journal.read())
        venues, feeds, symbols = ports_of(asked, ground.snapshot, ground.terms, ground.live)
        world = World(
            venues=venues, feeds=feeds, journal=journal, sink=sink,
            people=spoken(asked.places.words, now_ns), halt=HaltFlag(asked.places.halt),
        )  # fmt: skip
        tell(told(tuple(ground.settings.accounts), desk.records))
        shell = Shell(made(desk), world, symbols)
        if until is not None:
            until(shell)
        with telling(asked, ground.playbook):
            asyncio.run(until_stopped(shell, asked.seconds, ground.live))
        return journal.head[0]


@contextmanager
def telling(asked: GuardAsked, playbook: Playbook) -> Iterator[None]:
    """The playbook's channels told meanwhile, by a process of their own; nothing where it names none."""
    if asked.playbook is None or not needs_teller(playbook):
        yield
        return
    process = begin(asked.places, asked.playbook)
    try:
        yield
    finally:
        process.terminate()
        process.join(5.0)


Ports = tuple[Mapping[str, Venue], Mapping[str, Feed], Mapping[str, tuple[str, ...]]]
"""Venues, feeds and contracts to listen to, by venue."""


def ports_of(asked: GuardAsked, snapshot: Snapshot, terms: Mapping[str, VenueTerms], live: Live | None) -> Ports:
    """What the guard speaks to: live venues, or paper ones that hold what the book says."""
    if live is not None:
        return live.ports(), live.feeds, live.symbols
    venues = paper_venues(held_now(asked, snapshot), terms, asked)
    symbols = {name: venue.exchange.symbols for name, venue in venues.items()}
    return dict[str, Venue](venues), dict[str, Feed](venues), symbols


def held_now(asked: GuardAsked, snapshot: Snapshot) -> Snapshot:
    """The book with its accounts as paper left them, unless that is not wanted."""
    folder = asked.places.folder
    if asked.fresh:
        forget(folder)
    return replace(snapshot, book=kept_book(folder, snapshot.book))


def begun(asked: GuardAsked, accounts: tuple[str, ...], records: int) -> str:
    """The first line."""
    if asked.config is not None and asked.config.live:
        return (
            f"Guarding {', '.join(accounts)} LIVE. Proposals wait for you; nothing is sent until `perpbook guard arm --for 8h`. "
            f"Journal: {records} records before. Stop with Ctrl-C."
        )
    market = (
        f"through {asked.storm}, {asked.speed:g} minutes a minute"
        if asked.storm
        else "prices stand as in the book file"
    )
    return (
        f"Guarding {', '.join(accounts)} on paper ({market}). Nothing leaves this machine. "
        f"Journal: {records} records before. Stop with Ctrl-C."
    )


def refuse_halted(places: GuardPlaces) -> None:
    """Raise Refused while the halt flag is up: whoever raised it lets go of it first."""
    if HaltFlag(places.halt).level is not KillLevel.NONE:
        raise Refused(f"the halt flag is up ({places.halt}): `perpbook halt --resume` takes it down")


def paper_venues(snapshot: Snapshot, terms: Mapping[str, VenueTerms], asked: GuardAsked) -> dict[str, PaperVenue]:
    """A simulated venue for each of the book's, holding what the book says, at its prices and then through what is asked."""
    began, found = now_ns(), {}
    market = SimAsked(book=asked.book, storm=asked.storm or "", lake=asked.lake, proxies={}, speed=asked.speed)
    for venue in dict.fromkeys(account.venue for account in snapshot.book.accounts):
        first = first_step(snapshot, terms[venue], began)
        path, _ = path_of(market, snapshot, terms[venue], first)
        mine = [account for account in snapshot.book.accounts if account.venue == venue]
        coins = Setting(coin_prices=dict(snapshot.market.asset_prices))
        exchange = Exchange(terms[venue], mine, began, first.prices, setting=coins)
        exchange.advance(began, first.prices, first.books)
        goes = Market(
            exchange=exchange, path=path, speed=asked.speed, clock=now_ns, began_ns=began, done_ns=path.start_ns
        )
        found[venue] = PaperVenue(goes, keeper(asked.places.folder, venue))
    return found


async def until_stopped(shell: Shell, seconds: float | None, live: Live | None = None) -> None:
    """Run until a signal, or for some time; live venues are opened first."""
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(name, shell.stop)
    if seconds is not None:
        loop.call_later(seconds, shell.stop)
    if live is not None:
        await live.open(shell.guard.desk)
    await shell.run()
