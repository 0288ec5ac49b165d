"""A treasurer in a run: looks at every account's margin, tops up those whose alarm rings, keeps reserves on layers.

It is asked after a bar's close and sees that close, what it sent itself, and outages that have begun; arrivals are drawn when
money leaves and known only once they are there. Where the state of money under way cannot be read, nothing new starts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from perpbook.engine.backtest import Ready
from perpbook.engine.coins import unit_of
from perpbook.engine.send import can_spare, depart, free_on_layer
from perpbook.kernels.margin import account_margin
from perpbook.kernels.tape import NO_PRICE
from perpbook.kernels.types import Integers
from perpbook.model.account import MarginMode
from perpbook.model.market import STABLECOINS
from perpbook.model.units import SECOND_NS
from perpbook.treasury.barrier import ALARM
from perpbook.treasury.courier import Courier, Offer, main_coin
from perpbook.treasury.pots import Pot, leaving
from perpbook.treasury.ways import Way

FIRST_WAY = 1_000
"""The journal's reason of a transfer over the first way of a run; others follow."""

BAND = 0.1
"""A layer is filled up once it is short of its reserve by this share of it; less of a need than this is not worth a transfer."""

LEAST_DOLLARS = 100.0
"""No smaller transfer."""

TOP_UP, RESERVE, STRATEGY = "top up", "reserve", "strategy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """alarm : margin ratio (maintenance over equity) at which an account is topped up; calm : what it is brought to, and what a
    sender keeps below. reserves : dollars wanted on layers while no alarm rings, by the book's name. tops_up : False where
    accounts are not helped."""

    alarm: float = ALARM
    calm: float = ALARM / 2.0
    reserves: Mapping[str, float] = field(default_factory=dict)
    tops_up: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A transfer. Seconds from the run's start: `left`, `promised` (its 99 % point as things looked then), `arrives` as drawn,
    inf for never. due : the bar it is there in, `never` for none of the run. fee : of the routes, and `gas`, dollars on top."""

    number: int
    bar: int
    source: str
    destination: str
    asset: str
    dollars: float
    fee: float
    gas: float
    way: Way
    why: str
    left: float
    promised: float
    arrives: float
    due: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A bar in which money was wanted in a place and nothing, or too little, could leave for it; why, in words.

    0 dollars: what is wanted is not known."""

    bar: int
    place: str
    dollars: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An account at a bar's close, dollars: `equity`, `need` (maintenance margin), what is `coming` to it. `blind` : why none of
    it is known, "" where it is."""

    equity: float
    need: float
    coming: float
    blind: str = ""

    def ratio(self) -> float:
        """Its margin ratio with what is coming."""
        return self.need / max(self.equity + self.coming, 1e-9)


@dataclass(slots=True, kw_only=True)
class Treasurer:
    """A treasurer of one run: what it has sent, what it could not, and what of each coin is on each layer."""

    courier: Courier
    policy: Policy
    asked: Integers
    sent: list[Sent] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    coins: dict[str, dict[str, float]] = field(default_factory=dict)
    landed: set[int] = field(default_factory=set)
    reasons: dict[str, int] = field(default_factory=dict)

    def look(self, ready: Ready, bar: int) -> None:
        """Act after the close of a bar, but for the last."""
        if bar + 1 >= ready.journey.bars.count:
            return
        now = seconds_after(ready, bar)
        self._land(ready, bar)
        seen = self._seen(ready, bar, now)
        ringing = sorted(
            (name for name, one in seen.items() if not one.blind and one.need > 0.0 and one.ratio() >= self.policy.alarm),
            key=lambda name: -seen[name].ratio(),
        )  # fmt: skip
        self.refused += [
            Refused(bar=bar, place=name, dollars=0.0, why=f"cannot be seen: {one.blind}")
            for name, one in seen.items()
            if one.blind and one.need > 0.0
        ]
        helped = [name for name in ringing if seen[name].equity > 0.0 and self.policy.tops_up]
        wants = [(name, self._wanted(seen[name]), TOP_UP) for name in helped]
        if not wants:
            wants = list(self._reserves(ready, bar))
        if not wants:
            return
        blind = self._blind_under_way(ready, bar, now)
        for place, dollars, why in wants:
            if blind:
                self.refused.append(Refused(bar=bar, place=place, dollars=dollars, why=f"state not known: {blind}"))
            else:
                self._serve(ready, bar, (place, dollars, why), seen)

    def send(self, ready: Ready, bar: int, source: str, destination: str, dollars: float) -> bool:
        """A strategy's own transfer, over the soonest way as things look; False where nothing leads there."""
        self._land(ready, bar)
        now = seconds_after(ready, bar)
        pots = [one for one in self._every_pot(ready, bar, None) if source in (one.account, one.name)]
        if self._blind_under_way(ready, bar, now):
            return False
        for pot, seen in self.courier.offers(pots, destination, now):
            offer = self.courier.signed(seen, now)
            fits = offer.least <= dollars <= offer.way.dollars
            if fits and self._go(ready, bar, pot, destination, offer, dollars, STRATEGY):
                return True
        return False

    def _wanted(self, one: Seen) -> float:
        return one.need / self.policy.calm - one.equity - one.coming

    def _reserves(self, ready: Ready, bar: int) -> Iterator[tuple[str, float, str]]:
        """Layers that are short of their reserve."""
        names, outside = ready.arrangement.layers, ready.body.outside
        for name, wanted in self.policy.reserves.items():
            there = float(outside.layers[names.index(name)] + outside.besides[names.index(name)])
            coming = sum(one.dollars for one in self._on_the_way(ready, bar) if one.destination == name)
            short = wanted - there - coming
            if short > BAND * wanted:
                yield name, short, RESERVE

    def _serve(self, ready: Ready, bar: int, want: tuple[str, float, str], seen: Mapping[str, Seen]) -> None:
        """Send what is wanted, by the soonest ways, or where there is time by the cheapest, until it is all on its way."""
        place, wanted, why = want
        now, left = seconds_after(ready, bar), wanted
        pots = self._every_pot(ready, bar, seen, keep=why == RESERVE)
        offers = self.courier.offers(pots, place, now)
        if why == RESERVE:
            offers.sort(key=lambda one: (one[1].unknown, one[1].fee(wanted), one[1].soon))
        spent: set[tuple[str, str]] = set()
        for pot, offer in offers:
            home = (pot.account or pot.name, "" if pot.account else pot.asset)
            signed = self.courier.signed(offer, now)
            amount = min(left, offer.carries(pot.dollars), signed.carries(pot.dollars))
            if home in spent or amount < max(LEAST_DOLLARS, BAND * wanted):
                continue
            if self._go(ready, bar, pot, place, signed, amount, why):
                spent.add(home)
                left -= amount
            if left < max(LEAST_DOLLARS, BAND * wanted):
                return
        told = "too little can be spared" if offers else "nothing leads there as things look"
        told = told if pots else "nothing can be spared"
        self.refused.append(Refused(bar=bar, place=place, dollars=left, why=told))

    def _go(self, ready: Ready, bar: int, pot: Pot, destination: str, offer: Offer, dollars: float, why: str) -> bool:
        """Let money leave, if its place can spare it and the fee."""
        source, number, now = pot.account or pot.name, len(self.sent), seconds_after(ready, bar)
        fee = offer.fee(dollars)
        if not can_spare(ready, bar, source, dollars + fee):
            return False
        arrives = self.courier.arrival(offer.way, number, now)
        bar_seconds = ready.journey.bars.bar_ns / SECOND_NS
        count = ready.journey.bars.count
        due = max(bar + 1, math.ceil(arrives / bar_seconds - 1e-9)) if np.isfinite(arrives) else count
        reason = self.reasons.setdefault(offer.way.words, FIRST_WAY + len(self.reasons))
        if not depart(ready, bar, (source, destination), (dollars, fee), due=min(due, count), reason=reason):
            return False
        if not pot.account:
            self._take(source, pot.asset, dollars + fee)
        self.sent.append(
            Sent(
                number=number, bar=bar, source=source, destination=destination, asset=pot.asset, dollars=dollars,
                fee=fee - offer.gas, gas=offer.gas, way=offer.way, why=why, left=now, promised=now + offer.promised,
                arrives=arrives, due=min(due, count),
            )
        )  # fmt: skip
        return True

    def _every_pot(self, ready: Ready, bar: int, seen: Mapping[str, Seen] | None, *, keep: bool = False) -> list[Pot]:
        """Money that may leave, on layers and in accounts. seen None: for a strategy, which is asked nothing but whether it is
        there. keep : layers keep their own reserves."""
        return [*self._on_layers(ready, bar, keep=keep), *self._in_accounts(ready, bar, seen)]

    def _on_layers(self, ready: Ready, bar: int, *, keep: bool) -> Iterator[Pot]:
        now, facts = seconds_after(ready, bar), self.courier.sky.facts
        for name in ready.arrangement.layers:
            layer, there = facts.layer_id(name), free_on_layer(ready, name)
            kept = self.policy.reserves.get(name, 0.0) if keep else 0.0
            if layer is None or there - kept <= 0.0 or self.courier.sky.blind(now, layer=name):
                continue
            for asset, dollars in self._coins_on(ready, name).items():
                if min(dollars, there - kept) > 0.0:
                    yield Pot(name=name, asset=asset, dollars=min(dollars, there - kept), layer=layer)

    def _in_accounts(self, ready: Ready, bar: int, seen: Mapping[str, Seen] | None) -> Iterator[Pot]:
        facts, off = self.courier.sky.facts, self.courier.sky.off_peg(seconds_after(ready, bar))
        for number, account in enumerate(ready.arrangement.accounts):
            if account.mode is not MarginMode.CROSS or account.venue not in facts.venues:
                continue
            spare = float(ready.body.holding.accounts[number].cash)
            if seen is not None:
                one = seen[account.id]
                kept = one.need / self.policy.calm + self._just_left(account.id, bar)
                spare = 0.0 if one.blind else min(spare, one.equity - kept)
            if spare <= 0.0:
                continue
            priced = {row.asset for row in ready.arrangement.rows if row.account == number and row.terms is None}
            coin = main_coin(account, unit_of(account, ready.journey.terms[account.venue]), priced)
            coins = leaving(coin, facts, account.venue)
            changed = {coin.upper(), *(one.upper() for one in coins)} & off
            for asset in coins[:1] if changed else coins:
                yield Pot(name=account.id, asset=asset, dollars=spare, account=account.id, venue=account.venue)

    def _just_left(self, source: str, bar: int) -> float:
        """Dollars that have left an account since it was looked at."""
        return sum(one.dollars + one.fee + one.gas for one in self.sent if one.bar == bar and one.source == source)

    def _coins_on(self, ready: Ready, name: str) -> dict[str, float]:
        if not self.coins:
            self.coins = {layer: {} for layer in ready.arrangement.layers}
            for held in ready.journey.book.layers:
                if held.balance.asset in STABLECOINS:
                    one = self.coins[held.layer]
                    free = held.balance.amount - held.bound
                    one[held.balance.asset] = one.get(held.balance.asset, 0.0) + free
        return self.coins[name]

    def _take(self, name: str, asset: str, dollars: float) -> None:
        self.coins[name][asset] = max(self.coins[name].get(asset, 0.0) - dollars, 0.0)

    def _land(self, ready: Ready, bar: int) -> None:
        """Note coins that have arrived on layers."""
        for one in self.sent:
            if one.due <= bar and one.number not in self.landed:
                self.landed.add(one.number)
                if one.destination in ready.arrangement.layers:
                    there = self._coins_on(ready, one.destination)
                    there[one.asset] = there.get(one.asset, 0.0) + one.dollars

    def _on_the_way(self, ready: Ready, bar: int) -> list[Sent]:
        """What does not count yet and is not stuck, as far as anybody sees: it arrived within the bar, or it goes on."""
        now = seconds_after(ready, bar)
        under_way = [one for one in self.sent if one.due > bar]
        return [one for one in under_way if one.arrives <= now or self._goes_on(one, now)]

    def _goes_on(self, one: Sent, now: float) -> bool:
        """Whether money that has not arrived is neither overdue nor held by an outage that is seen."""
        return now <= one.promised and not self.courier.stopped(one.way, now)

    def _seen(self, ready: Ready, bar: int, now: float) -> dict[str, Seen]:
        holding, tape = ready.body.holding, ready.reel.tape
        prices = np.ascontiguousarray(ready.journey.bars.close[:, bar])
        moving = ready.body.under_way[: int(ready.body.moving[0])]
        good = {one.number for one in self._on_the_way(ready, bar)}
        lost = [one for one in self.sent if one.due > bar and one.number not in good]
        out = {}
        for number, account in enumerate(ready.arrangement.accounts):
            equity, need = account_margin(holding.lines, number, prices)
            coming = float(moving.dollars[moving.account == number].sum())
            coming -= sum(one.dollars for one in lost if one.destination == account.id)
            rows = np.flatnonzero(ready.arrangement.slots.rows.account == number)
            held = [row for row in rows if holding.rows.quantity[row] != 0.0]
            columns = ready.arrangement.slots.rows.column[held]
            blind = self.courier.sky.blind(now, venue=account.venue, layer=account.layer or "")
            if not blind and (tape.stale[columns, bar] & NO_PRICE).any():
                blind = "a market without a price"
            out[account.id] = Seen(equity=float(equity), need=float(need), coming=coming, blind=blind)
        return out

    def _blind_under_way(self, ready: Ready, bar: int, now: float) -> str:
        """Why the state of something under way is not known; "" where all of it is."""
        under_way = [one for one in self.sent if one.due > bar]
        places = [place for one in under_way for place in (one.source, one.destination)]
        moving = ready.body.under_way[: int(ready.body.moving[0])]
        ids = [one.id for one in ready.arrangement.accounts]
        places += [ids[number] for number in moving.account.tolist() if number >= 0]
        return next((why for place in dict.fromkeys(places) if (why := self._blind(place, now))), "")

    def _blind(self, place: str, now: float) -> str:
        account = self.courier.accounts.get(place)
        if account is None:
            return self.courier.sky.blind(now, layer=place)
        return self.courier.sky.blind(now, venue=account.venue, layer=account.layer or "")


def seconds_after(ready: Ready, bar: int) -> float:
    """Seconds from the run's start to the close of a bar."""
    return (bar + 1) * ready.journey.bars.bar_ns / SECOND_NS
