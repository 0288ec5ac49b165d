"""Ways to stop what positions pay, and carry to be had, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perpbook.model.units import DAY_NS, SECOND_NS
from perpbook.report.text import table
from perpbook.report.words import NONE, change, money, move, quantity, share

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.funding.offsets import Bleeding, Offset, Offsets, Told
    from perpbook.funding.planner import Sum
    from perpbook.funding.scan import Candidate, Carries, Leg, Limits
    from perpbook.funding.trial import Danger
    from perpbook.model.trade import Trade


SIDES = ("long", "short")


def tell_offsets(console: Console, found: Offsets) -> None:
    """Every position that pays, and its ways, best first."""
    if found.told.simulated:
        console.print("SIMULATED: prices or funding here were never any market's.")
    if not found.positions:
        who = f"{found.named} is not" if found.named else "No position is"
        console.print(f"{who} expected to pay over {found.told.horizon_days:g} days from {found.told.as_of}.")
    for one in found.positions:
        _tell_position(console, found.told, one)
    _tell_notes(console, found.told)


def _tell_position(console: Console, told: Told, one: Bleeding) -> None:
    position = one.position
    console.print(
        f"{position.symbol} @ {position.account}, {change(position.exposure)}, is expected to pay {money(-one.carry.mean)} "
        f"({money(-one.carry.high)} to {money(-one.carry.low)}, {told.level:.0%}) in {told.horizon_days:g} days: "
        f"{one.yearly:.1%} a year, by {one.model}."
    )
    made = table("Dollars", "way", "keeps", "saves", "cost", "net", "from", "to", "chance", "pays after")
    for offset in one.offsets:
        made.add_row(
            offset.way.words, f"{offset.way.kept:.0%}", *_whole(offset.saved.mean, -offset.cost - offset.waiting, offset.net),
            _chance(offset.chance), days(offset.break_even_ns),
        )  # fmt: skip
    console.print(made)
    for offset in one.offsets:
        console.print(f"{offset.way.words}: {'; '.join(details(offset))}.")
    for missing in one.missing:
        console.print(f"Not tried: {missing}.")
    console.print("")


def details(offset: Offset) -> list[str]:
    """Trades, money, liquidations before and after, what was assumed."""
    out = [f"REFUSED, {offset.refused}"] if offset.refused else []
    out += [trade_words(trade) for trade in offset.way.trades]
    out += [f"buy {money(one.dollars)} of {one.asset} coins" for one in offset.way.coins]
    if offset.way.strays.low < 0.0:
        apart = offset.way.strays
        out.append(f"ADDS RISK: may make {change(apart.low)} to {change(apart.high)} beside what it replaces")
    if offset.money is not None:
        sent = offset.money
        when = "" if sent.seconds is None else f"there within {length(sent.seconds)} nine times in ten; "
        out.append(
            f"first send {money(sent.dollars)} to {sent.destination} ({sent.by}; {when}{money(sent.fee)} of fees; "
            f"what would be saved meanwhile: {money(offset.waiting)})"
        )
    return [*out, *(danger_words(one) for one in offset.dangers), *offset.assumed]


def trade_words(trade: Trade) -> str:
    """A trade as an order."""
    verb = "buy" if trade.quantity > 0 else "sell"
    return f"{verb} {quantity(abs(trade.quantity))[1:]} {trade.symbol} @ {trade.account}"


def danger_words(one: Danger) -> str:
    """Where an account dies, before and after."""
    before, after = _dying(one.move_before), _dying(one.move_after)
    waiting = "" if one.move_waiting is None else f", {_dying(one.move_waiting)} while money is under way"
    ratios = f"margin ratio {ratio(one.ratio_after)} (before: {ratio(one.ratio_before)})"
    dies = ", DIES within 15% either way" if one.dies else ""
    return f"{one.account} dies {after} (before: {before}{waiting}), {ratios}{dies}"


def _dying(at: float | None) -> str:
    """At which move; never also where prices would have to rise a hundredfold."""
    return "never" if at is None or at > 100.0 else f"at {move(at)}"


def ratio(value: float) -> str:
    """A margin ratio, or that the equity is gone."""
    return "gone" if value == float("inf") else f"{value:.0%}"


def tell_scan(console: Console, found: Carries) -> None:
    """Every pair, best first."""
    if found.told.simulated:
        console.print("SIMULATED: prices or funding here were never any market's.")
    console.print(
        f"{len(found.candidates)} {'pair is' if len(found.candidates) == 1 else 'pairs are'} expected to receive funding over "
        f"{found.told.horizon_days:g} days from {found.told.as_of}, {money(found.dollars)} a leg."
    )
    made = table("Dollars", "pair", "receives", "cost", "net", "from", "to", "a year", "chance", "pays after", "z")
    for one in found.candidates:
        made.add_row(
            "\n".join(f"{side} {leg.symbol} @ {leg.account}" for side, leg in zip(SIDES, one.legs, strict=True)),
            *_whole(one.receive.mean, -one.cost, one.net),
            share(one.yearly), _chance(one.chance), days(one.break_even_ns),
            NONE if one.z_score is None else f"{one.z_score:+.1f}",
        )  # fmt: skip
    if found.candidates:
        console.print(made)
    for one in found.candidates:
        console.print(f"{one.legs[0].symbol} / {one.legs[1].symbol}: {'; '.join(_pair_details(one, found.limits))}.")
    _tell_notes(console, found.told)


def _pair_details(one: Candidate, limits: Limits) -> list[str]:
    room = "no depth is known"
    if one.capacity is not None and one.reachable is not None:
        room = f"{money(one.capacity)} rests where it would be entered, "
        room += f"{money(one.reachable)} of it for {limits.loss:.2%} of price"
        room += f" and {limits.share:.0%} of depth" if limits.share < 1.0 else ""
    refused = [f"REFUSED, {one.refused}"] if one.refused else []
    return [*refused, room, *(leg_words(leg) for leg in one.legs), *one.assumed]


def leg_words(leg: Leg) -> str:
    """A leg's margin after the move, either way."""
    dies = ", DIES" if leg.dies else ""
    down, up = ratio(leg.ratio_down), ratio(leg.ratio_up)
    return f"{leg.account}: margin ratio {down} after -15%, {up} after +15%{dies}"


def _tell_notes(console: Console, told: Told) -> None:
    for note in told.notes:
        console.print(f"Note: {note}.")


def _whole(gained: float, cost: float, net: Sum) -> list[str]:
    """Five amounts in whole dollars, received > 0."""
    return [f"{dollars + 0.0:+,.0f}" for dollars in (gained, cost, net.mean, net.low, net.high)]


def _chance(value: float | None) -> str:
    return NONE if value is None else f"{value:.0%}"


def days(length_ns: int | None) -> str:
    """A break-even in days, or that there is none."""
    return "never" if length_ns is None else f"{length_ns / DAY_NS:.1f} d"


def length(seconds: float) -> str:
    """Seconds as a trader says them."""
    minutes = seconds * SECOND_NS / (60 * SECOND_NS)
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
