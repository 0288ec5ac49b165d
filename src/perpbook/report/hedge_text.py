"""A hedge as text: what to trade and where first, then why, where it protects, and where it fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from perpbook.hedging.plan import HedgePlan, InStorm, Leg, Placement
from perpbook.report.tails import tell_hedges
from perpbook.report.text import table
from perpbook.report.words import NONE, change, money, move, quantity, share

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.tails.estimate import Estimate

GRID = "grid"
METHODS = {
    "cvar": "least shortfall", "variance": "least variance", "delta": "no delta", "report": "no hedge sought",
}  # fmt: skip


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
    _tell_legs(console, plan.chosen)
    _tell_exposures(console, plan)
    _tell_betas(console, plan)
    _tell_parts(console, plan)
    _tell_sets(console, plan)
    _tell_places(console, plan)
    _tell_accounts(console, plan)
    tell_hedges(console, [one for one in (plan.legs, plan.quality) if one is not None])
    _tell_storms(console, plan)
    console.print(
        f"History: {facts['venue']}, {facts['rows']:,} joint moves of {facts['move_hours']:g} h, {facts['history_from']} to "
        f"{facts['history_to']}; {facts['draws']:,} resamples for betas, {facts['again']} for the hedge, seed {facts['seed']}."
    )
    for note in (*plan.notes, *(plan.chosen.notes if plan.chosen else ())):
        console.print(f"Note: {note}.")
    console.print("Not modelled: " + "; ".join(plan.not_modelled) + ".")


def sentences_of(plan: HedgePlan) -> Iterator[str]:
    """The answer in a few sentences."""
    if plan.method == "report":
        yield from _reported(plan)
        return
    dropped = [one.asset for one in plan.parts if not one.kept]
    if plan.chosen is None:
        yield f"No hedge ({METHODS[plan.method]}): {_why_none(plan)}."
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
    if chosen.lacking > 0.0:
        yield (
            f"ONLY {share(chosen.fits)} of what is wanted fits there, the least bad that does: it lacks "
            f"{money(chosen.lacking)} of free collateral."
        )
    if dropped:
        yield f"Dropped, for on resamples of the past it cannot be told from none: {', '.join(dropped)}."
    yield _protects(plan, chosen)
    if chosen.breaks:
        yield f"IT BREAKS RULES that held without it: {'; '.join(chosen.breaks)}."
    yield _weathers(plan.storms)


def _reported(plan: HedgePlan) -> Iterator[str]:
    for one in plan.weighted.nets:
        yield f"The book is {_net(one.ols)} of {one.factor} by its moves, {_net(one.tail)} where {one.factor} falls hardest."
    legs = plan.legs
    if legs is not None and legs.tails[0].unhedged.estimate.value is not None:
        left = legs.tails[0].unhedged.estimate
        yield (
            f"In the worst {100 * legs.level:g} % of its long side's moves, short sides that cancel it in all moves leave "
            f"{share(left.value)} of the loss ({_range(left, share)})."
        )


def _net(one: Estimate) -> str:
    if one.value is None:
        return one.why
    side = "long" if one.value >= 0 else "short"
    return f"{side} {money(abs(one.value))} ({_range(one, change)})"


def _why_none(plan: HedgePlan) -> str:
    if plan.parts and not any(one.kept for one in plan.parts):
        return "on resamples of the past none of it can be told from none"
    lacking = [f"{one.where} lacks {money(one.lacking)}" for one in plan.placements if one.lacking > 0.0]
    if lacking:
        return f"no account has room for a lot of it ({', '.join(lacking)} of free collateral)"
    said = dict.fromkeys(one.refused for one in plan.placements if one.refused)
    return "; ".join(said) or "it costs more than it takes away"


def _trade(leg: Leg) -> str:
    verb = "buy" if leg.quantity > 0 else "sell"
    return f"{verb} {abs(leg.quantity):,.10g} {leg.symbol} @ {leg.account}"


def _protects(plan: HedgePlan, chosen: Placement) -> str:
    first, before = plan.unhedged.first, plan.unhedged.first_move
    if first is None:
        return "No account dies by a joint move, with it or without."
    if chosen.protected is None:
        return f"{first} died first, at {move(before)}: no joint move liquidates it now."
    if before is not None and abs(chosen.protected - before) < 5e-4:
        reached = [one for one in plan.placements if one.protected is None or abs(one.protected - before) >= 5e-4]
        why = "no place for this hedge changes that" if not any(one.legs for one in reached) else "it sits elsewhere"
        return f"{first} dies first, at {move(before)}, as without it: {why}. More margin there, or a smaller position, does."
    return f"{first}, which dies first without it at {move(before)}, dies at {move(chosen.protected)} with it."


def _weathers(storms: Sequence[InStorm]) -> str:
    storms = [one for one in storms if one.kind != GRID]
    felt = [one for one in storms if one.felt]
    failed = [one for one in felt if one.fails]
    spared = [one for one in felt if set(one.dies_without) - set(one.dies)]
    told = f"Of {len(storms)} storms {len(felt)} touch the book; the hedge FAILS in {len(failed)}" if failed else (
        f"Of {len(storms)} storms {len(felt)} touch the book; the hedge fails in none"
    )  # fmt: skip
    names = ": " + ", ".join(f"{one.storm} ({one.fails})" for one in failed) if failed else ""
    saved = f"; it spares an account in {', '.join(one.storm for one in spared)}" if spared else ""
    return f"{told}{names}{saved}."


def _tell_legs(console: Console, chosen: Placement | None) -> None:
    if chosen is None:
        return
    made = table("The trades", "account", "contract", "quantity", "notional", "costs", "funding", "closes", left=2)
    for one in chosen.legs:
        cost = money(one.cost) + ("" if one.slippage_known else " + slippage")
        made.add_row(
            one.account, one.symbol, quantity(one.quantity), change(one.dollars), cost, change(-one.funding),
            f"{one.smaller:,.6g}" if one.smaller else NONE,
        )  # fmt: skip
    console.print(made)


def _tell_exposures(console: Console, plan: HedgePlan) -> None:
    made = table("Net delta by asset", "asset", "now", "hedged")
    for one in plan.exposures:
        made.add_row(one.asset, change(one.without), change(one.hedged) if plan.chosen else NONE)
    console.print(made)


def _tell_betas(console: Console, plan: HedgePlan) -> None:
    columns = ("least squares", "recent (EWMA)", "robust (Huber)", "in its tail")
    made = table("Betas, with 95 % intervals", "asset", "to", *columns, left=2)
    for one in plan.weighted.betas:
        if one.asset == one.factor:
            continue
        cells = [_beta(each) for each in (one.ols, one.ewma, one.robust, one.tail)]
        made.add_row(one.asset, one.factor, *cells)
    console.print(made)
    nets = table("The book in dollars of a factor", "factor", "", *columns, left=2)
    for net in plan.weighted.nets:
        nets.add_row(
            net.factor,
            "hedged" if net.hedged else "now",
            *(_thousands(each) for each in (net.ols, net.ewma, net.robust, net.tail)),
        )
    console.print(nets)


def _beta(one: Estimate) -> str:
    return NONE if one.value is None else f"{one.value:.2f} ({one.low:.2f} {one.high:.2f})"


def _thousands(one: Estimate) -> str:
    if one.value is None or one.low is None or one.high is None:
        return NONE
    return f"{one.value / 1e3:+,.0f}k ({one.low / 1e3:+,.0f} {one.high / 1e3:+,.0f})"


def _range(one: Estimate, say: object) -> str:
    assert callable(say)
    return f"{say(one.low)} to {say(one.high)}"


def _tell_parts(console: Console, plan: HedgePlan) -> None:
    if not plan.parts:
        return
    made = table("The hedge before lots and margin, on resamples of the past", "asset", "dollars", "95 %", "kept")
    for one in plan.parts:
        told = f"{change(one.low)} to {change(one.high)}" if one.low != one.high else "exact"
        made.add_row(one.asset, change(one.dollars), told, "yes" if one.kept else "NO")
    console.print(made)


def _tell_sets(console: Console, plan: HedgePlan) -> None:
    against = list(plan.sets[0].least_variance) if plan.sets else []
    made = table(
        f"Mean loss of the worst {100 * plan.tail:g} % of moves of {plan.facts['move_hours']:g} h", "correlation", "no hedge",
        "hedged", "book and hedge", *(f"least variance {one}" for one in against),
    )  # fmt: skip
    for one in plan.sets:
        correlation = NONE if one.correlation is None else f"{one.correlation:.2f}"
        made.add_row(
            one.name, money(one.without), money(one.hedged) if plan.chosen else NONE, correlation,
            *(change(dollars) for dollars in one.least_variance.values()),
        )  # fmt: skip
    console.print(made)
    _tell_liquidated(console, plan)


def _tell_liquidated(console: Console, plan: HedgePlan) -> None:
    """Who ends a single move below its maintenance margin."""
    names = dict.fromkeys(
        name for one in plan.sets for name, dead in (*one.liquidated_without.items(), *one.liquidated.items()) if dead
    )
    sides = [f"{one.name}, {side}" for one in plan.sets for side in ("no hedge", "hedged")]
    made = table("Moves that end below an account's maintenance margin", "account", *sides)
    for name in names:
        made.add_row(
            name,
            *(share(side.get(name, 0.0)) for one in plan.sets for side in (one.liquidated_without, one.liquidated)),
        )
    if names:
        console.print(made)


def _tell_places(console: Console, plan: HedgePlan) -> None:
    if not plan.placements:
        return
    first = plan.unhedged.first or "none"
    made = table(
        f"Where it might sit ({first} dies first without it)",
        "place", "mode", "seen from it", f"{first} at", "first at", "grid kills", "breaks", "costs", "loss", left=3,
    )  # fmt: skip
    made.columns[0].min_width = min(14, max(len(one.where) for one in plan.placements) + 2)
    for one in (plan.unhedged, *plan.placements):
        name = f"{one.where} *" if one is plan.chosen else one.where
        if one.refused:
            made.add_row(name, one.mode, one.kind, "refused", NONE, NONE, NONE, NONE, NONE)
            continue
        made.add_row(
            name, one.mode, one.kind, move(one.protected), move(one.first_move), str(len(one.deaths)),
            str(len(one.breaks)), money(one.cost), money(one.shortfall),
        )  # fmt: skip
    console.print(made)
    for one in plan.placements:
        if one.refused:
            console.print(f"{one.where}, {one.mode}: {one.refused}.")


def _tell_accounts(console: Console, plan: HedgePlan) -> None:
    held = plan.chosen or plan.unhedged
    made = table(
        "Margin of every account with the hedge" if plan.chosen else "Margin of every account",
        "account", "mode", "equity", "free collateral", "margin ratio", "was", "dies at", "was", left=2,
    )  # fmt: skip
    for one in held.accounts:
        made.add_row(
            one.account, one.mode, money(one.equity), money(one.free_collateral), share(one.margin_ratio),
            share(one.margin_ratio_before), move(one.move), move(one.move_before),
        )  # fmt: skip
    console.print(made)


def _tell_storms(console: Console, plan: HedgePlan) -> None:
    storms, largest = plan.storms, f"{plan.facts['largest_move']:.0%}"
    grid = [one for one in storms if one.kind == GRID and (one.fails or largest in one.storm)]
    _tell_outcomes(
        console, f"The playbook's survival grid, assessed: moves of {largest}, and where the hedge fails", grid
    )
    _tell_outcomes(console, "Storms that touch the book, nobody acting", [one for one in storms if one.kind != GRID])
    for one in storms:
        if one.not_faced:
            console.print(f"Not faced: {one.storm}: {one.not_faced}.")


def _tell_outcomes(console: Console, title: str, storms: Sequence[InStorm]) -> None:
    felt = [one for one in storms if one.felt]
    if felt:
        made = table(title, "storm", "no hedge", "dies", "hedged", "dies", "the hedge")
        for one in sorted(felt, key=lambda one: (not one.fails, one.change - one.change_without)):
            made.add_row(
                one.storm, change(one.change_without), ", ".join(one.dies_without) or NONE, change(one.change),
                ", ".join(one.dies) or NONE, f"FAILS: {one.fails}" if one.fails else "holds",
            )  # fmt: skip
        console.print(made)
