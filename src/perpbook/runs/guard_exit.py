"""Exits under way: begun by a word or a rule, gone through stage by stage, wherever a restart finds them.

What is kept of an exit is its plan and whether it is paused (`Desk.exits`). How far it has come is read off the positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perpbook.errors import DataError, InputError
from perpbook.execution.exit_plan import ExitPlan, Stage, next_stage, plain_plan, plan_from
from perpbook.guard.view import View, Wanted, WantedLeg
from perpbook.model.action import ActionKind, RiskView
from perpbook.model.alert import Alert, Severity
from perpbook.playbook.tell_exit import is_triggered_by

if TYPE_CHECKING:
    from perpbook.playbook.schema import Playbook
    from perpbook.runs.check import CheckResult
    from perpbook.terms.terms import VenueTerms

EXIT = "exit"
"""Its name, and its rule."""

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What an exit wants now, what is to be kept of it (None: it is done), and what is told."""

    wanted: tuple[Wanted, ...] = ()
    bodies: Mapping[str, Body | None] | None = None
    alerts: tuple[Alert, ...] = ()
    under_way: bool = False


def leaving(
    view: View, result: CheckResult, playbook: Playbook, terms: Mapping[str, VenueTerms], risk: RiskView
) -> Leaving:
    """The exit that is under way, or begins now because one of its triggers is broken."""
    from perpbook.execution.exit_build import exit_plan

    body: Body | None = view.desk.exits.get(EXIT)
    if body is None:
        why = _trigger(result, playbook)
        if not why or not any(account.positions for account in result.snapshot.book.accounts):
            return Leaving()
        body = {"who": why, "paused": False}
    try:
        plan = plan_from(body["plan"]) if "plan" in body else exit_plan(result.snapshot, terms, playbook)
        if body.get("paused"):
            return Leaving(
                bodies={EXIT: _kept(body, plan)}, alerts=(_told(view, "is paused", Severity.WARN),), under_way=True
            )
        stage = next_stage(plan, positions(view, plan))
    except (InputError, DataError) as error:
        return Leaving(alerts=(_told(view, f"stands still: {error}", Severity.PAGE),), under_way=True)
    if stage is None:
        return Leaving(bodies={EXIT: None})
    told = _told(view, f"is at stage {stage.number} of {len(plan.stages)}: {stage.name}", Severity.WARN)
    return Leaving(
        wanted=(_wanted(stage, len(plan.stages), str(body.get("who", "")), risk),),
        bodies={EXIT: _kept(body, plan)},
        alerts=(told,),
        under_way=True,
    )


def positions(view: View, plan: ExitPlan) -> dict[tuple[str, str], float]:
    """Signed, by account and symbol, of every account that is known; 0 where a plan's position is gone."""
    found = {
        (leg.account, leg.symbol): 0.0 for stage in plan.stages for leg in stage.legs if leg.account in view.accounts
    }
    for name, seen in view.accounts.items():
        found |= {(name, position.symbol): position.quantity for position in seen.account.positions}
    return found


def _kept(body: Body, plan: ExitPlan) -> Body:
    return body if "plan" in body else {**body, "plan": plain_plan(plan)}


def _trigger(result: CheckResult, playbook: Playbook) -> str:
    """The broken rule that begins an exit, "" without one."""
    triggers = playbook.exit.triggers if playbook.exit else ()
    return next((one for one in triggers for found in result.verdict.findings if is_triggered_by(one, found)), "")


def _wanted(stage: Stage, stages: int, who: str, risk: RiskView) -> Wanted:
    legs = tuple(WantedLeg(account=leg.account, symbol=leg.symbol, quantity=leg.quantity) for leg in stage.legs)
    reason = f"Exit{f', begun by {who}' if who else ''}: stage {stage.number} of {stages}, {stage.name}."
    return Wanted(kind=ActionKind.EXIT, rule=EXIT, reason=reason, after=risk, legs=legs)


def _told(view: View, what: str, severity: Severity) -> Alert:
    return Alert(kind="exit.stage", severity=severity, at_ns=view.now_ns, sentence=f"The exit {what}.")
