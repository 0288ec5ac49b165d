"""A venue's accounts as they change: a user stream for each login, and the venue asked beside it.

Asked often while the stream of an account is away, seldom while it stands. Where the two differ twice in a row, something was
missed: the stream begins anew. What a gap may have hidden is unknown until the whole account is told again, by either.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from perpbook.errors import VenueUnavailable
from perpbook.model.message import AccountSeen, FillSeen, Message, OrderSeen, Stale
from perpbook.venues.joined import merged
from perpbook.venues.rest import LiveVenue
from perpbook.venues.stream import Stream

LOG = logging.getLogger(__name__)
SELDOM_S = 30.0
"""Between two questions about an account whose stream stands: half of what makes an account old."""

TWICE_S = 2.0
"""Until a difference is looked at again; what is under way between the two looks is no difference."""

PATIENCE = 4.0
"""After how many questions without an answer an account whose stream is away is not known any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """stream : of one login. keep : what keeps its address good, for ever; close : what gives it back; None for neither."""

    stream: Stream
    keep: Callable[[], Awaitable[None]] | None = None
    close: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds. often : between two questions while a stream is away.  seldom : while it stands.  twice : see `TWICE_S`."""

    often: float
    seldom: float = SELDOM_S
    twice: float = TWICE_S


@dataclass(slots=True)
class Login:
    """What is known of one login's accounts. stands : its stream told a whole account, and broke not since.  told : by account,
    the newest that the stream told.  at_ns : of what was told last, by account.  stale : said to be unknown.  lost_ns : since
    when; answers to older questions do not count.  known_ns : when an answer last came."""

    names: tuple[str, ...]
    stands: bool = False
    told: dict[str, AccountSeen] = field(default_factory=dict)
    at_ns: dict[str, int] = field(default_factory=dict)
    stale: bool = False
    lost_ns: int = 0
    known_ns: int = 0
    differs: bool = False
    ask: asyncio.Event = field(default_factory=asyncio.Event)


class Streamed:
    """A `Feed` of accounts. sources : by login.  parents : of accounts that hang on a login's, that login."""

    def __init__(
        self,
        venue: LiveVenue,
        sources: Mapping[str, Source],
        pace: Pace,
        clock: Callable[[], int],
        parents: Mapping[str, str] | None = None,
    ) -> None:
        self._venue, self._sources, self._pace, self._clock = venue, dict(sources), pace, clock
        self._parents = dict(parents or {})

    async def messages(self, accounts: Sequence[str], symbols: Sequence[str] = ()) -> AsyncIterator[Message]:
        """Everything about these accounts, for ever."""
        feeds = list[AsyncIterator[Message]]()
        for root in dict.fromkeys(self._parents.get(name, name) for name in accounts):
            mine = tuple(name for name in accounts if self._parents.get(name, name) == root)
            login, source = Login(names=mine, known_ns=self._clock()), self._sources[root]
            feeds += [self._heard(root, login, source.stream), self._asked(root, login, source.stream)]
            if source.keep is not None:
                feeds.append(_kept(source.keep, source.close))
        async with aclosing(merged(feeds)) as told:
            async for message in told:
                yield message

    async def _heard(self, root: str, login: Login, stream: Stream) -> AsyncIterator[Message]:
        """What the stream tells, in our names."""
        async with aclosing(stream.messages([root], ())) as told:
            async for message in told:
                for ours in self._ours(root, login, message):
                    yield ours

    def _ours(self, root: str, login: Login, message: Message) -> Sequence[Message]:
        match message:
            case Stale():
                return self._gap(root, login, message) if _is_of_accounts(message.stream) else ()
            case AccountSeen():
                return self._seen(root, login, message)
            case OrderSeen():
                client_id, account = self._named(root, message.report.client_id, message.report.symbol)
                return (replace(message, report=replace(message.report, client_id=client_id, account=account)),)
            case FillSeen():
                client_id, account = self._named(root, message.fill.client_id, message.fill.symbol)
                return (replace(message, fill=replace(message.fill, client_id=client_id, account=account)),)
        return ()

    def _named(self, root: str, client_id: str, symbol: str) -> tuple[str, str]:
        """Our id of an order, and its account: that of an isolated position is named after the login's and the contract."""
        alone = f"{root}-{symbol}"
        return self._venue.own_id(client_id), alone if alone in self._parents else root

    def _gap(self, root: str, login: Login, message: Stale) -> Sequence[Message]:
        """The stream broke, or stands again."""
        login.stands = message.fresh
        if message.fresh:
            return self._fresh(root, login)
        login.told.clear()
        login.lost_ns = self._clock()
        login.ask.set()
        return self._stale(root, login)

    def _seen(self, root: str, login: Login, message: AccountSeen) -> Sequence[Message]:
        """An account whole. It is never older than what was told of it before: a stream's order is the venue's."""
        name = message.account.id
        if name not in login.names:
            return ()
        orders = tuple(replace(one, id=self._venue.own_id(one.id)) for one in message.account.orders)
        at_ns = max(message.at_ns, login.at_ns.get(name, 0))
        seen = replace(message, account=replace(message.account, orders=orders), at_ns=at_ns)
        login.stands, login.told[name], login.at_ns[name] = True, seen, seen.at_ns
        return (*self._fresh(root, login), seen)

    async def _asked(self, root: str, login: Login, stream: Stream) -> AsyncIterator[Message]:
        """What the venue answers, as often as the stream makes it needed."""
        while True:
            login.ask.clear()
            asked_ns = self._clock()
            try:
                found = [await self._venue.account(name) for name in login.names]
            except VenueUnavailable:
                for said in self._unanswered(root, login):
                    yield said
            else:
                for said in self._answered(root, login, found, asked_ns, stream):
                    yield said
            await self._rest(login)

    async def _rest(self, login: Login) -> None:
        """Until the next question; a stream that breaks asks at once."""
        wait = self._pace.twice if login.differs else self._pace.seldom if login.stands else self._pace.often
        try:
            async with asyncio.timeout(wait):
                await login.ask.wait()
        except TimeoutError:
            return
        await asyncio.sleep(0.01)

    def _unanswered(self, root: str, login: Login) -> Sequence[Message]:
        silent_ns = self._clock() - login.known_ns
        if login.stands or silent_ns <= PATIENCE * self._pace.often * 1e9:
            return ()
        return self._stale(root, login)

    def _answered(
        self, root: str, login: Login, found: Sequence[AccountSeen], asked_ns: int, stream: Stream
    ) -> Sequence[Message]:
        if asked_ns < login.lost_ns:
            return ()
        login.known_ns = self._clock()
        differs = login.stands and any(_differ(login.told.get(one.account.id), one) for one in found)
        if differs and login.differs:
            LOG.warning("%s %s: its stream missed a change, and begins anew", self._venue.name, root)
            stream.renew()
        login.differs = differs and not login.differs
        for one in found:
            login.at_ns[one.account.id] = max(one.at_ns, login.at_ns.get(one.account.id, 0))
        return (*self._fresh(root, login), *found)

    def _stale(self, root: str, login: Login) -> Sequence[Message]:
        if login.stale:
            return ()
        login.stale = True
        return (Stale(venue=self._venue.name, stream=f"account:{root}", received_ns=self._clock()),)

    def _fresh(self, root: str, login: Login) -> Sequence[Message]:
        if not login.stale:
            return ()
        login.stale = False
        return (Stale(venue=self._venue.name, stream=f"account:{root}", received_ns=self._clock(), fresh=True),)


def _is_of_accounts(stream: str) -> bool:
    return stream == "account" or stream.startswith("account:")


def _differ(streamed: AccountSeen | None, asked: AccountSeen) -> bool:
    """Whether an answer shows other positions than a stream that told the account before."""
    if streamed is None:
        return False
    held = [
        {position.symbol: position.quantity for position in one.account.positions if position.quantity}
        for one in (streamed, asked)
    ]
    return held[0].keys() != held[1].keys() or any(
        abs(held[0][name] - held[1][name]) > 1e-9 * abs(held[1][name]) for name in held[1]
    )


async def _kept(
    keep: Callable[[], Awaitable[None]], close: Callable[[], Awaitable[None]] | None
) -> AsyncGenerator[Message, None]:
    """An address kept good for ever, and given back; nothing is told of it."""
    try:
        await keep()
    finally:
        if close is not None:
            await close()
    return
    yield
