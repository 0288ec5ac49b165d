"""Rules on funding, judged live: the backtest's own, on what venues say was paid and settled.

What is not told is not judged, by name: a failed read is unknown. The guard opens no risk, so where a rule moves a position to a
contract that is cheaper, it trades only what makes positions smaller on both sides, and else tells.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from perpbook.alerts.kinds import kind_of
from perpbook.engine.live_funding import BACK_NS, FundingAsked
from perpbook.guard.funded import DAY_CAPS, Paid, paid_in_row, paid_today
from perpbook.guard.view import View, WantedLeg
from perpbook.kernels.in_force import left_today
from perpbook.model.account import Account, Position
from perpbook.model.alert import Alert, Severity
from perpbook.model.market import Snapshot
from perpbook.model.units import DAY_NS, SECOND_NS
from perpbook.playbook.figures import listing
from perpbook.playbook.past import PastFunding
from perpbook.playbook.timed import rules_on_rates
from perpbook.runs.check import CheckResult
from perpbook.runs.check_past import WHOLE_NS, KnownPast

if TYPE_CHECKING:
    from perpbook.model.verdict import Asked
    from perpbook.playbook.schema import Playbook

PROJECTED, FLIP, EXPECTED, MOVED = (
    "funding.projected_cap",
    "funding.flip_after",
    "funding.expected_max",
    "funding.response",
)
TURNED = (FLIP, EXPECTED)
FIRST_NS = 60 * SECOND_NS
"""How long after a start somebody waits for venues to say what was paid before it is told that they did not."""

Pair = tuple[str, str]
"""Account and symbol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """What is known of a book's funding. book : with positions that paid today and are closed.  past : of its positions, None
    without a rule on it.  cuts : positions cut today already.  left : what is left to trade, signed, of cuts
    begun today.  unknown : by rule that is not judged in full, what is
    lacking."""

    book: Snapshot
    past: KnownPast | None = None
    cuts: frozenset[Pair] = frozenset()
    left: Mapping[Pair, float] = field(default_factory=dict)
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def needs(playbook: Playbook) -> tuple[bool, bool]:
    """Whether its rules need to know what accounts paid, and what was settled of contracts."""
    rules = rules_on_rates(playbook)
    return bool({*rules} - {EXPECTED}), bool(
        {*rules} & ({PROJECTED, EXPECTED} | ({FLIP} if moves(playbook) else set()))
    )


def asked_of(snapshot: Snapshot, playbook: Playbook) -> tuple[FundingAsked, ...]:
    """What venues are asked, as the rules want it; of rates, those of every contract that is listened to."""
    pays, rates = needs(playbook)
    book, found = snapshot.book, list[FundingAsked]()
    for venue in dict.fromkeys(one.venue for one in book.accounts) if pays or rates else ():
        mine = [one for one in book.accounts if one.venue == venue]
        held = [position.symbol for one in mine for position in one.positions]
        heard = tuple(dict.fromkeys((*held, *(symbol for name, symbol in snapshot.market.quotes if name == venue))))
        found.append(
            FundingAsked(
                venue=venue, accounts=tuple(one.id for one in mine) if pays else (), symbols=heard if rates else (),
                in_row=FLIP in rules_on_rates(playbook),
            )
        )  # fmt: skip
    return tuple(found)


def funding_of(view: View, book: Snapshot, playbook: Playbook) -> Funding:
    """What venues told, as the rules want it."""
    rules = rules_on_rates(playbook)
    if not rules:
        return Funding(book=book)
    is_day_known, book = _with_closed(view, book)
    held = [(account, one) for account in book.book.accounts for one in account.positions]
    are_rates_known = all((account.venue, one.symbol) in view.rates for account, one in held if one.quantity)
    past = tuple(_past(view, account, one, is_day_known, are_rates_known) for account, one in held)
    today = view.now_ns // DAY_NS
    return Funding(
        book=book, past=KnownPast(past=past, sources=()),
        cuts=frozenset(pair for pair, day in view.desk.funding_cuts.done.items() if day == today),
        left=view.desk.funding_cuts.left_on(today),
        unknown=_unknown(view, rules, held, is_day_known, moves(playbook)),
    )  # fmt: skip


def moves(playbook: Playbook) -> bool:
    """Whether a position that funding has turned against goes elsewhere where that pays."""
    return playbook.funding is not None and playbook.funding.response in ("rotate", "move")


def _with_closed(view: View, book: Snapshot) -> tuple[bool, Snapshot]:
    """Whether what every account paid today is known, and the book with positions of nothing where one that paid is closed: what
    was paid stays paid."""
    midnight = view.now_ns // DAY_NS * DAY_NS
    accounts = list[Account]()
    for account in book.book.accounts:
        known = view.funding.get(account.id)
        if known is None or known.since_ns > midnight:
            return False, book
        held = {one.symbol for one in account.positions}
        gone = [name for name, one in sorted(known.of.items()) if name not in held and paid_today(one, view.now_ns)]
        prices = {name: book.market.quotes.get((account.venue, name)) for name in gone}
        marks = {name: quote.mark_price for name, quote in prices.items() if quote is not None and quote.mark_price}
        if len(marks) < len(gone):
            return False, book
        closed = tuple(Position(symbol=name, quantity=0.0, entry_price=price) for name, price in marks.items())
        accounts.append(replace(account, positions=(*account.positions, *closed)) if closed else account)
    return True, replace(book, book=replace(book.book, accounts=tuple(accounts)))


def _past(
    view: View, account: Account, position: Position, is_day_known: bool, are_rates_known: bool
) -> PastFunding | None:
    """What is known of one position; NaN for what is not."""
    known, rates = view.funding.get(account.id), view.rates.get((account.venue, position.symbol))
    found = known.of.get(position.symbol, Paid()) if known is not None else Paid()
    turned = view.desk.turned.get((account.id, position.symbol), 0)
    due = math.nan
    if is_day_known and are_rates_known:
        due = rates.rate * left_today(rates.at_ns, rates.interval_ns, view.now_ns) if rates is not None else 0.0
    is_long = known is not None and view.now_ns - known.since_ns >= BACK_NS
    is_whole = rates is not None and rates.whole_ns <= view.now_ns - WHOLE_NS
    return PastFunding(
        paid=paid_today(found, view.now_ns) if is_day_known else math.nan,
        yearly=rates.yearly if rates is not None else math.nan,
        expected=rates.expected if rates is not None and is_whole else math.nan,
        due=due,
        paid_in_row=float(paid_in_row(found, turned)) if is_long else math.nan,
        received=found.received,
    )


def _unknown(
    view: View, rules: Sequence[str], held: Sequence[tuple[Account, Position]], is_day_known: bool, is_moved: bool
) -> dict[str, tuple[str, ...]]:
    """What is lacking, by rule."""
    names = dict.fromkeys(one.id for one, _ in held)
    untold = [f"what {name} paid" for name in names if name not in view.funding]
    long = [name for name, one in view.funding.items() if view.now_ns - one.since_ns >= BACK_NS]
    in_row = [f"what {name} paid in {BACK_NS // DAY_NS} days" for name in names if name not in long]
    in_row += [
        f"every settlement of {one.symbol} on {account.id} since it received any"
        for account, one in held
        if one.quantity and account.id in long and _is_part(view, account.id, one.symbol)
    ]
    today = (
        () if is_day_known else tuple(untold) or ("what was paid today, all of it and in contracts with a price here",)
    )
    unrated, young = list[str](), list[str]()
    for key in dict.fromkeys((account.venue, one.symbol) for account, one in held if one.quantity):
        rates = view.rates.get(key)
        told = f"rates of {key[1]} at {key[0]}"
        unrated += [told] if rates is None else []
        is_young = rates is None or rates.whole_ns > view.now_ns - WHOLE_NS
        young += [f"{told}, whole for {WHOLE_NS // DAY_NS} days"] if is_young else []
    lacks = {
        **dict.fromkeys(DAY_CAPS, today), PROJECTED: (*today, *unrated), EXPECTED: tuple(young),
        FLIP: (*in_row, *(young if is_moved else ())),
    }  # fmt: skip
    return {rule: lacks[rule] for rule in rules if lacks[rule]}


def _is_part(view: View, account: str, symbol: str) -> bool:
    """Whether it is not known how often a position paid since it last received: a venue told sums of old settlements."""
    found = view.funding[account].of.get(symbol, Paid())
    return found.is_part and view.desk.turned.get((account, symbol), 0) <= found.at_ns


def unjudged_alerts(view: View, funding: Funding) -> Iterator[Alert]:
    """Rules that are not judged, or not of every position."""
    for rule, lacking in funding.unknown.items() if view.now_ns - view.started_ns >= FIRST_NS else ():
        some = f"{listing(lacking[:3])}{f', and {len(lacking) - 3} more' if len(lacking) > 3 else ''}"
        sentence = f"{rule} is not judged in full: no venue told {some}. The guard goes on asking."
        yield Alert(kind="rules.unjudged", severity=Severity.WARN, at_ns=view.now_ns, sentence=sentence, symbol=rule)


def standing(view: View, funding: Funding, found: Collection[Alert]) -> Iterator[Alert]:
    """Alerts of rules that are not judged now, as they stand: what is not known is not over."""
    kinds, keys = {kind_of(rule) for rule in funding.unknown}, {one.key for one in found}
    for key, severity in view.desk.alerts.items():
        if key[0] in kinds and key not in keys:
            yield Alert(
                kind=key[0], severity=Severity(severity), at_ns=view.now_ns, sentence="It is not judged now.",
                account=key[1], symbol=key[2],
            )  # fmt: skip


def cuts_of(
    result: CheckResult, funding: Funding, judged: Collection[str], planned: Collection[Pair]
) -> dict[str, list[Asked]]:
    """What rules on funding ask for, by rule, as far as it makes positions smaller on every side. planned : positions that are
    traded anyway."""
    found: dict[str, list[Asked]] = {}
    rows = [one for one in result.verdict.asked if (one.account, one.symbol) not in planned]
    moved = _moved(result)
    for one in rows:
        if one.rule not in judged or (one.rule in funding.unknown and moves(result.playbook)):
            continue
        goes = moved.get(_asset(result, one), ()) if one.rule in TURNED else ()
        if all(_shrinks(other) for other in (one, *goes)):
            mine = found.setdefault(one.rule, [])
            mine += [_at_most(other, funding.left) for other in (one, *goes) if other not in mine]
    return found


def _at_most(one: Asked, left: Mapping[Pair, float]) -> Asked:
    """What a cap on a day asks for, no more than is left of it where it was begun today."""
    change, most = one.quantity_after - one.quantity_before, left.get((one.account, one.symbol), 0.0)
    if one.rule not in DAY_CAPS or change * most <= 0.0 or abs(most) >= abs(change):
        return one
    share = most / change
    return replace(
        one, quantity_after=one.quantity_before + most, notional=one.notional * share, fees=one.fees * share
    )  # fmt: skip


def kept_alerts(view: View, result: CheckResult) -> Iterator[Alert]:
    """Positions that a rule moves elsewhere, which the guard leaves."""
    for asset, rows in _moved(result).items() if not view.unknown else ():
        if not all(_shrinks(one) for one in rows):
            to = listing([f"{one.symbol} on {one.account}" for one in rows])
            sentence = (
                f"{asset} is to go to {to}, where its funding costs less: the guard opens no risk and leaves it; "
                "`perpbook check --lake` has the trades."
            )
            yield Alert(kind=kind_of(MOVED), severity=Severity.WARN, at_ns=view.now_ns, sentence=sentence, symbol=asset)


def legs_of(rows: Sequence[Asked]) -> tuple[WantedLeg, ...]:
    """As legs."""
    return tuple(
        WantedLeg(account=one.account, symbol=one.symbol, quantity=one.quantity_after - one.quantity_before)
        for one in rows
    )


def changes(rows: Sequence[Asked]) -> dict[Pair, tuple[float, float]]:
    """What is left of every position, and dollars of cost."""
    return {(one.account, one.symbol): (one.quantity_after, one.fees) for one in rows}


def _moved(result: CheckResult) -> dict[str, list[Asked]]:
    """Positions that take over what costs more elsewhere, by asset."""
    found: dict[str, list[Asked]] = {}
    for one in result.verdict.asked:
        if one.rule == MOVED:
            found.setdefault(_asset(result, one), []).append(one)
    return found


def _asset(result: CheckResult, one: Asked) -> str:
    arrays = result.assessed.arrays
    return next(
        item.asset
        for item in arrays.items
        if item.position is not None
        and (arrays.accounts[item.account].id, item.position.symbol) == (one.account, one.symbol)
    )


def _shrinks(one: Asked) -> bool:
    return one.quantity_before * one.quantity_after >= 0.0 and abs(one.quantity_after) < abs(one.quantity_before)
