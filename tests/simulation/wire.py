"""One venue and the network before it: requests that come late or never, answers that time out, a stream with faults."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from perpbook.errors import OutcomeUnknown, VenueUnavailable
from perpbook.model.effect import AskAccount, AskBook, AskOrder, Cancel, SetTimer
from perpbook.model.message import FillSeen, MarkSeen, Message, NoAnswer, OrderSeen, TimerSeen
from perpbook.model.order import OrderRequest
from perpbook.model.units import SECOND_NS
from perpbook.simulation.exchange import Exchange
from perpbook.simulation.faulty import FaultyExchange
from perpbook.simulation.ladder import DepthProfile
from perpbook.simulation.market import Prices
from tests.simulation.agenda import Turn
from tests.simulation.chance import Chance
from tests.simulation.plan import MARKS, START_NS, Plan, terms_of
from tests.simulation.stage import Stage

NEVER = 1.0 - 1e-9
"""A uniform at which no fault strikes."""
LATEST = 8.0
"""Seconds after which no request arrives any more; less than the guard waits before it believes that one never came."""


class Wire:
    """`truth` : the venue as it is. `under_way` : client ids of orders that may still arrive, with how often."""

    def __init__(self, stage: Stage, plan: Plan, venue: str) -> None:
        self.venue, self._stage, self._plan = venue, stage, plan
        self._network, self._chance = plan.network, Chance(plan.seed, f"latency {venue}")
        self._fills = Chance(plan.seed, f"fills {venue}")
        accounts = [account for account in plan.accounts if account.venue == venue]
        prices = {symbol: Prices(mark=mark) for symbol, mark in MARKS[venue].items()}
        profile = DepthProfile(levels=3, notional=plan.limit * 0.4, half_life_ns=5 * SECOND_NS)
        self.truth = Exchange(terms_of(venue), accounts, START_NS, prices, profile=profile)
        self._storm = Chance(plan.seed, f"faults {venue}")
        self.faulty = FaultyExchange(self.truth, plan.faults[venue], self._draw)
        self.under_way: dict[str, int] = {}
        self._drains = 0

    def move(self, prices: dict[str, Prices]) -> None:
        """The market moves; what the stream says of it goes out."""
        self.truth.advance(self._stage.now_ns, prices)
        self._out([*self.faulty.step(self._stage.now_ns)])

    def send(self, request: OrderRequest) -> None:
        """An order goes out."""
        self._ask(request.account, request.client_id, lambda: self._placed(request), is_order=True)

    def cancel(self, effect: Cancel) -> None:
        """A cancel goes out."""
        self._ask(effect.account, effect.client_id, lambda: self._cancelled(effect))

    def set_timer(self, effect: SetTimer) -> None:
        """A timer is set, or taken off."""
        self._ask(effect.account, "timer", lambda: self._timed(effect))

    def ask_order(self, effect: AskOrder) -> None:
        """What became of an order, and of its trades."""
        self._ask(effect.account, effect.client_id, lambda: self._order(effect))

    def ask_account(self, effect: AskAccount) -> None:
        """How an account stands."""
        self._ask(effect.account, "", lambda: [self.faulty.account(effect.account, self._stage.now_ns)])

    def ask_book(self, effect: AskBook) -> None:
        """What rests in a book."""
        self._ask("", "", lambda: [self.faulty.book(effect.symbol, self._stage.now_ns)])

    def may_trade(self, client_id: str) -> bool:
        """The truth: an order may still arrive, or rests."""
        return bool(self.under_way.get(client_id)) or any(
            one.client_id == client_id for account in self.truth.accounts for one in self.truth.open_orders(account)
        )

    def notice(self) -> None:
        """What the venue did goes out on the stream."""
        self._out([])

    def _draw(self) -> float:
        return NEVER if self._stage.is_calm else self._storm.uniform()

    def _out(self, messages: list[Message]) -> None:
        self._drains += 1
        keeps_marks = self._drains % 4 == 0
        messages += [
            one for one in self.faulty.drain(self._stage.now_ns) if keeps_marks or not isinstance(one, MarkSeen)
        ]
        if messages:
            due = self._stage.now_ns + self._latency()
            self._stage.agenda.at(due, Turn.STREAM, partial(self._stage.stream, messages))

    def _latency(self) -> int:
        return int(self._network.latency * self._fills.between(0.5, 1.5) * SECOND_NS)

    def _ask(self, account: str, client_id: str, act: Callable[[], list[Message]], is_order: bool = False) -> None:
        """A request: it arrives or not, is answered or not; whoever asked is told one of these."""
        stage, sent_ns, epoch, answered = self._stage, self._stage.now_ns, self._stage.epoch, [False]
        timeout_ns = sent_ns + int(self._network.timeout * SECOND_NS)

        def give(messages: list[Message]) -> None:
            if not answered[0]:
                answered[0] = True
                stage.answer(epoch, messages)

        def no_answer(why: str) -> list[Message]:
            return [NoAnswer(account=account, venue=self.venue, client_id=client_id, received_ns=0, why=why)]

        def arrive() -> None:
            if is_order:
                self.under_way[client_id] -= 1
            self.truth.advance(stage.now_ns)
            try:
                messages, at_ns = act(), stage.now_ns + self._latency()
            except VenueUnavailable as error:
                messages, at_ns = no_answer(str(error)), stage.now_ns + self._latency()
            except OutcomeUnknown as error:
                messages, at_ns = no_answer(str(error)), timeout_ns
            stage.agenda.at(max(at_ns, stage.now_ns), Turn.ANSWER, partial(give, messages))
            self.notice()

        stage.agenda.at(timeout_ns, Turn.ANSWER, lambda: give(no_answer("timed out")))
        delay = self._delay(is_order)
        if delay is not None:
            if is_order:
                self.under_way[client_id] = self.under_way.get(client_id, 0) + 1
            stage.agenda.at(sent_ns + delay, Turn.REQUEST, arrive)

    def _delay(self, is_order: bool) -> int | None:
        """Nanoseconds until a request arrives; None for never."""
        if not self._stage.is_calm and is_order:
            if self._chance.strikes(self._network.lost):
                self._stage.count("fault lost")
                return None
            if self._chance.strikes(self._network.lagging):
                self._stage.count("fault lagging")
                return int(self._chance.between(self._network.timeout, LATEST) * SECOND_NS)
        return self._latency()

    def _placed(self, request: OrderRequest) -> list[Message]:
        before = self.truth.held(request.account, request.symbol)
        try:
            report = self.faulty.place(request, self._stage.now_ns)
        finally:
            self._stage.arrived(request, before, self.truth.held(request.account, request.symbol))
        return [OrderSeen(report=report, received_ns=0)]

    def _cancelled(self, effect: Cancel) -> list[Message]:
        report = self.faulty.cancel(effect.account, effect.symbol, effect.client_id, self._stage.now_ns)
        return [OrderSeen(report=report, received_ns=0)]

    def _timed(self, effect: SetTimer) -> list[Message]:
        now_ns = self._stage.now_ns
        at_ns = now_ns + effect.wait_ns if effect.wait_ns else None
        why = self.truth.schedule_cancel(effect.account, at_ns, now_ns, effect.symbol or None)
        told = TimerSeen(
            account=effect.account, venue=self.venue, symbol=effect.symbol, wait_ns=effect.wait_ns, received_ns=0, why=why
        )  # fmt: skip
        return [told]

    def _order(self, effect: AskOrder) -> list[Message]:
        now_ns = self._stage.now_ns
        report = self.faulty.order(effect.account, effect.symbol, effect.client_id, now_ns)
        fills = [one for one in self.truth.fills(effect.account) if one.client_id == effect.client_id]
        return [*(FillSeen(fill=fill, received_ns=0) for fill in fills), OrderSeen(report=report, received_ns=0)]
