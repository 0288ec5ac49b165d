"""The redundancy audit: every single failure applied to a book, what it breaks, and how much it would cost.

A book is N-1 safe when, whatever one thing fails, (1) no account is liquidated before money reaches it with more than the chance
that is allowed, money being sent as the failure begins, over whatever way is left, or once the failure is over; and (2) if legs
behind it were lost, those that are left would not lose more than the share that is allowed in a move that is allowed for.

Damage, dollars: what a coin's fall takes, what legs left naked lose in that move, and by how much liquidation grows more likely
times the equity of the account. What is only out of reach is told beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from perpbook.treasury.audit_view import Reach, View, reaches
from perpbook.treasury.endurance import HORIZON_SECONDS
from perpbook.treasury.failures import Kind, Single, failures_of
from perpbook.treasury.pots import price_of

LATE, UNREACHED, NAKED = "too late", "not reached", "naked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """late : most chance to be liquidated before money comes. naked : most loss of legs left alone in a `move`, of the equity
    that is left. lasting : seconds a failure is taken to last. fall : of a stablecoin."""

    late: float
    naked: float
    move: float
    lasting: float
    fall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """Net dollars of one asset before and after the legs behind a failure are gone."""

    asset: str
    before: float
    after: float

    @property
    def naked(self) -> float:
        """Dollars by which the book is more exposed."""
        return max(0.0, abs(self.after) - abs(self.before))


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """What a failure breaks: whom, how (`LATE`, `UNREACHED`, `NAKED`), by how much against what is allowed."""

    who: str
    how: str
    measured: float
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One failure. reached : by account. stuck, loss, damage : dollars; `left` : equity that is not behind it."""

    single: Single
    reached: Mapping[str, Reach]
    legs: tuple[Leg, ...]
    stuck: float
    left: float
    loss: float
    damage: float
    breaks: tuple[Break, ...]

    @property
    def naked(self) -> float:
        """Dollars more exposed, all assets."""
        return sum(one.naked for one in self.legs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """All of it: in calm (`reached`, `breaks`), and by failure, the worst first. equity : the book's, dollars."""

    limits: Limits
    equity: float
    reached: Mapping[str, Reach]
    breaks: tuple[Break, ...]
    findings: tuple[Finding, ...]
    unknown: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def breaking(self) -> tuple[Finding, ...]:
        """Failures that break something."""
        return tuple(one for one in self.findings if one.breaks)

    @property
    def safe(self) -> bool | None:
        """Whether any one thing may fail; None where that hangs on what nobody has said."""
        if self.breaks or self.breaking:
            return False
        return None if self.unknown else True


def audit(view: View, fallen: Mapping[str, View], limits: Limits, singles: Sequence[Single]) -> Audit:
    """The book under each of `singles`. fallen : the same book by coin with that coin at its fallen price."""
    calm = reaches(view, None, limits.lasting)
    equity = sum(view.equity.values()) + sum(view.outside().values()) + sum(in_flight(view).values())
    found = [_finding(view, fallen, limits, one, calm) for one in singles]
    return Audit(
        limits=limits,
        equity=equity,
        reached=calm,
        breaks=tuple(_late(calm.values(), limits, HORIZON_SECONDS)),
        findings=tuple(sorted(found, key=lambda one: (-len(one.breaks), -one.damage, -one.stuck, one.single.name))),
        unknown={one.account: one.unknown for one in view.lives.values() if one.unknown},
        notes=view.notes,
    )


def singles_of(view: View, fall: float) -> tuple[Single, ...]:
    """Every failure that touches this book."""
    ways = [way for found in view.ways.values() for way in found]
    return failures_of(view.snapshot.book, view.facts, ways, fall)


def _finding(
    view: View, fallen: Mapping[str, View], limits: Limits, single: Single, calm: Mapping[str, Reach]
) -> Finding:
    here = fallen[single.coin] if single.kind is Kind.COIN_FALLS else view
    reached = reaches(here, None if single.kind is Kind.COIN_FALLS else single, limits.lasting)
    legs = legs_of(view, single)
    stuck, left = behind(view, single)
    loss = loss_of(view, single)
    naked = limits.move * sum(one.naked for one in legs)
    equity = view.equity
    likelier = sum(
        max(0.0, (one.late or 0.0) - (calm[name].late or 0.0)) * max(equity[name], 0.0) for name, one in reached.items()
    )
    breaks = _late(reached.values(), limits, limits.lasting, single.closed)
    if naked > limits.naked * max(left, 0.0) and naked > 0.0:
        worst = max(legs, key=lambda one: one.naked)
        share = naked / left if left > 0.0 else float("inf")
        breaks.append(Break(who=worst.asset, how=NAKED, measured=share, limit=limits.naked))
    return Finding(
        single=single, reached=reached, legs=legs, stuck=stuck, left=left, loss=loss, damage=loss + naked + likelier,
        breaks=tuple(breaks),
    )  # fmt: skip


def _late(reached: Iterable[Reach], limits: Limits, within: float, closed: frozenset[str] = frozenset()) -> list[Break]:
    """Accounts that money reaches too late. Where nobody knows how long they live: those that it does not reach at all while the
    failure lasts, though their own venue stands."""
    out = []
    for one in reached:
        if one.late is not None and one.late > limits.late:
            out.append(Break(who=one.account, how=LATE, measured=one.late, limit=limits.late))
        elif one.late is None and one.promised >= within and one.account not in closed:
            out.append(Break(who=one.account, how=UNREACHED, measured=one.promised, limit=within))
    return out


def legs_of(view: View, single: Single) -> tuple[Leg, ...]:
    """Assets whose net changes when what is behind a failure is gone."""
    gone = single.closed | single.failure.places
    out = []
    for asset, by in view.deltas().items():
        before, after = sum(by.values()), sum(value for place, value in by.items() if place not in gone)
        if abs(after - before) > 1e-9 and single.closed:
            out.append(Leg(asset=asset, before=before, after=after))
    return tuple(out)


def behind(view: View, single: Single) -> tuple[float, float]:
    """(out of reach, left) dollars of the book's equity; debts count as nothing out of reach."""
    accounts = {name: value for name, value in view.equity.items() if name in single.unpaid}
    layers = {key: dollars for key, dollars in view.outside().items() if _held(single, view, *key)}
    flights = {
        (source, end, coin): dollars
        for (source, end, coin), dollars in in_flight(view).items()
        if _held(single, view, source, coin) or _held(single, view, end, coin)
    }
    stuck = sum(max(one, 0.0) for one in accounts.values()) + sum(layers.values()) + sum(flights.values())
    whole = sum(view.equity.values()) + sum(view.outside().values()) + sum(in_flight(view).values())
    return stuck, whole - stuck


def _held(single: Single, view: View, place: str, coin: str) -> bool:
    """Whether a coin in a place is out of reach."""
    if single.coin:
        return coin == single.coin and single.kind is Kind.COIN_FROZEN
    return place in single.failure.places or (view.facts.layer_id(place) or place) in single.layers


def in_flight(view: View) -> dict[tuple[str, str, str], float]:
    """Dollars under way by (source, destination, coin)."""
    out: dict[tuple[str, str, str], float] = {}
    for one in view.snapshot.book.transfers:
        key = (one.source, one.destination, one.asset)
        price = price_of(one.asset, view.snapshot.market.asset_prices) or 0.0
        out[key] = out.get(key, 0.0) + one.amount * price
    return out


def loss_of(view: View, single: Single) -> float:
    """Dollars that the fall of a coin takes."""
    return single.fall * coins_of(view, single.coin) if single.fall else 0.0


def coins_of(view: View, coin: str) -> float:
    """Dollars of a coin that the book holds, in accounts, on layers and under way, debts taken off; never below 0."""
    price = price_of(coin, view.snapshot.market.asset_prices) or 0.0
    book = view.snapshot.book
    held = sum(one.amount for account in book.accounts for one in account.collateral if one.asset == coin)
    held += sum(one.balance.amount for one in book.layers if one.balance.asset == coin)
    held += sum(one.amount for one in book.transfers if one.asset == coin)
    return max(0.0, held * price)
