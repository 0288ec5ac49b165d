"""The tables of a hedge: trades, deltas, betas, scenarios, places, margin, and storms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from perpbook.hedging.plan import HedgePlan, InStorm
from perpbook.report.tails import hedge_table
from perpbook.report.text import table
from perpbook.report.words import NONE, change, money, move, quantity, share

if TYPE_CHECKING:
    from rich.table import Table

    from perpbook.tails.estimate import Estimate

GRID = "grid"
"""The kind of storm that is a move of the playbook's grid."""


def tables_of(plan: HedgePlan) -> Iterator[Table]:
    """All of them, in order."""
    for part in (_legs, _exposures, _betas, _parts, _sets, _places, _accounts, _quality, _storms):
        yield from part(plan)


def _quality(plan: HedgePlan) -> Iterator[Table]:
    found = [one for one in (plan.legs, plan.quality) if one is not None]
    if found:
        yield hedge_table(found)


def _legs(plan: HedgePlan) -> Iterator[Table]:
    if plan.chosen is None:
        return
    made = table("The trades", "account", "contract", "quantity", "notional", "costs", "funding", "closes", left=2)
    for one in plan.chosen.legs:
        cost = money(one.cost) + ("" if one.slippage_known else " + slippage")
        made.add_row(
            one.account, one.symbol, quantity(one.quantity), change(one.dollars), cost, change(-one.funding),
            f"{one.smaller:,.6g}" if one.smaller else NONE,
        )  # fmt: skip
    yield made


def _exposures(plan: HedgePlan) -> Iterator[Table]:
    made = table("Net delta by asset", "asset", "now", "hedged")
    for one in plan.exposures:
        made.add_row(one.asset, change(one.without), change(one.hedged) if plan.chosen else NONE)
    yield made


def _betas(plan: HedgePlan) -> Iterator[Table]:
    columns = ("least squares", "recent (EWMA)", "robust (Huber)", "in its tail")
    made = table("Betas, with 95 % intervals", "asset", "to", *columns, left=2)
    for one in plan.weighted.betas:
        if one.asset == one.factor:
            continue
        cells = [_beta(each) for each in (one.ols, one.ewma, one.robust, one.tail)]
        made.add_row(one.asset, one.factor, *cells)
    yield made
    nets = table("The book in dollars of a factor", "factor", "", *columns, left=2)
    for net in plan.weighted.nets:
        nets.add_row(
            net.factor,
            "hedged" if net.hedged else "now",
            *(_thousands(each) for each in (net.ols, net.ewma, net.robust, net.tail)),
        )
    yield nets


def _beta(one: Estimate) -> str:
    return NONE if one.value is None else f"{one.value:.2f} ({one.low:.2f} {one.high:.2f})"


def _thousands(one: Estimate) -> str:
    if one.value is None or one.low is None or one.high is None:
        return NONE
    return f"{one.value / 1e3:+,.0f}k ({one.low / 1e3:+,.0f} {one.high / 1e3:+,.0f})"


def interval(one: Estimate, say: Callable[[float | None], str]) -> str:
    """An estimate's interval in words."""
    return f"{say(one.low)} to {say(one.high)}"


def _parts(plan: HedgePlan) -> Iterator[Table]:
    if not plan.parts:
        return
    made = table("The hedge before lots and margin, on resamples of the past", "asset", "dollars", "95 %", "kept")
    for one in plan.parts:
        told = f"{change(one.low)} to {change(one.high)}" if one.low != one.high else "exact"
        made.add_row(one.asset, change(one.dollars), told, "yes" if one.kept else "NO")
    yield made


def _sets(plan: HedgePlan) -> Iterator[Table]:
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
    yield made
    yield from _liquidated(plan)


def _liquidated(plan: HedgePlan) -> Iterator[Table]:
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
        yield made


def _places(plan: HedgePlan) -> Iterator[Table]:
    if not plan.placements:
        return
    first = plan.unhedged.first or "none"
    made = table(
        f"Where it might sit ({first} dies first without it)",
        "place", "seen from it", f"{first} at", "first at", "kills", "breaks", "costs", "loss", left=2,
    )  # fmt: skip
    for one in (plan.unhedged, *plan.placements):
        name = f"{one.where}, {one.mode}" if one.mode else one.where
        name += " *" if one is plan.chosen else ""
        if one.refused:
            made.add_row(name, one.kind, "refused", NONE, NONE, NONE, NONE, NONE)
            continue
        made.add_row(
            name, one.kind, move(one.protected), move(one.first_move), str(len(one.deaths)),
            str(len(one.breaks)), money(one.cost), money(one.shortfall),
        )  # fmt: skip
    yield made


def _accounts(plan: HedgePlan) -> Iterator[Table]:
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
    yield made


def _storms(plan: HedgePlan) -> Iterator[Table]:
    storms, largest = plan.storms, f"{plan.facts['largest_move']:.0%}"
    grid = [one for one in storms if one.kind == GRID and (one.fails or largest in one.storm)]
    yield from _outcomes(f"The playbook's survival grid, assessed: moves of {largest}, and where the hedge fails", grid)
    yield from _outcomes("Storms that touch the book, nobody acting", [one for one in storms if one.kind != GRID])


def _outcomes(title: str, storms: Sequence[InStorm]) -> Iterator[Table]:
    felt = [one for one in storms if one.felt]
    if felt:
        made = table(title, "storm", "no hedge", "dies", "hedged", "dies", "the hedge")
        for one in sorted(felt, key=lambda one: (not one.fails, one.change - one.change_without)):
            made.add_row(
                one.storm, change(one.change_without), ", ".join(one.dies_without) or NONE, change(one.change),
                ", ".join(one.dies) or NONE, f"FAILS: {one.fails}" if one.fails else "holds",
            )  # fmt: skip
        yield made
