"""`check`: a book file and a playbook become an assessment and a verdict."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import StaleData
from perpbook.kernels import jit
from perpbook.model.market import STABLECOINS, Snapshot
from perpbook.model.scenario import Scenario
from perpbook.model.units import HOUR_NS, SECOND_NS, to_iso
from perpbook.model.verdict import Finding, MoneyWanted, Plan, Status, Verdict
from perpbook.runs.places import drills_folder

if TYPE_CHECKING:
    from perpbook.margin.assess import Assessed
    from perpbook.margin.assessment import Assessment
    from perpbook.margin.tolls import Hardship
    from perpbook.playbook.decision import Decision, Starts, StepsTaken
    from perpbook.playbook.ground import Ground
    from perpbook.playbook.schema import Playbook
    from perpbook.runs.check_past import KnownPast
    from perpbook.terms.terms import VenueTerms

PLANNED_BOOK = 500
"""Positions up to which trims are sought: the programme's size grows with positions times accounts times scenarios."""

SMALL_BOOK = 200
"""Positions up to which the plain kernels answer sooner than the compiler can be imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Everything one check found. `past`: what it knew of its positions' funding, None without a lake, or rules on it."""

    snapshot: Snapshot
    playbook: Playbook
    assessed: Assessed
    decision: Decision
    verdict: Verdict
    terms_folders: tuple[Path, ...] = ()
    past: KnownPast | None = None

    @property
    def assessment(self) -> Assessment:
        """The numbers, without the playbook's opinion of them."""
        return self.assessed.assessment


def run_check(
    book: Path,
    playbook: Path | None = None,
    *,
    market: Path | None = None,
    now_ns: int | None = None,
    terms_folders: Sequence[Path] = (),
    lake: Path | None = None,
) -> CheckResult:
    """Check a book file against a playbook file; without one, against the default survival moves and nothing else.

    lake : where history is, for the rules on funding rates; None leaves them unjudged.

    Raises
    ------
    InputError : a file is wrong; carries every problem found.
    DataError : a price is missing, or older than the playbook allows.
    """
    snapshot, rules = read_inputs(book, playbook, market=market, now_ns=now_ns, terms_folders=terms_folders)
    terms = load_all_terms(snapshot, terms_folders)
    past = past_of(lake, snapshot, rules, terms)
    result = check_snapshot(snapshot, rules, terms, terms_folders=tuple(terms_folders), past=past)
    if rules.drill is None:
        return result
    from perpbook.runs.drill_shelf import book_then
    from perpbook.runs.drill_standing import with_drills
    from perpbook.runs.drill_wanted import refuse_unknown_storms

    refuse_unknown_storms(rules, playbook or book)
    at = snapshot.market.as_of_ns if now_ns is None else now_ns
    now = book_then(book, result.assessment)
    return replace(result, verdict=with_drills(result.verdict, rules, now, shelf=drills_folder(), now_ns=at))


def past_of(
    lake: Path | None, snapshot: Snapshot, playbook: Playbook, terms: Mapping[str, VenueTerms]
) -> KnownPast | None:
    """What the lake says of the book's funding, where the playbook has rules on it."""
    held = count_positions(snapshot)
    flips = playbook.survival is not None and playbook.survival.funding_flip
    if lake is None or not held or not (flips or playbook.funding):
        return None
    if held <= SMALL_BOOK:
        jit.prefer_plain()
    from perpbook.runs.check_past import read_past_funding

    return read_past_funding(lake, snapshot, terms)


def count_positions(snapshot: Snapshot) -> int:
    """Positions of the book."""
    return sum(len(account.positions) for account in snapshot.book.accounts)


def read_inputs(
    book: Path, playbook: Path | None, *, market: Path | None, now_ns: int | None, terms_folders: Sequence[Path] = ()
) -> tuple[Snapshot, Playbook]:
    """The files of a check, read; errors as `run_check`."""
    from perpbook.playbook.load import default_playbook, load_playbook
    from perpbook.snapshot import load_snapshot

    rules = load_playbook(playbook) if playbook else default_playbook()
    snapshot = load_snapshot(book, market=market, now_ns=now_ns, terms_folders=terms_folders)
    refuse_stale(snapshot, rules, now_ns)
    return snapshot, rules


def load_all_terms(snapshot: Snapshot, folders: Sequence[Path] = ()) -> dict[str, VenueTerms]:
    """The terms of every venue in the book, as they were at the time of its prices."""
    from datetime import UTC, datetime

    from perpbook.terms.load import load_terms

    at = datetime.fromtimestamp(snapshot.market.as_of_ns // SECOND_NS, tz=UTC).date()
    return {
        venue: load_terms(venue, at=at, folders=folders)
        for venue in dict.fromkeys(account.venue for account in snapshot.book.accounts)
    }


def refuse_stale(snapshot: Snapshot, playbook: Playbook, now_ns: int | None) -> None:
    """Raise StaleData when the playbook limits the age of prices and these are older."""
    limit = playbook.data.prices_max_age_minutes if playbook.data else None
    if limit is None or now_ns is None:
        return
    oldest = oldest_price(snapshot)
    minutes = (now_ns - oldest) / (60 * SECOND_NS)
    if minutes > limit:
        raise StaleData(
            f"prices of {to_iso(oldest)} are {minutes:,.0f} minutes old; the playbook allows {limit:g} "
            f"(data.prices_max_age_minutes): import the book again, or give newer prices with --market"
        )


def oldest_price(snapshot: Snapshot) -> int:
    """The time of the oldest price that a position is margined on, or of the market."""
    market = snapshot.market
    held = {(account.venue, position.symbol) for account in snapshot.book.accounts for position in account.positions}
    dated = [quote.as_of_ns for key, quote in market.quotes.items() if key in held and quote.as_of_ns is not None]
    return min([market.as_of_ns, *dated])


def check_snapshot(
    snapshot: Snapshot,
    playbook: Playbook,
    terms: Mapping[str, VenueTerms],
    *,
    with_plans: bool = True,
    terms_folders: tuple[Path, ...] = (),
    past: KnownPast | None = None,
    starts: Starts | None = None,
    steps: StepsTaken | None = None,
    cuts: Collection[tuple[str, str]] = (),
) -> CheckResult:
    """Check a book already in memory. `with_plans` False leaves the proposals out, which is faster. starts : what the day and the
    week began with, steps : what was taken of profit, cuts : positions cut for their funding today, where somebody was there."""
    positions = count_positions(snapshot)
    if positions <= SMALL_BOOK:
        jit.prefer_plain()
    from perpbook.playbook.decision import NO_STARTS, decide_on
    from perpbook.playbook.sleeves import sleeve_shares
    from perpbook.runs.propose import propose_money, to_top_up
    from perpbook.sizing.asked import asked_for_funding
    from perpbook.treasury.ground import ground_for

    found = assess_under(snapshot, playbook, terms, past=past)
    assessed = with_what_is_not_judged(found, playbook, snapshot.market.betas, past)
    ground = ground_for(playbook, snapshot.book.layer_names)
    decision = decide_on(assessed, playbook, past.past if past else None, ground, starts or NO_STARTS, steps, cuts)
    planned, plans, wanted = positions <= PLANNED_BOOK, tuple[Plan, ...](), tuple[MoneyWanted, ...]()
    if with_plans and planned and decision.status is Status.BREACH:
        plans, wanted = _ways_out(Recheck(snapshot, playbook, terms, assessed, past, ground), decision)
    return CheckResult(
        snapshot=snapshot,
        playbook=playbook,
        assessed=assessed,
        decision=decision,
        verdict=Verdict(
            status=decision.status,
            findings=decision.findings,
            plans=plans,
            sleeves=sleeve_shares(playbook, decision.state.sleeve_capital.tolist(), assessed.assessment.book.equity),
            money_wanted=wanted,
            unplanned=None if planned or decision.status is not Status.BREACH else too_large_to_plan(positions),
            asked=asked_for_funding(decision, assessed),
            moves=propose_money(snapshot, terms, assessed, decision, to_top_up(playbook.margin, wanted))
            if with_plans
            else (),
        ),
        terms_folders=terms_folders,
        past=past,
    )


def _ways_out(recheck: Recheck, decision: Decision) -> tuple[tuple[Plan, ...], tuple[MoneyWanted, ...]]:
    """Trims that would mend what is broken, and the money that would do so in their place."""
    from perpbook.runs.propose import asks_for_money
    from perpbook.sizing.collateral import money_wanted
    from perpbook.sizing.plan import plans_for

    rules = (decision.state, decision.policy, decision.names)
    asked = asks_for_money(recheck.playbook.margin)
    wanted = money_wanted(recheck.assessed, decision.state, decision.policy) if asked else ()
    return plans_for(recheck.assessed, rules, decision.findings, recheck.findings), wanted


def with_what_is_not_judged(
    assessed: Assessed, playbook: Playbook, betas: Mapping[str, float], past: KnownPast | None = None
) -> Assessed:
    """The assessment with cautions for the playbook's rules that need history. betas : the book's own."""
    from perpbook.margin.assessment import Caution
    from perpbook.playbook.timed import exit_caution, hedge_cautions, not_judged

    told, found = not_judged(playbook, rates_asked=past is not None), assessed.assessment
    held = {item.asset: betas.get(item.asset) for item in assessed.arrays.items if item.position}
    said = [*([told] if told else []), *hedge_cautions(playbook, held), *exit_caution(playbook)]
    more = [Caution(code="history", message=one) for one in said]
    if past is not None:
        from perpbook.runs.check_past import told_of

        more += [Caution(code=code, message=message) for code, message in told_of(past, playbook)]
    return replace(assessed, assessment=replace(found, cautions=(*found.cautions, *more))) if more else assessed


def too_large_to_plan(positions: int) -> str:
    """Why no trims are offered, and what to do."""
    return (
        f"Trims are sought for books of up to {PLANNED_BOOK} positions and this one has {positions:,}: "
        "check the accounts that break rules in a book of their own."
    )


def assess_under(
    snapshot: Snapshot,
    playbook: Playbook,
    terms: Mapping[str, VenueTerms],
    scenarios: tuple[Scenario, ...] | None = None,
    past: KnownPast | None = None,
) -> Assessed:
    """Assess a book in the scenarios its playbook names, or in those given. past : for rates that the book file does not give."""
    from perpbook.margin.assess import Rigour, assess

    found = scenarios if scenarios is not None else scenarios_of(snapshot, playbook, terms)
    rigour = Rigour(
        buffer=playbook.survival.buffer if playbook.survival else 0.0,
        terms_max_age_days=playbook.data.terms_max_age_days,
        hardship=hardship_of(playbook, past),
    )
    return assess(snapshot, terms, found, rigour)


def hardship_of(playbook: Playbook, past: KnownPast | None = None) -> Hardship | None:
    """What must be survived besides moves; None for nothing."""
    from perpbook.margin.tolls import Hardship
    from perpbook.playbook.cadence import length_hours
    from perpbook.playbook.hardship_judge import hardest_rule

    survival = playbook.survival
    rule = hardest_rule(survival)
    if survival is None or rule is None:
        return None
    return Hardship(
        funding_ns=length_hours(survival.horizon) * HOUR_NS if survival.funding_flip else None,
        depth_loss=survival.depth_loss,
        yearly=[float("nan") if one is None else one.yearly for one in past.past] if past else (),
        rule=rule,
    )


def scenarios_of(snapshot: Snapshot, playbook: Playbook, terms: Mapping[str, VenueTerms]) -> tuple[Scenario, ...]:
    """The survival grid a playbook asks for, on the assets and net exposures of this book."""
    from perpbook.margin.arrays import book_arrays
    from perpbook.margin.assess import outside_money
    from perpbook.scenario.grid import Exposed, survival_grid

    if playbook.survival is None:
        return ()
    arrays = book_arrays(snapshot.book, snapshot.market, terms)
    betas: dict[str, float] = {}
    exposures: dict[str, float] = {}
    for item in arrays.items:
        betas[item.asset] = snapshot.market.betas.get(item.asset, 1.0)
        value = item.delta * float(arrays.prices[item.column])
        exposures[item.asset] = exposures.get(item.asset, 0.0) + value
    for asset, value in outside_money(snapshot)[0].exposures.items():
        if asset not in STABLECOINS:
            betas[asset] = snapshot.market.betas.get(asset, 1.0)
            exposures[asset] = exposures.get(asset, 0.0) + value
    exposed = Exposed(betas=betas, exposures=exposures, correlation_stress=playbook.survival.correlation_stress)
    return survival_grid(playbook.survival.moves, playbook.survival.kinds, exposed)


@dataclass(frozen=True, slots=True)
class Recheck:
    """Judges the book again after some trims: same playbook, same scenarios, same decision function, same past: what a position
    has paid today stays paid when it is closed."""

    snapshot: Snapshot
    playbook: Playbook
    terms: Mapping[str, VenueTerms]
    assessed: Assessed
    past: KnownPast | None = None
    ground: Ground | None = None

    def findings(self, changes: Mapping[int, tuple[float, float]]) -> tuple[Finding, ...]:
        """Findings after `changes` (book row -> new quantity, dollars of cost)."""
        from perpbook.playbook.decision import decide_on
        from perpbook.playbook.ground import NO_GROUND
        from perpbook.sizing.apply import with_quantities

        known = self.past.past if self.past else None
        book = with_quantities(self.snapshot.book, self.assessed.arrays, changes, keep_closed=known is not None)
        after = assess_under(
            replace(self.snapshot, book=book), self.playbook, self.terms, self.assessed.scenarios, self.past
        )
        return decide_on(after, self.playbook, known, self.ground or NO_GROUND).findings
