"""`guard run`: a book, a playbook, venues and a journal wired into the loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.engine.clock import now_ns
from perpbook.engine.live import Shell
from perpbook.engine.live_halt import HaltFlag
from perpbook.engine.live_owner import owned
from perpbook.engine.live_world import Pace, World
from perpbook.engine.paper import Market, PaperVenue
from perpbook.engine.ports import Feed, Sink, Venue
from perpbook.errors import DataError, InputError, Refused
from perpbook.guard.desk import Desk, fold
from perpbook.guard.guard import Guard
from perpbook.guard.settings import Settings
from perpbook.guard.signals import Signals
from perpbook.guard.watch import Watch
from perpbook.journal.database import open_journal
from perpbook.journal.inputs import InputLog
from perpbook.model.message import KillLevel, Message
from perpbook.model.units import SECOND_NS
from perpbook.runs.check import check_snapshot, load_all_terms, read_inputs
from perpbook.runs.guard_begun import begun_of
from perpbook.runs.guard_beside import Beside, beside_the_book, sensitivity_of
from perpbook.runs.guard_config import GuardConfig
from perpbook.runs.guard_decide import Judge
from perpbook.runs.guard_follow import Charge
from perpbook.runs.guard_live import Live, live_of
from perpbook.runs.guard_places import GuardPlaces
from perpbook.runs.guard_settings import settings_of
from perpbook.runs.guard_teller import TellerProcess, needs_teller
from perpbook.runs.guard_words import spoken
from perpbook.runs.paper_state import forget, keeper, kept_book
from perpbook.runs.places import drills_folder
from perpbook.runs.treasury_health import memory_file
from perpbook.runs.venue_sim import SimAsked, first_step, path_of
from perpbook.simulation.exchange import Exchange
from perpbook.simulation.setting import Setting
from perpbook.venues.loop import fast_loop

if TYPE_CHECKING:
    from perpbook.model.market import Snapshot
    from perpbook.playbook.schema import Playbook
    from perpbook.terms.terms import VenueTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardAsked:
    """What to guard. storm : an expression of the catalogue, or a file; lake : the past that is replayed; neither: prices stand.
    speed : minutes of it in a minute; after : seconds before it begins. seconds : for how long; None: until it is stopped.
    fresh : begin with what the book file says, not with what paper accounts were left with. config : logins, and whether it is
    live; None: paper. spin : as in `Pace`."""

    book: Path
    playbook: Path | None
    places: GuardPlaces
    storm: str | None = None
    lake: Path | None = None
    speed: float = 1.0
    after: float = 0.0
    seconds: float | None = None
    fresh: bool = False
    config: GuardConfig | None = None
    spin: bool = False
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
    snapshot, playbook, terms = ground.snapshot, ground.playbook, ground.terms
    beside = Beside(base=snapshot, playbook=playbook, book=asked.book, health=memory_file(), shelf=drills_folder())
    judge = Judge(base=snapshot, playbook=playbook, terms=terms, watch=Watch())
    signals = Signals(sensitivity_of(playbook.alerts))
    warm_up(snapshot, playbook, terms)
    with closing(InputLog(asked.places.inputs, begun_of(asked.book, asked.playbook, ground.settings))) as inputs:
        kit = Kit(
            made=lambda desk: Guard(desk, ground.settings, judge, judge.watch, signals), told=partial(begun, asked),
            notices=lambda desk: beside_the_book(beside, lambda: tuple(desk.alerts), now_ns), inputs=inputs,
        )  # fmt: skip
        records = run_shell(asked, ground, kit, sink, tell)
        if inputs.why:
            tell(f"{inputs.why}: what was decided since cannot be replayed")
    return records


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
    live = live_of(asked.config, snapshot, terms) if asked.config is not None and asked.config.live else None
    settings = settings_of(snapshot, playbook, terms, live=live is not None)
    return Ground(snapshot=snapshot, playbook=playbook, terms=terms, settings=settings, live=live)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What is run. made : a guard on a desk.  told : the first line, of accounts and records.  until : is handed the shell, to
    stop it.  notices : what is seen beside the book, of what stands.  inputs : where what the guard is told is kept.  closes :
    a venue that is away at the start is waited for, and one whose account shows nothing is no reason not to begin."""

    made: Callable[[Desk], Guard]
    told: Callable[[tuple[str, ...], int], str]
    until: Callable[[Shell], None] | None = None
    notices: Callable[[Desk], AsyncIterator[Message]] | None = None
    inputs: InputLog | None = None
    closes: bool = False


def run_shell(asked: GuardAsked, ground: Ground, kit: Kit, sink: Sink, tell: Callable[[str], object]) -> int:
    """Own the accounts, open the journal, and run a guard until it is stopped; how many records the journal has then."""
    with owned(asked.places.locks, ground.settings.accounts), closing(open_journal(asked.places.journal)) as journal:
        desk = fold(record for _, record in journal.read())
        venues, feeds, symbols = ports_of(asked, ground.snapshot, ground.terms, ground.live)
        world = World(
            venues=venues, feeds=feeds, journal=journal, sink=sink,
            people=spoken(asked.places.words, now_ns), halt=HaltFlag(asked.places.halt), inputs=kit.inputs,
            notices=kit.notices(desk) if kit.notices is not None else None,
        )  # fmt: skip
        tell(kit.told(tuple(ground.settings.accounts), desk.records))
        shell = Shell(kit.made(desk), world, symbols, Pace(spin=asked.spin))
        if kit.until is not None:
            kit.until(shell)
        with (
            telling(asked, ground.playbook, journal.head[0]) as teller,
            asyncio.Runner(loop_factory=fast_loop()) as runner,
        ):
            opening = Opening(live=ground.live, tell=tell, closes=kit.closes) if ground.live is not None else None
            runner.run(until_stopped(shell, asked.seconds, opening, teller))
        return journal.head[0]


def warm_up(snapshot: Snapshot, playbook: Playbook, terms: Mapping[str, VenueTerms]) -> None:
    """Judge the book file once, so that nothing is compiled or imported while the market waits."""
    with suppress(DataError):
        check_snapshot(snapshot, playbook, terms)


def telling(asked: GuardAsked, playbook: Playbook, records: int) -> AbstractContextManager[TellerProcess | None]:
    """The process that tells the playbook's channels meanwhile; nothing where it names none."""
    if asked.playbook is None or not needs_teller(playbook):
        return nullcontext()
    return TellerProcess(Charge(places=asked.places, playbook=asked.playbook, after=records))


Ports = tuple[Mapping[str, Venue], Mapping[str, Feed], Mapping[str, tuple[str, ...]]]
"""Venues, feeds and contracts to listen to, by venue."""


def ports_of(asked: GuardAsked, snapshot: Snapshot, terms: Mapping[str, VenueTerms], live: Live | None) -> Ports:
    """What the guard speaks to: live venues, or paper ones that hold what the book says."""
    if live is not None:
        return live.opened, live.feeds, live.symbols
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
    return (
        f"Guarding {', '.join(accounts)} on paper ({market_of(asked)}). Nothing leaves this machine. "
        f"Journal: {records} records before. Stop with Ctrl-C."
    )


def market_of(asked: GuardAsked) -> str:
    """What paper prices do."""
    begins = f", begins in {asked.after:g} s" if asked.after else ""
    if asked.storm:
        return f"through {asked.storm}, {asked.speed:g} minutes a minute{begins}"
    if asked.lake is not None:
        return f"through the past in {asked.lake}, {asked.speed:g} minutes a minute{begins}"
    return "prices stand as in the book file"


def refuse_halted(places: GuardPlaces) -> None:
    """Raise Refused while the halt flag is up: whoever raised it lets go of it first."""
    if HaltFlag(places.halt).level is not KillLevel.NONE:
        raise Refused(f"the halt flag is up ({places.halt}): `perpbook halt --resume` takes it down")


def paper_venues(snapshot: Snapshot, terms: Mapping[str, VenueTerms], asked: GuardAsked) -> dict[str, PaperVenue]:
    """A simulated venue for each of the book's, holding what the book says, at its prices and then through what is asked."""
    began, found = now_ns(), {}
    market = SimAsked(
        book=asked.book, storm=asked.storm or "", lake=asked.lake, proxies={}, speed=asked.speed,
        wait_ns=int(asked.after * SECOND_NS),
    )  # fmt: skip
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Live venues to be opened. closes : as in `Kit`."""

    live: Live
    tell: Callable[[str], object]
    closes: bool


async def until_stopped(
    shell: Shell, seconds: float | None, opening: Opening | None = None, teller: TellerProcess | None = None
) -> None:
    """Run until a signal, or for some time; live venues are opened first, and who tells alerts is looked after."""
    loop, desk = asyncio.get_running_loop(), shell.guard.desk
    first = loop.create_task(opening.live.open(desk, opening.tell, closes=opening.closes)) if opening else None

    def stop() -> None:
        shell.stop()
        if first is not None:
            first.cancel()

    for name in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(name, stop)
    if seconds is not None:
        loop.call_later(seconds, stop)
    if first is not None:
        await asyncio.wait((first,))
        if first.cancelled():
            return
        first.result()
    beside = [opening.live.open_later(desk, opening.closes)] if opening is not None else []
    beside += [teller.watch(shell.world.sink)] if teller is not None else []
    try:
        await _run_beside(shell, beside)
    finally:
        if opening is not None:
            await opening.live.close()


async def _run_beside(shell: Shell, beside: Sequence[Coroutine[object, object, None]]) -> None:
    """Run until stopped; what runs beside it ends with it."""
    tasks = [asyncio.create_task(one) for one in beside]
    try:
        await shell.run()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
