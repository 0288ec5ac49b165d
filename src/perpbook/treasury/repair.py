"""The smallest change after which a book is N-1 safe: what breaks is mended one account after the other by what moves the fewest
dollars, the book is audited again after each, and a change that later ones make needless is taken back.

That is a direct search, change by change: it finds a small set, not always the smallest. What it finds is audited like any book.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from perpbook.funding.trading import Desk
from perpbook.model.market import Snapshot
from perpbook.model.trade import Trade
from perpbook.terms.terms import VenueTerms
from perpbook.treasury.audit import NAKED, Audit, Break, Finding, Limits, audit, singles_of
from perpbook.treasury.audit_view import View, reaches, view_of
from perpbook.treasury.changes import (
    Change,
    Enable,
    Move,
    Provide,
    Reduce,
    less,
    moved,
    provided,
    reduced,
    reduction,
    settle_of,
    share_of,
    with_rails,
)  # fmt: skip
from perpbook.treasury.conditions import Conditions
from perpbook.treasury.endurance import Sigmas, endurances
from perpbook.treasury.facts import Facts
from perpbook.treasury.failures import Kind, Single
from perpbook.treasury.pots import LEAST_SHARE, price_of
from perpbook.treasury.standing import standing_of
from perpbook.treasury.ways import Chance, ways_onto

ROUNDS = 8
"""Changes that are tried one after the other."""

HALVINGS = 30
NEAR = 5e-4
"""The least amount is found within this share of itself, in so many halvings at most."""

SPARE = 1.05
"""What is put on a layer, over the least that counts as a rescue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A book with all that its audit depends on. rails : bridge families in use, None for all. now : what is away before anything
    fails, None for calm, and `told` of it."""

    snapshot: Snapshot
    terms: Mapping[str, VenueTerms]
    facts: Facts
    chance: Chance
    sigmas: Sigmas
    limits: Limits
    rails: frozenset[str] | None = None
    now: Conditions | None = None
    told: tuple[str, ...] = ()

    def view(self, snapshot: Snapshot | None = None) -> View:
        """How the book stands, or another in its place."""
        facts = with_rails(self.facts, self.rails)
        found = view_of(snapshot or self.snapshot, self.terms, facts, self.chance, self.sigmas, self.now)
        return replace(found, notes=(*found.notes, *self.told))

    def audit(self) -> tuple[View, Audit]:
        """The book as it stands and its audit."""
        view = self.view()
        return view, self.audit_of(view, singles_of(view, self.limits.fall))

    def audit_of(self, view: View, singles: Sequence[Single]) -> Audit:
        """The audit of some failures."""
        coins = {one.coin for one in singles if one.kind is Kind.COIN_FALLS}
        fallen = {coin: self.view(fallen_by(self.snapshot, coin, self.limits.fall)) for coin in sorted(coins)}
        return audit(view, fallen, self.limits, singles)

    def after(self, change: Change) -> Case:
        """The same once a change is made."""
        match change:
            case Move():
                settle = settle_of(self.snapshot, self.terms, change.destination)
                return replace(self, snapshot=moved(self.snapshot, change, self.facts, settle))
            case Reduce():
                return replace(self, snapshot=reduced(self.desk, change.trades))
            case Enable():
                return replace(self, rails=(self.rails or frozenset()) | {change.family})
            case Provide():
                return replace(self, snapshot=provided(self.snapshot, change.layer))

    @property
    def desk(self) -> Desk:
        """Where trades are made."""
        return Desk(snapshot=self.snapshot, terms=self.terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Changes in their order, and the audit of the book after them. enough : whether nothing is broken any more; `rest` : what
    still is where it is not, and what no change was found for."""

    changes: tuple[Change, ...]
    after: Audit
    rest: tuple[str, ...]

    @property
    def enough(self) -> bool:
        """Whether nothing is broken any more."""
        return not self.after.breaks and not self.after.breaking


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """An audit with the book it is of. repair : None where nothing is broken or none was asked for."""

    case: Case
    view: View
    audit: Audit
    repair: Repair | None
    playbook: str
    named: tuple[str, ...] = ()


def fallen_by(snapshot: Snapshot, coin: str, fall: float) -> Snapshot:
    """The book with a coin at a lower price."""
    prices = dict(snapshot.market.asset_prices)
    prices[coin] = (price_of(coin, prices) or 1.0) * (1.0 - fall)
    return replace(snapshot, market=replace(snapshot.market, asset_prices=prices))


def repaired(case: Case, view: View, found: Audit) -> Repair:
    """Mend what an audit found broken."""
    changes: list[Change] = []
    left: set[tuple[str, str]] = set()
    now, start = case, case
    for _ in range(ROUNDS):
        target = next((one for one in targets(found) if one not in left), None)
        if target is None:
            break
        change = least_change(now, view, found, *target)
        if change is None:
            left.add(target)
            continue
        now = now.after(change)
        changes.append(change)
        view, found = now.audit()
    changes, found = _needed(start, changes, found)
    return Repair(changes=tuple(changes), after=found, rest=tuple(f"{who}: {how}" for who, how in targets(found)))


def targets(found: Audit) -> list[tuple[str, str]]:
    """Who is broken and how, the worst first."""
    every = [*found.breaks, *(one for finding in found.findings for one in finding.breaks)]
    every.sort(key=lambda one: (-one.measured / one.limit if one.limit else -math.inf, one.who))
    return list(dict.fromkeys((one.who, one.how) for one in every))


def _needed(start: Case, changes: list[Change], found: Audit) -> tuple[list[Change], Audit]:
    """The changes without those that the others make needless."""
    broken = len(targets(found))
    for one in list(changes)[:-1]:
        fewer = [two for two in changes if two is not one]
        case = start
        for two in fewer:
            case = case.after(two)
        again = case.audit()[1]
        if len(targets(again)) <= broken:
            changes, found = fewer, again
    return changes, found


def least_change(case: Case, view: View, found: Audit, who: str, how: str) -> Change | None:
    """What mends one break with the fewest dollars, of equals at the least cost, of these the soonest."""
    broken = [one for one in found.findings if any((two.who, two.how) == (who, how) for two in one.breaks)]
    if how == NAKED:
        worst = max(broken, key=lambda one: one.naked)
        return unwound(case, worst, next(one for one in worst.breaks if one.how == NAKED))
    judge = _judge(case, found, who, [one.single for one in broken])
    ways: list[Iterator[Change]] = [
        _provided(case, broken), _enabled(case, judge), _topped_up(case, view, who, judge),
    ]  # fmt: skip
    if not any(who in one.single.closed for one in broken):
        ways.append(_placed(case, view, who, judge))
    ways.append(_cut(case, view, who, judge))
    every = [change for some in ways for change in some]
    return min(every, key=_least_first, default=None)


def _least_first(one: Change) -> tuple[float, float, float]:
    """Dollars to two figures, then cost, then how long it takes."""
    return float(f"{one.dollars:.2g}"), one.cost, one.seconds if isinstance(one, Move) else 0.0


Judge = Callable[[View, str], bool]
"""Whether an account holds, with whom it took money from, in a book."""


def _judge(case: Case, found: Audit, who: str, singles: list[Single]) -> Judge:
    """Whether an account holds whatever broke it fails, and the giver whatever takes its venue."""
    every: list[Single | None] = [None, *singles]

    def holds(view: View, giver: str) -> bool:
        theirs = [one.single for one in found.findings if giver and giver in one.single.unpaid]
        if not all(_holds(case, view, who, single) for single in every):
            return False
        return all(_holds(case, view, giver, single) for single in theirs if giver in view.ways)

    return holds


def _holds(case: Case, view: View, who: str, single: Single | None) -> bool:
    limits = case.limits
    if single is not None and single.kind is Kind.COIN_FALLS:
        view = _standing(case, view, fallen_by(view.snapshot, single.coin, single.fall))
        single = None
    if who not in view.lives:
        return True  # Without a position nothing ends it.
    reach = reaches(view, single, limits.lasting, only=who)[who]
    if reach.late is None:
        return reach.promised < limits.lasting
    return reach.late <= limits.late


def _provided(case: Case, broken: list[Finding]) -> Iterator[Change]:
    """One provider more, where nothing but providers and clouds break it."""
    if not all(one.single.kind in (Kind.PROVIDER, Kind.CLOUD) for one in broken):
        return
    gone = {layer for one in broken for layer in one.single.layers}
    for one in case.snapshot.book.access:
        if case.facts.layer_id(one.layer) in gone:
            yield Provide(layer=one.layer)


def _enabled(case: Case, judge: Judge) -> Iterator[Change]:
    if case.rails is None:
        return
    for family in dict.fromkeys(one.family for one in case.facts.routes.values()):
        change = Enable(family=family)
        if family not in case.rails and judge(case.after(change).view(), ""):
            yield change


def _topped_up(case: Case, view: View, who: str, judge: Judge) -> Iterator[Change]:
    """Money sent into the account beforehand, from each pot over its soonest way: the least that is enough."""
    by_pot: dict[str, Move] = {}
    for way in view.ways.get(who, ()):
        key = f"{way.pot.account}{way.pot.layer}{way.pot.asset}"
        move = Move(way=way, destination=who, dollars=way.dollars, seconds=view.promised(way))
        if key not in by_pot or move.seconds < by_pot[key].seconds:
            by_pot[key] = move
    for move in by_pot.values():
        giver = move.way.pot.account
        least = move.way.least

        def enough(dollars: float, move: Move = move, giver: str = giver) -> bool:
            book = case.after(replace(move, dollars=dollars)).snapshot
            return judge(_standing(case, view, book), giver)

        dollars = _least(enough, least, move.dollars)
        if dollars is not None:
            yield replace(move, dollars=dollars)


def _standing(case: Case, view: View, snapshot: Snapshot) -> View:
    """The view with another book's standing, its ways as they were."""
    standing = standing_of(snapshot, case.terms)
    return replace(view, snapshot=snapshot, standing=standing, lives=endurances(standing, case.sigmas))


def _least(enough: Callable[[float], bool], low: float, most: float) -> float | None:
    """The least amount that is enough, rounded up; None where `most` is not. More never makes it less so."""
    if most < low or not enough(most):
        return None
    high = most
    for _ in range(HALVINGS):
        if high - low <= NEAR * high:
            break
        middle = 0.5 * (low + high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return min(most, rounded_up(high))


def rounded_up(dollars: float) -> float:
    """Three figures, never less."""
    unit = 10.0 ** max(0, math.floor(math.log10(max(dollars, 1.0))) - 2)
    return math.ceil(dollars / unit - 1e-9) * unit


def _placed(case: Case, view: View, who: str, judge: Judge) -> Iterator[Change]:
    """Money put on a layer from which it comes in time: as much as counts as a rescue."""
    dollars = rounded_up(LEAST_SHARE * max(view.equity[who], 0.0) * SPARE)
    pots = {(one.account, one.layer, one.asset): one for way in view.ways.get(who, ()) for one in [way.pot]}
    facts = view.facts
    for layer in facts.layers:
        for pot in pots.values():
            if pot.dollars < dollars or pot.layer == layer:
                continue
            ways = [one for one in ways_onto(facts, pot, layer) if one.dollars >= dollars]
            if not ways:
                continue
            way = view.traffic.ranked(ways)[0]
            change = Move(way=way, destination=layer, dollars=dollars, seconds=view.promised(way))
            if judge(case.after(change).view(), pot.account):
                yield change


def _cut(case: Case, view: View, who: str, judge: Judge) -> Iterator[Change]:
    """A share of all the account's positions, the least that is enough."""
    account = next((one for one in case.snapshot.book.accounts if one.id == who), None)
    if account is None:
        return

    def trades(share: float) -> Reduce:
        return reduction(case.desk, share_of(case.desk, account, share), f"positions of {who} become smaller")

    def enough(share: float) -> bool:
        return judge(_standing(case, view, case.after(trades(share)).snapshot), "")

    share = _least_share(enough)
    if share is not None:
        yield trades(share)


def _least_share(enough: Callable[[float], bool]) -> float | None:
    low, high = 0.0, 0.999
    if not enough(high):
        return None
    for _ in range(HALVINGS):
        if high - low <= NEAR:
            break
        middle = 0.5 * (low + high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def unwound(case: Case, finding: Finding, broken: Break) -> Reduce | None:
    """Both legs of a pair made smaller, by what is too much of it."""
    limits = case.limits
    leg = next(one for one in finding.legs if one.asset == broken.who)
    excess = finding.naked - limits.naked * max(finding.left, 0.0) / limits.move
    dollars = min(leg.naked, 1.01 * excess)
    side = 1.0 if leg.after > 0.0 else -1.0
    gone = taken_off(case, leg.asset, dollars, -side, lambda name: name in finding.single.closed)
    kept = taken_off(case, leg.asset, dollars, side, lambda name: name not in finding.single.closed)
    if not gone or not kept:
        return None
    why = f"{leg.asset} that {finding.single.name} would leave without its other leg"
    return reduction(case.desk, [*gone, *kept], why)


def taken_off(case: Case, asset: str, dollars: float, side: float, among: Callable[[str], bool]) -> list[Trade]:
    """Trades that take so many dollars off positions of one side, the largest first."""
    desk, left = case.desk, dollars
    out: list[Trade] = []
    held = [
        (desk.notional(Trade(account=account.id, symbol=one.symbol, quantity=one.quantity)), account, one)
        for account in case.snapshot.book.accounts
        if among(account.id)
        for one in account.positions
        if one.quantity * side > 0.0 and desk.contract(account.id, one.symbol).contract.base == asset
    ]
    for notional, account, one in sorted(held, key=lambda some: -some[0]):
        if left > 0.0:
            share = min(1.0, left / notional)
            out.append(less(desk, account, one.symbol, one.quantity, share * abs(one.quantity)))
            left -= share * notional
    return out
