"""Prices of a venue through ccxt.pro, for venues that have no stream of ours: books, marks, and what is only asked for.

The client applies a venue's messages; what it then shows is read as any message is: checked, refused and watched over. It keeps
its books itself, so after anything that cannot be the connection begins anew, with a client that knows nothing. Only the newest
of each stream waits for whoever takes slowly.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from perpbook.engine.clock import now_ns
from perpbook.errors import VenueUnavailable
from perpbook.model.message import BookSeen, MarkSeen, Message, Stale
from perpbook.model.units import SECOND_NS
from perpbook.venues.decode_parts import (
    Levels,
    Reason,
    Unfit,
    above_nothing,
    if_given,
    sound_depth,
    time_ns,
)
from perpbook.venues.dialect import Dialect
from perpbook.venues.told import scaled
from perpbook.venues.watchdog import LAG_NS, PATIENCE, Watchdog

LOG = logging.getLogger(__name__)
DEEP = 20
"""Levels of a side that are told."""

CLOSING_S = 5.0
"""How long a client may take to let go of its connections."""

UNREADABLE = (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError)
"""What reading a malformed message dies of, here and in the client."""

Ask = Callable[[Sequence[str]], Awaitable[Sequence[MarkSeen]]]
"""What contracts are worth when the venue is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How a venue is watched. marks : the client's method that tells marks.  funding : where the message that it read carries the
    funding rate, "" for nowhere.  book_s, mark_s : longest time between two messages when all is well, seconds."""

    marks: str = "watch_mark_price"
    funding: str = ""
    book_s: float = 5.0
    mark_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """Seconds, as a stream's of ours.  rates, again : between two questions for what is not streamed, and after one without
    an answer."""

    back_off: float = 0.5
    back_off_most: float = 30.0
    steady: float = 60.0
    silent: float = 10.0
    look: float = 0.25
    rates: float = 30.0
    again: float = 2.0
    patience: float = PATIENCE
    lag_ns: int = LAG_NS


class Pro:
    """A `Feed` of prices. client : makes a client of ccxt.pro without keys.  ask : the venue asked beside it."""

    def __init__(
        self,
        dialect: Dialect,
        client: Callable[[], Any],
        ask: Ask,
        ways: Ways = Ways(),
        habits: Habits = Habits(),
    ) -> None:
        self._dialect, self._client, self._ask = dialect, client, ask
        self._ways, self._habits = ways, habits
        self._markets: list[Any] = []
        self._said: deque[Stale] = deque()
        self._newest: dict[str, Sequence[Message]] = {}
        self._woken = asyncio.Event()
        self._watchdog = Watchdog(dialect.name, {})
        self.refusals: deque[Unfit] = deque(maxlen=100)
        self.connections = 0

    async def messages(self, accounts: Sequence[str], symbols: Sequence[str]) -> AsyncGenerator[Message, None]:
        """Everything about these contracts, for ever."""
        assert not accounts, "accounts are asked for elsewhere"
        habits = self._habits
        self._watchdog = Watchdog(
            self._dialect.name, self._streams(symbols), patience=habits.patience, lag_ns=habits.lag_ns
        )
        keeping = asyncio.create_task(self._keep(symbols))
        keeping.add_done_callback(lambda _: self._woken.set())
        try:
            while True:
                await self._woken.wait()
                self._woken.clear()
                while (message := self._next()) is not None:
                    yield message
                if keeping.done():
                    keeping.result()
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping

    def _streams(self, symbols: Sequence[str]) -> Mapping[str, int]:
        if not symbols:
            return {}
        return {
            **{f"book:{symbol}": int(self._ways.book_s * SECOND_NS) for symbol in symbols},
            **{f"mark:{symbol}": int(self._ways.mark_s * SECOND_NS) for symbol in symbols},
            "rates": int(self._habits.rates * SECOND_NS),
        }

    def _next(self) -> Message | None:
        """What is told next: stale and fresh before prices, for those that wait came after."""
        if self._said:
            return self._said.popleft()
        for stream, told in self._newest.items():
            if len(told) > 1:
                self._newest[stream] = told[1:]
            else:
                del self._newest[stream]
            return told[0]
        return None

    def _say(self, said: Sequence[Stale]) -> None:
        for one in said:
            self._newest.pop(one.stream, None)
            self._said.append(one)
        if said:
            self._woken.set()

    def _tell(self, stream: str, told: Sequence[Message], at_ns: int, received_ns: int) -> None:
        """What a stream says whole, and whether it is fresh by it; nothing of one that lags."""
        said = self._watchdog.heard(stream, at_ns, received_ns, whole=True)
        if said is not None:
            self._say([said])
        if received_ns - at_ns <= self._habits.lag_ns and told:
            self._newest[stream] = told
            self._woken.set()

    async def _keep(self, symbols: Sequence[str]) -> None:
        """Connect, and again whenever it ends."""
        from ccxt.base.errors import BaseError

        loop, wait = asyncio.get_running_loop(), self._habits.back_off
        while symbols:
            self._watchdog.begin(now_ns())
            began = loop.time()
            try:
                await self._connected(symbols)
            except Unfit as unfit:
                self.refusals.append(unfit)
                LOG.warning("%s", unfit)
            except (BaseError, VenueUnavailable, TimeoutError, OSError, *UNREADABLE) as error:
                LOG.warning("%s: the stream is away (%s)", self._dialect.name, type(error).__name__)
            self._say(self._watchdog.lose("", now_ns()))
            wait = self._habits.back_off if loop.time() - began > self._habits.steady else wait
            await self._rest(wait)
            wait = min(2.0 * wait, self._habits.back_off_most)
        await asyncio.Event().wait()

    async def _rest(self, seconds: float) -> None:
        """Wait before another try; the watchdog goes on."""
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0.0:
            await asyncio.sleep(min(left, self._habits.look))
            self._say(self._watchdog.look(now_ns()))

    async def _connected(self, symbols: Sequence[str]) -> None:
        """One client's life: it ends with the first stream that does, or when one stays stale."""
        client = self._client()
        tasks: list[asyncio.Task[None]] = []
        try:
            markets = await self._listed(client, symbols)
            self.connections += 1
            for symbol in symbols:
                of = (symbol, str(markets[symbol]["symbol"]))
                tasks.append(asyncio.create_task(self._books(client, *of, self._size(markets[symbol]))))
                tasks.append(asyncio.create_task(self._marks(client, *of)))
            tasks += [asyncio.create_task(self._rates(symbols)), asyncio.create_task(self._watch())]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(client.close(), CLOSING_S)

    async def _listed(self, client: Any, symbols: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Markets by the venue's own names; asked for once."""
        if self._markets:
            client.set_markets(self._markets)
        else:
            await client.load_markets()
            self._markets = list(client.markets.values())
        found = {native: one for one in client.markets.values() if (native := self._dialect.native(one))}
        missing = [symbol for symbol in symbols if symbol not in found]
        if missing:
            self._markets = []
            raise VenueUnavailable(f"{self._dialect.name} lists no {', '.join(missing)} now")
        return found

    def _size(self, market: Mapping[str, Any]) -> float:
        return float(market["contractSize"]) if self._dialect.in_contracts else 1.0

    async def _books(self, client: Any, symbol: str, unified: str, size: float) -> None:
        stream = (self._dialect.name, f"book:{symbol}")
        while True:
            told = await client.watch_order_book(unified)
            received_ns = now_ns()
            with refusing(stream):
                at_ns = moment(told, unified, received_ns, stream)
                depth = sound_depth(side(told["bids"], size), side(told["asks"], size), stream)
            seen = BookSeen(venue=stream[0], symbol=symbol, depth=depth, at_ns=at_ns, received_ns=received_ns)
            self._tell(stream[1], (seen,), at_ns, received_ns)

    async def _marks(self, client: Any, symbol: str, unified: str) -> None:
        stream, watch = (self._dialect.name, f"mark:{symbol}"), getattr(client, self._ways.marks)
        while True:
            told = await watch(unified)
            received_ns = now_ns()
            with refusing(stream):
                at_ns = moment(told, unified, received_ns, stream)
                funding = told["info"].get(self._ways.funding) if self._ways.funding else None
                seen = MarkSeen(
                    venue=stream[0], symbol=symbol, at_ns=at_ns, received_ns=received_ns,
                    mark_price=above_nothing(told["markPrice"], stream),
                    index_price=above_nothing(told["indexPrice"], stream) if told.get("indexPrice") else None,
                    funding_rate=if_given(funding, stream),
                )  # fmt: skip
            self._tell(stream[1], (seen,), at_ns, received_ns)

    async def _rates(self, symbols: Sequence[str]) -> None:
        """What is not streamed, in parts that are put together where feeds join: a mark that was asked for is none."""
        while True:
            found: Sequence[MarkSeen] = ()
            with contextlib.suppress(VenueUnavailable):
                found = await self._ask(symbols)
            is_whole = {one.symbol for one in found} >= set(symbols)
            if is_whole:
                self._tell("rates", [replace(one, mark_price=None) for one in found], now_ns(), now_ns())
            await asyncio.sleep(self._habits.rates if is_whole else self._habits.again)

    async def _watch(self) -> None:
        """Say what is stale; end where something stays so."""
        loop = asyncio.get_running_loop()
        spoke = loop.time()
        while loop.time() - spoke <= self._habits.silent:
            await asyncio.sleep(self._habits.look)
            self._say(self._watchdog.look(now_ns()))
            spoke = spoke if self._watchdog.stale - {"rates"} else loop.time()
        raise TimeoutError("a stream stays silent")


@contextlib.contextmanager
def refusing(stream: tuple[str, str]) -> Iterator[None]:
    """What cannot be read is refused: no message of a venue ends the guard."""
    try:
        yield
    except UNREADABLE:
        raise Unfit(*stream, Reason.MALFORMED) from None


def moment(told: Mapping[str, Any], unified: str, received_ns: int, stream: tuple[str, str]) -> int:
    """When the venue says that a contract was so, ours where it does not; refused where it is of another contract."""
    if told["symbol"] != unified:
        raise Unfit(*stream, Reason.STRANGER)
    stamp = told.get("timestamp")
    return received_ns if stamp is None else min(time_ns(int(stamp), received_ns, stream), received_ns)


def side(rows: Any, size: float) -> Levels:
    """The best levels of a side in base units. size : of one contract."""
    return tuple((float(row[0]), scaled(float(row[1]), size)) for row in islice(rows, DEEP))
