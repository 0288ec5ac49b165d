"""`rebalance`: the cheapest way of a book's sleeves back into the playbook's bands, assessed again before it is offered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError
from perpbook.model.verdict import Finding, Status
from perpbook.runs.check import CheckResult, check_snapshot, load_all_terms, read_inputs
from perpbook.runs.whatif import worse

if TYPE_CHECKING:
    from perpbook.allocation.evidence import Evidence
    from perpbook.allocation.plan import Actions, Plan, Told
    from perpbook.allocation.problem import Problem, Wish
    from perpbook.allocation.search import Answer
    from perpbook.runs.rebalance_weights import WeightsAsked
    from perpbook.terms.terms import VenueTerms

HALF_SPREAD = 1e-4
"""Of notional: what a trade loses where the book has no depth."""

PLACES = ("capital.sleeves", "venues.", "layers.")
"""Rules on where money stands, which money under way is not held against."""

OF_ACCOUNTS = ("account.margin", "survival.", "leverage.account.")

RETRIES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebalance:
    """The plan, with the check before and the check after it (None where nothing is done). `evidence` None: no weights."""

    plan: Plan
    before: CheckResult
    after: CheckResult | None
    notes: tuple[str, ...]
    evidence: Evidence | None = None

    @property
    def told(self) -> Told:
        """What a reader is told."""
        from perpbook.allocation.plan import Told

        return Told(
            plan=self.plan,
            simulated=self.before.assessment.simulated,
            broken_before=_broken(self.before),
            broken_after=None if self.after is None else _broken(self.after),
            notes=self.notes,
            evidence=self.evidence,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How to rebalance. `transfers` False: money stays where it is; `trades` False: positions stay as they are; `weights` None:
    the sleeves' targets alone."""

    book: Path
    playbook: Path | None = None
    market: Path | None = None
    half_spread: float = HALF_SPREAD
    transfers: bool = True
    trades: bool = True
    weights: WeightsAsked | None = None


def _broken(result: CheckResult) -> int:
    return sum(one.status is Status.BREACH for one in result.verdict.findings)


def run_rebalance(asked: Asked, *, now_ns: int | None, terms_folders: Sequence[Path]) -> Rebalance:
    """Read, plan, and assess again.

    Raises
    ------
    InputError : a file is wrong, there are no sleeves, or the book is worth nothing.
    DataError : a price is missing or stale.
    """
    snapshot, rules = read_inputs(
        asked.book, asked.playbook, market=asked.market, now_ns=now_ns, terms_folders=terms_folders
    )
    if rules.capital is None or not rules.capital.sleeves:
        raise InputError("the playbook has no sleeves: write [[capital.sleeves]] with a target, min or max for each")
    if not 0.0 <= asked.half_spread < 0.1:
        raise InputError(f"a half spread of {asked.half_spread:g} does not do: give a fraction such as 0.0001")
    terms = load_all_terms(snapshot, terms_folders)
    before = check_snapshot(snapshot, rules, terms, with_plans=False, terms_folders=tuple(terms_folders))
    if asked.weights is None:
        return rebalance_of(before, terms, asked)
    from perpbook.runs.rebalance_weights import weigh

    wishes, evidence = weigh(before, terms, asked.weights)
    return replace(rebalance_of(before, terms, asked, wishes), evidence=evidence)


def rebalance_of(
    before: CheckResult, terms: Mapping[str, VenueTerms], asked: Asked, wishes: Sequence[Wish] = ()
) -> Rebalance:
    """The rebalance of a checked book."""
    from perpbook.allocation.plan import actions_of, plan_of
    from perpbook.allocation.remedies import remedies_for
    from perpbook.allocation.search import Search

    problem, notes = problem_of(before, terms, asked, wishes)
    accounts = before.snapshot.book.accounts
    for tries in range(RETRIES):
        answer = Search(problem=problem).run() or _nothing(problem)
        actions = actions_of(problem, answer)
        plan = plan_of(problem, answer, actions, accounts)
        if not plan.reached:
            plan = replace(plan, remedies=remedies_for(problem, answer, accounts))
        if plan.idle:
            return Rebalance(plan=plan, before=before, after=None, notes=notes)
        after, meanwhile = _assessed(before, terms, actions)
        broken = worse(before, after)
        if not broken:
            plan = replace(plan, meanwhile=meanwhile)
            return Rebalance(plan=plan, before=before, after=after, notes=notes)
        problem = _firmer(problem, before, broken) if tries < RETRIES - 2 else _tamer(problem)
    held = plan_of(problem, _nothing(problem), actions_of(problem, _nothing(problem)), accounts)
    return Rebalance(plan=replace(held, broken=broken), before=before, after=None, notes=notes)


def problem_of(
    before: CheckResult, terms: Mapping[str, VenueTerms], asked: Asked, wishes: Sequence[Wish] = ()
) -> tuple[Problem, tuple[str, ...]]:
    """The rebalance of a checked book, laid out, and what to know of it.

    Raises
    ------
    InputError : the book is worth nothing.
    """
    from perpbook.allocation.levers import OUTSIDE, trade_levers, transfer_levers
    from perpbook.allocation.problem import LEAST_TRADE, lay_out
    from perpbook.playbook.sleeves import sleeve_of
    from perpbook.treasury.facts_load import packaged_facts

    assessed, decision, playbook = before.assessed, before.decision, before.playbook
    if not assessed.assessment.book.equity > 0.0:
        raise InputError("the book is worth nothing: there is no capital to divide")
    arrays = assessed.arrays
    rows = [arrays.items[row] for row in arrays.positions()]
    sleeves = [sleeve_of(playbook, arrays.accounts[item.account].venue, item) for item in rows]
    levers = trade_levers(assessed, sleeves, asked.half_spread, _room(assessed.assessment.book.equity, before, wishes))
    if not asked.trades:
        levers = tuple(replace(one, most=0.0, least=1.0) for one in levers)
    least = decision.policy.rebalance_minimum or LEAST_TRADE
    ways, notes = transfer_levers(before.snapshot, terms, packaged_facts(), least)
    weak = strained(before)
    ways = tuple(one for one in ways if one.source == OUTSIDE or arrays.accounts[one.source].id not in weak)
    rules = (playbook, decision.state, decision.policy, decision.names)
    unread = before.snapshot.book.unread
    if asked.transfers and unread:
        notes = (*notes, f"no money may move while something is unread: {'; '.join(one.what for one in unread)}")
    return lay_out(assessed, rules, (levers, ways if asked.transfers and not unread else ()), wishes), notes


def strained(before: CheckResult) -> tuple[str, ...]:
    """Accounts that break a rule on their own margin or leverage today: they give no money away."""
    broken = [
        one for one in before.verdict.findings if one.status is Status.BREACH and one.rule.startswith(OF_ACCOUNTS)
    ]
    ids = (account.id for account in before.snapshot.book.accounts)
    return tuple(
        name for name in ids if any(one.subject == name or one.subject.endswith(f": {name}") for one in broken)
    )


def _room(equity: float, before: CheckResult, wishes: Sequence[Wish]) -> dict[int, float]:
    """By position, the share of today's size that a wish could want more."""
    values = before.decision.state.positions.value
    return {
        one.positions[0]: (one.share + one.slack) * equity / abs(float(values[one.positions[0]]))
        for one in wishes
        if len(one.positions) == 1 and values[one.positions[0]] != 0.0
    }


def _firmer(problem: Problem, before: CheckResult, broken: Sequence[Finding]) -> Problem:
    """The same with more surplus asked where an answer broke a rule: size-dependent rates and tiers are read by today's size."""
    import numpy as np

    past = {(one.rule, one.subject): one.used for one in before.verdict.findings}
    now, names = problem.now.copy(), problem.limits.account_names
    rules = np.array([point.rule for point in problem.limits.margin])
    for one in broken:
        further = one.used / max(past.get((one.rule, one.subject), 1.0), 1.0) - 1.0
        of = [k for k, name in enumerate(names) if one.subject.endswith(name)] or list(range(len(names)))
        rows = np.isin(problem.laid.account, of) & (rules[problem.laid.point] == one.rule)
        size = np.abs(problem.accounts[problem.laid.account])
        now = np.where(rows, now + size * min(max(further, 1e-3), 1.0), now)
    return replace(problem, now=now)


def _tamer(problem: Problem) -> Problem:
    """The same with less to be done: without what grows, then without any trade."""
    if any(one.most > 0.0 for one in problem.trades):
        return replace(problem, trades=tuple(replace(one, most=0.0) for one in problem.trades))
    return replace(problem, trades=tuple(replace(one, least=1.0) for one in problem.trades))


def _nothing(problem: Problem) -> Answer:
    """Leave everything as it is."""
    import numpy as np

    from perpbook.allocation.problem import outcome
    from perpbook.allocation.search import Answer

    scale, sent = np.ones(len(problem.trades)), np.zeros(len(problem.transfers))
    return Answer(scale=scale, sent=sent, outcome=outcome(problem, scale, sent), proven=False)


def _assessed(
    before: CheckResult, terms: Mapping[str, VenueTerms], actions: Actions
) -> tuple[CheckResult, tuple[Finding, ...]]:
    """The book checked again after everything, and the rules it breaks while money is under way."""
    from perpbook.allocation.apply import arrived, sent_off, traded

    arrays, start = before.assessed.arrays, before.snapshot
    between = sent_off(traded(start.book, arrays, actions.first), actions.sent)
    end = traded(arrived(between, actions.sent), arrays, actions.last)
    after = check_snapshot(replace(start, book=end), before.playbook, terms, with_plans=False)
    if not actions.sent:
        return after, ()
    found = check_snapshot(replace(start, book=between), before.playbook, terms, with_plans=False)
    return after, tuple(one for one in worse(before, found) if not one.rule.startswith(PLACES))
