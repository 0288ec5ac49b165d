"""A hedge as text: what to trade and where first, then why, where it protects, and where it fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from rich.text import Text

from perpbook.hedging.betas import MARKET, NONE
from perpbook.hedging.plan import HedgePlan, InStorm, Leg, Placement
from perpbook.model.verdict import Status
from perpbook.report.hedge_tables import GRID, interval, tables_of
from perpbook.report.words import change, money, move, share

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.hedging.trust import Part
    from perpbook.tails.estimate import Estimate

METHODS = {
    "cvar": "least shortfall", "variance": "least variance", "delta": "no delta", "budget": "least cost within the tail budget",
    "report": "no hedge sought",
}  # fmt: skip

MOVES = {"ols": "its moves", "ewma": "its moves of late", "robust": "its moves without the outliers"}

NOT_TOLD = "on resamples of the past none of it can be told from none"

FEW = 3
"""Storms not gone through are named in the answer where they are no more, else only below it."""

FAR = 10.0
"""A move beyond this is told as none: a price that becomes eleven times what it is."""


def tell_hedge(console: Console, plan: HedgePlan) -> None:
    """The whole plan, the answer first."""
    facts = plan.facts
    if facts["simulated_prices"]:
        console.print(Text("Prices are examples, not a market: nothing here is a quote.", style="bold yellow"))
    if facts["simulated_history"]:
        console.print("SIMULATED history: no market ever made it.")
    for sentence in sentences_of(plan):
        console.print(sentence)
    console.print()
    for made in tables_of(plan):
        console.print(made)
    for remark in remarks_of(plan):
        console.print(remark)


def hedge_document(plan: HedgePlan) -> dict[str, object]:
    """The plan for machines, its answer in words and its storms counted with it."""
    named = [one for one in plan.storms if one.kind != GRID]
    grid = [one for one in plan.storms if one.kind == GRID]
    return {
        "sentences": list(sentences_of(plan)),
        **{field.name: getattr(plan, field.name) for field in fields(plan)},
        "counted": {
            "storms": len(named),
            "not_faced": sum(bool(one.not_faced) for one in named),
            "touch": sum(one.felt for one in named),
            "fails": sum(bool(one.fails) for one in named),
            "grid": len(grid),
            "grid_fails": sum(bool(one.fails) for one in grid),
        },
    }


def remarks_of(plan: HedgePlan) -> Iterator[str]:
    """What stands below the tables: what was refused, what stands in for what, and what is left out."""
    for place in plan.placements:
        if place.refused:
            yield f"{place.where}, {place.mode}: {place.refused}."
    for storm in plan.storms:
        if storm.not_faced:
            yield f"Not faced: {storm.storm}: {storm.not_faced}."
    facts = plan.facts
    yield (
        f"History: {facts['venue']}, {facts['rows']:,} joint moves of {facts['move_hours']:g} h, {facts['history_from']} to "
        f"{facts['history_to']}; {facts['draws']:,} resamples for betas, {facts['again']} for the hedge, seed {facts['seed']}."
    )
    wild = ", ".join(f"{name} {times:.2g}" for name, times in facts["wild"].items())
    yield f"Stressed scenarios (tail, broken) have so many times the usual volatility: {wild}."
    stands = (
        "no asset stands for another" if plan.beta == NONE else f"an asset counts as another by its {plan.beta} beta"
    )
    yield f"In a hedge of no delta, and in what the answer says of the book, {stands}."
    for note in (*plan.notes, *(plan.chosen.notes if plan.chosen else ())):
        yield f"Note: {note}."
    yield "Not modelled: " + "; ".join(plan.not_modelled) + "."


def sentences_of(plan: HedgePlan) -> Iterator[str]:
    """The answer in a few sentences."""
    if plan.method == "report":
        yield from _reported(plan)
        return
    dropped = [one.asset for one in plan.parts if not one.kept]
    if plan.chosen is None:
        yield f"No hedge ({METHODS[plan.method]}): {_why_none(plan)}."
        yield from _judged(plan)
        return
    chosen = plan.chosen
    trades = ", ".join(_trade(one) for one in chosen.legs)
    yield f"{trades[0].upper()}{trades[1:]} ({chosen.mode}): {METHODS[plan.method]}."
    funding = sum(one.funding for one in chosen.legs)
    carried = f"pays {money(funding)}" if funding >= 0 else f"receives {money(-funding)}"
    yield (
        f"The worst {100 * plan.tail:g} % of scenarios then lose {money(chosen.shortfall)} on average instead of "
        f"{money(plan.unhedged.shortfall)} ({share(chosen.shortfall / plan.equity)} of equity, not "
        f"{share(plan.unhedged.shortfall / plan.equity)}). It costs {money(chosen.cost)} and {carried} of funding in "
        f"{plan.horizon_hours:g} h."
    )
    yield from _judged(plan)
    if chosen.lacking > 0.0:
        yield (
            f"ONLY {share(chosen.fits)} of what is wanted fits there, the least bad that does: it lacks "
            f"{money(chosen.lacking)} of free collateral."
        )
    for one in plan.parts:
        if one.left_out:
            yield (
                f"{_listed(one.others)} come to {change(-one.left_out)} of {one.asset} by their betas, which cannot be told from "
                "none: no part of the hedge stands against that."
            )
    if dropped:
        yield f"Dropped, for on resamples of the past it cannot be told from none: {', '.join(dropped)}."
    yield from _comes_to(plan)
    yield _protects(plan, chosen)
    if chosen.breaks:
        yield f"IT BREAKS RULES that held without it: {'; '.join(chosen.breaks)}."
    yield _weathers(plan.storms)


def _judged(plan: HedgePlan) -> Iterator[str]:
    """What the playbook says of what is left, and the next step where a rule is broken."""
    for one in plan.judged:
        yield f"{'BROKEN' if one.status is Status.BREACH else 'Kept'}: {one.rule}. {one.sentence}"
        if one.hint:
            yield one.hint


def _deltas(plan: HedgePlan) -> Iterator[str]:
    """The book in each factor, by the estimator in force and where the factor falls hardest."""
    if plan.beta == NONE:
        yield "No asset stands for another: the book is exposed to each in its own dollars."
        return
    for one in plan.weighted.nets:
        factor = "the market" if one.factor == MARKET else one.factor
        by = "ols" if plan.beta == "tail" else plan.beta
        first, last = f"{_net(getattr(one, by))} of {factor} by {MOVES[by]}", f"where {factor} falls hardest"
        if plan.beta == "tail":
            yield f"The book is {_net(one.tail)} of {factor} {last}, {_net(one.ols)} by all its moves."
        else:
            yield f"The book is {first}, {_net(one.tail)} {last}."


def _comes_to(plan: HedgePlan) -> Iterator[str]:
    """The hedged book in bitcoin and ether, by the estimator in force."""
    nets = [one for one in plan.weighted.nets if one.hedged and one.factor != MARKET]
    if plan.beta != NONE and nets:
        told = [f"{_net(getattr(one, plan.beta))} of {one.factor}" for one in nets]
        yield f"By its {plan.beta} betas the book then comes to {_listed(told)}."


def _reported(plan: HedgePlan) -> Iterator[str]:
    yield from _deltas(plan)
    yield from _judged(plan)
    legs = plan.legs
    if legs is not None and legs.tails[0].unhedged.estimate.value is not None:
        left = legs.tails[0].unhedged.estimate
        yield (
            f"In the worst {100 * legs.level:g} % of its long side's moves, short sides that cancel it in all moves leave "
            f"{share(left.value)} of the loss ({interval(left, share)})."
        )


def _net(one: Estimate) -> str:
    if one.value is None:
        return one.why
    side = "long" if one.value >= 0 else "short"
    return f"{side} {money(abs(one.value))} ({interval(one, change)})"


def _why_none(plan: HedgePlan) -> str:
    if plan.method == "budget" and not plan.breaks:
        return "none is needed"
    if plan.parts and not any(one.kept for one in plan.parts):
        first = plan.parts[0]
        return _cancelled(first) if first.own and first.others else NOT_TOLD
    lacking = [f"{one.where} lacks {money(one.lacking)}" for one in plan.placements if one.lacking > 0.0]
    if lacking:
        return f"no account has room for a lot of it ({', '.join(lacking)} of free collateral)"
    said = dict.fromkeys(one.refused for one in plan.placements if one.refused)
    return "; ".join(said) or "it costs more than it takes away"


def _cancelled(part: Part) -> str:
    """Why an exact leg is not sold: by their betas the others cancel it already."""
    assert part.own is not None
    others = _listed(part.others)
    return (
        f"the book holds {change(-part.own)} of {part.asset}, and {others} come to {change(part.own - part.dollars)} of it by "
        f"their betas. A hedge of both, {change(part.dollars)} ({change(part.low)} to {change(part.high)}), cannot be told from "
        f"none. To bring each coin to nothing with its own contract, name {others} in --against as well, or leave it out"
    )


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _trade(leg: Leg) -> str:
    verb = "buy" if leg.quantity > 0 else "sell"
    return f"{verb} {abs(leg.quantity):,.10g} {leg.symbol} @ {leg.account}"


def _protects(plan: HedgePlan, chosen: Placement) -> str:
    first, before = plan.unhedged.first, plan.unhedged.first_move
    if first is None:
        return "No account dies by a joint move, with it or without."
    if chosen.protected is None:
        return f"{first} died first, at {move(before)}: no joint move liquidates it now."
    if abs(chosen.protected) > FAR:
        return f"{first} died first, at {move(before)}: no joint move short of tenfold liquidates it now."
    if before is not None and abs(chosen.protected - before) < 5e-4:
        reached = [one for one in plan.placements if one.protected is None or abs(one.protected - before) >= 5e-4]
        why = "no place for this hedge changes that" if not any(one.legs for one in reached) else "it sits elsewhere"
        return f"{first} dies first, at {move(before)}, as without it: {why}. More margin there, or a smaller position, does."
    return f"{first}, which dies first without it at {move(before)}, dies at {move(chosen.protected)} with it."


def _weathers(storms: Sequence[InStorm]) -> str:
    """Where it fails: in storms that were gone through, then in the playbook's grid."""
    grid, named = ([one for one in storms if (one.kind == GRID) is wanted] for wanted in (True, False))
    faced = [one for one in named if not one.not_faced]
    felt = [one for one in faced if one.felt]
    failed = [one for one in felt if one.fails]
    spared = [one for one in felt if set(one.dies_without) - set(one.dies)]
    unfaced = f", {_counted(named, faced)} could not be gone through" if len(faced) < len(named) else ""
    if not faced:
        told = "NO storm could be gone through: what the hedge does in one is not known"
    else:
        fails = f"FAILS in {len(failed)}" if failed else "fails in none of them" if felt else "is tried by none"
        told = f"Of {len(faced)} storms gone through {len(felt)} touch the book{unfaced}; the hedge {fails}"
    names = ": " + ", ".join(f"{one.storm} ({one.fails})" for one in failed) if failed else ""
    saved = f"; it spares an account in {', '.join(one.storm for one in spared)}" if spared else ""
    return f"{told}{names}{saved}. {_in_grid(grid)}"


def _counted(named: Sequence[InStorm], faced: Sequence[InStorm]) -> str:
    """How many were not gone through, and which where they are few."""
    left = [one.storm for one in named if one not in faced]
    return f"{len(left)} ({', '.join(left)})" if len(left) <= FEW else f"{len(left)} more (named below)"


def _in_grid(grid: Sequence[InStorm]) -> str:
    if not grid:
        return "The playbook has no survival grid to try it in."
    failed = [one for one in grid if one.fails]
    if not failed:
        return f"It fails in none of the {len(grid)} moves of the survival grid."
    deadly = [one for one in failed if set(one.dies) - set(one.dies_without)]
    killed = ", ".join(dict.fromkeys(name for one in deadly for name in one.dies if name not in one.dies_without))
    kills = f", and kills {killed} in {len(deadly)} of those" if deadly else ""
    return f"It FAILS in {len(failed)} of the {len(grid)} moves of the survival grid{kills}."
