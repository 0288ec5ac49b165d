"""What the guard decides by: the same check as `perpbook check`, on the book as venues show it now.

Accounts come from venues; money on layers, tags, betas and dollar prices of coins from the book file. While an account is not
known, rules on the whole book are not judged, and only those that look at one account alone may still want something: a trim
that saves an account does not wait for another venue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perpbook.errors import DataError
from perpbook.execution.placing import is_of_the_book
from perpbook.guard.view import Decision, View, Wanted, WantedLeg
from perpbook.guard.watch import Watch
from perpbook.guard.watch_range import Look
from perpbook.model.account import Account
from perpbook.model.action import ActionKind, RiskView
from perpbook.model.alert import Alert, Severity
from perpbook.model.market import Quote, Snapshot
from perpbook.model.verdict import Finding, MoneyMove, Status, Trim
from perpbook.runs.check import CheckResult, check_snapshot
from perpbook.runs.guard_exit import Leaving, leaving
from perpbook.runs.guard_legs import after_trims, best_legs
from perpbook.runs.guard_pace import with_pace

if TYPE_CHECKING:
    from perpbook.playbook.schema import Playbook
    from perpbook.terms.terms import VenueTerms

OF_ONE_ACCOUNT = ("account.margin", "survival", "leverage.account")
"""Rules that need no other account to be known."""

SEVERITIES = {Status.BREACH: Severity.PAGE, Status.NEAR: Severity.WARN}
MOST = 1e6
"""Stands for a ratio without an end, which no record can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Decides on a view of the guard. base : the book file, for what venues do not say. watch : told of every look."""

    base: Snapshot
    playbook: Playbook
    terms: Mapping[str, VenueTerms]
    watch: Watch | None = None

    def __call__(self, view: View) -> Decision:
        """Check what is known; where a price is missing nothing is wanted, and it is told."""
        try:
            result = check_snapshot(seen_book(self.base, view), self.playbook, self.terms)
        except DataError as error:
            return Decision(before=None, alerts=(not_judged(str(error), view.now_ns),))
        whole = not view.unknown
        if self.watch is not None:
            look = Look(assessed=result.assessed, decision=result.decision, playbook=self.playbook, now_ns=view.now_ns)
            self.watch.look(look)
        findings = [one for one in result.verdict.findings if whole or one.rule.startswith(OF_ONE_ACCOUNT)]
        risk = risk_of(result)
        leaves = leaving(view, result, self.playbook, self.terms, risk) if whole else Leaving()
        wanted = (
            leaves.wanted if leaves.under_way else tuple(self._wanted(view, result, {one.rule for one in findings}))
        )
        wanted = tuple(with_pace(one, view, result, self.playbook, self.terms) for one in wanted)
        told = tuple(alert_of(one, view.now_ns) for one in findings if one.status is not Status.OK)
        return Decision(before=risk, alerts=(*told, *leaves.alerts), wanted=wanted, exits=leaves.bodies)

    def _wanted(self, view: View, result: CheckResult, judged: set[str]) -> Iterator[Wanted]:
        """The cheapest plan's trims, or better legs for them, together by the rule that asks first; then money, where the whole
        book is known."""
        whole = not view.unknown
        for rule, trims in self._trims(view, result, judged).items():
            yield Wanted(
                kind=ActionKind.TRIM,
                rule=rule,
                reason=reason_of(result.verdict.findings, {key for one in trims for key in one.rules}),
                after=risk_of(after_trims(result, trims, self.playbook, self.terms)),
                legs=tuple(
                    WantedLeg(
                        account=one.account, symbol=one.symbol, quantity=one.quantity_after - one.quantity_before
                    )
                    for one in trims
                ),
            )  # fmt: skip
        for move in result.verdict.moves if whole else ():
            if move.source:
                yield money_wanted(move, risk_of(result))

    def _trims(self, view: View, result: CheckResult, judged: set[str]) -> dict[str, list[Trim]]:
        """Trims by rule. While a proposal of a rule of the whole book lives, no other legs are sought for it."""
        plan = next((one for one in result.verdict.plans if one.method == "cheapest"), None)
        found = by_rule(plan.trims if plan else (), judged)
        live = {case.proposal.rule for case in view.desk.live_cases()}
        found = {rule: trims for rule, trims in found.items() if rule not in live or not is_of_the_book([rule])}
        if view.unknown:
            return found
        trims = [one for mine in found.values() for one in mine]
        return by_rule(best_legs(result, trims, self.playbook, self.terms), judged)


def seen_book(base: Snapshot, view: View) -> Snapshot:
    """The book file with accounts, prices and depth as venues show them; accounts that are not known are left out.

    A position keeps the tags and the leverage of the book file where the venue does not say them, an account its layer.
    """
    known = {one.id: one for one in base.book.accounts}
    accounts = [merged(seen.account, known.get(name)) for name, seen in sorted(view.accounts.items())]
    quotes = dict(base.market.quotes)
    for key in {*view.marks, *view.books}:
        quotes[key] = quote_of(key, view, quotes.get(key))
    at = min([view.now_ns, *(seen.at_ns for seen in view.accounts.values())])
    return Snapshot(
        book=replace(base.book, as_of_ns=at, source="venues", accounts=tuple(accounts)),
        market=replace(base.market, as_of_ns=at, source="venues", quotes=quotes, simulated=base.market.simulated),
    )


def merged(seen: Account, written: Account | None) -> Account:
    """A venue's account with what only the book file knows of it."""
    if written is None:
        return seen
    own = {one.symbol: one for one in written.positions}
    positions = tuple(
        replace(
            one,
            tags=own[one.symbol].tags,
            leverage=one.leverage if one.leverage is not None else own[one.symbol].leverage,
        )
        if one.symbol in own
        else one
        for one in seen.positions
    )  # fmt: skip
    return replace(seen, layer=written.layer, parent=written.parent, positions=positions)


def quote_of(key: tuple[str, str], view: View, before: Quote | None) -> Quote:
    """A contract's quote of now. Prices come from marks; a contract without one has no price, whatever the book file said."""
    mark, book = view.marks.get(key), view.books.get(key)
    depth = book.depth if book is not None else None
    if mark is None:
        empty = before or Quote(venue=key[0], symbol=key[1])
        return replace(empty, depth=depth)
    return Quote(
        venue=key[0], symbol=key[1], mark_price=mark.mark_price, oracle_price=mark.oracle_price,
        index_price=mark.index_price, funding_rate=mark.funding_rate, open_interest=mark.open_interest,
        depth=depth, as_of_ns=mark.at_ns,
    )  # fmt: skip


def by_rule(trims: Sequence[Trim], judged: set[str]) -> dict[str, list[Trim]]:
    """Trims by the first of their rules; those that only rules not judged here ask for are left out."""
    found: dict[str, list[Trim]] = {}
    for one in trims:
        mine = [rule for rule in one.rules if rule in judged]
        if mine:
            found.setdefault(mine[0], []).append(one)
    return found


def reason_of(findings: Sequence[Finding], rules: set[str]) -> str:
    """The sentences of the broken rules that ask, the worst first, no more than three."""
    told = [one.sentence for one in findings if one.rule in rules and one.status is Status.BREACH]
    more = f" And {len(told) - 3} more." if len(told) > 3 else ""
    return " ".join(told[:3]) + more if told else f"asked for by {', '.join(sorted(rules))}"


def money_wanted(move: MoneyMove, risk: RiskView) -> Wanted:
    """Money that a rule wants elsewhere: told as a proposal, moved by a person."""
    told = f"${move.dollars:,.2f} {move.asset} from {move.source} to {move.place} by {move.way}"
    return Wanted(kind=ActionKind.TRANSFER, rule=move.rule, reason=f"{move.place} is short.", after=risk, transfer=told)


def risk_of(result: CheckResult) -> RiskView:
    """A checked book in a few numbers."""
    found = result.assessment
    ratios = [one.summary.margin_ratio for one in found.accounts]
    return RiskView(
        equity=found.book.equity,
        effective=min(found.book.effective_leverage, MOST),
        margin_ratio=min(max(ratios, default=0.0), MOST),
        liquidation_move=found.book.liquidation_move,
        broken=tuple(dict.fromkeys(one.rule for one in result.verdict.findings if one.status is Status.BREACH)),
    )


def alert_of(finding: Finding, now_ns: int) -> Alert:
    """A finding that is near or broken, told."""
    symbol, _, account = finding.subject.rpartition(" @ ")
    return Alert(
        kind=f"rule.{finding.rule}", severity=SEVERITIES[finding.status], at_ns=now_ns, sentence=finding.sentence,
        account=account, symbol=symbol, measured=min(finding.measured, MOST), limit=finding.limit, unit=finding.unit,
    )  # fmt: skip


def not_judged(why: str, now_ns: int) -> Alert:
    """No rule was judged."""
    sentence = f"No rule is judged now: {' '.join(why.split())}"
    return Alert(kind="stale.prices", severity=Severity.PAGE, at_ns=now_ns, sentence=sentence)
