"""What a market does against its own past: funding that turns or stands out, spreads, basis and depth that are not as they were.

Streaming and pure: a bounded ring of samples a measure, kept in order, gives its median and quartiles at once. A sample stands
out by z = (x - median) / spread, the spread being the distance of the quartiles / 1.349 (a normal's standard deviation), or a
floor where the past hardly moved. An alert begins after several samples beyond `high` in a row and is over at `low`. Before
enough samples nothing is said; a stream that goes stale begins the row anew, and what stands, stands on.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from perpbook.model.alert import Alert, Severity
from perpbook.model.message import AccountSeen, BookSeen, MarkSeen, Message, Stale
from perpbook.model.units import SECOND_NS

QUARTILES = 1.349
"""Distance between a normal's quartiles, standard deviations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """samples : kept of each measure.  least : before anything is said.  every_ns : between two samples.  high, low : z at
    which an alert begins and ends.  in_row : samples beyond `high` before one begins.  turn : a rate per interval that counts
    as paid."""

    samples: int = 3_600
    least: int = 120
    every_ns: int = SECOND_NS
    high: float = 6.0
    low: float = 3.0
    in_row: int = 3
    turn: float = 1e-6

    def __post_init__(self) -> None:
        assert self.samples >= self.least > 3 and self.high > self.low > 0.0 and self.in_row > 0, (
            "a past, and two marks"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """kind : of its alert.  way : 1 a rise stands out, -1 a fall, 0 both.  floor : least spread, as a share of the median's
    size and as a number."""

    kind: str
    unit: str
    way: int
    floor_share: float
    floor: float
    tell: str


SPREAD = Measure(
    kind="market.spread", unit="share", way=1, floor_share=0.1, floor=1e-5,
    tell="The spread of {symbol} on {venue} is {measured:.3%} of its price; over {least} samples it was {median:.3%}.",
)  # fmt: skip
DEPTH = Measure(
    kind="market.depth", unit="dollars", way=-1, floor_share=0.1, floor=1.0,
    tell="${measured:,.0f} rest in the book of {symbol} on {venue}, on its thinner side; it was ${median:,.0f}.",
)  # fmt: skip
BASIS = Measure(
    kind="market.basis", unit="share", way=0, floor_share=0.1, floor=1e-4,
    tell="{symbol} on {venue} is marked {measured:+.3%} from its index; it was {median:+.3%}.",
)  # fmt: skip
SKEW = Measure(
    kind="funding.skew", unit="share", way=0, floor_share=0.2, floor=1e-5,
    tell="Funding of {symbol} on {venue} is {measured:+.4%} an interval; it was {median:+.4%}.",
)  # fmt: skip


MEASURED = tuple(one.kind for one in (SPREAD, DEPTH, BASIS, SKEW))
TURNED = "funding.flip"
Key = tuple[str, str, str]


class Past:
    """The newest samples of one measure, by age and by size."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._by_age: deque[float] = deque()
        self._by_size: list[float] = []

    def __len__(self) -> int:
        return len(self._by_size)

    def add(self, value: float) -> None:
        """Take a sample; the oldest goes where there is no room."""
        if len(self._by_age) >= self._room:
            del self._by_size[bisect_left(self._by_size, self._by_age.popleft())]
        self._by_age.append(value)
        insort(self._by_size, value)

    def share(self, part: float) -> float:
        """The sample that `part` of all are under."""
        return self._by_size[min(int(part * len(self._by_size)), len(self._by_size) - 1)]


@dataclass(slots=True)
class Standing:
    """One measure of one contract."""

    past: Past
    sampled_ns: int = -1
    beyond: int = 0
    raised: bool = False


@dataclass(slots=True)
class Signals:
    """Call it with every message; alerts that begin, and those that are over, come back."""

    sensitivity: Sensitivity = field(default_factory=Sensitivity)
    _standing: dict[tuple[str, str, str], Standing] = field(default_factory=dict)
    _held: dict[str, tuple[str, dict[str, float]]] = field(default_factory=dict)
    _paying: dict[tuple[str, str, str], bool] = field(default_factory=dict)

    def resume(self, noticed: Iterable[Key], accounts: Mapping[str, str]) -> None:
        """Take what stood before a start as still standing, until its past is long enough to say that it is over.
        accounts : their venues."""
        for kind, account, symbol in noticed:
            if kind in MEASURED:
                venue, _, contract = symbol.partition(":")
                self._standing[kind, venue, contract] = Standing(Past(self.sensitivity.samples), raised=True)
            elif kind == TURNED and account in accounts:
                self._paying[account, accounts[account], symbol] = True

    def __call__(self, message: Message) -> list[Alert]:
        """What begins, or is over, by a message."""
        match message:
            case BookSeen():
                return self._book(message)
            case MarkSeen():
                return self._mark(message)
            case AccountSeen():
                return self._account(message)
            case Stale():
                for (_, venue, _), standing in self._standing.items():
                    standing.beyond = 0 if venue == message.venue else standing.beyond
        return []

    def quiet_until(self, venue: str, symbol: str) -> int:
        """A contract's book that comes before it is too soon after the last sample to be one."""
        standing = self._standing.get((SPREAD.kind, venue, symbol))
        return 0 if standing is None else standing.sampled_ns + self.sensitivity.every_ns

    def _account(self, message: AccountSeen) -> list[Alert]:
        """Know what is held; of what is held no more nobody pays funding."""
        of, held = message.account, {one.symbol: one.quantity for one in message.account.positions}
        self._held[of.id] = (of.venue, held)
        gone = [key for key in self._paying if key[0] == of.id and not held.get(key[2])]
        return [
            Alert(
                kind=TURNED, severity=Severity.WARN, at_ns=message.received_ns, account=of.id, symbol=symbol, resolved=True,
                sentence=f"{symbol} @ {of.id} is held no more.",
            )
            for key in gone
            if self._paying.pop(key) and (symbol := key[2])
        ]  # fmt: skip

    def _book(self, message: BookSeen) -> list[Alert]:
        if message.received_ns < self.quiet_until(message.venue, message.symbol):
            return []
        bids, asks = message.depth.bids, message.depth.asks
        if not bids or not asks:
            return []
        middle = 0.5 * (bids[0][0] + asks[0][0])
        told = self._sample(SPREAD, message, (asks[0][0] - bids[0][0]) / middle)
        if len(bids) > 1 and len(asks) > 1:
            resting = min(sum(price * size for price, size in side) for side in (bids, asks))
            told += self._sample(DEPTH, message, resting)
        return told

    def _mark(self, message: MarkSeen) -> list[Alert]:
        told: list[Alert] = []
        index = message.index_price if message.index_price is not None else message.oracle_price
        if message.mark_price is not None and index:
            told += self._sample(BASIS, message, message.mark_price / index - 1.0)
        if message.funding_rate is not None:
            told += self._sample(SKEW, message, message.funding_rate)
            told += self._turns(message, message.funding_rate)
        return told

    def _sample(self, measure: Measure, message: BookSeen | MarkSeen, value: float) -> list[Alert]:
        """Hold a value against its past, then let it be part of it; at most one a while."""
        wanted, key = self.sensitivity, (measure.kind, message.venue, message.symbol)
        standing = self._standing.get(key)
        if standing is None:
            standing = self._standing[key] = Standing(Past(wanted.samples))
        if message.received_ns - standing.sampled_ns < wanted.every_ns and standing.sampled_ns >= 0:
            return []
        standing.sampled_ns = message.received_ns
        told: list[Alert] = []
        if len(standing.past) >= wanted.least:
            told = self._judge(measure, message, standing, value)
        standing.past.add(value)
        return told

    def _judge(self, measure: Measure, message: BookSeen | MarkSeen, standing: Standing, value: float) -> list[Alert]:
        """An alert where one begins or ends."""
        wanted, past = self.sensitivity, standing.past
        median = past.share(0.5)
        spread = max(
            (past.share(0.75) - past.share(0.25)) / QUARTILES, measure.floor_share * abs(median), measure.floor
        )
        way = measure.way or (1 if value >= median else -1)
        z = way * (value - median) / spread
        standing.beyond = standing.beyond + 1 if z >= wanted.high else 0
        if standing.raised == (z > wanted.low) or (not standing.raised and standing.beyond < wanted.in_row):
            return []
        standing.raised, standing.beyond = not standing.raised, 0
        sentence = measure.tell.format(
            symbol=message.symbol, venue=message.venue, measured=value, median=median, least=len(past)
        )
        return [
            Alert(
                kind=measure.kind, severity=Severity.WARN, at_ns=message.received_ns, sentence=sentence,
                symbol=f"{message.venue}:{message.symbol}", measured=value, limit=median + way * wanted.high * spread,
                unit=measure.unit, resolved=not standing.raised,
            )
        ]  # fmt: skip

    def _turns(self, message: MarkSeen, rate: float) -> list[Alert]:
        """Positions that were paid and pay now, and those that pay no more. Within `turn` of nothing nothing changes."""
        told: list[Alert] = []
        for account, (venue, held) in self._held.items():
            quantity = held.get(message.symbol, 0.0) if venue == message.venue else 0.0
            if quantity == 0.0 or abs(rate) < self.sensitivity.turn:
                continue
            key = (account, venue, message.symbol)
            pays = rate * quantity > 0.0
            before = self._paying.get(key)
            self._paying[key] = pays
            if before is not None and before != pays:
                told.append(_turned(message, account, rate, pays=pays))
        return told


def _turned(message: MarkSeen, account: str, rate: float, *, pays: bool) -> Alert:
    now, before = ("pays", "was paid") if pays else ("is paid", "paid")
    return Alert(
        kind=TURNED, severity=Severity.WARN, at_ns=message.received_ns,
        sentence=f"{message.symbol} @ {account} {now} {abs(rate):.4%} an interval; it {before} before.",
        account=account, symbol=message.symbol, measured=rate, limit=0.0, unit="share", resolved=not pays,
    )  # fmt: skip
