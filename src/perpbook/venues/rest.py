"""A live venue over HTTP, through ccxt: the guard's port to it. Nothing is sent twice; no number of ours depends on the client.

An account is read from the venue's own answers by whoever is handed in as `parse`; a refusal is a report; a request that may have
acted raises OutcomeUnknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from perpbook.errors import InputError, OutcomeUnknown, VenueUnavailable
from perpbook.model.account import Account
from perpbook.model.market import Depth
from perpbook.model.message import AccountSeen, BookSeen, FundingSeen, MarkSeen, RatesSeen
from perpbook.model.order import Fill, OrderReport, OrderRequest, OrderState, RejectReason
from perpbook.venues.buckets import Bucket
from perpbook.venues.dialect import Dialect, is_absent
from perpbook.venues.payments import PAYMENTS, RATES, Ask, Asked, Row, all_rows, payments_of, rates_of
from perpbook.venues.told import MS_NS, Owner, above, fill_of, refused, report_of, resting_of, scaled

T = TypeVar("T")
Parse = Callable[[Sequence[Any], str, int], tuple[Mapping[str, Account], int]]
"""A venue's answers, the account's id and our time: every margin bucket in them by id, and when the venue says that was, ns."""

LEVELS = 20
TOO_MANY_S = 10.0
"""How long nothing that opens risk goes after the venue said "too many"."""

UNREADABLE = (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError)
"""What reading a malformed answer dies of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """An account's client. Its secret is in there and nowhere else."""

    account: str
    address: str
    client: Any

    def __repr__(self) -> str:
        return f"Login({self.account})"


class LiveVenue:
    """See the module. Every login of a venue shares its rate limit. pairs : contracts by the number that orders may name them by,
    known once it is open."""

    def __init__(
        self,
        dialect: Dialect,
        logins: Sequence[Login],
        parse: Parse,
        clock: Callable[[], int],
        parents: Mapping[str, str] | None = None,
    ) -> None:
        """parents : of isolated positions that are accounts of their own, the account whose login they have."""
        self.name, self.capabilities = dialect.name, dialect.capabilities
        self.pairs: dict[str, str] = {}
        self.bucket = Bucket(size=dialect.weights.size, rate=dialect.weights.rate)
        self._dialect, self._parse, self._clock = dialect, parse, clock
        self._logins = {one.account: one for one in logins}
        self._parents = dict(parents or {})
        self._unified: dict[str, str] = {}
        self._natives: dict[str, str] = {}
        self._sizes: dict[str, float] = {}
        self._names: dict[str, str] = {}
        self._watched: dict[str, tuple[str, ...]] = {}

    async def open(self) -> None:
        """Load markets, once for every login."""
        for login in self._logins.values():
            await self._read(login.client.load_markets, "its markets", self._weights.marks)
            for market in login.client.markets.values():
                native = self._dialect.native(market)
                if native:
                    self._unified[native], self._natives[market["symbol"]] = market["symbol"], native
                    self._sizes[native] = float(market["contractSize"]) if self._dialect.in_contracts else 1.0
                    pair = market["info"].get("clobPairId")
                    self.pairs |= {str(pair): native} if pair is not None else {}

    def lists(self, symbol: str) -> bool:
        """Whether it is a contract that can be traded from here."""
        return symbol in self._unified

    def contract_size(self, symbol: str) -> float:
        """Base units of one of the units that the venue counts sizes in."""
        return self._sizes[symbol]

    def expect(self, account: str, symbol: str, client_ids: Iterable[str]) -> None:
        """Know orders again that were sent before this object was made, where answers do not carry our ids."""
        for client_id in client_ids:
            names = self._dialect.order_names(self._login(account).client, self._name(symbol), client_id)
            self._names.update(dict.fromkeys(names, client_id))

    def own_id(self, name: str) -> str:
        """Our id of an order that the venue names so; the name itself where it is none of ours."""
        return self._names.get(name, name)

    async def ask(self, account: str, request: Callable[[Any], Awaitable[T]], what: str) -> T:
        """Something beside the port that an account's client asks for, within the rate limit.

        Raises
        ------
        VenueUnavailable : it is not told.
        """
        client = self._login(account).client
        return await self._read(lambda: request(client), what, self._weights.order)

    def watch(self, account: str, symbols: Sequence[str]) -> None:
        """Contracts whose trades are asked for."""
        self._watched[account] = tuple(symbols)

    async def account(self, account: str) -> AccountSeen:
        """An account's positions and money as the venue has them, with its resting orders."""
        login, asked_ns = self._login(account), self._clock()
        what, weights = f"the account {account}", self._weights
        answers = await self._read(lambda: self._dialect.read(login.client, login.address), what, weights.account)
        try:
            found, at_ns = self._parse(answers, login.account, asked_ns)
        except InputError as error:
            raise VenueUnavailable(f"{self.name}: the answer on {account} cannot be used: {error.message}") from None
        except (*UNREADABLE, AssertionError) as error:
            raise self._unreadable(what, error) from None
        if login.account not in found:
            raise VenueUnavailable(f"{self.name} shows no {login.account} in its answer")
        shown = found.get(account) or Account(id=account, venue=self.name, parent=login.account, collateral=())
        resting = await self._read(lambda: login.client.fetch_open_orders(), f"the orders of {account}", weights.orders)
        owner = self._owner(account)
        orders = self._understood(lambda: [resting_of(one, owner) for one in resting], f"the orders of {account}")
        held = replace(shown, orders=tuple(one for one in orders if one is not None))
        hidden = sum(one is None for one in orders)
        return AccountSeen(account=held, at_ns=at_ns, received_ns=self._clock(), hidden_orders=hidden)

    async def book(self, symbol: str) -> BookSeen:
        """The best levels of a book."""
        client, what = self._any_client(), f"the book of {symbol}"
        unified = self._name(symbol)
        found = await self._read(lambda: client.fetch_order_book(unified, LEVELS), what, self._weights.book)
        size = self._sizes[symbol]
        depth = self._understood(
            lambda: Depth(bids=levels(found["bids"], size), asks=levels(found["asks"], size)), what
        )
        now = self._clock()
        at = min(int(found["timestamp"]) * MS_NS, now) if found.get("timestamp") else now
        return BookSeen(venue=self.name, symbol=symbol, depth=depth, at_ns=at, received_ns=now)

    async def marks(self, symbols: Sequence[str]) -> tuple[MarkSeen, ...]:
        """Prices and funding of some contracts; those that the venue does not list are left out."""
        client, now = self._any_client(), self._clock()
        found = await self._read(lambda: self._dialect.marks(client), "its prices", self._weights.marks)
        return tuple(
            MarkSeen(
                venue=self.name, symbol=one.symbol, at_ns=now, received_ns=self._clock(), mark_price=one.mark,
                oracle_price=one.oracle, index_price=one.index, funding_rate=one.funding_rate,
                open_interest=one.open_interest,
            )
            for one in found
            if one.symbol in symbols
        )  # fmt: skip

    async def place(self, request: OrderRequest) -> OrderReport:
        """Send an order, once."""
        errors, login = _errors(), self._login(request.account)
        unified, params = self._name(request.symbol), self._params(request)
        self.expect(request.account, request.symbol, (request.client_id,))
        await self._room(self._weights.send, reduces=request.reduce_only)
        side = "buy" if request.quantity > 0 else "sell"
        size = scaled(abs(request.quantity), 1.0 / self._sizes[request.symbol])
        price = self._dialect.price(login.client.market(unified), request.quantity, request.limit_price)
        try:
            told = await login.client.create_order(unified, "limit", side, size, price, params)
            if told.get("status") is not None and told.get("filled") is not None:
                return report_of(told, self._owner(request.account), request.symbol, request.client_id, self._clock())
        except errors.OperationFailed as error:
            if self._is_too_many(error):
                return refused(request, error, RejectReason.RATE_LIMIT, self._clock())
            raise OutcomeUnknown(f"{self.name} gave no clear answer to an order ({type(error).__name__})") from None
        except errors.BaseError as error:
            return refused(request, error, None, self._clock())
        except UNREADABLE as error:
            raise OutcomeUnknown(f"{self.name}'s answer to an order cannot be read ({type(error).__name__})") from None
        return await self._became(request)

    async def cancel(self, account: str, symbol: str, client_id: str) -> OrderReport:
        """Take an order back; how it then stands."""
        errors, client = _errors(), self._login(account).client
        unified = self._name(symbol)
        await self._room(self._weights.send, reduces=True)
        try:
            await self._dialect.cancel(client, unified, client_id)
        except errors.OperationFailed as error:
            raise OutcomeUnknown(f"{self.name} gave no clear answer to a cancel ({type(error).__name__})") from None
        except errors.BaseError:
            pass
        except UNREADABLE as error:
            raise OutcomeUnknown(f"{self.name}'s answer to a cancel cannot be read ({type(error).__name__})") from None
        return await self.order(account, symbol, client_id)

    async def set_timer(self, account: str, symbol: str, wait_ns: int) -> str:
        """Set the venue's timer that cancels orders, or take it off."""
        errors, client = _errors(), self._login(account).client
        unified = self._name(symbol) if symbol else ""
        if not self.capabilities.dead_man:
            return f"{self.name} has no timer that cancels orders"
        await self._room(self._weights.send, reduces=True)
        try:
            await self._dialect.set_timer(client, unified, wait_ns // MS_NS, self._clock() // MS_NS)
        except errors.OperationFailed as error:
            raise OutcomeUnknown(f"{self.name} gave no clear answer on its timer ({type(error).__name__})") from None
        except errors.BaseError as error:
            return " ".join(str(error).split())[:200]
        except UNREADABLE as error:
            raise OutcomeUnknown(f"{self.name}'s answer on its timer cannot be read ({type(error).__name__})") from None
        return ""

    async def order(self, account: str, symbol: str, client_id: str) -> OrderReport:
        """What became of an order; ABSENT where the venue has never heard of it."""
        client, unified, what = self._login(account).client, self._name(symbol), "an order"
        self.expect(account, symbol, (client_id,))

        async def asked() -> Mapping[str, Any] | None:
            try:
                found: Mapping[str, Any] = await self._dialect.find(client, unified, client_id)
                return found
            except _errors().BaseError as error:
                if is_absent(error):
                    return None
                raise

        told = await self._read(asked, what, self._weights.order)
        if told is None:
            return OrderReport(
                client_id=client_id, account=account, venue=self.name, symbol=symbol, state=OrderState.ABSENT,
                filled=0.0, average_price=None, at_ns=self._clock(),
            )  # fmt: skip
        return self._understood(lambda: report_of(told, self._owner(account), symbol, client_id, self._clock()), what)

    async def open_orders(self, account: str) -> tuple[OrderReport, ...]:
        """Orders that rest, by our id where they have one."""
        client, what, owner = self._login(account).client, f"the orders of {account}", self._owner(account)
        found = await self._read(lambda: client.fetch_open_orders(), what, self._weights.orders)
        return self._understood(
            lambda: tuple(
                report_of(one, owner, owner.symbol(one), owner.client_id(one), self._clock()) for one in found
            ),
            what,
        )

    async def fills(self, account: str, since_ns: int) -> tuple[Fill, ...]:
        """Trades from a time on, oldest first."""
        login, what, owner = self._login(account), f"the trades of {account}", self._owner(account)
        symbols = tuple(self._unified[one] for one in self._watched.get(account, ()) if one in self._unified)
        since_ms = max(since_ns, 0) // MS_NS
        found = await self._read(
            lambda: self._dialect.trades(login.client, symbols, since_ms), what, self._weights.trades
        )
        fills = self._understood(lambda: [fill_of(name, one, owner) for name, one in found], what)
        return tuple(sorted(fills, key=lambda one: (one.time_ns, one.trade_id)))

    async def funding(self, account: str, since_ns: int) -> FundingSeen:
        """What an account received and paid from a time on."""
        login, asked_ns, what = self._login(account), self._clock(), f"the funding of {account}"
        if account in self._parents and hasattr(self._dialect, "subaccount"):
            raise VenueUnavailable(f"{self.name} keeps {account} in a subaccount of its own, which is not asked for")
        of = (login.address, since_ns, asked_ns)
        rows = await self._rows(PAYMENTS[self.name], login, of, what, self._weights.funding)
        mine = [one for one in rows if self._whose(login.account, one.symbol) == account]
        return FundingSeen(
            venue=self.name, account=account, payments=self._understood(lambda: payments_of(mine), what),
            since_ns=since_ns, at_ns=asked_ns, received_ns=self._clock(),
        )  # fmt: skip

    async def rates(self, symbol: str, since_ns: int) -> RatesSeen:
        """What was settled of a contract from a time on."""
        login, asked_ns, what = next(iter(self._logins.values())), self._clock(), f"the rates of {symbol}"
        rows = await self._rows(RATES[self.name], login, (symbol, since_ns, asked_ns), what, self._weights.rates)
        return RatesSeen(
            venue=self.name, symbol=symbol, rates=self._understood(lambda: rates_of(rows), what), since_ns=since_ns,
            at_ns=asked_ns, received_ns=self._clock(),
        )  # fmt: skip

    async def _rows(self, ask: Ask, login: Login, of: tuple[str, int, int], what: str, weight: float) -> list[Row]:
        """All pages of a list that can wait: what is kept for less risk is left."""
        asked = Asked(
            of=of[0], since_ms=-(-of[1] // MS_NS), now_ms=of[2] // MS_NS,
            subaccount=getattr(self._dialect, "subaccount", 0),
        )  # fmt: skip

        async def page(after: Any) -> tuple[list[Row], Any]:
            while wait := self.bucket.wait_ns(weight, self._clock(), reduces=False):
                await asyncio.sleep(wait / 1e9)
            return await self._read(lambda: ask(login.client, asked, after), what, 0.0)

        try:
            return await all_rows(page, asked)
        except ValueError as error:
            raise self._unreadable(what, error) from None

    def _whose(self, root: str, symbol: str) -> str:
        """Whose a contract's position is: an isolated one's own account is named after the login's and the contract."""
        alone = f"{root}-{symbol}"
        return alone if alone in self._parents else root

    async def close(self) -> None:
        """Let go of connections."""
        for login in self._logins.values():
            await login.client.close()

    @property
    def _weights(self) -> Any:
        return self._dialect.weights

    def _any_client(self) -> Any:
        return next(iter(self._logins.values())).client

    def _login(self, account: str) -> Login:
        name = self._parents.get(account, account)
        if name not in self._logins:
            raise InputError(f"{self.name} was not opened for the account {account}")
        return self._logins[name]

    def _owner(self, account: str) -> Owner:
        return Owner(venue=self.name, account=account, natives=self._natives, names=self._names, sizes=self._sizes)

    def _params(self, request: OrderRequest) -> dict[str, Any]:
        return self._dialect.params(request, request.account in self._parents)

    def _name(self, symbol: str) -> str:
        if symbol not in self._unified:
            raise VenueUnavailable(f"{self.name} lists no {symbol} now")
        return self._unified[symbol]

    async def _became(self, request: OrderRequest) -> OrderReport:
        """What became of an order that was taken: unknown while the venue does not show it yet."""
        try:
            report = await self.order(request.account, request.symbol, request.client_id)
        except VenueUnavailable as error:
            raise OutcomeUnknown(f"an order was sent, and then: {error}") from None
        if report.state is OrderState.ABSENT:
            raise OutcomeUnknown(f"{self.name} took an order and does not show it yet")
        return report

    async def _room(self, weight: float, *, reduces: bool) -> None:
        """Take a request's weight out of the rate limit. What reduces risk waits for room; what opens it is not sent."""
        while weight and (wait := self.bucket.wait_ns(weight, self._clock(), reduces=reduces)):
            if not reduces:
                raise VenueUnavailable(
                    f"{self.name}: its rate limit is used up for {wait / 1e9:.1f} s but for what reduces risk: not sent"
                )
            await asyncio.sleep(wait / 1e9)

    async def _read(self, request: Callable[[], Awaitable[T]], what: str, weight: float) -> T:
        errors = _errors()
        await self._room(weight, reduces=True)
        try:
            return await request()
        except errors.BaseError as error:
            if self._is_too_many(error):
                raise VenueUnavailable(f"{self.name} asks to wait before it tells {what}") from None
            raise VenueUnavailable(f"{self.name} does not tell {what} ({type(error).__name__})") from None
        except UNREADABLE as error:
            raise self._unreadable(what, error) from None

    def _is_too_many(self, error: Exception) -> bool:
        """Whether a venue refused a request because there were too many; then what opens risk waits."""
        errors = _errors()
        found = isinstance(error, errors.RateLimitExceeded) or (
            isinstance(error, errors.DDoSProtection) and any(f" {code} " in str(error) for code in (418, 429))
        )
        if found:
            self.bucket.refused(self._clock(), TOO_MANY_S)
        return found

    def _understood(self, work: Callable[[], T], what: str) -> T:
        try:
            return work()
        except (*UNREADABLE, AssertionError) as error:
            raise self._unreadable(what, error) from None

    def _unreadable(self, what: str, error: Exception) -> VenueUnavailable:
        return VenueUnavailable(f"{self.name}'s answer on {what} cannot be read ({type(error).__name__})")


def levels(rows: Sequence[Sequence[Any]], size: float) -> tuple[tuple[float, float], ...]:
    """One side of a book, of contracts of a size; one without anything cannot be told from a malformed answer."""
    if not rows:
        raise ValueError("one side is empty")
    return tuple((above(row[0]), scaled(above(row[1]), size)) for row in rows)


def _errors() -> Any:
    from ccxt.base import errors

    return errors
