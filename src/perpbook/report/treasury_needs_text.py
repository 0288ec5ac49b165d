"""What every place should hold, in a terminal: levels, what is short and why, what could go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perpbook.report.text import table
from perpbook.report.words import lasting, money

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.treasury.lead import Coming, Lead
    from perpbook.treasury.needs import Level
    from perpbook.treasury.told import Wanted


def verdict_of(found: Wanted) -> str:
    """The answer in a sentence."""
    short = [one for one in found.levels if one.short > 0.0]
    if not found.levels:
        return "Nothing is needed anywhere that is known."
    if not short:
        return "Every place holds what it needs."
    total = sum(one.short for one in short)
    return f"SHORT: {money(total)} in {', '.join(_named(one) for one in short)}."


def _named(one: Level) -> str:
    return f"{one.place}'s gas tank" if one.kind == "gas" else one.place


def tell_needs(console: Console, found: Wanted) -> None:
    """Verdict, levels, reasons, spares, notes."""
    held = found.view.holdings
    if found.view.snapshot.market.simulated:
        console.print("Prices are examples, not a market: nothing here is a quote.")
    for one in held.unread:
        console.print(f"UNREAD: {one}.")
    if not held.may_start:
        console.print("Nothing new may start: money that nobody sees may have met a need already.")
    console.print(verdict_of(found))
    _tell_levels(console, found.levels)
    for level in found.levels:
        console.print(level_words(level))
    if found.spares:
        made = table("What could go", "place", "coin", "dollars", "kept", "why", left=2)
        for spare in found.spares:
            made.add_row(spare.place, spare.asset, money(spare.dollars), money(spare.kept), spare.why)
        console.print(made)
    if found.past:
        console.print(f"Margins through {found.past}; {found.buffer:.0%} of maintenance margin left over.")
    for note in (*unknown_words(found.levels), *found.notes):
        console.print(f"Note: {note}.")


def unknown_words(levels: tuple[Level, ...]) -> list[str]:
    """What bands leave out, by place."""
    return [
        f"bands of {one.place} leave out what nobody knows of a transfer's cost ({', '.join(one.unknown)}): give it with --facts"
        for one in levels
        if one.unknown
    ]


def _tell_levels(console: Console, levels: tuple[Level, ...]) -> None:
    if not levels:
        return
    names = ("has", "least", "fill up to", "too much", "back to", "short", "over")
    made = table("What every place should hold", "place", "what", *names, left=2)
    for one in levels:
        band = one.band
        made.add_row(
            one.place, WHAT[one.kind], money(one.has), money(band.least), money(band.refill), money(band.most),
            money(band.back), money(one.short) if one.short else "", money(one.over) if one.over else "",
        )  # fmt: skip
    console.print(made)


WHAT = {"account": "margin", "layer": "reserve", "gas": "gas"}


def level_words(one: Level) -> str:
    """Why a place should hold what it should, and by when what is short must be there."""
    told = f"{_named(one)} needs {money(one.band.least)}: {one.why}"
    if one.kind != "gas" or one.short > 0.0:
        told += f"; {lead_words(one.lead)}"
    if one.short > 0.0:
        told += f"; {money(one.short)} short, wanted within {lasting(one.seconds)}"
    return told + "."


def lead_words(lead: Lead) -> str:
    """How money comes, and how when the best way is gone."""
    if lead.first is None:
        return f"{lead.why}, so it lives {lasting(lead.seconds)} by itself"
    told = f"money comes {_within(lead.first)}"
    if lead.second is None:
        return f"{told}, and {lead.why}"
    return f"{told}, else {_within(lead.second)}"


def _within(one: Coming) -> str:
    when = "at once" if one.seconds < 1.0 else f"within {lasting(one.seconds)}"
    return f"{when} ({one.way.pot.name}: {one.way.words})"


def needs_document(found: Wanted) -> dict[str, object]:
    """Needs for machines: dollars and seconds."""
    return {
        "verdict": verdict_of(found),
        "as_of_ns": found.view.snapshot.book.as_of_ns,
        "simulated": found.simulated,
        "may_start": found.view.holdings.may_start,
        "confidence": found.view.confidence,
        "promised": found.view.promised,
        "buffer": found.buffer,
        "past": found.past or None,
        "levels": [level_document(one) for one in found.levels],
        "needs": found.needs,
        "spares": found.spares,
        "unread": found.view.holdings.unread,
        "notes": found.notes,
    }


def level_document(one: Level) -> dict[str, object]:
    """One place."""
    return {
        "place": one.place, "kind": one.kind, "assets": one.assets, "has": one.has, "band": one.band, "short": one.short,
        "over": one.over, "seconds": one.seconds, "why": one.why, "critical": one.critical, "weight": one.weight,
        "lead": lead_document(one.lead), "unknown": one.unknown,
    }  # fmt: skip


def lead_document(lead: Lead) -> dict[str, object]:
    """How money comes: by the best way, and by the best that shares nothing with it."""
    return {
        "seconds": lead.seconds,
        "why": lead.why,
        **{
            name: None if one is None else {
                "from": one.way.pot.name, "by": one.way.words, "seconds": one.seconds, "typical_seconds": one.typical
            }
            for name, one in (("first", lead.first), ("second", lead.second))
        },
    }  # fmt: skip
