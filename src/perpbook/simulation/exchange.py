"""One simulated venue with many accounts: the market moves by `advance`, clients act by `place`, `cancel` and the rest.

No clock and no chance: times and prices are given in. Symbols are the venue's own (`BTC`), in answers too; unified names are
understood. Every account is one margin bucket (`model.Account`): a cross pool, or an isolated position that names its parent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from perpbook.errors import InputError, InvariantError, TermsError
from perpbook.model.account import Account
from perpbook.model.market import Depth
from perpbook.model.message import BookSeen
from perpbook.model.order import Fill, OrderReport, OrderRequest, OrderState, RejectReason, TimeInForce
from perpbook.model.units import DAY_NS
from perpbook.simulation.bucket import Bucket, Placed
from perpbook.simulation.floor import Floor, holding_of, tied_up
from perpbook.simulation.gate import Arrival, Refusal, in_words, is_sound, quantity_taken, refusal
from perpbook.simulation.happened import Moved, Numbered, Settled
from perpbook.simulation.ladder import DepthProfile
from perpbook.simulation.market import Prices
from perpbook.simulation.matching import NOTHING_LEFT, take
from perpbook.simulation.moves import move_market
from perpbook.simulation.opening import open_account, open_pit
from perpbook.simulation.order_rules import floored, order_rules, price_step
from perpbook.simulation.setting import QueueRule, Setting
from perpbook.simulation.shown import account_of, account_seen, book_seen, prices_of
from perpbook.terms.find import find_contract
from perpbook.terms.terms import VenueTerms

NOTHING: Mapping[str, Depth] = MappingProxyType({})
NO_MATCH = "Order could not immediately match against any resting orders."
ASKED = "cancelled on request"


class Exchange:
    """See the module. `now_ns` of a call that is earlier than the venue's own time counts as the latter."""

    def __init__(
        self,
        terms: VenueTerms,
        accounts: Sequence[Account],
        start_ns: int,
        prices: Mapping[str, Prices],
        *,
        profile: DepthProfile = DepthProfile(),
        queue: QueueRule = QueueRule.RISK_AVERSE,
        tells_books: bool = True,
        setting: Setting = Setting(),
    ) -> None:
        """`prices` name the contracts that trade, by native or unified symbol. `tells_books` : whether `drain` has books.

        Raises
        ------
        TermsError : a contract is unknown, or not simulated (inverse).
        InputError : an account holds what has no price here, or belongs to another venue.
        """
        self.name = terms.venue
        self._tells_books = tells_books
        self._floor = Floor(
            terms=terms,
            rules=setting.rules or order_rules(terms.venue),
            fees=terms.fees[setting.fee_tier],
            optimistic=queue is QueueRule.OPTIMISTIC,
            now_ns=start_ns,
            house=setting.insurance,
            brought=setting.insurance,
        )
        for symbol, given in prices.items():
            open_pit(self._floor, symbol, given, profile)
        for account in sorted(accounts, key=lambda one: one.id):
            open_account(self._floor, account, setting.coin_prices)

    @property
    def now_ns(self) -> int:
        """The venue's time."""
        return self._floor.now_ns

    @property
    def terms(self) -> VenueTerms:
        """The venue's terms."""
        return self._floor.terms

    @property
    def symbols(self) -> tuple[str, ...]:
        """Contracts that trade, native."""
        return tuple(self._floor.pits)

    @property
    def accounts(self) -> tuple[str, ...]:
        """Accounts, by name."""
        return tuple(self._floor.buckets)

    def advance(
        self,
        to_ns: int,
        prices: Mapping[str, Prices] = MappingProxyType({}),
        books: Mapping[str, Depth] = NOTHING,
    ) -> None:
        """The market moves to `prices`, and to the given books where there are some (else built around the mark). Then, in this
        order: funding of every boundary crossed, dead man's switches and expiries, resting orders, margin and liquidation.

        Raises
        ------
        DataError : a price or a book is unfit; nothing has moved.
        InvariantError : the time is before the venue's own.
        """
        floor = self._floor
        if to_ns < floor.now_ns:
            raise InvariantError(f"a venue's time does not go back: from {floor.now_ns} to {to_ns}")
        named = {self._native(symbol): given for symbol, given in prices.items()}
        move_market(floor, to_ns, named, {self._native(symbol): book for symbol, book in books.items()})
        self._tell_changes()

    def place(
        self, request: OrderRequest, now_ns: int, expires_ns: int | None = None, fill_at_most: float = math.inf
    ) -> OrderReport:
        """An order arrives. A refusal is a report (REJECTED with its reason and the venue's words). `expires_ns` : when it ends
        by itself. `fill_at_most` : base units that trade at once at most, for faults."""
        self._hear(now_ns)
        stranger = self._stranger(request)
        if stranger is not None:
            return self._refused(request, request.symbol, *stranger)
        bucket = self._floor.buckets[request.account]
        pit = self._floor.pits[self._native(request.symbol)]
        if request.client_id in bucket.orders:
            return self._refused(
                request, pit.symbol, RejectReason.DUPLICATE, in_words(self._floor, RejectReason.DUPLICATE)
            )
        self._floor.orders += 1
        order = Placed(
            request=request,
            symbol=pit.symbol,
            number=self._floor.orders,
            left=abs(request.quantity),
            at_ns=self._floor.now_ns,
            expires_ns=expires_ns,
        )
        bucket.orders[request.client_id] = order
        arrival = Arrival(self._floor, bucket, pit, request)
        refused = refusal(arrival)
        if refused:
            order.state, order.left, (order.reason, order.why) = OrderState.REJECTED, 0.0, refused
            self._floor.tell_order(order)
        else:
            self._work(arrival, order, fill_at_most)
        self._tell_changes()
        return order.report()

    def _work(self, arrival: Arrival, order: Placed, fill_at_most: float) -> None:
        floor, bucket, pit, request = arrival.floor, arrival.bucket, arrival.pit, arrival.request
        wanted = min(quantity_taken(arrival), fill_at_most)
        if request.time_in_force is not TimeInForce.POST and wanted > 0.0:
            signed = wanted if order.is_buy else -wanted
            take(floor, bucket, pit, signed, request.limit_price, order, floor.fees.taker_fee_rate)
        if order.state is OrderState.FILLED:
            floor.tell_order(order)
        elif request.time_in_force is TimeInForce.IOC:
            floor.end(order, OrderState.CANCELED, "" if order.filled else NO_MATCH)
        elif request.reduce_only and bucket.held(pit.symbol) * request.quantity >= 0.0:
            floor.end(order, OrderState.CANCELED, NOTHING_LEFT)
        else:
            floor.rest(order)
            floor.tell_order(order)

    def cancel(self, account: str, symbol: str, client_id: str, now_ns: int) -> OrderReport:
        """Take an order back; its report as it then is, ABSENT for one never heard of."""
        self._hear(now_ns)
        bucket = self._floor.buckets.get(account)
        order = bucket.resting.get(client_id) if bucket else None
        if order is not None:
            self._floor.end(order, OrderState.CANCELED, ASKED)
            self._tell_changes()
        return self.order(account, symbol, client_id)

    def cancel_all(self, account: str, now_ns: int, symbol: str | None = None) -> None:
        """Take back every order of an account, or those in one contract."""
        self._hear(now_ns)
        bucket = self._bucket(account)
        self._floor.cancel_all(bucket, ASKED, self._native(symbol) if symbol else "")
        self._tell_changes()

    def schedule_cancel(self, account: str, at_ns: int | None, now_ns: int, symbol: str | None = None) -> str:
        """Set (None: clear) the venue's dead man's switch for an account, or one symbol of it where the venue has it so. The
        venue's words of refusal, "" when it is set."""
        self._hear(now_ns)
        bucket, timer = self._bucket(account), self._floor.rules.dead_man
        if timer is None:
            return "this venue has no timer that cancels orders"
        if timer.by_symbol != (symbol is not None):
            return "name one contract" if timer.by_symbol else "the timer is for all contracts of an account"
        key = self._native(symbol) if symbol else ""
        if at_ns is None:
            bucket.cancel_at.pop(key, None)
            return ""
        if at_ns < self._floor.now_ns + timer.least_ns:
            return f"the time must be at least {timer.least_ns // 10**9} seconds from now"
        day = at_ns // DAY_NS
        if timer.triggers_a_day is not None and bucket.triggers.get(day, 0) >= timer.triggers_a_day:
            return f"the timer has fired {timer.triggers_a_day} times on that UTC day"
        bucket.cancel_at[key] = at_ns
        return ""

    def set_leverage(self, account: str, symbol: str, leverage: float, now_ns: int) -> str:
        """The user's leverage on a contract, x; words of refusal, or ""."""
        self._hear(now_ns)
        bucket, pit = self._bucket(account), self._floor.pits[self._native(symbol)]
        held = holding_of(bucket, pit)
        most = 1.0 / pit.terms.tiers.tiers[0].initial_margin_fraction
        if not 0.0 < leverage <= most * (1.0 + 1e-9):
            return f"leverage is above 0 and at most {most:g}"
        before, held.leverage = held.leverage, leverage
        if held.quantity != 0.0 and tied_up(bucket, self._floor.pits) > bucket.equity(self._floor.marks):
            held.leverage = before
            return "there is not enough margin for that leverage"
        held.draw()
        self._floor.dirty[account] = None
        self._tell_changes()
        return ""

    def move(self, account: str, cash: float, now_ns: int) -> str:
        """Money arrives (> 0) or leaves (< 0), settle coin; words of refusal, or ""."""
        self._hear(now_ns)
        floor, bucket = self._floor, self._bucket(account)
        if not math.isfinite(cash):
            return "the amount is not a number"
        free = bucket.equity(floor.marks) - tied_up(bucket, floor.pits)
        if cash < 0.0 and -cash > min(free, bucket.cash):
            return f"at most {max(min(free, bucket.cash), 0.0):.6f} may leave: the rest backs positions and orders"
        bucket.cash += cash
        floor.brought += cash
        floor.dirty[account] = None
        floor.tell(Moved(account=account, cash=cash, at_ns=floor.now_ns))
        self._tell_changes()
        return ""

    def order(self, account: str, symbol: str, client_id: str) -> OrderReport:
        """What became of an order; ABSENT for one never heard of."""
        bucket = self._floor.buckets.get(account)
        placed = bucket.orders.get(client_id) if bucket else None
        if placed is not None:
            return placed.report()
        return OrderReport(
            client_id=client_id,
            account=account,
            venue=self.name,
            symbol=symbol,
            state=OrderState.ABSENT,
            filled=0.0,
            average_price=None,
            at_ns=self.now_ns,
        )

    def open_orders(self, account: str) -> tuple[OrderReport, ...]:
        """Orders that rest, oldest first."""
        return tuple(order.report() for order in self._bucket(account).resting.values())

    def request(self, account: str, client_id: str) -> OrderRequest | None:
        """What was asked for, None for an id never heard of."""
        placed = self._bucket(account).orders.get(client_id)
        return placed.request if placed else None

    def number(self, account: str, client_id: str) -> int | None:
        """The venue's own number of an order, None for an id never heard of."""
        placed = self._bucket(account).orders.get(client_id)
        return placed.number if placed else None

    def fills(self, account: str, since_ns: int = 0) -> tuple[Fill, ...]:
        """Trades from a time on, oldest first; a liquidation's among them, with client id ""."""
        return tuple(fill for fill in self._bucket(account).fills if fill.time_ns >= since_ns)

    def settled(self, account: str, since_ns: int = 0) -> tuple[Settled, ...]:
        """Funding received and paid from a time on, oldest first."""
        return tuple(one for one in self._bucket(account).settled if one.at_ns >= since_ns)

    def rates(self, symbol: str, since_ns: int = 0) -> tuple[tuple[int, float], ...]:
        """When a contract's funding was settled from a time on, and at what rates per interval; oldest first."""
        return tuple(one for one in self._floor.pits[self._native(symbol)].settled if one[0] >= since_ns)

    def account(self, account: str) -> Account:
        """Positions, collateral, orders, with what the venue reports of margin."""
        return account_of(self._floor, self._bucket(account))

    def held(self, account: str, symbol: str) -> float:
        """The position in a contract, signed; 0 for none."""
        return self._bucket(account).held(self._native(symbol))

    def book(self, symbol: str) -> BookSeen:
        """What rests now: the market's levels less what was taken, and accounts' orders."""
        return book_seen(self._floor, self._floor.pits[self._native(symbol)])

    def prices(self, symbol: str) -> Prices:
        """A contract's prices now, nothing None but open interest."""
        return prices_of(self._floor.pits[self._native(symbol)])

    def whole_lots(self, symbol: str, quantity: float) -> float:
        """A quantity > 0 rounded down to whole lots."""
        return floored(quantity, self._floor.pits[self._native(symbol)].terms.contract.lot_size)

    def whole_ticks(self, symbol: str, share: float) -> float:
        """The price next below `share` of the mark that an order may have."""
        pit = self._floor.pits[self._native(symbol)]
        price = pit.prices.mark * share
        return floored(price, price_step(self._floor.rules, pit.terms.contract, price))

    def next_funding_ns(self) -> int:
        """When funding is paid next."""
        interval = self.terms.funding.interval_ns
        return (self.now_ns // interval + 1) * interval

    def drain(self) -> tuple[Numbered, ...]:
        """What happened since the last call: MarkSeen, BookSeen (where `tells_books`), OrderSeen, FillSeen, AccountSeen, and
        Settled, Liquidated, Moved. `received_ns` of messages is the venue's own time."""
        out = tuple(self._floor.happened)
        self._floor.happened.clear()
        return out

    def total(self) -> float:
        """Equity of every account, the house and the crowd, less what was brought in: 0, settle coin."""
        return self._floor.total()

    def _hear(self, now_ns: int) -> None:
        """Let time pass, at the prices there are."""
        if now_ns > self._floor.now_ns:
            self.advance(now_ns)

    def _bucket(self, account: str) -> Bucket:
        found = self._floor.buckets.get(account)
        if found is None:
            raise InputError(
                f'{self._floor.terms.name} has no account "{account}": known are {", ".join(self.accounts)}'
            )
        return found

    def _native(self, symbol: str) -> str:
        """The venue's own name of a contract that trades here."""
        if symbol in self._floor.pits:
            return symbol
        native = find_contract(self.terms, symbol).contract.symbol
        if native not in self._floor.pits:
            raise TermsError(f"{native} does not trade here: {', '.join(self.symbols)} do")
        return native

    def _stranger(self, request: OrderRequest) -> Refusal | None:
        """Why a request is for nobody or nothing here."""
        if request.account not in self._floor.buckets:
            return RejectReason.AUTH, "no such account"
        if request.venue != self.name:
            return RejectReason.OTHER, f"the order is for {request.venue}"
        if not is_sound(request):
            return RejectReason.OTHER, "a size or a price that is not a number"
        try:
            self._native(request.symbol)
        except TermsError:
            return RejectReason.OTHER, "no such contract"
        return None

    def _tell_changes(self) -> None:
        """Write down books and accounts that changed."""
        for pit in self._floor.pits.values():
            if pit.is_stirred:
                pit.version, pit.is_stirred = pit.version + 1, False
                if self._tells_books:
                    self._floor.tell(book_seen(self._floor, pit))
        self._floor.tell_accounts(lambda bucket: account_seen(self._floor, bucket))

    def _refused(self, request: OrderRequest, symbol: str, reason: RejectReason, why: str) -> OrderReport:
        return OrderReport(
            client_id=request.client_id,
            account=request.account,
            venue=self.name,
            symbol=symbol,
            state=OrderState.REJECTED,
            filled=0.0,
            average_price=None,
            at_ns=self.now_ns,
            reason=reason,
            why=why,
        )
