"""The state of a simulated venue: its contracts, its accounts, the crowd that they trade with, its own purse, what happened.

The crowd takes the other side of every trade with the market and of every position at the start, so positions in a contract
add up to nothing and so does funding; fees, penalties and what is owed go to and come from the house.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from perpbook.model.market import Depth
from perpbook.model.message import AccountSeen, FillSeen, OrderSeen
from perpbook.model.order import Fill, OrderState
from perpbook.simulation.bucket import DECIMALS, Bucket, Holding, Placed
from perpbook.simulation.happened import Happening, Numbered
from perpbook.simulation.ladder import ASKS, BIDS, Ladder, Level
from perpbook.simulation.market import Prices
from perpbook.simulation.order_rules import OrderRules
from perpbook.terms.terms import ContractTerms, FeeTier, VenueTerms


@dataclass(slots=True, kw_only=True)
class Pit:
    """Where one contract trades. bids, asks : accounts' resting orders, best and oldest first. `risk_price` : what
    margin is reckoned on. `version` counts its books; `is_stirred` : it has another since it was last told. `settled` : when, and
    at what rate."""

    symbol: str
    terms: ContractTerms
    ladder: Ladder
    prices: Prices
    funding_rate: float
    risk_price: float = 0.0
    bids: list[Placed] = field(default_factory=list)
    asks: list[Placed] = field(default_factory=list)
    version: int = 0
    is_stirred: bool = False
    settled: list[tuple[int, float]] = field(default_factory=list)

    def resting(self, side: int) -> list[Placed]:
        """Accounts' orders of one side."""
        return self.bids if side == BIDS else self.asks

    def market(self, side: int) -> list[Level]:
        """The market's levels of a side that do not cross what accounts have resting on the other."""
        levels, other = self.ladder.levels(side), self.resting(1 - side)
        if not other:
            return levels
        best = other[0].request.limit_price
        return [level for level in levels if (level[0] > best if side == ASKS else level[0] < best)]

    def best(self, side: int) -> float | None:
        """The best price of a side, whoever's; None when it is empty."""
        own, market = self.resting(side), self.market(side)
        prices = [own[0].request.limit_price] if own else []
        prices += [market[0][0]] if market else []
        return (max(prices) if side == BIDS else min(prices)) if prices else None

    def depth(self) -> Depth:
        """Both sides, market and accounts in one."""
        return Depth(bids=self._side(BIDS), asks=self._side(ASKS))

    def _side(self, side: int) -> tuple[tuple[float, float], ...]:
        own = self.resting(side)
        if not own:
            return tuple([(price, quantity) for price, quantity, _ in self.market(side)])
        at: dict[float, float] = {price: quantity for price, quantity, _ in self.market(side)}
        for order in own:
            at[order.request.limit_price] = at.get(order.request.limit_price, 0.0) + order.left
        return tuple(sorted(at.items(), reverse=side == BIDS))


@dataclass(slots=True, kw_only=True)
class Floor:
    """All of it. `buckets` stand in the order of their names; `marks` by symbol. `crowd` : its positions by symbol, `crowd_cash`
    its money; `house` the venue's; `brought` what came in from outside, less what left. `dirty` accounts have changed since
    they were last told."""

    terms: VenueTerms
    rules: OrderRules
    fees: FeeTier
    optimistic: bool
    now_ns: int
    pits: dict[str, Pit] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    marks: dict[str, float] = field(default_factory=dict)
    crowd: dict[str, float] = field(default_factory=dict)
    crowd_cash: float = 0.0
    house: float = 0.0
    brought: float = 0.0
    orders: int = 0
    trades: int = 0
    told: int = 0
    happened: list[Numbered] = field(default_factory=list)
    dirty: dict[str, None] = field(default_factory=dict)

    def tell(self, what: Happening) -> None:
        """Write down what happened now."""
        self.happened.append(Numbered(sequence=self.told, at_ns=self.now_ns, what=what))
        self.told += 1

    def tell_order(self, order: Placed) -> None:
        """Write down an order as it is."""
        order.at_ns = self.now_ns
        self.dirty[order.request.account] = None
        self.tell(OrderSeen(report=order.report(), received_ns=self.now_ns))

    def tell_accounts(self, shown: Callable[[Bucket], AccountSeen]) -> None:
        """Write down every account that changed, in the order they did."""
        for name in self.dirty:
            self.tell(shown(self.buckets[name]))
        self.dirty.clear()

    def trade(
        self, bucket: Bucket, pit: Pit, quantity: float, price: float, fee_rate: float, order: Placed | None
    ) -> None:
        """An account trades (signed); its order, where there is one, knows of it."""
        account = bucket.opened.id
        fee = abs(quantity) * price * fee_rate
        bucket.cash += holding_of(bucket, pit).trade(quantity, price) - fee
        self.house += fee
        self.trades += 1
        fill = Fill(
            client_id=order.request.client_id if order else "",
            account=account,
            venue=self.terms.venue,
            symbol=pit.symbol,
            trade_id=str(self.trades),
            quantity=quantity,
            price=price,
            fee=fee,
            time_ns=self.now_ns,
        )
        bucket.fills.append(fill)
        pit.is_stirred = True
        self.dirty[account] = None
        self.tell(FillSeen(fill=fill, received_ns=self.now_ns))
        if order is not None:
            order.trade(quantity, price)

    def crowd_trade(self, pit: Pit, quantity: float, price: float) -> None:
        """The crowd's side of a trade in which an account traded `quantity`, signed."""
        self.crowd[pit.symbol] = round(self.crowd[pit.symbol] - quantity, DECIMALS)
        self.crowd_cash += quantity * price

    def rest(self, order: Placed) -> None:
        """Put an order behind those of its price and better."""
        pit, bucket = self.pits[order.symbol], self.buckets[order.request.account]
        side, price = pit.resting(BIDS if order.is_buy else ASKS), order.request.limit_price
        ahead = [
            one
            for one in side
            if (one.request.limit_price >= price if order.is_buy else one.request.limit_price <= price)
        ]
        side.insert(len(ahead), order)
        pit.is_stirred = True
        bucket.resting[order.request.client_id] = order

    def end(self, order: Placed, state: OrderState, why: str = "") -> None:
        """An order rests no more."""
        pit, bucket = self.pits[order.symbol], self.buckets[order.request.account]
        if bucket.resting.pop(order.request.client_id, None) is not None:
            pit.resting(BIDS if order.is_buy else ASKS).remove(order)
            pit.is_stirred = True
        order.state, order.why, order.left = state, why, 0.0
        self.tell_order(order)

    def cancel_all(self, bucket: Bucket, why: str, symbol: str = "") -> None:
        """Take back an account's orders, or those in one contract."""
        for order in list(bucket.resting.values()):
            if symbol in ("", order.symbol):
                self.end(order, OrderState.CANCELED, why)

    def total(self) -> float:
        """What everybody has, less what was brought in."""
        crowd = self.crowd_cash + sum(quantity * self.marks[symbol] for symbol, quantity in self.crowd.items())
        accounts = sum(bucket.equity(self.marks) for bucket in self.buckets.values())
        return accounts + crowd + self.house - self.brought


def holding_of(bucket: Bucket, pit: Pit) -> Holding:
    """An account's position in a contract, of no size where it has none."""
    held = bucket.holdings.get(pit.symbol)
    if held is None:
        held = bucket.holdings[pit.symbol] = Holding(symbol=pit.symbol, terms=pit.terms, mode=bucket.opened.mode)
    return held


def open_interest(pit: Pit) -> float:
    """Of a contract, in quote; 0 where it is not known."""
    return (pit.prices.open_interest or 0.0) * pit.risk_price


def worst_initial(bucket: Bucket, pit: Pit, more: float = 0.0) -> float:
    """Initial margin a contract ties up in an account, quote: of the larger position its resting orders could make of it.
    `more` : of another order, signed, that it does not have yet."""
    held, (buys, sells) = bucket.held(pit.symbol), bucket.waiting(pit.symbol)
    high, low = held + buys + max(more, 0.0), held - sells + min(more, 0.0)
    holding = bucket.holdings.get(pit.symbol) or Holding(symbol=pit.symbol, terms=pit.terms, mode=bucket.opened.mode)
    return max(holding.initial(size, pit.risk_price, open_interest(pit)) for size in (high, low))


def tied_up(bucket: Bucket, pits: Mapping[str, Pit]) -> float:
    """Initial margin of an account, with its resting orders, settle coin."""
    symbols = {symbol for symbol, held in bucket.holdings.items() if held.quantity != 0.0}
    symbols |= {order.symbol for order in bucket.resting.values()}
    return sum(worst_initial(bucket, pits[symbol]) for symbol in sorted(symbols))
