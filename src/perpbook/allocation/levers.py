"""What a rebalance can move: positions by shares of today's size, money over the ways that are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.margin.arrays import Item, entry_levels, exit_levels, fee_to_close
from perpbook.margin.assess import Assessed
from perpbook.margin.requirement import size_in_tier_units
from perpbook.model.account import Account
from perpbook.model.market import STABLECOINS, Snapshot
from perpbook.sizing.build import cost_lines, opening_lines
from perpbook.sizing.cheapest import CostLines
from perpbook.terms.terms import TierMode, VenueTerms
from perpbook.treasury.conditions import Conditions
from perpbook.treasury.facts import Facts
from perpbook.treasury.law import Z90, Z99
from perpbook.treasury.pots import CHANGE_COST, Pot, pots_of, price_of, settles
from perpbook.treasury.ways import Chance, Traffic, Way, ways_onto, ways_to

MOST_ADDED = 1.0
"""The most a position may grow by, a share of today's size, where no weight asks for more."""

WAYS_KEPT = 2
"""Ways from one place to another that are weighed: the cheapest of those that no other beats in everything."""

DAY_SECONDS = 86_400.0

RELUCTANCE = 1e-6
"""What a dollar is worth not to send, beside its cost, and again for a day under way: of equal ways the shorter is taken."""

OUTSIDE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeLever:
    """One position. `row` of the book arrays; `value` signed dollars; `initial` dollars of initial margin at today's size.

    `trim` and `add` are what a share costs; `most` is the largest share that may be added, `least` the smallest that may be left;
    `lot` the share that one lot is, 0 for none.
    """

    row: int
    item: Item
    account: int
    sleeve: int
    value: float
    initial: float
    trim: CostLines
    add: CostLines
    most: float
    lot: float
    slippage_known: bool
    least: float = 0.0

    def cost(self, scale: float) -> float:
        """Dollars of fees and slippage to bring it to a share of today's size."""
        if scale == 1.0:
            return 0.0
        return self.trim.at(1.0 - scale) if scale < 1.0 else self.add.at(scale - 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One coin changed into another at `ratio`, the price of `given` over that of `got`, less `CHANGE_COST`."""

    given: str
    got: str
    ratio: float

    @property
    def factor(self) -> float:
        """Coins got for one given."""
        return self.ratio * (1.0 - CHANGE_COST)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferLever:
    """Money over one way. `source`, `target` are accounts (`OUTSIDE` for a layer: the layer's name is `source_layer` or
    `target_layer`); `pot` numbers whose coins it uses, `coins` how many there are, as `taken` asset and landing as `landed`.
    `out_worth`, `in_worth` : dollars of book equity per coin at either end. `least`, `most` coins; `median`, `p90`, `worst`
    (99 %) seconds. `price` dollars that a coin is worth not to send, beside what it costs: 1 for money that is not in the book.
    `before`, `after` : what the coin is changed into where it leaves, and where it lands.
    """

    way: Way
    pot: int
    source: int
    target: int
    source_layer: str = ""
    target_layer: str = ""
    taken: str
    landed: str
    coins: float
    out_worth: float
    in_worth: float
    least: float
    most: float
    median: float
    p90: float
    worst: float
    price: float = 0.0
    before: Exchange | None = None
    after: Exchange | None = None

    @property
    def changed(self) -> tuple[float, float]:
        """Coins got for one where it leaves, and where it lands."""
        return self.before.factor if self.before else 1.0, self.after.factor if self.after else 1.0

    @property
    def fixed(self) -> float:
        """Coins, as they land, that it costs however much goes."""
        return self.way.fee_fixed * self.changed[1]

    @property
    def landing(self) -> float:
        """Coins that land of one sent, the fixed cost aside."""
        out, landed = self.changed
        return out * (1.0 - self.way.fee_rate) * landed

    @property
    def rate(self) -> float:
        """Coins, as they land, that it costs per coin sent: of as many as its price buys, or of itself where that is less."""
        ratio = (self.before.ratio if self.before else 1.0) * (self.after.ratio if self.after else 1.0)
        return max(ratio, 1.0) - self.landing

    def arrives(self, sent: float) -> float:
        """Coins that arrive of those sent."""
        return sent * self.landing - self.fixed if sent > 0.0 else 0.0

    def cost(self, sent: float) -> float:
        """Dollars that sending takes, changing coins included."""
        return (sent * self.rate + self.fixed) * self.in_worth if sent > 0.0 else 0.0

    def fee(self, sent: float) -> float:
        """Dollars of it that are no change of coins."""
        out, landed = self.changed
        return (sent * out * self.way.fee_rate + self.way.fee_fixed) * landed * self.in_worth if sent > 0.0 else 0.0


def trade_levers(
    assessed: Assessed, sleeves: Sequence[int], half_spread: float, upper: Mapping[int, float] | None = None
) -> tuple[TradeLever, ...]:
    """A lever for every position, in the order of `arrays.positions()`. half_spread : fraction of notional that a trade loses
    where no depth is known. upper : the most that may be added, by number, where more is wanted."""
    arrays, out = assessed.arrays, []
    for k, row in enumerate(arrays.positions()):
        item = arrays.items[row]
        assert item.position is not None and item.terms is not None
        size = float(assessed.measures.notional[row])
        fee = fee_to_close(item, arrays.prices)
        unseen = half_spread * size
        out.append(
            TradeLever(
                row=row, item=item, account=item.account, sleeve=sleeves[k], value=float(assessed.measures.exposure[row]),
                initial=float(assessed.measures.row_initial[row]),
                trim=cost_lines(item, fee if exit_levels(item) else fee + unseen),
                add=opening_lines(item, fee if entry_levels(item) else fee + unseen),
                most=min(max(MOST_ADDED, (upper or {}).get(k, 0.0)), _within_tier(item)),
                lot=item.terms.contract.lot_size / abs(item.position.quantity),
                slippage_known=bool(exit_levels(item)),
            )
        )  # fmt: skip
    return tuple(out)


def _within_tier(item: Item) -> float:
    """The share that may be added before a rate on the whole position rises; inf where rates are progressive."""
    assert item.terms is not None and item.position is not None
    table = item.terms.tiers
    if table.mode is not TierMode.WHOLE_POSITION:
        return float("inf")
    size = size_in_tier_units(item.terms, abs(item.position.quantity), item.mark)
    above = [tier.lower for tier in table.tiers if tier.lower > size]
    return max(min(above) / size * (1.0 - 1e-9) - 1.0, 0.0) if above else float("inf")


def transfer_levers(
    snapshot: Snapshot, terms: Mapping[str, VenueTerms], facts: Facts, minimum: float
) -> tuple[tuple[TransferLever, ...], tuple[str, ...]]:
    """A lever for every way that dollar coins of the book have to another account or onto a layer, and what cannot move.

    Coins with a price of their own stay: moving them would move exposure. Isolated accounts give nothing. minimum : dollars,
    the least that is sent.
    """
    book = snapshot.book
    found = pots_of(book, snapshot.market, {one.id: float("inf") for one in book.accounts}, facts)
    pots = [pot for pot in found.pots if pot.asset in STABLECOINS]
    calm = Traffic(conditions=Conditions(facts=facts), chance=Chance(scores=lambda name: np.zeros(1)))
    desk = _Desk(snapshot=snapshot, terms=terms, facts=facts, minimum=minimum, calm=calm)
    keys: dict[tuple[str, str, str], int] = {}
    between: dict[tuple[int, int, str], list[TransferLever]] = {}
    for pot in pots:
        number = keys.setdefault((pot.account, pot.layer, "" if pot.account else pot.asset), len(keys))
        for lever in desk.from_pot(pot, number):
            between.setdefault((number, lever.target, lever.target_layer), []).append(lever)
    return tuple(lever for levers in between.values() for lever in kept(levers)), found.notes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    snapshot: Snapshot
    terms: Mapping[str, VenueTerms]
    facts: Facts
    minimum: float
    calm: Traffic

    def from_pot(self, pot: Pot, number: int) -> Iterator[TransferLever]:
        """Every lever that uses one pot."""
        book = self.snapshot.book
        ids = [one.id for one in book.accounts]
        source = ids.index(pot.account) if pot.account else OUTSIDE
        taken, coins, out_worth = self._taken(pot, source)
        if out_worth <= 0.0 or coins <= 0.0:
            return
        start = TransferLever(
            way=Way(pot=pot, hops=(), dollars=0.0), pot=number, source=source, target=OUTSIDE, source_layer=self._name(pot.layer),
            taken=taken, landed=pot.asset, coins=coins, out_worth=out_worth, in_worth=0.0, least=0.0, most=coins,
            median=0.0, p90=0.0, worst=0.0, before=self._exchange(taken, pot.asset),
        )  # fmt: skip
        for target, account in enumerate(book.accounts):
            landing = self._landing(pot.asset, account)
            if target == source or landing is None or account.venue not in self.facts.venues:
                continue
            ways = ways_to(self.facts, pot, self.facts.venues[account.venue], account.id)
            after = self._exchange(pot.asset, landing[0])
            lever = replace(start, target=target, landed=landing[0], in_worth=landing[1], after=after)
            yield from self._timed(lever, ways)
        worth = price_of(pot.asset, self.snapshot.market.asset_prices) or 0.0
        for layer in self._layers(source):
            ways = ways_onto(self.facts, pot, layer)
            yield from self._timed(replace(start, target_layer=self._name(layer), in_worth=worth), ways)

    def _exchange(self, given: str, got: str) -> Exchange | None:
        """At the book's prices; None for the same coin."""
        prices = self.snapshot.market.asset_prices
        ratio = (price_of(given, prices) or 0.0) / (price_of(got, prices) or 1.0)
        return None if given == got else Exchange(given=given, got=got, ratio=ratio)

    def _layers(self, source: int) -> list[str]:
        """Layers that the book has money on; where there are none, those that an account pays out to."""
        known = (self.facts.layer_id(one.layer) for one in self.snapshot.book.layers)
        held = list(dict.fromkeys(layer for layer in known if layer))
        if held or source == OUTSIDE:
            return held
        venue = self.facts.venues[self.snapshot.book.accounts[source].venue]
        keeper = self.facts.venues[venue.wallet] if venue.wallet else venue
        return [keeper.layer] if keeper.layer else list(keeper.networks)

    def _name(self, layer: str) -> str:
        """A layer as the book calls it."""
        return next((one.layer for one in self.snapshot.book.layers if self.facts.layer_id(one.layer) == layer), layer)

    def _taken(self, pot: Pot, source: int) -> tuple[str, float, float]:
        """Which coin leaves, how many there are, and what one counts for where it is."""
        prices = self.snapshot.market.asset_prices
        if source == OUTSIDE:
            price = price_of(pot.asset, prices) or 0.0
            return pot.asset, pot.dollars / price if price > 0.0 else 0.0, price
        account = self.snapshot.book.accounts[source]
        amount, asset = max((one.amount, one.asset) for one in account.collateral if one.asset in STABLECOINS)
        landing = self._landing(asset, account)
        return asset, amount, landing[1] if landing is not None and landing[0] == asset else 0.0

    def _landing(self, asset: str, account: Account) -> tuple[str, float] | None:
        """As what a coin stands in an account, and the dollars of equity one is; None where it does not count in full."""
        terms = self.terms[account.venue]
        settled = settles(account, terms)
        if asset in settled:
            return asset, 1.0
        venue = self.facts.venues.get(account.venue)
        keeper = self.facts.venues[venue.wallet or venue.id] if venue else None
        dollars = sorted(settled & STABLECOINS)
        if keeper is not None and keeper.networks and dollars:
            return terms.settle if terms.settle in dollars else dollars[0], 1.0
        weight = terms.collateral[asset].maintenance_weight if asset in terms.collateral else 0.0
        return (asset, price_of(asset, self.snapshot.market.asset_prices) or 0.0) if weight == 1.0 else None

    def _timed(self, start: TransferLever, ways: Sequence[Way]) -> Iterator[TransferLever]:
        """A lever for every way that takes as much as is sent at least, with its times."""
        for way in ways:
            least = max([self.minimum, *(hop.route.cap.least for hop in way.hops if hop.route is not None)])
            most = min(start.coins, way.dollars / start.out_worth)
            median, p90, worst = (self.calm.at_score(way, z) for z in (0.0, Z90, Z99))
            if least <= most:
                price = RELUCTANCE * (1.0 + p90 / DAY_SECONDS)
                yield replace(start, way=way, least=least, most=most, median=median, p90=p90, worst=worst, price=price)


def kept(levers: Sequence[TransferLever]) -> list[TransferLever]:
    """The cheapest few of those that no other beats in cost, time and amount."""
    claims = [(one.fixed, one.rate, -one.most, one.p90) for one in levers]
    best = [
        one
        for k, one in enumerate(levers)
        if not any(_beats(other, claims[k], earlier=j < k) for j, other in enumerate(claims) if j != k)
    ]
    return sorted(best, key=lambda one: (one.fixed + one.rate * one.coins, one.p90))[:WAYS_KEPT]


Claim = tuple[float, float, float, float]
"""Figures of which less is better."""


def _beats(one: Claim, other: Claim, *, earlier: bool) -> bool:
    """True where it is as good in everything, and better in something or first."""
    (a, b, c, d), (e, f, g, h) = one, other
    return a <= e and b <= f and c <= g and d <= h and (one != other or earlier)
