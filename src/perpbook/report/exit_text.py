"""An exit plan in a terminal and as a document: the whole first, then stage by stage, then what is not known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from perpbook.model.units import to_iso
from perpbook.report.text import MARKS, fit, table
from perpbook.report.words import NONE, lasting, money, price, quantity, share

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.execution.exit_found import ExitFound
    from perpbook.execution.exit_plan import AccountAfter, ExitPlan, Stage


def tell_exit(console: Console, found: ExitFound) -> None:
    """Print the plan."""
    plan = found.plan
    if found.simulated:
        console.print("Prices are examples, not a market: nothing here is a quote.")
    if not plan.stages:
        console.print("The book is flat: there is nothing to close.")
    for sentence in _whole(found):
        console.print(sentence)
    if plan.stages:
        console.print(_stages(plan))
        console.print(_legs(plan))
        console.print(_margins(plan))
    if plan.dangers:
        console.print(_dangers(plan))
    if found.triggers:
        console.print(_triggers(found))
    if found.onward:
        console.print(_onward(found))
    for note in _notes(found):
        console.print(f"* {note}")


def _whole(found: ExitFound) -> Iterator[str]:
    plan = found.plan
    if plan.stages:
        low, high = plan.slippage
        least = "at least " if plan.depth_unknown else ""
        took = lasting(plan.seconds) if plan.seconds else "one visit"
        slips = money(low) if money(low) == money(high) else f"{money(low)} to {money(high)}"
        yield (
            f"To flat in {len(plan.stages)} stages: {least}{took}, fees {money(plan.fees)}, slippage {least}{slips} (books that "
            "fill again before each stage, and books that never do)."
        )
    if found.limit is not None:
        yield f"{MARKS[found.limit.status]}: {found.limit.rule}. {found.limit.sentence}"
    if plan.budget is not None:
        kept = "kept" if plan.kept else "NOT KEPT, even at once"
        yield f"Budget of {share(plan.budget, 3)} for a liquidation on the way: {kept}."


def _stages(plan: ExitPlan) -> Any:
    made = table("Stages", "Closes", "Notional", "Fees", "Slippage", "Time", "Net after", left=1)
    fit(made, [[_name(one) for one in plan.stages]])
    for one in plan.stages:
        low, high = money(one.slippage_low), money(one.slippage_high)
        slips = low if low == high else f"{low} to {high}"
        at_least = " +?" if one.depth_unknown else ""
        made.add_row(
            _name(one), money(one.notional), money(one.fees), slips + at_least,
            lasting(one.visits * plan.pace_seconds) if plan.pace_seconds else NONE, money(one.net),
        )  # fmt: skip
    return made


def _name(one: Stage) -> str:
    return f"{one.number} {one.name}"


def _legs(plan: ExitPlan) -> Any:
    made = table("Legs, each reduce-only and at its limit or better", "", "Position", "Trade", "Left", "Limit", left=2)
    fit(made, [[], [f"{leg.symbol} @ {leg.account}" for one in plan.stages for leg in one.legs]])
    for one in plan.stages:
        left = {(after.account, after.symbol): after.quantity for after in one.left}
        for leg in one.legs:
            rest = left[leg.account, leg.symbol]
            made.add_row(
                str(one.number), f"{leg.symbol} @ {leg.account}", quantity(leg.quantity),
                quantity(rest) if rest else "0", price(leg.limit_price),
            )  # fmt: skip
    return made


def _margins(plan: ExitPlan) -> Any:
    """Margin ratio and nearest killing move of every account that holds something, after each stage."""
    held = [one.account for one in plan.before if one.margin_ratio > 0.0]
    made = table("Margin ratio (liquidation at 100 %) and the nearest move that kills", "After", *held)
    made.add_row("now", *(_margin(one) for one in plan.before if one.account in held))
    for stage in plan.stages:
        made.add_row(str(stage.number), *(_margin(one) for one in stage.accounts if one.account in held))
    return made


def _margin(one: AccountAfter) -> str:
    if one.margin_ratio == 0.0:
        return "flat"
    return f"{share(one.margin_ratio)}, {'none' if one.nearest is None else share(one.nearest)}"


def _dangers(plan: ExitPlan) -> Any:
    made = table("Chance to be liquidated before the last leg", "Account", "Chance")
    for one in plan.dangers:
        made.add_row(one.account, "less than 0.001%" if 0.0 <= one.chance < 1e-5 else share(one.chance, 3))
    return made


def _triggers(found: ExitFound) -> Any:
    made = table("What starts it", "Rule", "Now", "", left=3)
    for one in found.triggers:
        made.add_row(
            one.rule, {True: "BROKEN", False: "holds", None: "?"}[one.broken], "" if one.told == "holds" else one.told
        )
    return made


def _onward(found: ExitFound) -> Any:
    made = table(f"Money to {found.plan.destination}", "Account", "Dollars", "Usual", "95 %", "Fee", "By")
    made.columns[5].justify = "left"
    for one in found.onward:
        times = [NONE if value is None else lasting(value) for value in (one.typical_seconds, one.slow_seconds)]
        made.add_row(one.account, money(one.dollars), *times, money(one.fee), one.by or one.why)
    return made


def _notes(found: ExitFound) -> Iterator[str]:
    plan = found.plan
    yield from (note for note in plan.notes if note)
    for stage in plan.stages:
        yield from (f"stage {stage.number}: {note}" for note in stage.notes)
    if plan.depth_unknown:
        yield f"no depth is known of {', '.join(plan.depth_unknown)}: its slippage and time are not in the figures"
    if plan.stages:
        fills = lasting(plan.pace_seconds)
        yield f"a book is taken to need {fills} to fill again (--pace); limits are {share(plan.collar, 2)} from the margin price"
    if found.correlation is not None:
        yield f"chances are by the volatilities given, with a correlation of {found.correlation:g} between assets and no drift"
    elif plan.stages:
        yield "no chance of liquidation on the way is told: --volatility gives what it needs"
    yield f"prices of {to_iso(plan.as_of_ns)}; nothing is sent"


def exit_document(found: ExitFound) -> dict[str, Any]:
    """What --json prints: the plan as `execution.exit_plan.plain_plan` has it, and what is said beside it."""
    from perpbook.execution.exit_plan import plain_plan

    plan, (low, high) = found.plan, found.plan.slippage
    return {
        "playbook": found.playbook,
        "seconds": plan.seconds,
        "fees": plan.fees,
        "slippage": {"low": low, "high": high},
        "depth_unknown": plan.depth_unknown,
        "kept": found.is_kept,
        "triggers": found.triggers,
        "limit": found.limit,
        "onward": found.onward,
        "correlation": found.correlation,
        "simulated": found.simulated,
        "plan": plain_plan(plan),
    }
