"""A treasury's plan in a terminal, and as a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.report.text import table
from perpbook.report.words import lasting, money, share
from perpbook.treasury.arrivals import Tried
from perpbook.treasury.layout import CENT
from perpbook.treasury.planned import Planned
from perpbook.treasury.task import transfers_of

if TYPE_CHECKING:
    from rich.console import Console


def tell_plan(console: Console, found: Planned) -> None:
    """What to move and why; whether it comes in time; what each failure would leave."""
    if found.simulated:
        console.print("SIMULATED prices.")
    console.print(verdict_of(found))
    plan = found.plan
    if plan.why:
        console.print(
            f"This is the {plan.method} plan ({plan.why}): it keeps every limit and may cost more than the best."
        )
    rows = list(moves_of(found))
    if rows:
        made = table(_title(found), "move", "from", "over", "to", "there by", "mostly", "cost", left=4)
        for one in rows:
            by, mostly = lasting(one["promised_seconds"]), lasting(one["typical_seconds"])
            made.add_row(money(one["dollars"]), one["from"], one["over"], one["to"], by, mostly, money(one["cost"]))
        console.print(made)
    for sentence in (*reduced_words(found), *trial_words(found), *failure_words(found)):
        console.print(sentence)
    for told in (*plan.binds, *found.notes):
        console.print(f"Note: {told}.")
    console.print("Nothing is sent: this is a proposal.")


def _title(found: Planned) -> str:
    plan = found.plan
    waiting = f", {money(plan.waiting_cost)} of waiting beside" if plan.waiting_cost > 0.0 else ""
    return f"Leave now; costs {money(plan.cost)} in all{waiting}"


def verdict_of(found: Planned) -> str:
    """The answer in a sentence."""
    plan, needs = found.plan, found.network.task.needs
    weather = f" while {found.storm} lasts" if found.storm else ""
    missing = [
        f"{money(float(plan.short[k]))} of {money(one.dollars)} to {one.place}"
        for k, one in enumerate(needs)
        if plan.short[k] > 0.0
    ]
    if missing:
        return f"MISSING{weather}: {', '.join(missing)}. Cut as much exposure as that needs, or find money nearer."
    if not found.trial.kept:
        return f"Every need can be met{weather}, but not with the promised {share(found.probability)}: see below."
    if not plan.feasible:
        return f"Every need is met{weather}, but not after every single failure."
    if not found.network.task.failures:
        return f"Every need is met{weather}."
    return f"Every need is met{weather}, and those of accounts with positions after any single failure too."


def moves_of(found: Planned) -> Iterator[dict[str, Any]]:
    """Transfers in the order of lanes."""
    task, plan = found.network.task, found.plan
    for one in transfers_of(task, plan):
        lane = one.lanes[0]
        spare, need = task.spares[lane.spare], task.needs[lane.need]
        yield {
            "dollars": one.dollars, "asset": spare.asset, "from": spare.place, "over": lane.words, "to": need.place,
            "leaves": "now", "promised_seconds": lane.seconds, "typical_seconds": lane.typical, "cost": one.cost,
            "arrives_dollars": one.arrives, "in_time": _in_time(found, lane.number),
        }  # fmt: skip


def _in_time(found: Planned, lane: int) -> dict[str, float]:
    one = found.trial.moves[lane]
    return {"share": one.value, "low": one.interval[0], "high": one.interval[1]}


def reduced_words(found: Planned) -> Iterator[str]:
    """Positions that are reduced now."""
    for cut, dollars in zip(found.network.task.cuts, found.plan.reduced.tolist(), strict=True):
        if dollars > CENT:
            yield (
                f"Money cannot do all of it: {cut.words}, {share(dollars / cut.dollars)}: that frees {money(dollars)} and "
                f"costs {money(dollars * cut.rate)}."
            )


def trial_words(found: Planned) -> Iterator[str]:
    """How often each need is met in time when arrivals are drawn."""
    needs = found.network.task.needs
    for one in found.trial.needs:
        need = needs[one.need]
        low, high = one.share.interval
        verdict = "" if one.share.keeps(found.probability) else f" THE PROMISE OF {share(found.probability)} FAILS."
        strict = found.strict[one.need]
        surer = f", each of its transfers {share(strict)}" if strict > found.probability else ""
        yield (
            f"{need.place}: in {one.share.count:,} of {one.share.draws:,} drawn arrivals ({share(low)} to {share(high)}) what is "
            f"planned for it is there within {lasting(need.seconds)}; promised {share(found.probability)}{surer}.{verdict}"
        )


def failure_words(found: Planned) -> Iterator[str]:
    """What each failure would leave, beyond what is missing anyway."""
    held = 0
    for name, short, cut in failures_left(found):
        said = []
        if cut:
            said.append("positions are reduced then for " + ", ".join(f"{money(d)} of {place}" for place, d in cut))
        if short:
            said.append("missing: " + ", ".join(f"{money(d)} of {place}" for place, d in short))
        held += not said
        if said:
            yield f"After {name}: {'; '.join(said)}."
    if held:
        more = "other " if held < len(found.network.task.failures) else ""
        yield f"After each of {held} {more}single failures every account that must be fed is."


Named = list[tuple[str, float]]


def failures_left(found: Planned) -> Iterator[tuple[str, Named, Named]]:
    """(failure, missing by place beyond what is missing anyway, reduced by place)."""
    task, plan = found.network.task, found.plan
    for failure in task.failures:
        short = np.maximum(plan.short_after[failure.name] - plan.short, 0.0)
        cut = plan.reduced_after.get(failure.name, np.zeros(len(task.cuts)))
        yield (
            failure.name,
            [(task.needs[k].place, float(short[k])) for k in np.flatnonzero(short > CENT)],
            [(task.needs[task.cuts[k].need].place, float(cut[k])) for k in np.flatnonzero(cut > CENT)],
        )


def plan_document(found: Planned) -> dict[str, Any]:
    """The plan for machines; seconds and dollars."""
    task, plan = found.network.task, found.plan
    tried = {one.need: one for one in found.trial.needs}
    return {
        "verdict": verdict_of(found), "method": plan.method, "why": plan.why, "simulated": found.simulated,
        "storm": found.storm, "feasible": plan.feasible, "promise_kept": found.trial.kept, "probability": found.probability,
        "arrivals_promised_at": max(found.strict), "cost": plan.cost, "waiting_cost": plan.waiting_cost,
        "slowest_seconds": plan.slowest_seconds, "moves": list(moves_of(found)),
        "needs": [
            {
                "place": one.place, "dollars": one.dollars, "seconds": one.seconds, "why": one.why, "critical": one.critical,
                "arrivals_promised_at": found.strict[k], "short": float(plan.short[k]),
                "in_time": _tried(tried.get(k), found.probability),
            }
            for k, one in enumerate(task.needs)
        ],
        "spares": [
            {"place": one.place, "asset": one.asset, "dollars": one.dollars, "kept": one.kept, "why": one.why}
            for one in task.spares
        ],
        "reduced": [
            {"place": task.needs[cut.need].place, "dollars": dollars, "cost": dollars * cut.rate, "words": cut.words}
            for cut, dollars in zip(task.cuts, plan.reduced.tolist(), strict=True)
            if dollars > CENT
        ],
        "after_failures": [
            {"failure": name, "short": dict(short), "reduced": dict(cut)} for name, short, cut in failures_left(found)
        ],
        "binds": plan.binds, "lanes": len(task.lanes), "notes": found.notes,
    }  # fmt: skip


def _tried(one: Tried | None, promise: float) -> dict[str, Any] | None:
    if one is None:
        return None
    low, high = one.share.interval
    return {
        "count": one.share.count, "draws": one.share.draws, "low": low, "high": high, "kept": one.share.keeps(promise),
        "typical_seconds": one.typical, "promised_seconds": one.promised,
    }  # fmt: skip
