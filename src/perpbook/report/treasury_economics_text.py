"""Fee economics in a terminal: every layer's fees, the bands they make best, and why a cheap layer allows a fine band."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.report.spoken import money
from perpbook.report.text import table
from perpbook.report.words import lasting
from perpbook.treasury.economics import DEAR, MEDIAN, Economics, LayerToll

if TYPE_CHECKING:
    from rich.console import Console


def tell_economics(console: Console, found: Economics) -> None:
    """The sentence, fees by layer, what they come to, notes."""
    if found.simulated:
        console.print("Prices are examples, not a market: nothing here is a quote.")
    for one in sentences(found):
        console.print(one)
    if found.drifts:
        _tell_fees(console, found)
        _tell_bands(console, found)
    for one in notes_of(found):
        console.print(f"{one[:1].upper()}{one[1:]}.")


def sentences(found: Economics) -> list[str]:
    """What drifts, and why a layer with cheap gas allows finer rebalancing, from the numbers."""
    if not found.drifts:
        return [
            "Nothing drifts: each coin's exposure keeps its share of equity whatever prices do. There is nothing to rebalance."
        ]
    first = found.drifts[0]
    day = first.spread / 365.0**0.5
    out = [
        f"{first.asset} drifts most: {money(day)} a day from today's share of equity ({money(first.dollars)} of "
        f"{money(found.equity)})."
    ]
    pair = dear_and_fine(found)
    if pair is None:
        return out
    dear, fine = pair
    far, near = dear.found[DEAR], fine.found[DEAR]
    out.append(
        f"Why {fine.name} allows finer rebalancing than {dear.name}: when gas is dear a trade costs {gas(fine.tolls[DEAR].gas)} "
        f"there instead of {gas(dear.tolls[DEAR].gas)}, so the best band of {first.asset} is {_band(fine, DEAR)} instead of "
        f"{_band(dear, DEAR)}, {near.trades:,.0f} trades a year are worth making instead of {far.trades:,.0f}, and keeping to "
        f"target costs {money(near.cost)} a year instead of {money(far.cost)}; while a trade waits for its block profit "
        f"strays by {gas(near.bands[0].waiting)} instead of {gas(far.bands[0].waiting)}."
    )
    return out


def dear_and_fine(found: Economics) -> tuple[LayerToll, LayerToll] | None:
    """The layer of the dearest gas, and the rollup of the dearest: the least that a rollup brings. None without both."""
    rollups = [one for one in found.layers if one.kind == "rollup"]
    below = [one for one in found.layers if one.kind == "base"]
    return (
        (below[0], rollups[0]) if below and rollups and below[0].tolls[DEAR].gas > rollups[0].tolls[DEAR].gas else None
    )


def gas(dollars: float) -> str:
    """Gas in dollars, however little."""
    if dollars == 0.0 or dollars >= 0.1:
        return money(dollars) if dollars else "none"
    return f"${np.format_float_positional(dollars, precision=2, fractional=False, trim='-')}"


def _band(one: LayerToll, gas_at: str) -> str:
    return f"±{money(one.found[gas_at].bands[0].edge)}"


def _tell_fees(console: Console, found: Economics) -> None:
    made = table("What a trade costs", "Layer", "Gas, median", "Gas, dear", "Fee and spread", "Filled within")
    for one in found.layers:
        made.add_row(*fee_row(one))
    console.print(made)


def fee_row(one: LayerToll) -> tuple[str, ...]:
    """Layer, gas at the median and when dear, proportional cost, latency."""
    toll = one.tolls[MEDIAN]
    return (
        one.name + (" *" if one.ours else ""),
        ("≥ " if one.floor else "") + gas(toll.gas),
        ("≥ " if one.floor else "") + gas(one.tolls[DEAR].gas),
        f"{1e4 * toll.rate:.2f} bps",
        "not known" if toll.seconds is None else f"{toll.seconds:g} s",
    )


def _tell_bands(console: Console, found: Economics) -> None:
    made = table(
        f"What it comes to, at the median of gas / when it is dear (the band is that of {found.drifts[0].asset})",
        "Layer", "Band ±", "Trades a year", "By the clock, every", "Cost a year", "Error a day",
    )  # fmt: skip
    for one in found.layers:
        made.add_row(*band_row(one))
    console.print(made)


def band_row(one: LayerToll) -> tuple[str, ...]:
    """Layer, band, trades, hedge frequency, yearly cost and tracking error; median / dear."""
    sides = [one.found[MEDIAN], one.found[DEAR]]
    return (
        one.name,
        _both(f"{side.bands[0].edge:,.0f}" for side in sides),
        _both(f"{side.trades:,.0f}" for side in sides),
        _both(lasting(one.every[name]) for name in (MEDIAN, DEAR)),
        _both(f"{side.cost:,.0f}" for side in sides),
        _both(f"{side.error:,.0f}" for side in sides),
    )


def _both(values: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(values))


def notes_of(found: Economics) -> list[str]:
    """What to know of the numbers."""
    out = [
        f"drift by {found.moves}; risk aversion {found.aversion:g} (1 bets all that Kelly says, 2 half of it)",
        "the band is around each coin's share of equity today; a trade brings exposure back inside it, not to its middle",
        "cost a year: gas, fees and spread, and what being off target costs as a risk; error a day: one standard deviation of "
        "what profit strays by",
    ]
    if any(one.ours for one in found.layers):
        out.append("* the book trades there, at its own fees; elsewhere at the mean of the book's")
    if any(one.floor for one in found.layers):
        out.append(
            "≥: what a rollup pays to write its data on the layer below is not in it; give a layer's own figure with "
            "--gas LAYER=MEDIAN,DEAR"
        )
    if any(one.tolls[MEDIAN].seconds is None for one in found.layers):
        out.append("where latency is not known none is counted; give it with --latency LAYER=SECONDS")
    if found.unknown:
        out.append(
            "left out, for no price of gas is known: "
            + "; ".join(f"{name} ({why})" for name, why in found.unknown.items())
        )
    return [*out, *found.notes]


def economics_document(found: Economics) -> dict[str, Any]:
    """All of it for --json: dollars, years, seconds."""
    return {
        "equity": found.equity, "risk_aversion": found.aversion, "simulated_prices": found.simulated, "moves": found.moves,
        "drifts": found.drifts, "unknown": dict(found.unknown), "notes": notes_of(found), "told": sentences(found),
        "layers": [
            {
                "layer": one.id, "name": one.name, "kind": one.kind, "book_trades_there": one.ours,
                "gas_is_at_least": one.floor or None,
                "at": {
                    name: {
                        "gas": toll.gas, "rate": toll.rate, "seconds": toll.seconds, "least_trade": toll.least,
                        "trades": one.found[name].trades, "trading": one.found[name].trading, "risk": one.found[name].risk,
                        "cost": one.found[name].cost, "error_a_day": one.found[name].error,
                        "by_the_clock_seconds": one.every.get(name),
                        "bands": {of.asset: band for of, band in zip(found.drifts, one.found[name].bands, strict=True)},
                    }
                    for name, toll in one.tolls.items()
                },
            }
            for one in found.layers
        ],
    }  # fmt: skip
