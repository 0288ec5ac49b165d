"""The size that survives, in a terminal: how large, what to cut, why, and whether other futures bore it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perpbook.engine.sized import BindingFuture, Bounds, Cut, Room, Sized, Tried, Uniform
from perpbook.report.drill_measures import Chance
from perpbook.report.drill_text import share, with_interval
from perpbook.report.words import money, move, quantity

if TYPE_CHECKING:
    from rich.console import Console

SIZES = {"held": "as held", "uniform": "all positions alike", "trims": "the trims"}


def bounds_words(bounds: Bounds) -> str:
    """The bounds in a sentence's middle."""
    said = []
    if bounds.chance is not None:
        said.append(f"at most {share(bounds.chance)} of futures lose an account")
    if bounds.shortfall is not None:
        said.append(f"the worst 2.5 % lose at most {share(bounds.shortfall)} of equity on average")
    return " and ".join(said)


def verdict_of(sized: Sized) -> str:
    """The answer in a sentence or two."""
    bounds, cut = bounds_words(sized.bounds), sized.cut
    if sized.uniform is not None and not sized.needed:
        return f"The book keeps the bounds as it stands: {bounds}, up to {times(sized.uniform)}."
    if sized.uniform is None:
        told = f"No common scale on the positions keeps the bounds: {bounds}."
    else:
        told = f"The book is too large: {bounds} only up to {times(sized.uniform)}."
    if cut is None:
        return f"{told} No trims do: what costs, coins and the rest of the book lose breaks them already."
    told += f" The cheapest trims cost {money(cut.cost)} and keep {share(cut.kept)} of the positions"
    if not cut.tested:
        return f"{told}; NEW FUTURES DID NOT BEAR THEM OUT in {cut.tries} tries: trim more, or draw more futures."
    return (
        f"{told}." if sized.uniform is None else f"{told}, against {money(sized.uniform.cost)} for cutting all alike."
    )


def times(uniform: Uniform) -> str:
    """A scale and its interval."""
    if uniform.scale >= 64.0:
        return "64 times the positions held now, or more"
    told = f"{uniform.scale:.3g} times the positions held now"
    return told if uniform.low is None else f"{told} (95 % interval {uniform.low:.3g} to {uniform.high:.3g})"


def binding_words(one: BindingFuture) -> str:
    """A future that binds."""
    moves = ", ".join(f"{symbol} {move(by)}" for symbol, by in one.moves[:5])
    return f"future {one.path}, hour {one.hours:g}: {moves}, and {one.account} stands at its margin"


def room_words(rooms: Sequence[Room]) -> list[str]:
    """What a dollar is worth, accounts where it is worth the same together."""
    alike: dict[tuple[str, str], list[str]] = {}
    for one in rooms:
        alike.setdefault((money(one.allows), f"{one.saves * 100:.2g}"), []).append(one.account)
    return [
        f"$1 more collateral in {' or '.join(names)} allows {allows} more of positions, and saves {cents} cents of trimming"
        for (allows, cents), names in alike.items()
    ]


def tested_words(sized: Sized) -> str | None:
    """What new futures said to the common scale, where they did not agree."""
    uniform = sized.uniform
    if uniform is None or uniform.tested == uniform.scale:
        return None
    if uniform.tested is None:
        return "New futures bore out no common scale that was tried."
    return f"New futures bore out a common scale of {uniform.tested:.3g}."


def tell_size(console: Console, sized: Sized) -> None:
    """Verdict, trims, why, the test, and what to doubt."""
    if sized.facts["simulated"]:
        console.print("SIMULATED history: no market ever made it.")
    console.print(verdict_of(sized))
    if sized.cut is not None:
        _tell_trims(console, sized.cut)
    _tell_tried(console, sized)
    told = tested_words(sized)
    if told is not None:
        console.print(told)
    if sized.cut is not None:
        for one in sized.cut.binding:
            console.print(f"Binds: {binding_words(one)}.")
        if sized.cut.shortfall_binds:
            console.print("Binds: the mean loss of the worst 2.5 % of futures.")
        for told in room_words(sized.cut.room):
            console.print(f"{told}.")
    for one_doubt in sized.doubts:
        console.print(f"To doubt: {one_doubt}.")
    for note in sized.notes:
        console.print(f"Note: {note}.")
    console.print("Not modelled: " + "; ".join(sized.not_modelled) + ".")


def _tell_trims(console: Console, cut: Cut) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("trim", "account"):
        table.add_column(title)
    for title in ("from", "to", "closes", "fees", "slippage"):
        table.add_column(title, justify="right")
    for one in cut.trims:
        slipped = money(one.slippage) if one.slippage_known else "unknown"
        table.add_row(
            one.symbol, one.account, quantity(one.quantity_before), quantity(one.quantity_after), money(one.notional_closed),
            money(one.fees), slipped,
        )  # fmt: skip
    console.print(table)


def tried_row(one: Tried, start: float) -> tuple[str, ...]:
    """A line of the test's table."""
    futures = ("new" if one.fresh else "its own") + (", under the playbook" if one.rules else "")
    short = "too few futures"
    if one.shortfall is not None:
        error = f" ± {1.96 * one.error:,.0f}" if one.error else ""
        short = f"{one.shortfall:,.0f}{error} ({share(one.shortfall / start)})"
    dies = with_interval(Chance(count=one.deaths, paths=one.paths))
    return SIZES[one.size], futures, dies, short, "yes" if one.keeps else "NO"


def _tell_tried(console: Console, sized: Sized) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("size", "futures"):
        table.add_column(title)
    for title in ("lose an account", "shortfall, $", "keeps"):
        table.add_column(title, justify="right")
    for one in sized.tried:
        table.add_row(*tried_row(one, sized.start))
    console.print(table)


def size_document(sized: Sized) -> dict[str, object]:
    """The answer for machines: everything found, with the intervals of chances."""
    import dataclasses

    tried = []
    for one in sized.tried:
        low, high = Chance(count=one.deaths, paths=one.paths).interval
        tried.append({**dataclasses.asdict(one), "chance": one.deaths / one.paths, "low": low, "high": high})
    found = {field.name: getattr(sized, field.name) for field in dataclasses.fields(sized)}
    return {"verdict": verdict_of(sized), **found, "tried": tried}
