"""A crash at served venues, twice from the same seed: one with a guard that real people's words reach, one without."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from perpbook.dialects.server import made_app, made_server
from perpbook.dialects.venue import ServedVenue
from perpbook.engine.clock import now_ns
from perpbook.engine.live_owner import is_owned
from perpbook.errors import InputError
from perpbook.guard.case import Phase
from perpbook.guard.desk import Desk
from perpbook.model.message import Answered, Arm
from perpbook.model.record import Record, RecordKind
from perpbook.runs.guard_people import desk_of
from perpbook.runs.guard_places import GuardPlaces
from perpbook.runs.guard_words import say
from perpbook.runs.journal import reading
from perpbook.runs.venue_sim import SimAsked, Simulation, first_step, path_of, prepare
from perpbook.simulation.market import Path as PricePath
from perpbook.simulation.market import Step
from perpbook.snapshot import load_snapshot
from perpbook.terms.load import load_terms

PAGE = Path(__file__).parents[2] / "docs" / "guard-live.md"
PATIENCE_S, WAVE_S = 30.0, 5.0
"""Seconds: how long the guard has after the first wave, and how long the second lasts."""
LOOK_S = 0.5
"""Between two looks at the journal."""
SECOND_NS = 59 * 10**9
"""When the storm's second wave begins."""

KEYS = {"hyperliquid": "PERPBOOK_TEST_HL", "dydx": "PERPBOOK_TEST_DYDX"}


@dataclass(slots=True)
class Outcome:
    """What became of both. `guarded`, `bare` : simulations at the end; `journal` : where the guard's is, `records` : all of it.
    `fell_ns` : when the first wave began.
    `said` : what the guard told on its console."""

    guarded: Simulation
    bare: Simulation
    journal: str
    fell_ns: int = 0
    records: list[Record] = field(default_factory=list)
    said: str = ""

    def of(self, kind: RecordKind) -> list[Record]:
        return [one for one in self.records if one.kind is kind]


def files_in(folder: Path) -> dict[str, Path]:
    """The page's own examples, as files."""
    found = {}
    for block in re.findall(r"```toml\n# (\w+\.toml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S):
        found[block[0]] = folder / block[0]
        found[block[0]].write_text(block[1], encoding="utf-8")
    return found


def config_of(simulation: Simulation, every: float) -> str:
    """guard.toml for the served venues."""
    lines = ['mode = "live"', f"poll_seconds = {every}"]
    for venue, keys in simulation.keys.items():
        lines += [
            f"[accounts.{keys[0].account}]", f'venue = "{venue}"', f'address = "{keys[0].public}"',
            f'key = "env:{KEYS[venue]}"', f'endpoint = "{simulation.url}/{venue}"',
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def serving(simulation: Simulation) -> Iterator[None]:
    server = made_server(made_app(simulation.faces, 10.0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [simulation.listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10.0)
        simulation.listening.close()


def waves(asked: SimAsked, venue: ServedVenue, name: str) -> tuple[PricePath, PricePath]:
    """The storm's path at a venue, up to its second wave and from there on, each from 0."""
    snapshot, terms = load_snapshot(asked.book), load_terms(name)
    steps = path_of(asked, snapshot, terms, first_step(snapshot, terms, 0))[0].steps
    venue.catch_up()
    parts = [one for one in steps if one.at_ns < SECOND_NS], [one for one in steps if one.at_ns >= SECOND_NS]
    return begun(parts[0]), begun(parts[1])


def begun(steps: Sequence[Step]) -> PricePath:
    """The same from 0."""
    return PricePath(steps=tuple(replace(one, at_ns=one.at_ns - steps[0].at_ns) for one in steps))


def fall(asked: SimAsked, wave: int, *simulations: Simulation) -> None:
    """A wave begins at every venue of these, now."""
    for simulation in simulations:
        for name, venue in simulation.venues.items():
            path = waves(asked, venue, name)[wave]
            now = venue.truth.now_ns + 1
            venue.follow(PricePath(steps=tuple(replace(one, at_ns=now + one.at_ns) for one in path.steps)))


def a_crash(folder: Path) -> Outcome:
    """Guard a book through it; see the page for book, playbook and storm. It begins once the guard is armed."""
    files = files_in(folder)
    places = GuardPlaces(folder=folder / "guards" / "guard", journal=str(folder / "journal.db"))
    calm = SimAsked(book=files["book.toml"], proxies={}, seed=5)
    storm = replace(calm, storm=str(files["storm.toml"]))
    found = Outcome(guarded=prepare(calm), bare=prepare(calm), journal=places.journal)
    (folder / "guard.toml").write_text(config_of(found.guarded, 1.0), encoding="utf-8")
    with serving(found.guarded):
        guard = start(folder, files, places, found.guarded)
        try:
            until_armed(places, guard)
            found.fell_ns = now_ns()
            fall(storm, 0, found.guarded, found.bare)
            say_yes(places, guard)
            fall(storm, 1, found.guarded, found.bare)
            time.sleep(WAVE_S)
        finally:
            guard.send_signal(signal.SIGINT)
            found.said = guard.communicate(timeout=20)[0]
    found.bare.listening.close()
    for simulation in (found.guarded, found.bare):
        for venue in simulation.venues.values():
            venue.catch_up()
    with reading(places.journal) as journal:
        found.records = [record for _, record in journal.read()]
    return found


def start(folder: Path, files: dict[str, Path], places: GuardPlaces, simulation: Simulation) -> subprocess.Popen[str]:
    secrets = {KEYS[venue]: keys[0].secret for venue, keys in simulation.keys.items()}
    command = [
        sys.executable, "-m", "perpbook", "guard", "run", str(files["book.toml"]), str(files["playbook.toml"]),
        "--config", str(folder / "guard.toml"), "--journal", places.journal,
    ]  # fmt: skip
    environment = os.environ | secrets | {"PERPBOOK_GUARD": str(folder / "guards")}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def until_armed(places: GuardPlaces, guard: subprocess.Popen[str]) -> None:
    """Arm the guard as soon as it has seen every account."""
    while guard.poll() is None:
        time.sleep(LOOK_S)
        if is_owned(places.locks, "hl-main") and accounts_seen(places) == len(KEYS):
            now = now_ns()
            say(places.words, Arm(until_ns=now + 600 * 10**9, who="ann", received_ns=now))
            return


def accounts_seen(places: GuardPlaces) -> int:
    """How many accounts the journal knows; a guard owns them a moment before its journal is there."""
    with contextlib.suppress(InputError):
        return len(desk_of(places)[0].positions)
    return 0


def say_yes(places: GuardPlaces, guard: subprocess.Popen[str]) -> None:
    """Approve whatever trim the guard proposes, until every account was traded in and nothing stands open."""
    end, answered = time.monotonic() + PATIENCE_S, set[str]()
    while time.monotonic() < end and guard.poll() is None:
        time.sleep(LOOK_S)
        desk = desk_of(places)[0]
        waits = [case.digest for case in desk.live_cases() if case.phase is Phase.PROPOSED]
        for digest in set(waits) - answered:
            say(places.words, Answered(digest=digest, approve=True, who="ann", channel="test", received_ns=now_ns()))
            answered.add(digest)
        if is_safe(desk):
            return


def is_safe(desk: Desk) -> bool:
    """Whether every account's trims are verified and none is open."""
    traded = {ticket.request.account for ticket in desk.tickets.values() if ticket.filled}
    return len(traded) == len(KEYS) and not list(desk.live_cases())
