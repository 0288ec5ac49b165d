"""A small world for the guard's laws: one venue that loses, delays and part-fills, a journal, and checks on what is sent."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from perpbook.files.plain import plain
from perpbook.guard.desk import Desk, fold
from perpbook.guard.guard import Guard
from perpbook.guard.settings import Caps, Settings
from perpbook.guard.view import Decision, View, Wanted, WantedLeg
from perpbook.model.account import Account, Balance, Order, Position
from perpbook.model.action import ActionKind, RiskView
from perpbook.model.alert import Alert
from perpbook.model.contract import Contract
from perpbook.model.effect import AskAccount, AskBook, AskOrder, Cancel, Effect, Send, SetTimer, Tell, Write
from perpbook.model.market import Depth
from perpbook.model.message import (
    AccountSeen,
    Answered,
    Arm,
    BookSeen,
    FillSeen,
    Kill,
    KillLevel,
    Message,
    NoAnswer,
    OrderSeen,
    TimerSeen,
    Wake,
)
from perpbook.model.order import Fill, OrderReport, OrderRequest, OrderState, RejectReason, TimeInForce
from perpbook.model.record import Record, RecordKind
from perpbook.model.units import HOUR_NS, SECOND_NS

VENUE, ACCOUNT = "hyperliquid", "main"
CALM = RiskView(equity=10_000.0, effective=2.0, margin_ratio=0.3, liquidation_move=0.4)
CONTRACTS = {
    (VENUE, "BTC"): Contract(
        venue=VENUE, symbol="BTC", base="BTC", quote="USDC", settle="USDC", lot_size=0.01, tick_size=0.5
    ),
    (VENUE, "ETH"): Contract(
        venue=VENUE, symbol="ETH", base="ETH", quote="USDC", settle="USDC", lot_size=0.1, tick_size=0.1
    ),
}
SETTINGS = Settings(
    accounts={ACCOUNT: VENUE},
    contracts=CONTRACTS,
    caps=Caps(action=5_000.0, hour=20_000.0, day=50_000.0),
    collar=0.01,
    slice=1_000.0,
    expiry_ns=300 * SECOND_NS,
    rests=frozenset({VENUE}),
    bands={"auto": Caps(action=1_500.0, hour=3_000.0, day=5_000.0)},
)


def trim(symbol: str, quantity: float, rule: str = "leverage.asset", account: str = ACCOUNT, **pace: Any) -> Wanted:
    """A trim wanted under a rule. pace : slices, every_ns, patience_ns."""
    legs = (WantedLeg(account=account, symbol=symbol, quantity=quantity, **pace),)
    return Wanted(kind=ActionKind.TRIM, rule=rule, reason="too large.", after=CALM, legs=legs)


def as_read(record: Record) -> Record:
    """A record as a journal gives it back."""
    return replace(record, body=json.loads(json.dumps(plain(record.body), allow_nan=False)))


@dataclass
class Exchange:
    """Positions, books and orders as they are; `mood` of the next order: fill, part, none, reject, lost (never came), late (came
    eight seconds later), silent (done, and nothing said), open.  stuck : resting
    orders do not go.  reason : of refusals."""

    positions: dict[str, float] = field(default_factory=dict)
    mids: dict[str, float] = field(default_factory=lambda: {"BTC": 1_000.0, "ETH": 100.0})
    orders: dict[str, OrderReport] = field(default_factory=dict)
    requests: dict[str, OrderRequest] = field(default_factory=dict)
    resting: tuple[Order, ...] = ()
    late: list[tuple[int, OrderRequest]] = field(default_factory=list)
    mood: str = "fill"
    stuck: bool = False
    reason: RejectReason | None = None

    def account(self, now_ns: int) -> AccountSeen:
        """The account now."""
        held = tuple(
            Position(symbol=name, quantity=size, entry_price=self.mids[name])
            for name, size in self.positions.items()
            if size
        )
        account = Account(
            id=ACCOUNT,
            venue=VENUE,
            collateral=(Balance(asset="USDC", amount=10_000.0),),
            positions=held,
            orders=self.resting,
        )
        return AccountSeen(account=account, at_ns=now_ns, received_ns=now_ns)

    def book(self, symbol: str, now_ns: int) -> BookSeen:
        """A book of one wide level on each side."""
        mid = self.mids[symbol]
        depth = Depth(bids=((mid * 0.9995, 1e6),), asks=((mid * 1.0005, 1e6),))
        return BookSeen(venue=VENUE, symbol=symbol, depth=depth, at_ns=now_ns, received_ns=now_ns)

    def place(self, request: OrderRequest, now_ns: int) -> list[Message]:
        """Take an order as the mood says; what comes back."""
        mood, self.mood = self.mood, "fill"
        if request.time_in_force is TimeInForce.POST and mood in ("fill", "part", "none"):
            mood = "open"
        lost = NoAnswer(
            account=request.account, venue=VENUE, client_id=request.client_id, received_ns=now_ns, why="timed out"
        )
        if mood == "late":
            self.late.append((now_ns + 8 * SECOND_NS, request))
        if mood in ("lost", "late"):
            return [lost]
        assert request.client_id not in self.orders, "one id came to the venue twice"
        self.requests[request.client_id] = request
        room = abs(self.positions.get(request.symbol, 0.0))
        done = {"fill": 1.0, "silent": 1.0, "part": 0.5}.get(mood, 0.0) * request.quantity
        if request.reduce_only and (
            self.positions.get(request.symbol, 0.0) * request.quantity >= 0 or abs(request.quantity) > room + 1e-9
        ):
            mood, done = "reject", 0.0
        states = {
            "reject": OrderState.REJECTED,
            "open": OrderState.OPEN,
            "part": OrderState.CANCELED,
            "none": OrderState.CANCELED,
        }
        said = self._report(request, states.get(mood, OrderState.FILLED), done, now_ns)
        if done:
            self.positions[request.symbol] = round(self.positions[request.symbol] + done, 9)
        fill = [FillSeen(fill=self._fill(request, done, now_ns), received_ns=now_ns)] if done else []
        return [lost, *fill] if mood == "silent" else [OrderSeen(report=said, received_ns=now_ns), *fill, *fill]

    def meet(self, client_id: str, share: float, now_ns: int) -> list[Message]:
        """Somebody trades with a share of what rests of an order."""
        report, request = self.orders[client_id], self.requests[client_id]
        if report.state is not OrderState.OPEN:
            return []
        held, left = self.positions[request.symbol], request.quantity - report.filled
        done = round(math.copysign(min(abs(left * share), abs(held)), left), 2)
        if done == 0.0 or held * done >= 0.0:
            return []
        self.positions[request.symbol] = round(held + done, 9)
        filled = round(report.filled + done, 9)
        state = OrderState.FILLED if abs(request.quantity - filled) < 1e-9 else OrderState.OPEN
        fill = replace(self._fill(request, done, now_ns), trade_id=f"m-{client_id}-{filled}")
        said = self._report(request, state, filled, now_ns)
        return [FillSeen(fill=fill, received_ns=now_ns), OrderSeen(report=said, received_ns=now_ns)]

    def arrive(self, now_ns: int) -> list[Message]:
        """Orders that were long on their way act now."""
        due = [request for at_ns, request in self.late if at_ns <= now_ns]
        self.late = [(at_ns, request) for at_ns, request in self.late if at_ns > now_ns]
        mood, self.mood = self.mood, "fill"
        found = [message for request in due for message in self.place(request, now_ns)]
        self.mood = mood
        return found

    def ask(self, effect: AskOrder, now_ns: int) -> OrderSeen:
        """What became of an order."""
        report = self.orders.get(effect.client_id)
        if report is None:
            report = OrderReport(
                client_id=effect.client_id, account=effect.account, venue=VENUE, symbol=effect.symbol,
                state=OrderState.ABSENT, filled=0.0, average_price=None, at_ns=now_ns,
            )  # fmt: skip
        return OrderSeen(report=replace(report, at_ns=now_ns), received_ns=now_ns)

    def cancel(self, effect: Cancel, now_ns: int) -> list[Message]:
        """Take an order back."""
        if not self.stuck:
            self.resting = tuple(order for order in self.resting if order.id != effect.client_id)
        report = self.orders.get(effect.client_id)
        if report is None or report.state.is_final:
            return []
        said = self._report(self.requests[effect.client_id], OrderState.CANCELED, report.filled, now_ns)
        return [OrderSeen(report=said, received_ns=now_ns)]

    def cancel_all(self, now_ns: int) -> None:
        """Every order that rests is gone, as when a timer has run out."""
        for name, report in tuple(self.orders.items()):
            if report.state is OrderState.OPEN:
                self._report(self.requests[name], OrderState.CANCELED, report.filled, now_ns)

    def _report(self, request: OrderRequest, state: OrderState, filled: float, now_ns: int) -> OrderReport:
        self.orders[request.client_id] = OrderReport(
            client_id=request.client_id, account=request.account, venue=VENUE, symbol=request.symbol, state=state,
            filled=filled, average_price=request.limit_price if filled else None, at_ns=now_ns,
            reason=self.reason if state is OrderState.REJECTED else None,
        )  # fmt: skip
        return self.orders[request.client_id]

    def _fill(self, request: OrderRequest, quantity: float, now_ns: int) -> Fill:
        return Fill(
            client_id=request.client_id, account=request.account, venue=VENUE, symbol=request.symbol,
            trade_id=f"t-{request.client_id}", quantity=quantity, price=request.limit_price, fee=0.1, time_ns=now_ns,
        )  # fmt: skip


@dataclass
class World:
    """A guard, its exchange and its journal. `wanted`, `stands`, `exits` : what it decides. `fuse` : effects until
    the next crash, None for none.  timer_refused : what the venue says to timers.
    `meddled` : somebody else traded in the account.  `never_told` : orders that the venue says nothing of."""

    settings: Settings = SETTINGS
    venue: Exchange = field(default_factory=Exchange)
    now_ns: int = 1_000 * SECOND_NS
    wanted: Sequence[Wanted] = ()
    stands: Sequence[Alert] = ()
    exits: Mapping[str, Mapping[str, object] | None] = field(default_factory=dict)
    fuse: int | None = None
    timer_refused: str = ""

    def __post_init__(self) -> None:
        self.journal: list[Record] = []
        self.shadow = Desk()
        self.mail: list[Message] = []
        self.alerts: list[Alert] = []
        self.sent: list[OrderRequest] = []
        self.timers: list[SetTimer] = []
        self.absent: set[str] = set()
        self.meddled = False
        self.never_told: set[str] = set()
        self.boot()

    def boot(self) -> None:
        """Start a guard on the journal as it is."""
        self.mail.clear()
        self.guard = Guard(fold(self.journal), self.settings, self.decide)
        self.perform(self.guard.start(self.now_ns))

    def decide(self, view: View) -> Decision:
        """What this world's guard wants."""
        return Decision(before=CALM, alerts=tuple(self.stands), wanted=tuple(self.wanted), exits=self.exits)

    def give(self, message: Message) -> None:
        """Hand the guard a message, and do what it asks."""
        if isinstance(message, OrderSeen) and message.report.state is OrderState.ABSENT:
            self.absent.add(message.report.client_id)
        self.perform(self.guard.receive(message))

    def perform(self, effects: Sequence[Effect]) -> None:
        """Do effects in order; a crash in between loses the rest and begins again."""
        for effect in effects:
            if self.fuse is not None:
                self.fuse -= 1
                if self.fuse < 0:
                    self.fuse = None
                    self.boot()
                    return
            self._do(effect)
        assert self.shadow == self.guard.desk

    def _do(self, effect: Effect) -> None:
        match effect:
            case Write():
                self.journal.append(as_read(effect.record))
                self.shadow.apply(self.journal[-1])
            case Send():
                self.check(effect.request)
                self.sent.append(effect.request)
                self.mail += self.venue.place(effect.request, self.now_ns)
            case Cancel():
                self.mail += self.venue.cancel(effect, self.now_ns)
            case SetTimer():
                self.timers.append(effect)
                self.mail.append(
                    TimerSeen(
                        account=effect.account, venue=effect.venue, symbol=effect.symbol, wait_ns=effect.wait_ns,
                        received_ns=self.now_ns, why=self.timer_refused,
                    )
                )  # fmt: skip
            case AskOrder() if effect.client_id in self.never_told:
                pass
            case AskOrder():
                self.mail.append(self.venue.ask(effect, self.now_ns))
            case AskAccount():
                self.mail.append(self.venue.account(self.now_ns))
            case AskBook():
                self.mail.append(self.venue.book(effect.symbol, self.now_ns))
            case Tell():
                self.alerts.append(effect.alert)

    def check(self, request: OrderRequest) -> None:
        """The laws of sending, from the journal alone."""
        last = self.journal[-1]
        assert last.kind is RecordKind.INTENDED and last.body["request"] == plain(request), (
            "an intent is written before its order"
        )
        if any(one.client_id == request.client_id for one in self.sent):
            assert request.client_id in self.absent, "an id is sent again only after its venue said it never came"
        self.absent.discard(request.client_id)
        case = self.shadow.cases[str(last.body["digest"])]
        leg = case.proposal.legs[int(str(last.body["leg"]))]
        parts = self.shadow.tickets_of(case, int(str(last.body["leg"])))
        assert sum(one.counted for one in parts) <= abs(leg.quantity) * (1 + 1e-9), "parts are no more than the leg"
        assert not any(one.may_live and one.request.client_id != request.client_id for one in parts), "one at a time"
        if request.time_in_force is TimeInForce.POST:
            assert leg.patience_ns > 0 and request.reduce_only and request.venue in self.settings.rests
        assert request.quantity * leg.quantity > 0 and request.reduce_only == leg.reduce_only
        assert abs(request.quantity) * request.limit_price <= max(self.settings.slice, 0.1 * 1_000.0) * 1.02
        assert request.limit_price <= leg.limit_price if leg.quantity > 0 else request.limit_price >= leg.limit_price
        assert case.approved_ns and self.now_ns < case.proposal.expires_ns, "an order is approved, and in time"
        if not self.meddled:
            held = self.venue.positions[request.symbol]
            assert held * request.quantity < 0 and abs(request.quantity) <= abs(held), "reduce-only makes smaller"
        flattens = case.proposal.rule == "kill.flatten"
        assert self.shadow.kill is (KillLevel.FLATTEN if flattens else KillLevel.NONE)
        assert flattens or not self.settings.arming or self.shadow.is_armed(self.now_ns)
        spent = self.shadow.spent_since(self.now_ns - HOUR_NS)
        flat = sum(one.dollars for one in self.shadow.spent if one.rule == "kill.flatten")
        assert spent - flat <= self.settings.caps.hour * (1 + 1e-9)

    def pass_time(self, seconds: float = 1.0) -> None:
        """Time goes on."""
        self.now_ns += int(seconds * SECOND_NS)
        self.mail += self.venue.arrive(self.now_ns)
        self.give(Wake(received_ns=self.now_ns))

    def post(self) -> None:
        """Deliver everything under way, a millisecond apart, oldest first."""
        while self.mail:
            self.deliver(0)

    def deliver(self, number: int) -> None:
        """Deliver one message under way."""
        message = self.mail.pop(number)
        self.now_ns += SECOND_NS // 1_000
        self.mail += self.venue.arrive(self.now_ns)
        self.give(replace(message, received_ns=self.now_ns))

    def run(self, seconds: int) -> None:
        """Deliver and wake for a while."""
        for _ in range(seconds):
            self.post()
            self.pass_time()
        self.post()

    def arm(self, hours: float = 8.0) -> None:
        """A person arms it."""
        self.give(Arm(until_ns=self.now_ns + int(hours * HOUR_NS), who="ann", received_ns=self.now_ns))

    def kill(self, level: KillLevel, who: str = "ann") -> None:
        """A person moves the switch."""
        self.give(Kill(level=level, who=who, reason="drill", received_ns=self.now_ns))

    def answer(self, digest: str, approve: bool = True) -> None:
        """A person's word."""
        self.give(Answered(digest=digest, approve=approve, who="ann", channel="cli", received_ns=self.now_ns))

    def until_sent(self) -> str:
        """Deliver until the first order is sent; its id."""
        while not self.sent:
            self.deliver(0)
        return self.sent[0].client_id

    def phases(self) -> list[str]:
        """How every proposal stands, oldest first."""
        return [case.phase.value for case in self.guard.desk.cases.values()]

    def told(self, kind: str) -> list[Alert]:
        """Alerts of a kind."""
        return [alert for alert in self.alerts if alert.kind == kind]


def ready(wanted: Sequence[Wanted] = (), settings: Settings = SETTINGS, **positions: float) -> World:
    """A world whose guard has seen its account, is armed, and has proposed what is wanted."""
    world = World(settings=settings, venue=Exchange(positions=dict(positions)), wanted=wanted)
    world.post()
    world.arm()
    for symbol in ("BTC", "ETH"):
        world.give(world.venue.book(symbol, world.now_ns))
    world.run(31)
    return world


def only(world: World) -> str:
    """The one proposal's digest."""
    (digest,) = world.guard.desk.cases
    return digest
