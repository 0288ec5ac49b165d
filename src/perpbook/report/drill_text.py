"""A drill in a terminal, in plain words: what dies, how often, what the playbook saves, how much smaller the book must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perpbook.engine.drilled import Drilled
from perpbook.playbook.words import reason_words
from perpbook.report.drill_measures import AccountDeaths, Chance, DrillMeasures, Size, largest_size, measures_of
from perpbook.report.drill_tolls import toll_lines, toll_sentences
from perpbook.report.rescue_text import tell_rescue
from perpbook.report.spoken import length

if TYPE_CHECKING:
    from rich.console import Console

CHANCES = (0.05, 0.01, 0.001)
"""Chances of losing an account for which a size is told."""


def sides_of(drilled: Drilled) -> tuple[DrillMeasures | None, DrillMeasures]:
    """The figures under the playbook (None without one) and without it."""
    hours, reasons = drilled.facts["step_hours"], reason_words()
    arrives = drilled.facts["arrives_hours"]
    under = measures_of(drilled.under, drilled.accounts, hours, reasons, arrives) if drilled.under else None
    return under, measures_of(drilled.without, drilled.accounts, hours, reasons, arrives)


def rescue_words(one: AccountDeaths) -> str | None:
    """Whether money sent at the start comes in time, in a sentence; None where nobody said how long it takes."""
    if one.too_late is None or one.arrives_hours is None:
        return None
    if not one.dies.count:
        return f"{one.account} dies in no future: money that takes {one.arrives_hours:g} hours is in time."
    return (
        f"In {one.dies.count:,} of {one.dies.paths:,} futures {one.account} dies; in {one.too_late.count:,} of them before money "
        f"sent at the start, {one.arrives_hours:g} hours on its way, can arrive: {with_interval(one.too_late)} of all."
    )


def sizes_of(drilled: Drilled) -> list[Size]:
    """The largest sizes for a few chances; those that so few futures cannot tell apart are left out."""
    return [largest_size(drilled, one) for one in CHANCES if one * drilled.without.figures.shape[0] >= 10]


def share(value: float) -> str:
    """A fraction in percent, with as many digits as it needs."""
    return f"{value:.1%}" if value >= 0.01 or value == 0 else f"{value:.2%}"


def with_interval(chance: Chance) -> str:
    """A chance and its interval; of a single future, whether it happened."""
    if chance.paths == 1:
        return "yes" if chance.count else "no"
    low, high = chance.interval
    return f"{share(chance.share)} ({share(low)} to {share(high)})"


def verdict_of(drilled: Drilled) -> str:
    """The answer in a sentence or two."""
    under, without = sides_of(drilled)
    if without.paths == 1:
        return alone_verdict(drilled.accounts, under, without)
    lasting = length(drilled.facts["horizon_hours"])
    told = f"In {without.dies.count:,} of {without.paths:,} futures of {lasting} an account is liquidated"
    if under is not None:
        told += f"; under the playbook in {under.dies.count:,}"
    told += "."
    first = max(without.accounts, key=lambda one: one.first.count, default=None)
    if first is not None and first.first.count:
        who = named(drilled, first.account)
        told += f" {who[0].upper()}{who[1:]} is the first to die in {first.first.count:,} of them"
        told += f", after {length(first.median_hours)} in the middle." if first.median_hours else "."
    return told


def named(drilled: Drilled, account: str) -> str:
    """An account as its owner knows it: "your SOL long in hl-sol"; its id where what it holds is not known."""
    held = dict(drilled.standard.holds).get(account, "") if drilled.standard else ""
    return f"your {held} in {account}" if held else account


def alone_verdict(accounts: tuple[str, ...], under: DrillMeasures | None, without: DrillMeasures) -> str:
    """The answer of one storm, gone through once."""

    def lost(side: DrillMeasures) -> str:
        dead = [
            f"{one.account} after {length(one.median_hours)}" for one in side.accounts if one.median_hours is not None
        ]
        return "liquidates " + ", ".join(dead) if dead else "liquidates nobody"

    told = f"The storm {lost(without)} and leaves {without.mean:,.0f} of {without.start:,.0f}"
    if under is not None:
        told += f"; under the playbook it {lost(under)} and leaves {under.mean:,.0f}"
    return told + "."


def tell_drill(console: Console, drilled: Drilled) -> None:
    """Verdict, the two sides, the order of death, sizes, and what to doubt."""
    if drilled.facts["simulated"]:
        console.print("SIMULATED history: no market ever made it.")
    console.print(verdict_of(drilled))
    under, without = sides_of(drilled)
    _tell_sides(console, under, without)
    _tell_accounts(console, under, without)
    for one in (under or without).accounts:
        rescue = rescue_words(one)
        if rescue is not None:
            console.print(rescue + (" (under the playbook)" if under else ""))
    tell_rescue(console, drilled.rescue)
    for told in toll_sentences((under or without).tolls, without.paths):
        console.print(told + (" (under the playbook)" if under else ""))
    for size in sizes_of(drilled):
        console.print(
            f"Without rules, at most {share(size.chance)} of futures lose an account up to {size.scale:.3g} times the positions "
            f"held now ({size.low:.3g} to {size.high:.3g})."
        )
    if under and under.rules and under.paths == 1:
        said = ", ".join(f"{name} ({orders} orders)" for name, orders, _ in under.rules)
        console.print(f"Rules that acted: {said}.")
    elif under and under.rules:
        said = ", ".join(f"{name} in {hit:,}" for name, _, hit in sorted(under.rules, key=lambda one: -one[2])[:6])
        console.print(f"Rules that acted, by futures: {said}.")
    for note in drilled.notes:
        console.print(f"Note: {note}.")
    console.print("Not modelled: " + "; ".join(drilled.not_modelled) + ".")
    console.print(f"Result {drilled.result_hash}")


def lines_of(under: DrillMeasures | None, without: DrillMeasures) -> list[tuple[str, list[str]]]:
    """(name, one text per side) of every line of the table."""
    sides = [one for one in (under, without) if one is not None]

    def short(one: DrillMeasures) -> str:
        return f"{one.shortfall:,.0f}" if one.shortfall is not None else f"too few ({one.tail_paths})"

    many, mean = without.paths > 1, ", mean" if without.paths > 1 else ""
    spread = [
        ("end equity, median", [f"{one.median:,.0f}" for one in sides]),
        ("end equity, worst", [f"{one.worst:,.0f}" for one in sides]),
        ("expected shortfall, worst 2.5 %", [short(one) for one in sides]),
    ]
    return [
        ("an account is liquidated", [with_interval(one.dies) for one in sides]),
        (f"end equity{mean}", [f"{one.mean:,.0f}" for one in sides]),
        *(spread if many else []),
        (f"deepest drawdown{mean}", [share(one.drawdown) for one in sides]),
        (f"funding{mean}", [f"{one.funding:+,.0f}" for one in sides]),
        (f"fees and slippage{mean}", [f"{one.costs:+,.0f}" for one in sides]),
        ("of which for rules", [f"{one.trims:+,.0f}" for one in sides]),
        (f"penalties and seizures{mean}", [f"{one.penalties:+,.0f}" for one in sides]),
        ("a leg left alone", [with_interval(one.orphans) for one in sides]),
        (f"its exposure{mean}", [f"{one.orphan:,.0f}" for one in sides]),
        (f"for hours{mean}", [f"{one.orphan_hours:,.0f}" for one in sides]),
        *toll_lines([one.tolls for one in sides], without.paths),
    ]


def _tell_sides(console: Console, under: DrillMeasures | None, without: DrillMeasures) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for title in (["under the playbook"] if under else []) + ["without it" if under else "the book alone"]:
        table.add_column(title, justify="right")
    for name, texts in lines_of(under, without):
        table.add_row(name, *texts)
    console.print(table)


def _tell_accounts(console: Console, under: DrillMeasures | None, without: DrillMeasures) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.add_column("account")
    for title in ("dies", "first to die", "hours until, median", *(["dies under the playbook"] if under else [])):
        table.add_column(title, justify="right")
    for number, one in enumerate(without.accounts):
        hours = f"{one.median_hours:,.0f}" if one.median_hours is not None else "never"
        row = [one.account, with_interval(one.dies), share(one.first.share), hours]
        table.add_row(*row, *([with_interval(under.accounts[number].dies)] if under else []))
    console.print(table)
