"""A venue listened to over a websocket: one connection, kept for ever; what it says as messages, what it does not as Stale.

The socket's callback sorts a frame and keeps it: decoding happens where messages are taken, so whoever takes slowly gets the
newest of what is told whole, and blocks nothing. An ear takes in the callback itself, once the last frame at hand was kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perpbook.engine.clock import now_ns
from perpbook.engine.ports import Ear
from perpbook.errors import InputError, VenueError
from perpbook.model.message import BookSeen, Message, Stale
from perpbook.venues.conflate import Inbox
from perpbook.venues.decode_parts import LEVELS, Decoder, Kind, Reason, Scope, Sorted, Unfit
from perpbook.venues.glimpses import Glimpses
from perpbook.venues.recorded import Recorder
from perpbook.venues.stream_dialects import Dialect, not_installed, scope_of
from perpbook.venues.stream_reader import Reader
from perpbook.venues.watchdog import LAG_NS, PATIENCE, Watchdog

if TYPE_CHECKING:
    from perpbook.venues.stream_socket import Socket

LOG = logging.getLogger(__name__)
WHOLE, EVENT, NOTHING = Kind.WHOLE, Kind.EVENT, Kind.NOTHING

WHOLE_WAY = 16
"""Rehearsals of a glimpse for one of the whole way."""

Prepare = Callable[[Decoder, Scope], Awaitable[Mapping[str, Sequence[Message]]]]
"""Called once a connection stands and its streams are asked for: what must be read over HTTP goes into the decoder, and what is
known by it is told, by stream. What comes meanwhile waits. A VenueError of it begins the connection anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """Seconds. back_off, back_off_most : before another try, doubling.  steady : a connection that lived so long begins anew at
    once.  silent : a connection some stream of which stays stale so long is begun anew.  look : between two looks of the
    watchdog.  ping : between two of the dialect's pings.  patience, lag_ns : of the watchdog.  room : raw messages kept."""

    back_off: float = 0.5
    back_off_most: float = 30.0
    steady: float = 60.0
    silent: float = 10.0
    look: float = 0.25
    ping: float = 20.0
    patience: float = PATIENCE
    lag_ns: int = LAG_NS
    room: int = 10_000


@dataclass(frozen=True, slots=True)
class Failing:
    """A callback: whoever awaits the stream is to know what it failed of, since the socket would not."""

    failed: asyncio.Future[None]

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None and not self.failed.done():
            self.failed.set_exception(error)


class Stream:
    """A `Feed`. addresses : of its accounts, as the venue knows them, by account id.  url : elsewhere than the venue's own.
    levels : of each side of a book that are read: what a decision walks, and no more, is the cheapest."""

    def __init__(
        self,
        dialect: Dialect,
        addresses: Mapping[str, str] | None = None,
        *,
        url: Callable[[], Awaitable[str]] | str | None = None,
        levels: int = LEVELS,
        habits: Habits = Habits(),
        prepare: Prepare | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._dialect, self._addresses, self._levels = dialect, dict(addresses or {}), levels
        self._url, self._habits = url or dialect.url, habits
        self._prepare, self._recorder = prepare, recorder
        self._inbox = Inbox(habits.room)
        self._woken = asyncio.Event()
        self._wake: Callable[[], None] = self._woken.set
        self._said: list[Message] = []
        self._ear: Ear | None = None
        self._failing: Failing
        self._glimpses: Glimpses
        self._socket: Socket | None = None
        self._newest: tuple[Sorted, bytes, int] | None = None
        self._ready = self._is_clear = False
        self._rehearsals = 0
        self.connections = 0

    async def messages(self, accounts: Sequence[str], symbols: Sequence[str]) -> AsyncGenerator[Message, None]:
        """Everything about these accounts and contracts, for ever."""
        async with self._kept(accounts, symbols) as keeping:
            while True:
                await self._woken.wait()
                self._woken.clear()
                while (told := self._next()) is not None:
                    for message in told:
                        yield message
                if keeping.done():
                    keeping.result()

    async def tell(self, accounts: Sequence[str], symbols: Sequence[str], ear: Ear) -> None:
        """The same into an ear, in the socket's callback while the ear is ready."""
        self._ear, self._wake = ear, self.pour
        self._failing = Failing(asyncio.get_running_loop().create_future())
        self._glimpses = Glimpses(ear.calm, self._levels, self._habits.lag_ns)
        ear.meet(self)
        async with self._kept(accounts, symbols) as keeping:
            done, _ = await asyncio.wait((keeping, self._failing.failed), return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()

    def pour(self) -> None:
        """Tell the ear what waits, while it is ready."""
        ear = self._ear
        assert ear is not None
        with self._failing:
            while (self._said or (self._ready and self._inbox)) and ear.ready:
                self._newest = None
                self.catch_up()
                for message in self._next() or ():
                    ear.take(message)
            self._is_clear = self._takes_at_once()

    def catch_up(self) -> None:
        """Tell the ear the newest books that it need not have been told."""
        ear = self._ear
        if ear is None or not self._glimpses.waits:
            return
        for kept in self._glimpses.take():
            for message in self.reader.read(*kept):
                if type(message) is BookSeen:
                    ear.know(message)
                else:
                    self._said.append(message)
                    self._is_clear = False

    def _takes_at_once(self) -> bool:
        """Whether the ear, if there is one, is ready, and nothing waits for it."""
        ear = self._ear
        return ear is not None and self._ready and ear.ready and not (self._said or self._inbox)

    def _at_once(self, what: Sorted, raw: bytes, received_ns: int, ear: Ear) -> None:
        """Tell the ear a frame that nothing stands before."""
        with self._failing:
            self.catch_up()
            told = self.reader.read(what, raw, received_ns)
            for message in told:
                ear.take(message)
            newest = told[-1] if what.kind is WHOLE and told else None
            self._newest = (what, raw, received_ns) if newest is not None and type(newest) is not Stale else None
            self._is_clear = self._takes_at_once()
            if type(newest) is BookSeen:
                self._glimpses.meet(self.reader, what, raw, newest)

    def rehearse(self) -> None:
        """Read the newest frame told at once again, of what is told whole, and have the ear go through it. What it says was
        heard then already, so nothing changes."""
        ear = self._ear
        self._glimpses.rehearse()
        self._rehearsals += 1
        if self._rehearsals % WHOLE_WAY or ear is None or self._newest is None or not self._takes_at_once():
            return
        with self._failing:
            for message in self.reader.read(*self._newest):
                ear.rehearse(message)

    @asynccontextmanager
    async def _kept(self, accounts: Sequence[str], symbols: Sequence[str]) -> AsyncIterator[asyncio.Task[None]]:
        """The task that keeps the connection."""
        unknown = [name for name in accounts if name not in self._addresses]
        if unknown:
            raise InputError(f"no address is known for {', '.join(unknown)}: give one for each account to listen to")
        scope = scope_of(self._dialect, {name: self._addresses[name] for name in accounts}, symbols, self._levels)
        self.reader = self._reader(scope)
        keeping = asyncio.create_task(self._keep(scope))
        keeping.add_done_callback(lambda _: self._woken.set())
        try:
            yield keeping
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
            if self._recorder is not None:
                self._recorder.close()

    def _reader(self, scope: Scope) -> Reader:
        watchdog = Watchdog(
            self._dialect.venue,
            self._dialect.streams(scope),
            patience=self._habits.patience,
            lag_ns=self._habits.lag_ns,
        )
        return Reader(self._dialect.decoder(scope), watchdog)

    def _next(self) -> Sequence[Message] | None:
        """What is told next: the watchdog's word before anything is read after it, so that fresh and stale keep their order."""
        if self._said:
            said, self._said = self._said, []
            return said
        kept = self._inbox.take() if self._ready else None
        return self.reader.read(*kept) if kept is not None else None

    def _end(self) -> None:
        """A connection ended: what came over it is told, then that nothing is known."""
        self.catch_up()
        while self._ready and (kept := self._inbox.take()) is not None:
            self._say(self.reader.read(*kept))
        self._inbox.clear()
        self._say(self.reader.lost(now_ns()))

    def renew(self) -> None:
        """Begin the connection anew: what it told is not believed any more."""
        self.reader.broken = True

    def hear(self, raw: bytes, last: bool = False) -> None:
        """A frame came: keep it, or tell it at once where nothing stands before it and no newer one is at hand. Called by the
        socket; never waits."""
        received_ns = now_ns()
        if self._recorder is not None:
            self._recorder.write(raw, received_ns)
        try:
            if last and self._is_clear and self._glimpses.passes(raw, received_ns):
                return
            what = self.reader.decoder.sort(raw)
            if what.kind is NOTHING:
                return
            ear = self._ear
            if ear is not None and (last or what.kind is EVENT) and self._takes_at_once():
                return self._at_once(what, raw, received_ns, ear)
            self._is_clear = False
            if not self._inbox.put(what, raw, received_ns):
                raise Unfit(self._dialect.venue, "", Reason.OVERFLOW)
        except Unfit as unfit:
            self.catch_up()
            self._say(self.reader.refuse(unfit, received_ns))

    def listen(self) -> None:
        """Take what came, before the loop does."""
        if self._socket is not None:
            self._socket.listen()

    def wake(self) -> None:
        """The last frame at hand was kept."""
        self._wake()

    def _say(self, told: Sequence[Message] | list[Stale]) -> None:
        if told:
            self._newest, self._is_clear = None, False
            self._said += told
            self._wake()

    async def _keep(self, scope: Scope) -> None:
        """Connect, and again whenever it ends."""
        try:
            from perpbook.venues.stream_socket import connect
        except ModuleNotFoundError as error:
            raise not_installed(error) from None
        loop, wait = asyncio.get_running_loop(), self._habits.back_off
        while True:
            self._inbox.clear()
            self._ready, self._is_clear = self._prepare is None, False
            self.reader.begin(now_ns())
            began = loop.time()
            try:
                self._socket = socket = await connect(await self._address(), self)
                self.connections += 1
                await self._look_after(socket, scope)
            except Unfit as unfit:
                self._say(self.reader.refuse(unfit, now_ns()))
            except (TimeoutError, OSError, VenueError) as error:
                is_first = wait == self._habits.back_off or loop.time() - began > self._habits.steady
                level = logging.WARNING if is_first else logging.INFO
                LOG.log(level, "%s: the stream is away (%s)", self._dialect.venue, type(error).__name__)
            self._end()
            wait = self._habits.back_off if loop.time() - began > self._habits.steady else wait
            await self._rest(wait)
            wait = min(2.0 * wait, self._habits.back_off_most)

    async def _address(self) -> str:
        return self._url if isinstance(self._url, str) else await self._url()

    async def _rest(self, seconds: float) -> None:
        """Wait before another try; the watchdog goes on."""
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0.0:
            await asyncio.sleep(min(left, self._habits.look))
            self._say(self.reader.watchdog.look(now_ns()))

    async def _look_after(self, socket: Socket, scope: Scope) -> None:
        """Ask, then look after a connection until it ends or what it told is beyond repair."""
        try:
            for ask in self._dialect.asks(scope):
                socket.send(ask)
            if self._prepare is not None:
                for stream, told in (await self._prepare(self.reader.decoder, scope)).items():
                    self._say(self.reader.begun(stream, told, now_ns()))
                self._ready = True
                self._wake()
            loop = asyncio.get_running_loop()
            pinged = spoke = loop.time()
            while not self.reader.broken and not await socket.ended(self._habits.look):
                self.catch_up()
                self._say(self.reader.watchdog.look(now_ns()))
                spoke = spoke if self.reader.watchdog.stale else loop.time()
                if loop.time() - spoke > self._habits.silent:
                    return
                if self._recorder is not None:
                    self._recorder.flush()
                if self._dialect.ping and loop.time() - pinged > self._habits.ping:
                    socket.send(self._dialect.ping)
                    pinged = loop.time()
        finally:
            socket.close()
