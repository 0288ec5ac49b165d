"""The guard's shell for real time: messages to the core one by one, its effects done in order, and nothing decided here.

A record is on disk before what follows it is begun; requests run beside, each with a time limit, and their answers are messages.
A request without a clear answer is NoAnswer, whatever went wrong. Queues are bounded: a feed waits (and keeps only the newest of
each contract), alerts push out the oldest. The journal has a thread, so a slow disk holds up sending and nothing else.

A direct feed's messages are decided on in the socket's own callback while the loop waits for something to do: a task's turn and
a queue less. What such a message wants done is done by the loop, before anything else is taken.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import count

from perpbook.engine.live_asking import (
    ask_account,
    ask_book,
    ask_order,
    ask_trades,
    lacks_trades,
    send,
    set_timer,
    take_back,
    unsent,
)
from perpbook.engine.live_spin import Spin
from perpbook.engine.live_telling import Telling
from perpbook.engine.live_world import Pace, World
from perpbook.engine.ports import DirectFeed, Teller, Venue
from perpbook.errors import InvariantError, PerpbookError
from perpbook.guard.calm import Calm
from perpbook.guard.case import Ticket
from perpbook.guard.guard import Guard
from perpbook.guard.inputs import Recorder
from perpbook.model.alert import Alert, Severity
from perpbook.model.effect import AskAccount, AskBook, AskOrder, Cancel, Effect, Notice, Send, SetTimer, Tell, Write
from perpbook.model.message import (
    BookSeen,
    FillSeen,
    Kill,
    KillLevel,
    Message,
    NoAnswer,
    OrderSeen,
    Stale,
    Stopping,
    Wake,
)

BATCH = 64
"""Messages taken before everything beside the loop has its turn."""

YOUNG = 700
"""Objects made between two looks for garbage: small looks, none of which holds a message up."""


class Shell:
    """A guard in real time. `run` until `stop`. ready : a direct feed's message would be decided on at once."""

    def __init__(
        self, guard: Guard, world: World, symbols: Mapping[str, tuple[str, ...]], pace: Pace | None = None
    ) -> None:
        """symbols : contracts to listen to, by venue."""
        self.guard, self.world, self.symbols, self.pace = guard, world, symbols, pace or Pace()
        inputs = world.inputs
        self._core = Recorder(guard, inputs.keep, inputs.run, inputs.fresh_page) if inputs is not None else guard
        self._inbox: asyncio.Queue[Message] = asyncio.Queue(self.pace.inbox)
        self._urgent: deque[Message] = deque()
        self._behind: deque[Message] = deque()
        self._due: list[Effect] = []
        self.ready = False
        self._tellers: list[Teller] = []
        self._spin = Spin(self._tellers, lambda: not self._stop.is_set(), lambda: self.ready)
        self._telling = Telling(world.sink, room=self.pace.outbox, patience=self.pace.request)
        self._poke, self._stop = asyncio.Event(), asyncio.Event()
        self._beside: set[asyncio.Task[None]] = set()
        self._requests: set[asyncio.Task[None]] = set()
        self._lacking: set[str] = set()
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")

    def stop(self) -> None:
        """End in order: nothing new is sent, answers under way are taken."""
        self._stop.set()
        self._poke.set()

    async def run(self) -> None:
        """Guard until stopped. Raises what the journal raised: without it nothing may be done."""
        accounts = {name: tuple(a for a, v in self._accounts().items() if v == name) for name in self.world.feeds}
        if self.world.halt is not None:
            self.world.halt.start(partial(asyncio.get_running_loop().call_soon_threadsafe, self._stir))
        try:
            await self._perform(self._core.start(self.world.clock()))
            for name, feed in self.world.feeds.items():
                asked = (accounts.get(name, ()), self.symbols.get(name, ()))
                self._aside(
                    feed.tell(*asked, self) if isinstance(feed, DirectFeed) else self._listen(feed.messages(*asked)),
                    name,
                )
            for beside in (self.world.people, self.world.notices):
                if beside is not None:
                    self._aside(self._listen(beside), "")
            self._aside(self._wake(), "")
            self._aside(self._telling.speak(), "")
            for client_id in self.guard.desk.tickets:
                self._trades(client_id)
            gc.collect()
            gc.freeze()
            gc.set_threshold(YOUNG)
            if self.pace.spin:
                self._spin()
            await self._loop()
            await self._drain()
        finally:
            error = sys.exception()
            if error is not None:
                self._telling.put(down(error, self.world.clock()))
            await self._close()

    def _accounts(self) -> Mapping[str, str]:
        return self.guard.settings.accounts

    def rehearse(self, message: Message) -> None:
        """Go through a price that is known once more; nothing changes."""
        if self.ready:
            self.guard.rehearse(message)

    def take(self, message: Message) -> None:
        """Decide on a direct feed's message; the loop does what it wants done. While it has more to do the message waits."""
        self._look_at_flag()
        if not self.ready:
            self._wait(message)
            return
        if type(message) is BookSeen and self._core.skim(message):
            return
        self._due = self._receive(message)
        if self._due or self.guard.is_broken:
            self._stir()

    def _wait(self, message: Message) -> None:
        """Let a direct feed's message be taken in its turn, and whatever comes after it as well."""
        self._behind.append(message)
        self.guard.calm.end()
        self._stir()

    def _stir(self) -> None:
        """The loop has something to do before anything else is taken."""
        self.ready = False
        self._poke.set()

    def _receive(self, message: Message) -> list[Effect]:
        """What a message wants done. Of an order that was told of, trades that are missing are asked for."""
        for teller in self._tellers:
            teller.catch_up()
        effects = self._core.receive(message)
        if type(message) is OrderSeen:
            self._trades(message.report.client_id)
        return effects

    @property
    def calm(self) -> Calm:
        """The guard's."""
        return self.guard.calm

    def know(self, book: BookSeen) -> None:
        """Know a book that led to nothing; one that leads to more after all is taken in its turn."""
        if not self._core.skim(book):
            self._wait(book)

    def meet(self, teller: Teller) -> None:
        """Ask it whenever the loop has nothing more to do, and while it has nothing to do."""
        self._tellers.append(teller)

    async def _loop(self) -> None:
        for turn in count():
            due, self._due = self._due, []
            await self._perform(due)
            if self._stop.is_set():
                return
            self._look_at_flag()
            message = self._urgent.popleft() if self._urgent else await self._next()
            if message is not None:
                await self._perform(self._receive(message))
            if self.guard.is_broken:
                raise InvariantError(
                    "the guard failed while it was stopping itself: its journal says why; nothing more is sent"
                )
            if turn % BATCH == 0:
                await asyncio.sleep(0)

    async def _next(self) -> Message | None:
        """The next message, once there is one; None when something more urgent came first."""
        if self._behind:
            return self._behind.popleft()
        if self._inbox.empty():
            self._poke.clear()
            self.ready = True
            for teller in self._tellers:
                teller.pour()
            await self._poke.wait()
            self.ready = False
        return None if self._urgent or self._due or self._inbox.empty() else self._inbox.get_nowait()

    async def put(self, message: Message) -> None:
        """Take a message in its turn; waits while there is no room."""
        await self._inbox.put(message)
        self._poke.set()

    def _look_at_flag(self) -> None:
        halt = self.world.halt
        if halt is not None and halt.seen > self.guard.desk.kill:
            self._urgent.append(Kill(level=halt.seen, who="halt flag", reason=halt.why, received_ns=self.world.clock()))
            self.ready = False

    async def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Write():
                    await asyncio.get_running_loop().run_in_executor(
                        self._disk, self.world.journal.append, effect.record
                    )
                case Notice():
                    self._urgent.append(effect.noticed)
                case Tell():
                    self._telling.put(effect.alert)
                case _:
                    self._request(effect)

    def _request(self, effect: Send | Cancel | SetTimer | AskOrder | AskAccount | AskBook) -> None:
        """Begin a request; its answer comes in by itself."""
        venue_name = effect.request.venue if isinstance(effect, Send) else effect.venue
        venue = self.world.venues.get(venue_name)
        if venue is None:
            why = f"there is no way to {venue_name}"
            self._urgent.append(replace(self._silence(effect), received_ns=self.world.clock(), why=why))
            return
        if isinstance(effect, Send) and (why := self._forbids()):
            self._urgent.append(
                OrderSeen(report=unsent(effect.request, why, self.world.clock()), received_ns=self.world.clock())
            )
            return
        work: Coroutine[object, object, list[Message]]
        match effect:
            case Send():
                work = send(venue, effect.request, self.world.clock)
            case Cancel():
                work = take_back(venue, effect, self.world.clock)
            case SetTimer():
                work = set_timer(venue, effect, self.world.clock)
            case AskOrder():
                ticket = self.guard.desk.tickets.get(effect.client_id)
                work = ask_order(venue, effect, ticket.first_ns if ticket is not None else 0, self.world.clock)
            case AskAccount():
                work = ask_account(venue, effect)
            case AskBook():
                work = ask_book(venue, effect)
        task = asyncio.create_task(self._answered(work, self._silence(effect)), name=type(effect).__name__)
        self._requests.add(task)
        task.add_done_callback(self._ended(self._requests, venue_name))

    def _forbids(self) -> str:
        """Why an order that is written down is not sent after all, and the venue surely never hears of it."""
        if self._stop.is_set():
            return "the guard is being stopped"
        halt = self.world.halt
        if halt is not None and (level := halt.level) is not KillLevel.NONE:
            flattens = level is KillLevel.FLATTEN and self.guard.desk.kill is KillLevel.FLATTEN
            return "" if flattens else "the halt flag is there"
        return ""

    def _silence(self, effect: Send | Cancel | SetTimer | AskOrder | AskAccount | AskBook) -> NoAnswer:
        """What is said when a request has no clear answer."""
        at = effect.request if isinstance(effect, Send) else effect
        account, client_id = getattr(at, "account", ""), getattr(at, "client_id", "")
        return NoAnswer(account=account, venue=at.venue, client_id=client_id, received_ns=0, why="no clear answer")

    async def _answered(self, work: Awaitable[list[Message]], silence: NoAnswer) -> None:
        """Put in what a request answers; silence first, for whatever it dies of."""
        found: list[Message] | None = None
        try:
            async with asyncio.timeout(self.pace.request):
                found = await work
        except (PerpbookError, OSError, TimeoutError) as error:
            silence = replace(silence, why=type(error).__name__)
        finally:
            if found is None:
                self._urgent.append(replace(silence, received_ns=self.world.clock()))
                self._stir()
        for message in found or ():
            await self.put(message)

    def _aside(self, work: Coroutine[object, object, None], venue: str) -> None:
        task = asyncio.create_task(work, name=f"what listens to {venue or 'people and the clock'}")
        self._beside.add(task)
        task.add_done_callback(self._ended(self._beside, venue))

    def _ended(self, of: set[asyncio.Task[None]], venue: str) -> Callable[[asyncio.Task[None]], None]:
        """What is done when something beside the loop ends: a failure nobody expected pauses the guard."""

        def ended(task: asyncio.Task[None]) -> None:
            of.discard(task)
            error = None if task.cancelled() else task.exception()
            if error is not None:
                reason = f"{task.get_name()} failed: {type(error).__name__}"
                at_ns = self.world.clock()
                if venue and of is self._beside:
                    self._urgent.append(Stale(venue=venue, stream="feed", received_ns=at_ns))
                self._urgent.append(Kill(level=KillLevel.PAUSE, who="guard", reason=reason, received_ns=at_ns))
                self._stir()

        return ended

    def _trades(self, client_id: str) -> None:
        """Ask for an order's trades where its venue has told only how much it traded."""
        ticket = self.guard.desk.tickets.get(client_id)
        if ticket is None or not lacks_trades(ticket) or client_id in self._lacking:
            return
        venue = self.world.venues.get(ticket.request.venue)
        if venue is not None:
            self._lacking.add(client_id)
            self._aside(self._told_trades(venue, ticket), "")

    async def _told_trades(self, venue: Venue, ticket: Ticket) -> None:
        try:
            for message in await ask_trades(venue, ticket, self.world.clock):
                await self.put(message)
        except (PerpbookError, OSError, TimeoutError):
            return
        finally:
            self._lacking.discard(ticket.request.client_id)

    async def _listen(self, messages: AsyncIterator[Message]) -> None:
        async for message in messages:
            await self.put(message)

    async def _wake(self) -> None:
        while True:
            await asyncio.sleep(self.pace.wake)
            await self.put(Wake(received_ns=self.world.clock()))

    async def _drain(self) -> None:
        """Take back what rests of our own, and take the answers to what was sent; nothing more is sent."""
        await self._perform(self._receive(Stopping(received_ns=self.world.clock())))
        for task in self._beside:
            task.cancel()
        end = self.world.clock() + int(self.pace.drain * 1e9)
        while (self._requests or self._urgent or self._behind or not self._inbox.empty()) and self.world.clock() < end:
            if not self._urgent and self._inbox.empty():
                await asyncio.wait(self._requests, timeout=0.05)
            waiting, self._urgent, self._behind = [*self._urgent, *self._behind], deque(), deque()
            for message in [*waiting, *(self._inbox.get_nowait() for _ in range(self._inbox.qsize()))]:
                if isinstance(message, OrderSeen | FillSeen | NoAnswer):
                    found = self._core.receive(message)
                    await self._perform([one for one in found if isinstance(one, Write | Tell | Send)])

    async def _close(self) -> None:
        for task in (*self._beside, *self._requests):
            task.cancel()
        await asyncio.gather(*self._beside, *self._requests, return_exceptions=True)
        await self._telling.speak_out()
        for venue in self.world.venues.values():
            await venue.close()
        self._disk.shutdown(wait=True)
        if self.world.halt is not None:
            self.world.halt.stop()
        gc.unfreeze()


def down(error: BaseException, at_ns: int) -> Alert:
    """The last thing told."""
    sentence = (
        f"the guard is down ({type(error).__name__}): nothing is watched and nothing is sent until it is started again"
    )
    return Alert(kind="guard.down", severity=Severity.PAGE, at_ns=at_ns, sentence=sentence)
