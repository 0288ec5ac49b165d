"""Options held beside a backtest, told: what they cost, paid and were worth, and the run with them beside the one without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.engine.overlaid import Overlaid
from perpbook.engine.result import BacktestResult
from perpbook.hedging.holding import Held
from perpbook.kernels.types import Integers
from perpbook.model.units import DAY_NS, to_iso
from perpbook.report.figures import Spec, axis, layout
from perpbook.report.run_figures import SERIES, line
from perpbook.report.run_measures import Measures, measures_of
from perpbook.report.words import change, money, share

if TYPE_CHECKING:
    from rich.console import Console

MOST_LEGS = 24

NOT_MODELLED = (
    "margin of options sold: what the options' account may come to owe is set aside at the start, from knowing the run's prices",
    "money from the options' account to others: what options gain is no margin where the perpetuals are",
    "giving options up: they count at their value, without a spread, until they end",
    "which strikes and days are listed for options bought by strike over spot, and how much of any can be had",
    "an expiry's average: an option pays by the bar's close at or after its end, in dollars at once",
)

LINES: dict[str, Callable[[Measures], str]] = {
    "end equity": lambda one: money(one.end),
    "least equity": lambda one: money(one.least),
    "deepest drawdown": lambda one: share(one.drawdown),
    "worst day": lambda one: share(one.worst_day),
    "liquidations": lambda one: f"{one.liquidations:,}",
    "orders of rules": lambda one: f"{sum(one.rules.values()):,}",
}


def sums_of(overlay: Overlaid, moments_ns: Integers) -> dict[str, float]:
    """Dollars of all options over the run: `premiums` paid less received, spreads and fees in them, which are `cost`; what ended
    options `paid_out`, what the others are `worth`; the `gain`, of it `decay` by waiting alone (< 0: lost), and the rest by
    `moves` of prices and volatility. `carry_day` is decay less cost over the `days` in which something was held."""
    held = overlay.standing.held
    alive = np.zeros(moments_ns.size - 1, dtype=bool)
    for one in held:
        alive[one.first : one.last] |= bool(one.coins)
    days = float(np.diff(moments_ns)[alive].sum()) / DAY_NS
    cost, decay, gain = (sum(getattr(one, name) for one in held) for name in ("cost", "decay", "gain"))
    return {
        "premiums": -sum(one.paid for one in held),
        "cost": cost,
        "paid_out": sum(float(one.worth[-1]) for one in held if one.ended),
        "worth": sum(float(one.worth[-1]) for one in held if not one.ended),
        "gain": gain,
        "decay": decay,
        "moves": gain + cost - decay,
        "carry_day": (decay - cost) / days if days else 0.0,
        "days": days,
    }


def moments_of(result: BacktestResult) -> Integers:
    """(B + 1,) the first open and every close."""
    bars = result.main.bars
    return np.concatenate([bars.open_ns[:1], bars.open_ns + bars.bar_ns])


def warnings_of_overlay(facts: Mapping[str, Any]) -> list[str]:
    """That a chain of another time prices the options."""
    laid, out = facts.get("overlay", {}), []
    index = laid.get("volatility_index")
    for base, one in laid.get("chains", {}).items():
        if one["borrowed"]:
            side = "after" if one["days_after_start"] > 0 else "before"
            told = (
                f"its level by {index}, {one['volatility_times']:.2f} times the chain's at the start"
                if index
                else "and its level too: nothing says that volatility was such"
            )
            out.append(
                f"BORROWED SMILE of {base}: {one['source']} of {one['as_of'][:10]}, {abs(one['days_after_start']):,.0f} days "
                f"{side} this run's start, by strike over forward and days; {told}."
            )
    return out


def verdict_of_overlay(result: BacktestResult) -> str:
    """What the overlay did, in a few sentences; nothing where there is none."""
    if result.overlay is None:
        return ""
    overlay, sums = result.overlay, sums_of(result.overlay, moments_of(result))
    ours, bare = measures_of(result.main), measures_of(overlay.without)
    standing = overlay.standing
    aside = f", which also set {money(standing.reserve)} aside for it" if standing.reserve else ""
    return (
        f"Overlay: {money(sums['premiums'])} of premiums from {standing.payer}{aside}; {money(sums['paid_out'])} paid out, "
        f"{money(sums['worth'])} still worth: {change(sums['gain'])}. Carry {change(sums['carry_day'])} a day over "
        f"{sums['days']:,.1f} days (waiting {change(sums['decay'])}, spreads and fees {change(-sums['cost'])}), moves "
        f"{change(sums['moves'])}. With it the book ends at {money(ours.end)} and falls {share(ours.drawdown)} at most, without "
        f"it at {money(bare.end)} and {share(bare.drawdown)}."
    )


def sides_of(result: BacktestResult) -> list[tuple[str, str, str]]:
    """(what, with the overlay, without it) of the run that was asked for."""
    assert result.overlay is not None
    ours, bare = measures_of(result.main), measures_of(result.overlay.without)
    return [(name, tell(ours), tell(bare)) for name, tell in LINES.items()]


def legs_of(result: BacktestResult) -> list[dict[str, object]]:
    """Every option that was held, in order of purchase."""
    assert result.overlay is not None
    moments_ns = moments_of(result)
    held = sorted(result.overlay.standing.held, key=lambda one: one.first)
    return [_leg(one, moments_ns) for one in held]


def _leg(one: Held, moments_ns: Integers) -> dict[str, object]:
    return {
        "option": one.option.name,
        "coins": one.coins,
        "strike": one.option.strike,
        "bought": to_iso(int(moments_ns[one.first])),
        "ends": to_iso(one.option.expiry_ns),
        "ended": one.ended,
        "spot": one.spot,
        "premium": -one.paid,
        "cost": one.cost,
        "worth": float(one.worth[-1]),
        "gain": one.gain,
        "decay": one.decay,
    }


def overlay_data(result: BacktestResult) -> dict[str, Any] | None:
    """The overlay for machines."""
    if result.overlay is None:
        return None
    standing, bare = result.overlay.standing, measures_of(result.overlay.without)
    return {
        "verdict": verdict_of_overlay(result),
        "facts": result.overlay.facts,
        "outlay": standing.outlay,
        "reserve": standing.reserve,
        "sums": sums_of(result.overlay, moments_of(result)),
        "legs": legs_of(result),
        "without": bare,
        "not_modelled": NOT_MODELLED,
    }


def tell_overlaid(console: Console, result: BacktestResult) -> None:
    """The overlay in a terminal; nothing where there is none."""
    from rich.table import Table

    if result.overlay is None:
        return
    console.print()
    console.print(verdict_of_overlay(result))
    sides = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "with the overlay", "without it"):
        sides.add_column(title, justify="right" if title else "left")
    for row in sides_of(result):
        sides.add_row(*row)
    console.print(sides)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("option", "coins", "bought", "premium", "worth", "gain"):
        table.add_column(title, justify="left" if title == "option" else "right", no_wrap=True)
    legs = legs_of(result)
    for leg in legs[:MOST_LEGS]:
        table.add_row(*leg_cells(leg))
    console.print(table)
    if len(legs) > MOST_LEGS:
        console.print(f"and {len(legs) - MOST_LEGS} more")
    console.print("Not modelled of options: " + "; ".join(NOT_MODELLED) + ".")


def leg_cells(leg: Mapping[str, Any]) -> tuple[str, ...]:
    """An option as a row: name, coins, day of purchase, premium, worth at its end or now, gain."""
    worth = money(leg["worth"]) + ("" if leg["ended"] else " still")
    return (
        leg["option"], f"{leg['coins']:+,.6g}", leg["bought"][:10], money(leg["premium"]), worth, change(leg["gain"]),
    )  # fmt: skip


def overlay_figures(result: BacktestResult) -> dict[str, Spec]:
    """Equity with and without the overlay, and what its options are worth; nothing where there is none."""
    if result.overlay is None:
        return {}
    main, standing = result.main, result.overlay.standing
    pairs = {
        "overlay_equity": [
            line(main, main.equity, "with the overlay", SERIES[0]),
            line(result.overlay.without, result.overlay.without.equity, "without it", SERIES[3]),
        ],
        "overlay_worth": [
            line(main, standing.worth[1 : main.ended + 1], "options", SERIES[1]),
            line(main, standing.equity[1 : main.ended + 1], "their account", SERIES[2], dash="dot"),
        ],
    }
    shape = {"xaxis": axis(type="date"), "yaxis": axis(tickformat="$~s"), "showlegend": True}
    return {name: {"data": data, "layout": layout(280, **shape)} for name, data in pairs.items()}
