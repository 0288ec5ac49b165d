"""What the page shows that neither an assessment nor a verdict says outright: bars, groups, sums and moves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from perpbook.margin.assessment import PositionAssessment, StressOutcome
from perpbook.model.verdict import Finding, Plan, SleeveShare, Status
from perpbook.report.spoken import listed, money, move, share

TRACK = 1.5
"""A bar's track ends at this many limits: room to see how far beyond one is."""

KINDS = {
    "joint": "Everything moves together",
    "asset": "One asset alone",
    "beta": "The market moves, each asset by its beta",
    "broken": "Hedges break",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBar:
    """A finding with its bar: `width` is the filled part of the track in percent, `clipped` says it goes on."""

    finding: Finding
    width: float
    clipped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StressRow:
    """One outcome with the length of its bar (0..100) and the words for who dies where."""

    outcome: StressOutcome
    width: float
    fate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StressGroup:
    """All outcomes of one kind. `worst` is the largest loss share, `deadly` how many scenarios kill an account."""

    kind: str
    title: str
    rows: tuple[StressRow, ...]
    worst: float
    deadly: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSum:
    """A plan and what its trims come to. `unpriced` counts the trims whose slippage is not known."""

    plan: Plan
    closed: float
    fees: float
    slippage: float
    unpriced: int


def rule_bars(findings: Iterable[Finding], status: Status) -> tuple[RuleBar, ...]:
    """The bars of one status, in the order the findings came."""
    return tuple(_rule_bar(finding) for finding in findings if finding.status is status)


def _rule_bar(finding: Finding) -> RuleBar:
    within = min(max(finding.used, 0.0), TRACK)
    return RuleBar(finding=finding, width=100.0 * within / TRACK, clipped=finding.used > TRACK)


def stress_groups(outcomes: Sequence[StressOutcome]) -> tuple[StressGroup, ...]:
    """Outcomes by kind, in the order the kinds first appear, each ordered by the size of its move."""
    longest = max((abs(outcome.loss_share) for outcome in outcomes), default=0.0) or 1.0
    kinds = dict.fromkeys(outcome.kind for outcome in outcomes)
    return tuple(_stress_group(kind, [one for one in outcomes if one.kind == kind], longest) for kind in kinds)


def _stress_group(kind: str, outcomes: list[StressOutcome], longest: float) -> StressGroup:
    rows = tuple(
        StressRow(outcome=outcome, width=100.0 * min(abs(outcome.loss_share) / longest, 1.0), fate=fate(outcome))
        for outcome in sorted(outcomes, key=lambda outcome: (outcome.size, outcome.scenario))
    )
    return StressGroup(
        kind=kind,
        title=KINDS.get(kind, kind),
        rows=rows,
        worst=max(outcome.loss_share for outcome in outcomes),
        deadly=sum(bool(outcome.deaths) for outcome in outcomes),
    )


def fate(outcome: StressOutcome) -> str:
    """Who dies on the way, in order, or who stands inside its buffer, or that all survive."""
    if outcome.deaths:
        return listed(
            [
                f"{death.account} dies {share(death.fraction, 0)} of the way (at {move(death.fraction * outcome.size)})"
                if death.fraction > 0
                else f"{death.account} dies at once"
                for death in sorted(outcome.deaths, key=lambda death: death.fraction)
            ]
        )
    if outcome.survives or outcome.worst_account is None:
        return "all survive"
    return f"none dies, but {outcome.worst_account} is {money(max(-outcome.worst_surplus, 0.0))} inside its buffer"


def plans_in_order(plans: Iterable[Plan]) -> tuple[PlanSum, ...]:
    """Plans that restore the rules first, the cheapest of them first."""
    return tuple(_plan_sum(plan) for plan in sorted(plans, key=lambda plan: (not plan.restores, plan.cost)))


def _plan_sum(plan: Plan) -> PlanSum:
    return PlanSum(
        plan=plan,
        closed=sum(trim.notional_closed for trim in plan.trims),
        fees=sum(trim.fees for trim in plan.trims),
        slippage=sum(trim.slippage for trim in plan.trims if trim.slippage_known),
        unpriced=sum(not trim.slippage_known for trim in plan.trims),
    )


def liquidation_move(position: PositionAssessment) -> float | None:
    """The signed move of this one price that liquidates the account, every other price standing still; None: none does."""
    if position.liquidation_price is None or position.mark_price <= 0:
        return None
    return position.liquidation_price / position.mark_price - 1.0


def in_dollars(value: float | None, settle_price: float) -> float | None:
    """A number the venue reported in its settle currency, in dollars; None when it said nothing."""
    return None if value is None else value * settle_price


def in_band(sleeve: SleeveShare) -> bool:
    """Whether a sleeve is inside what the playbook allows; a side that is not said allows everything."""
    return (sleeve.least is None or sleeve.share >= sleeve.least) and (
        sleeve.most is None or sleeve.share <= sleeve.most
    )


def standing(sleeve: SleeveShare) -> str:
    """Where a sleeve stands against its band, in words."""
    if sleeve.least is None and sleeve.most is None:
        return "no band given"
    if in_band(sleeve):
        return "inside its band"
    return "below its least" if sleeve.least is not None and sleeve.share < sleeve.least else "above its most"
