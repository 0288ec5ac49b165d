"""The guard's shell: records before requests, silence after whatever goes wrong, one owner, a flag that stops it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perpbook.engine.clock import now_ns
from perpbook.engine.live import Shell
from perpbook.engine.live_asking import ask_order
from perpbook.engine.live_halt import HaltFlag, raise_flag, read_flag
from perpbook.engine.live_owner import owned
from perpbook.engine.live_world import Pace, World
from perpbook.engine.ports import Capabilities, Ear
from perpbook.errors import BrokenJournal, OutcomeUnknown, Refused, VenueUnavailable
from perpbook.guard.desk import fold
from perpbook.guard.guard import Guard
from perpbook.guard.inputs import Began, Line
from perpbook.guard.replay import Replay, ends_of
from perpbook.guard.settings import Timing
from perpbook.guard.view import Decision, View
from perpbook.model.alert import Alert
from perpbook.model.effect import AskOrder, Cancel
from perpbook.model.message import (
    AccountSeen,
    BookSeen,
    FillSeen,
    FundingSeen,
    KillLevel,
    Message,
    OrderSeen,
    RatesSeen,
    Stale,
)
from perpbook.model.order import Fill, OrderReport, OrderRequest, OrderState
from perpbook.model.record import Record, RecordKind
from tests.laws.guarded import CALM, SETTINGS, VENUE, Exchange, trim

MS = 1_000_000
QUICK = replace(
    SETTINGS,
    arming=False,
    timing=Timing(
        fresh=100 * MS, again=5 * MS, decide=20 * MS, absent=30 * MS, rest=10**12, skew=10**9, flatten=MS, order=50 * MS
    ),
)
PACE = Pace(wake=0.005, request=0.1, drain=2.0)


class Port:
    """An exchange behind the venue port. `fault` is run at the next order, which is done and not told of; `delay`
    seconds pass at each."""

    name = VENUE
    capabilities = Capabilities(
        places_orders=True, streams_books=False, streams_account=False, dead_man=False, self_expiring=False,
        finds_by_client_id=True, client_id_letters=32,
    )  # fmt: skip

    def __init__(self, log: list[str]) -> None:
        self.exchange = Exchange(positions={"BTC": 5.0})
        self.log, self.fault, self.delay = log, _nothing, 0.0
        self.trades: list[Fill] = []

    async def account(self, account: str) -> AccountSeen:
        return self.exchange.account(now_ns())

    async def book(self, symbol: str) -> BookSeen:
        return self.exchange.book(symbol, now_ns())

    async def place(self, request: OrderRequest) -> OrderReport:
        self.log.append(f"place {request.client_id}")
        fault, self.fault = self.fault, _nothing
        if fault is not _nothing:
            self.exchange.mood = "silent"
        said = self.exchange.place(request, now_ns())
        self.trades += [one.fill for one in said if isinstance(one, FillSeen)][:1]
        await fault()
        await asyncio.sleep(self.delay)
        return next(one.report for one in said if isinstance(one, OrderSeen))

    async def cancel(self, account: str, symbol: str, client_id: str) -> OrderReport:
        self.exchange.cancel(Cancel(account=account, venue=VENUE, symbol=symbol, client_id=client_id), now_ns())
        return await self.order(account, symbol, client_id)

    async def set_timer(self, account: str, symbol: str, wait_ns: int) -> str:
        self.log.append(f"timer {wait_ns}")
        return ""

    async def order(self, account: str, symbol: str, client_id: str) -> OrderReport:
        return self.exchange.ask(
            AskOrder(account=account, venue=VENUE, symbol=symbol, client_id=client_id), now_ns()
        ).report

    async def open_orders(self, account: str) -> tuple[OrderReport, ...]:
        return ()

    async def fills(self, account: str, since_ns: int) -> tuple[Fill, ...]:
        return tuple(self.trades)

    async def funding(self, account: str, since_ns: int) -> FundingSeen:
        raise NotImplementedError

    async def rates(self, symbol: str, since_ns: int) -> RatesSeen:
        raise NotImplementedError

    async def close(self) -> None:
        self.log.append("close")


class Kept:
    """A journal in memory whose disk is slow. `room` : records it takes."""

    def __init__(self, log: list[str], room: int = 10_000) -> None:
        self.records: list[Record] = []
        self.log, self.room = log, room

    def append(self, record: Record) -> int:
        threading.Event().wait(0.001)
        if len(self.records) >= self.room:
            raise BrokenJournal("the disk is full")
        self.records.append(record)
        if record.kind is RecordKind.INTENDED:
            self.log.append(f"kept {record.body['request']['client_id']}")  # type: ignore[index]
        return len(self.records)

    def read(self, after: int = 0) -> Iterable[tuple[int, Record]]:
        return enumerate(self.records[after:], after + 1)


class Ears:
    """A sink that remembers, as slowly as it is told to."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.heard: list[Alert] = []
        self.seconds = seconds

    async def tell(self, alert: Alert) -> None:
        await asyncio.sleep(self.seconds)
        self.heard.append(alert)


class Stream:
    """A feed that says what it is given, then fails, or waits for ever."""

    def __init__(self, said: Sequence[Message], fails: bool) -> None:
        self.said, self.fails = said, fails

    async def messages(self, accounts: Sequence[str], symbols: Sequence[str]) -> AsyncIterator[Message]:
        for message in self.said:
            yield message
        if self.fails:
            raise ZeroDivisionError
        await asyncio.Event().wait()


class Direct(Stream):
    """The same, told to an ear in one go."""

    async def tell(self, accounts: Sequence[str], symbols: Sequence[str], ear: Ear) -> None:
        await asyncio.sleep(0.05)
        for message in self.said:
            ear.take(message)
        if self.fails:
            raise ZeroDivisionError
        await asyncio.Event().wait()


class Told:
    """What the guard was told, in memory."""

    def __init__(self) -> None:
        self.run: Mapping[str, object] = {}
        self.lines: list[Line] = []

    def keep(self, line: Line) -> bool:
        self.lines.append(line)
        return True

    def fresh_page(self) -> bool:
        return len(self.lines) % 7 == 0


async def _nothing() -> None:
    return None


class Bench:
    """A shell with all its ports."""

    def __init__(self, room: int = 10_000, ears: float = 0.0, halt: Path | None = None) -> None:
        self.log: list[str] = []
        self.port, self.journal, self.ears = Port(self.log), Kept(self.log, room), Ears(ears)
        self.feeds: dict[str, Stream] = {}
        self.wanted = [trim("BTC", -1.0, "auto")]
        self.missing, self.pace = False, PACE
        self.told = Told()
        self.halt = HaltFlag(halt) if halt is not None else None

    def decide(self, view: View) -> Decision:
        """What is wanted, once."""
        return Decision(before=CALM, wanted=() if view.desk.cases else tuple(self.wanted))

    async def until(self, done: Callable[[Guard], bool]) -> Guard:
        """Run until something is so, or for five seconds at most."""
        guard = Guard(fold(self.journal.records), QUICK, self.decide)
        venues = {} if self.missing else {VENUE: self.port}
        world = World(
            venues=venues, feeds=self.feeds, journal=self.journal, sink=self.ears, halt=self.halt, inputs=self.told
        )
        shell = Shell(guard, world, {VENUE: ("BTC",)}, self.pace)
        running = asyncio.create_task(shell.run())
        for _ in range(1_000):
            if done(guard) or running.done():
                break
            await asyncio.sleep(0.005)
        shell.stop()
        await running
        assert done(guard), [record.kind.value for record in self.journal.records]
        return guard


def closed(guard: Guard) -> bool:
    """Every proposal is done with, and there was one."""
    return bool(guard.desk.cases) and not guard.desk.live


def test_a_trim_goes_all_the_way_and_its_record_is_kept_before_its_order() -> None:
    bench = Bench()
    guard = asyncio.run(bench.until(closed))
    assert [case.phase.value for case in guard.desk.cases.values()] == ["closed"]
    assert bench.port.exchange.positions["BTC"] == 4.0
    assert [line.split()[0] for line in bench.log] == ["kept", "place", "close"]
    assert fold(bench.journal.records) == guard.desk


def has_trades(guard: Guard) -> bool:
    return closed(guard) and any(ticket.fills for ticket in guard.desk.tickets.values())


def test_trades_of_an_order_are_kept_as_they_were() -> None:
    bench = Bench()
    guard = asyncio.run(bench.until(has_trades))
    (fill,) = [record.body["fill"] for record in bench.journal.records if record.kind is RecordKind.FILL]
    assert (fill["quantity"], fill["fee"]) == (-1.0, 0.1)  # type: ignore[index]
    assert [ticket.filled for ticket in guard.desk.tickets.values()] == [-1.0] and not guard.desk.incidents


def test_trades_that_were_not_told_before_the_end_are_asked_for_at_the_next_start() -> None:
    bench = Bench()
    asyncio.run(bench.until(closed))
    assert RecordKind.FILL not in {record.kind for record in bench.journal.records}
    guard = asyncio.run(bench.until(has_trades))
    assert guard.desk.kill is KillLevel.NONE and bench.port.exchange.positions["BTC"] == 4.0


def test_what_a_shell_was_told_makes_the_same_records_again() -> None:
    bench = Bench()
    for _ in range(2):
        asyncio.run(bench.until(closed))
    records = bench.journal.records
    replay = Replay(
        records,
        ends_of([one for one in bench.told.lines if isinstance(one, Began)], len(records)),
        lambda desk, began: Guard(desk, QUICK, bench.decide),
    )
    assert [step.line for step in replay.steps(bench.told.lines)] == bench.told.lines
    assert replay.result.difference is None and not replay.result.gaps
    assert replay.result.same == len(records) and replay.result.runs == 2


@pytest.mark.parametrize("fault", [OutcomeUnknown("gone"), VenueUnavailable("away"), OSError("reset"), None])
def test_an_order_without_an_answer_is_asked_for_and_not_sent_again(fault: Exception | None) -> None:
    bench = Bench()

    async def fails() -> None:
        if fault is not None:
            raise fault
        await asyncio.sleep(60)

    bench.port.fault = fails
    guard = asyncio.run(bench.until(closed))
    assert [line.split()[0] for line in bench.log] == ["kept", "place", "close"]
    assert next(iter(guard.desk.cases.values())).phase.value == "closed"
    answers = [r.body["report"]["state"] for r in bench.journal.records if r.kind is RecordKind.ANSWERED]  # type: ignore[index]
    assert answers == ["unknown", "filled"]


def test_a_venue_that_fails_as_nobody_expected_pauses_the_guard() -> None:
    bench = Bench()

    async def fails() -> None:
        raise ZeroDivisionError

    bench.port.fault = fails
    guard = asyncio.run(bench.until(lambda guard: closed(guard) and guard.desk.kill is KillLevel.PAUSE))
    assert "ZeroDivisionError" in guard.desk.kill_reason


def test_nothing_is_sent_without_its_record() -> None:
    bench = Bench()
    asyncio.run(bench.until(closed))
    kinds = [record.kind for record in bench.journal.records]
    short = Bench(room=kinds.index(RecordKind.INTENDED))
    with pytest.raises(BrokenJournal, match="full"):
        asyncio.run(short.until(closed))
    assert short.log == ["close"]
    assert short.ears.heard[-1].kind == "guard.down"


def test_a_halt_flag_stops_every_order(tmp_path: Path) -> None:
    flag = tmp_path / "halt"
    raise_flag(flag, KillLevel.PAUSE, "ann", "storm")
    bench = Bench(halt=flag)
    guard = asyncio.run(bench.until(lambda guard: guard.desk.kill is KillLevel.PAUSE))
    assert "place" not in " ".join(bench.log)
    assert (guard.desk.kill_who, guard.desk.kill_reason) == ("halt flag", "ann: storm")


def test_a_halt_flag_is_seen_while_nothing_comes(tmp_path: Path) -> None:
    bench = Bench(halt=tmp_path / "halt")
    bench.wanted, bench.pace = [], replace(PACE, wake=60.0)
    seen = []

    def killed(guard: Guard) -> bool:
        seen.append(guard.known.accounts)
        if len(seen) == 20:
            raise_flag(tmp_path / "halt", KillLevel.PAUSE, "ann", "storm")
        return guard.desk.kill is KillLevel.PAUSE

    asyncio.run(bench.until(killed))


@pytest.mark.parametrize("text", ["pause", "pause\n", ""])
def test_a_halt_flag_made_by_hand_is_its_own_reason(text: str, tmp_path: Path) -> None:
    (tmp_path / "halt").write_text(text)
    assert HaltFlag(tmp_path / "halt").why == "the halt flag halt is there"


def test_a_flatten_flag_flattens(tmp_path: Path) -> None:
    raise_flag(tmp_path / "halt", KillLevel.FLATTEN, "ann", "storm")
    bench = Bench(halt=tmp_path / "halt")
    asyncio.run(bench.until(lambda guard: closed(guard) and bench.port.exchange.positions["BTC"] == 0.0))


def test_an_order_that_meets_the_flag_is_surely_not_sent(tmp_path: Path) -> None:
    bench = Bench(halt=tmp_path / "halt")
    append = bench.journal.append

    def raising(record: Record) -> int:
        if record.kind is RecordKind.INTENDED:
            raise_flag(tmp_path / "halt", KillLevel.PAUSE, "ann", "storm")
        return append(record)

    bench.journal.append = raising  # type: ignore[method-assign]
    guard = asyncio.run(
        bench.until(lambda guard: any(t.state is OrderState.REJECTED for t in guard.desk.tickets.values()))
    )
    assert "place" not in " ".join(bench.log)
    assert next(iter(guard.desk.tickets.values())).why == "the halt flag is there"


@pytest.mark.parametrize("text", ["", "none", "\x00?", "stop it all"])
def test_a_flag_that_cannot_be_understood_is_a_pause(tmp_path: Path, text: str) -> None:
    (tmp_path / "halt").write_text(text)
    assert read_flag(tmp_path / "halt") is KillLevel.PAUSE


@pytest.mark.parametrize("level", list(KillLevel)[1:])
def test_a_flag_says_its_level(tmp_path: Path, level: KillLevel) -> None:
    raise_flag(tmp_path / "halt", level, "ann", "storm")
    assert read_flag(tmp_path / "halt") is level
    assert read_flag(tmp_path / "none") is KillLevel.NONE


def test_an_account_has_one_guard(tmp_path: Path) -> None:
    with owned(tmp_path, ["main", "other"]):
        with pytest.raises(Refused, match="main is guarded by another"), owned(tmp_path, ["main"]):
            raise AssertionError
        with owned(tmp_path, ["third"]):
            pass
    with owned(tmp_path, ["main"]):
        pass


@pytest.mark.parametrize("feed", [Stream, Direct])
def test_a_feed_that_dies_is_silent_and_pauses_the_guard(feed: type[Stream]) -> None:
    bench = Bench()
    bench.wanted = []
    bench.feeds = {VENUE: feed([], fails=True)}
    asyncio.run(bench.until(lambda guard: guard.desk.kill is KillLevel.PAUSE))
    assert any(alert.kind == "stale.feed" for alert in bench.ears.heard)


def test_a_feed_is_heard() -> None:
    bench = Bench()
    bench.wanted = []
    bench.feeds = {VENUE: Stream([Stale(venue=VENUE, stream="books", received_ns=now_ns())], fails=False)}
    asyncio.run(bench.until(lambda guard: ("stale.feed", "", VENUE) in guard.desk.alerts))


def ends(bench: Bench) -> list[bool]:
    """Of the records on silence: whether each is its end."""
    alerts: list[Any] = [one.body["alert"] for one in bench.journal.records if one.kind is RecordKind.ALERT]
    return [one["resolved"] for one in alerts if one["kind"] == "stale.feed"]


@pytest.mark.parametrize("spin", [False, True])
def test_what_a_direct_feed_brings_is_taken_in_order_and_written_before_what_comes_next(spin: bool) -> None:
    bench = Bench()
    bench.wanted, bench.pace = [], replace(PACE, spin=spin)
    told = [Stale(venue=VENUE, stream=f"s{k // 2}", received_ns=now_ns(), fresh=bool(k % 2)) for k in range(20)]
    bench.feeds = {VENUE: Direct(told, fails=False)}
    guard = asyncio.run(bench.until(lambda _: len(ends(bench)) == 20))
    assert ends(bench) == [False, True] * 10 and fold(bench.journal.records) == guard.desk


def test_slow_ears_hold_nothing_up() -> None:
    bench = Bench(ears=0.05)
    asyncio.run(bench.until(closed))
    assert bench.port.exchange.positions["BTC"] == 4.0


def test_stopping_takes_the_answer_of_what_was_sent() -> None:
    bench = Bench()
    bench.wanted, bench.port.delay = [trim("BTC", -1.4, "auto")], 0.03
    guard = asyncio.run(bench.until(lambda guard: any(line.startswith("place") for line in bench.log)))
    assert [ticket.state for ticket in guard.desk.tickets.values()] == [OrderState.FILLED]
    assert sum(line.startswith("place") for line in bench.log) == 1


def test_an_order_is_absent_only_where_its_trades_say_so_too() -> None:
    port = Port([])
    request = OrderRequest(
        client_id="a" * 32,
        account="main",
        venue=VENUE,
        symbol="BTC",
        quantity=-1.0,
        limit_price=990.0,
        reduce_only=True,
    )
    effect = AskOrder(account="main", venue=VENUE, symbol="BTC", client_id=request.client_id)
    (absent,) = asyncio.run(ask_order(port, effect, now_ns(), now_ns))
    assert isinstance(absent, OrderSeen) and absent.report.state is OrderState.ABSENT
    asyncio.run(port.place(request))
    port.exchange.orders.clear()
    assert [type(one) for one in asyncio.run(ask_order(port, effect, now_ns(), now_ns))] == [FillSeen]


def test_a_venue_that_nobody_opened_is_silent() -> None:
    bench = Bench()
    bench.missing = True
    asyncio.run(bench.until(lambda guard: guard.desk.alerts.get(("unknown.account", "main", "")) == "page"))
    assert bench.log == []


def test_whatever_ends_the_shell_is_told() -> None:
    bench = Bench()

    def fails(record: Record) -> int:
        raise ZeroDivisionError

    bench.journal.append = fails  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        asyncio.run(bench.until(closed))
    assert bench.ears.heard[-1].kind == "guard.down"
