"""What the guard decides by: the same check as `perpbook check`, on the book as venues show it now.

Accounts come from venues; money on layers, tags, betas and dollar prices of coins from the book file. While an account is not
known, rules on the whole book are not judged, and only those that look at one account alone may still want something: a trim
that saves an account does not wait for another venue.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perpbook.alerts.kinds import kind_of
from perpbook.alerts.of_check import alerts_of_accounts, alerts_of_findings
from perpbook.errors import DataError
from perpbook.execution.placing import is_of_the_book
from perpbook.guard.ladder import TAKE_PROFIT
from perpbook.guard.turn import OWN
from perpbook.guard.view import Decision, View, Wanted, WantedLeg
from perpbook.guard.watch import Watch
from perpbook.guard.watch_range import Look
from perpbook.model.account import Account
from perpbook.model.action import ActionKind, RiskView
from perpbook.model.alert import Alert, Severity
from perpbook.model.market import Quote, Snapshot
from perpbook.model.units import SECOND_NS
from perpbook.model.verdict import Finding, MoneyMove, Status, Trim
from perpbook.playbook.alerts_section import Alerts
from perpbook.runs.check import CheckResult, check_snapshot
from perpbook.runs.guard_due import due_alerts
from perpbook.runs.guard_exit import Leaving, leaving
from perpbook.runs.guard_funding import (
    Funding,
    changes,
    cuts_of,
    funding_of,
    kept_alerts,
    legs_of,
    standing,
    unjudged_alerts,
)
from perpbook.runs.guard_legs import best_legs, changes_of, checked_after
from perpbook.runs.guard_pace import with_pace
from perpbook.runs.guard_starts import DRAWDOWNS, start_alerts, starts_of
from perpbook.runs.guard_steps import Taking, step_alerts, steps_at_first, steps_taken, takings, with_step

if TYPE_CHECKING:
    from perpbook.playbook.schema import Playbook
    from perpbook.terms.terms import VenueTerms

OF_ONE_ACCOUNT = ("account.margin", "survival", "leverage.account", TAKE_PROFIT)
"""Rules that need no other account to be known."""

KINDS_OF_ONE = tuple(kind_of(rule) for rule in OF_ONE_ACCOUNT)
"""Beginnings of the kinds of their alerts."""

STALE = "stale.prices"
FIRST_NS = 10 * SECOND_NS
"""How long after a start prices may be missing before somebody is paged: streams take a moment to tell the first."""
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
        starts, steps = starts_of(view), steps_taken(view, self.playbook)
        try:
            book = seen_book(self.base, view)
            funding = funding_of(view, book, self.playbook)
            result = check_snapshot(
                funding.book,
                self.playbook,
                self.terms,
                starts=starts,
                steps=steps,
                past=funding.past,
                cuts=funding.cuts,
            )
        except DataError as error:
            if self.watch is not None:
                self.watch.wait(view.now_ns)
            late = view.now_ns - view.started_ns >= FIRST_NS
            told = (not_judged(str(error), view.now_ns),) if late else ()
            return Decision(before=None, alerts=(*told, *unseen(view, judged=False)))
        whole = not view.unknown
        self._look(view, result, starts)
        findings = [one for one in result.verdict.findings if whole or one.rule.startswith(OF_ONE_ACCOUNT)]
        risk = risk_of(result)
        leaves = leaving(view, replace(result, snapshot=book), self.playbook, self.terms, risk) if whole else Leaving()
        wanted = (
            leaves.wanted
            if leaves.under_way
            else tuple(self._wanted(view, result, {one.rule for one in findings}, funding))
        )
        wanted = tuple(with_pace(one, view, result, self.playbook, self.terms) for one in wanted)
        accounts, stands = result.assessment.accounts, view.desk.alerts
        found = alerts_of_findings(findings, self.playbook.near, view.now_ns, stands, [one.id for one in accounts])
        alerts = (
            *found,
            *standing(view, funding, found),
            *alerts_of_accounts(accounts, self.playbook.alerts or Alerts(), self.playbook.near, view.now_ns, stands),
            *start_alerts(view, self.playbook),
            *step_alerts(view, self.playbook),
            *due_alerts(view, self.playbook),
            *unjudged_alerts(view, funding),
            *kept_alerts(view, result),
            *unseen(view, judged=True),
            *leaves.alerts,
        )
        first = steps_at_first(view, result, self.playbook)
        return Decision(before=risk, alerts=alerts, wanted=wanted, exits=leaves.bodies, steps=first)

    def _look(self, view: View, result: CheckResult, starts: tuple[float, float]) -> None:
        """Tell the watch what was found."""
        if self.watch is not None:
            look = Look(
                assessed=result.assessed, decision=result.decision, playbook=self.playbook, now_ns=view.now_ns,
                starts=(known_or_nothing(starts[0]), known_or_nothing(starts[1])),
            )  # fmt: skip
            self.watch.look(look)

    def _wanted(self, view: View, result: CheckResult, judged: set[str], funding: Funding) -> Iterator[Wanted]:
        """The cheapest plan's trims, or better legs for them, together by the rule that asks first; then money, where the whole
        book is known."""
        whole = not view.unknown
        lost = drawdown_in(result.verdict.findings) if self._flattens else ""
        if lost in judged:
            yield from self._flat(result, lost)
            return
        taken = tuple(takings(view, result, self.playbook))
        planned = self._trims(view, result, judged)
        for rule, trims in planned.items():
            yield Wanted(
                kind=ActionKind.TRIM,
                rule=rule,
                reason=reason_of(result.verdict.findings, {key for one in trims for key in one.rules}),
                after=risk_of(checked_after(result, changes_of(trims), self.playbook, self.terms)),
                legs=tuple(with_step(leg_of(one), taken) for one in trims),
            )  # fmt: skip
        yield from (self._profit(result, one) for one in taken)
        pairs = {(one.account, one.symbol) for trims in planned.values() for one in trims} | {one.pair for one in taken}
        for rule, rows in cuts_of(result, funding, judged, pairs).items():
            yield Wanted(
                kind=ActionKind.TRIM, rule=rule, reason=reason_of(result.verdict.findings, {rule}),
                after=risk_of(checked_after(result, changes(rows), self.playbook, self.terms)), legs=legs_of(rows),
            )  # fmt: skip
        for move in result.verdict.moves if whole else ():
            if move.source:
                yield money_wanted(move, risk_of(result))

    def _profit(self, result: CheckResult, taking: Taking) -> Wanted:
        """A step of profit, of one position."""
        account, symbol = taking.pair
        leg = WantedLeg(account=account, symbol=symbol, quantity=taking.step.quantity, step=taking.step)
        after = checked_after(result, {taking.pair: taking.after}, self.playbook, self.terms)
        return Wanted(
            kind=ActionKind.TRIM, rule=TAKE_PROFIT, reason=taking.reason, after=risk_of(after), legs=(leg,)
        )  # fmt: skip

    @property
    def _flattens(self) -> bool:
        """Whether the playbook closes everything once too much of a day or week is lost."""
        return self.playbook.guardrails is not None and self.playbook.guardrails.drawdown_action == "flatten"

    def _flat(self, result: CheckResult, rule: str) -> Iterator[Wanted]:
        """Everything closed, where anything is held."""
        held = [
            (account.id, one) for account in result.snapshot.book.accounts for one in account.positions if one.quantity
        ]
        if held:
            closed = {(account, one.symbol): (0.0, 0.0) for account, one in held}
            yield Wanted(
                kind=ActionKind.EXIT,
                rule=rule,
                reason=reason_of(result.verdict.findings, {rule}),
                after=risk_of(checked_after(result, closed, self.playbook, self.terms)),
                legs=tuple(
                    WantedLeg(account=account, symbol=one.symbol, quantity=-one.quantity) for account, one in held
                ),
            )

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
    quotes = {key: quote_of(key, view) for key in (*base.market.quotes, *view.marks, *view.books)}
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


def quote_of(key: tuple[str, str], view: View) -> Quote:
    """A contract's quote of now. Prices come from marks; a contract without one has no price, whatever the book file said."""
    mark, book = view.marks.get(key), view.books.get(key)
    depth = book.depth if book is not None else None
    if mark is None:
        return Quote(venue=key[0], symbol=key[1], depth=depth)
    return Quote(
        venue=key[0], symbol=key[1], mark_price=mark.mark_price, oracle_price=mark.oracle_price,
        index_price=mark.index_price, funding_rate=mark.funding_rate, open_interest=mark.open_interest,
        depth=depth, as_of_ns=mark.at_ns,
    )  # fmt: skip


def known_or_nothing(dollars: float) -> float:
    """Dollars, 0 where they are not known."""
    return 0.0 if math.isnan(dollars) else dollars


def leg_of(trim: Trim) -> WantedLeg:
    """A trim as a leg."""
    return WantedLeg(account=trim.account, symbol=trim.symbol, quantity=trim.quantity_after - trim.quantity_before)


def drawdown_in(findings: Sequence[Finding]) -> str:
    """The limit on what a day or week may lose that is broken, "" without one."""
    return next((one.rule for one in findings if one.rule in DRAWDOWNS and one.status is Status.BREACH), "")


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


def unseen(view: View, *, judged: bool) -> tuple[Alert, ...]:
    """What stands and was not looked at now, as it stands: what is not known is not over.

    judged : rules were judged, those on the whole book where every account is known.
    """
    stands = [key for key in view.desk.alerts if key[0] not in OWN and key[0] != STALE]
    return tuple(
        Alert(
            kind=kind, severity=Severity(view.desk.alerts[kind, account, symbol]), at_ns=view.now_ns,
            sentence="It is not judged now.", account=account, symbol=symbol,
        )
        for kind, account, symbol in stands
        if not judged or (view.unknown and not (kind.startswith(KINDS_OF_ONE) and account not in view.unknown))
    )  # fmt: skip


def not_judged(why: str, now_ns: int) -> Alert:
    """No rule was judged."""
    sentence = f"No rule is judged now: {' '.join(why.split())}"
    return Alert(kind=STALE, severity=Severity.PAGE, at_ns=now_ns, sentence=sentence)
