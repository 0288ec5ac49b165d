"""Where a book's money is, in a terminal: places, what is under way, what cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perpbook.report.text import table
from perpbook.report.words import lasting, money, share

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.treasury.flights import Forecast
    from perpbook.treasury.holdings import Holding
    from perpbook.treasury.told import Status

PARTS = ("free", "posted", "gas", "arriving", "leaving", "owed", "locked")


def tell_status(console: Console, found: Status) -> None:
    """Verdict, places, flights, notes."""
    if found.simulated:
        console.print("Prices are examples, not a market: nothing here is a quote.")
    locked = f", and {money(found.locked)} locked" if found.locked else ""
    console.print(f"{money(found.total)} in {_places(found)}, with what comes and without what is owed{locked}.")
    for one in found.unread:
        console.print(f"UNREAD: {one}.")
    if not found.may_start:
        console.print("Nothing new may start: money that nobody sees may have met a need already.")
    _tell_places(console, found.holdings)
    for flight in found.flights:
        console.print(flight_words(flight))
    for note in found.notes:
        console.print(f"Note: {note}.")


def _places(found: Status) -> str:
    count = len({one.place for one in found.holdings})
    return f"{count} places" if count != 1 else "1 place"


def _tell_places(console: Console, holdings: tuple[Holding, ...]) -> None:
    """Columns that say anything."""
    used = [name for name in PARTS if any(getattr(one, name) for one in holdings)]
    made = table("Money by place and coin", "place", "coin", *used, "virtual", left=2)
    for one in holdings:
        made.add_row(one.place, one.asset, *(_dollars(getattr(one, name)) for name in used), money(one.virtual))
    console.print(made)


def _dollars(value: float) -> str:
    return money(value) if value else ""


def flight_words(one: Forecast) -> str:
    """A transfer under way: what, since when, when it comes."""
    flight = one.flight
    by = f" by {', '.join(flight.ways)}" if flight.ways else ""
    told = f"Under way: {money(flight.dollars)} of {flight.asset} from {flight.source} to {flight.destination}{by}"
    told += f", gone for {lasting(one.gone)}" if one.gone is not None else ""
    if one.late:
        told += ", LATE: the sender was told that it would be there"
    if one.typical is not None and one.most is not None:
        told += f"; typically {_coming(one.typical)} more, 95 in 100 within {_coming(one.most)}"
    if not one.astray:
        told += f"; stuck with a chance of {share(one.stuck)}" if not flight.stuck else "; STUCK"
    return told + (f" ({one.why})" if one.why else "") + "."


def _coming(seconds: float) -> str:
    return "no time that is known" if seconds == float("inf") else lasting(seconds)


def status_document(found: Status) -> dict[str, object]:
    """The status for machines: dollars and seconds."""
    return {
        "as_of_ns": found.as_of_ns,
        "simulated": found.simulated,
        "may_start": found.may_start,
        "total": found.total,
        "locked": found.locked,
        "holdings": [
            {"place": one.place, "asset": one.asset, **{name: getattr(one, name) for name in PARTS},
             "actual": one.actual, "virtual": one.virtual}
            for one in found.holdings
        ],
        "flights": [flight_document(one) for one in found.flights],
        "unread": found.unread,
        "notes": found.notes,
    }  # fmt: skip


def flight_document(one: Forecast) -> dict[str, object]:
    """A flight with when it comes."""
    flight = one.flight
    return {
        "asset": flight.asset, "dollars": flight.dollars, "source": flight.source, "destination": flight.destination,
        "routes": flight.ways, "departed_ns": flight.departed_ns, "arrives_ns": flight.arrives_ns, "said_stuck": flight.stuck,
        "gone_seconds": one.gone, "typical_seconds": one.typical, "p95_seconds": one.most, "stuck": one.stuck,
        "late": one.late, "counted_on": one.counts, "why": one.why,
    }  # fmt: skip
