"""A live venue over HTTP, through ccxt: the guard's port to it. Nothing is sent twice; no number of ours depends on the client.

An account is read from the venue's own answers by whoever is handed in as `parse`; a refusal is a report; a request that may have
acted raises OutcomeUnknown.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from perpbook.errors import InputError, OutcomeUnknown, VenueUnavailable
from perpbook.model.account import Account, Order
from perpbook.model.market import Depth
from perpbook.model.message import AccountSeen, BookSeen
from perpbook.model.order import Fill, OrderReport, OrderRequest, OrderState, RejectReason
from perpbook.venues.buckets import Bucket
from perpbook.venues.dialect import Dialect, is_absent, is_ours, reason_in

T = TypeVar("T")
Parse = Callable[[Sequence[Any], str, int], tuple[Mapping[str, Account], int]]
"""A venue's answers, the account's id and our time: every margin bucket in them by id, and when the venue says that was, ns."""

LEVELS = 20
MS_NS = 1_000_000
STATES = {
    "open": OrderState.OPEN,
    "closed": OrderState.FILLED,
    "canceled": OrderState.CANCELED,
    "expired": OrderState.CANCELED,
    "rejected": OrderState.REJECTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """An account's client. Its secret is in there and nowhere else."""

    account: str
    address: str
    client: Any

    def __repr__(self) -> str:
        return f"Login({self.account})"


class LiveVenue:
    """See the module. logins : by account. buckets : of the venue."""

    def __init__(
        self, dialect: Dialect, logins: Sequence[Login], parse: Parse, clock: Callable[[], int], bucket: Bucket
    ) -> None:
        self.name, self.capabilities = dialect.name, dialect.capabilities
        self._dialect, self._parse, self._clock, self._bucket = dialect, parse, clock, bucket
        self._logins = {one.account: one for one in logins}
        self._unified: dict[str, str] = {}
        self._natives: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._watched: dict[str, tuple[str, ...]] = {}

    async def open(self) -> None:
        """Load markets, once for every login."""
        for login in self._logins.values():
            await self._read(login.client.load_markets(), "its markets")
            for market in login.client.markets.values():
                native = self._dialect.native(market)
                if native:
                    self._unified[native], self._natives[market["symbol"]] = market["symbol"], native

    async def account(self, account: str) -> AccountSeen:
        """An account's positions and money as the venue has them, with its resting orders."""
        login, asked_ns = self._login(account), self._clock()
        answers = await self._read(self._dialect.read(login.client, login.address), f"the account {account}")
        try:
            found, at_ns = self._parse(answers, login.account, asked_ns)
        except InputError as error:
            raise VenueUnavailable(f"{self.name}: the answer on {account} cannot be used: {error.message}") from None
        if account not in found:
            raise VenueUnavailable(f"{self.name} shows no {account} in its answer")
        resting = await self._read(login.client.fetch_open_orders(), f"the orders of {account}")
        orders = tuple(self._resting(one) for one in resting)
        held = replace(found[account], orders=tuple(one for one in orders if one is not None))
        return AccountSeen(account=held, at_ns=at_ns, received_ns=self._clock())

    async def book(self, symbol: str) -> BookSeen:
        """The best levels of a book."""
        client = next(iter(self._logins.values())).client
        found = await self._read(client.fetch_order_book(self._name(symbol), LEVELS), f"the book of {symbol}")
        sides = {side: tuple((float(row[0]), float(row[1])) for row in found[side]) for side in ("bids", "asks")}
        now = self._clock()
        at = int(found["timestamp"]) * MS_NS if found.get("timestamp") else now
        return BookSeen(venue=self.name, symbol=symbol, depth=Depth(**sides), at_ns=at, received_ns=now)

    async def place(self, request: OrderRequest) -> OrderReport:
        """Send an order, once."""
        if not request.reduce_only:
            self._wait_for_room()
        else:
            self._bucket.wait_ns(1.0, self._clock(), reduces=True)
        client = self._login(request.account).client
        unified, side = self._name(request.symbol), "buy" if request.quantity > 0 else "sell"
        size, params = abs(request.quantity), self._dialect.params(request)
        errors = _errors()
        try:
            told = await client.create_order(unified, "limit", side, size, request.limit_price, params)
        except errors.RateLimitExceeded as error:
            self._bucket.refused(self._clock(), 10.0)
            return self._refused(request, error, RejectReason.RATE_LIMIT)
        except errors.NetworkError as error:
            raise OutcomeUnknown(f"{self.name} gave no clear answer to an order ({type(error).__name__})") from None
        except (errors.InvalidOrder, errors.InsufficientFunds, errors.AuthenticationError, errors.BadRequest) as error:
            return self._refused(request, error, None)
        except errors.ExchangeError as error:
            return self._refused(request, error, None)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise OutcomeUnknown(f"{self.name}'s answer to an order cannot be read ({type(error).__name__})") from None
        if told.get("status") is None or told.get("filled") is None:
            return await self.order(request.account, request.symbol, request.client_id)
        return self._report(told, request.account, request.symbol, request.client_id)

    async def cancel(self, account: str, symbol: str, client_id: str) -> OrderReport:
        """Take an order back; how it then stands."""
        errors, client = _errors(), self._login(account).client
        self._bucket.wait_ns(1.0, self._clock(), reduces=True)
        try:
            await self._dialect.cancel(client, self._name(symbol), client_id)
        except errors.NetworkError as error:
            raise OutcomeUnknown(f"{self.name} gave no clear answer to a cancel ({type(error).__name__})") from None
        except errors.ExchangeError:
            pass
        return await self.order(account, symbol, client_id)

    async def order(self, account: str, symbol: str, client_id: str) -> OrderReport:
        """What became of an order; ABSENT where the venue has never heard of it."""
        errors, client = _errors(), self._login(account).client
        try:
            told = await self._dialect.find(client, self._name(symbol), client_id)
        except errors.NetworkError as error:
            raise VenueUnavailable(f"{self.name} cannot be asked for an order ({type(error).__name__})") from None
        except errors.ExchangeError as error:
            if is_absent(error):
                return self._absent(account, symbol, client_id)
            raise VenueUnavailable(
                f"{self.name} does not say what became of an order ({type(error).__name__})"
            ) from None
        if told.get("id"):
            self._names[str(told["id"])] = client_id
        return self._report(told, account, symbol, client_id)

    async def open_orders(self, account: str) -> tuple[OrderReport, ...]:
        """Orders that rest, by our id where they have one."""
        client = self._login(account).client
        found = await self._read(client.fetch_open_orders(), f"the orders of {account}")
        return tuple(
            self._report(one, account, self._natives.get(one["symbol"], one["symbol"]), self._own_id(one))
            for one in found
        )

    async def fills(self, account: str, since_ns: int) -> tuple[Fill, ...]:
        """Trades from a time on, oldest first."""
        login = self._login(account)
        symbols = tuple(self._unified[one] for one in self._traded(account))
        found = await self._read(
            self._dialect.trades(login.client, symbols, since_ns // MS_NS), f"the trades of {account}"
        )
        fills = [self._fill(name, one, account) for name, one in found]
        return tuple(sorted(fills, key=lambda one: (one.time_ns, one.trade_id)))

    async def close(self) -> None:
        """Let go of connections."""
        for login in self._logins.values():
            await login.client.close()

    def watch(self, account: str, symbols: Sequence[str]) -> None:
        """Contracts whose trades are asked for."""
        self._watched[account] = tuple(symbols)

    def _traded(self, account: str) -> tuple[str, ...]:
        return tuple(one for one in self._watched.get(account, ()) if one in self._unified)

    def _login(self, account: str) -> Login:
        if account not in self._logins:
            raise InputError(f"{self.name} was not opened for the account {account}")
        return self._logins[account]

    def _name(self, symbol: str) -> str:
        if symbol not in self._unified:
            raise VenueUnavailable(f"{self.name} lists no {symbol} now")
        return self._unified[symbol]

    async def _read(self, request: Awaitable[T], what: str) -> T:
        errors = _errors()
        try:
            return await request
        except errors.BaseError as error:
            raise VenueUnavailable(f"{self.name} does not tell {what} ({type(error).__name__})") from None
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise VenueUnavailable(f"{self.name}'s answer on {what} cannot be read ({type(error).__name__})") from None

    def _wait_for_room(self) -> None:
        wait = self._bucket.wait_ns(1.0, self._clock(), reduces=False)
        if wait:
            raise VenueUnavailable(
                f"{self.name}: its rate limit is used up for {wait / 1e9:.1f} s but for what reduces risk"
            )

    def _report(self, told: Mapping[str, Any], account: str, symbol: str, client_id: str) -> OrderReport:
        filled = float(told.get("filled") or 0.0)
        side = 1.0 if told.get("side") != "sell" else -1.0
        state = STATES.get(str(told.get("status")), OrderState.UNKNOWN)
        remaining = told.get("remaining")
        if state is OrderState.FILLED and remaining is not None and float(remaining) > 0.0:
            state = OrderState.CANCELED
        average = told.get("average")
        at = int(told.get("lastUpdateTimestamp") or told.get("timestamp") or 0) * MS_NS
        if not math.isfinite(filled) or filled < 0.0:
            raise VenueUnavailable(f"{self.name} says of an order that {filled} is filled")
        return OrderReport(
            client_id=client_id, account=account, venue=self.name, symbol=symbol, state=state, filled=side * filled,
            average_price=float(average) if average else None, at_ns=at or self._clock(),
            reason=reason_in("") if state is OrderState.REJECTED else None,
        )  # fmt: skip

    def _refused(self, request: OrderRequest, error: Exception, reason: RejectReason | None) -> OrderReport:
        words = " ".join(str(error).split())[:200]
        return OrderReport(
            client_id=request.client_id, account=request.account, venue=self.name, symbol=request.symbol,
            state=OrderState.REJECTED, filled=0.0, average_price=None, at_ns=self._clock(),
            reason=reason or reason_in(words), why=words,
        )  # fmt: skip

    def _absent(self, account: str, symbol: str, client_id: str) -> OrderReport:
        return OrderReport(
            client_id=client_id, account=account, venue=self.name, symbol=symbol, state=OrderState.ABSENT, filled=0.0,
            average_price=None, at_ns=self._clock(),
        )  # fmt: skip

    def _fill(self, name: str, told: Mapping[str, Any], account: str) -> Fill:
        side = 1.0 if told["side"] == "buy" else -1.0
        mine = name.removeprefix("0x")
        return Fill(
            client_id=mine if is_ours(mine) else self._names.get(name, ""), account=account, venue=self.name,
            symbol=self._natives.get(told["symbol"], told["symbol"]), trade_id=str(told["id"]),
            quantity=side * float(told["amount"]), price=float(told["price"]),
            fee=float((told.get("fee") or {}).get("cost") or 0.0), time_ns=int(told["timestamp"]) * MS_NS,
        )  # fmt: skip

    def _own_id(self, told: Mapping[str, Any]) -> str:
        mine = str(told.get("clientOrderId") or "").removeprefix("0x")
        return mine if is_ours(mine) else self._names.get(str(told["id"]), str(told["id"]))

    def _resting(self, told: Mapping[str, Any]) -> Order | None:
        remaining, price = told.get("remaining") or told.get("amount"), told.get("price")
        if not remaining or not price:
            return None
        side = 1.0 if told["side"] == "buy" else -1.0
        return Order(
            symbol=self._natives.get(told["symbol"], told["symbol"]), quantity=side * float(remaining),
            limit_price=float(price), reduce_only=bool(told.get("reduceOnly")), id=self._own_id(told),
        )  # fmt: skip


def _errors() -> Any:
    from ccxt.base import errors

    return errors
