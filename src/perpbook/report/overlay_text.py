"""An options overlay told: what it is made of, what it costs and saves beside holding less, and what it does not do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from perpbook.hedging.laying import legs_of, overlay_of, times_held, ways_of
from perpbook.report.drill_measures import Chance
from perpbook.report.drill_text import with_interval
from perpbook.report.words import change, money, move, share

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.hedging.futures import FuturesWith
    from perpbook.hedging.laying import Laying
    from perpbook.hedging.overlay import Chosen

NO_RESCUE = (
    "Options on another venue do not protect an account from liquidation: what they gain is not margin where the perpetuals are, "
    "and comes back only if money can be sent in time"
)

NOT_MODELLED = (
    "margin that a venue asks for options sold",
    "which account the premium is paid from: it is taken off the book's equity, not off an account's margin",
    "options that nobody will trade in the storm: they are given up at the spread of today, over their value then",
    "what happens inside a step: options are valued at its close",
)

MANY = 1.5
"""Options on more coins than so many times those held are told of."""

DAYS = (0.0, 7.0, 14.0, 30.0)
MOVES = (-0.5, -0.3, -0.2, -0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15, 0.3)


def verdict_of(laying: Laying) -> str:
    """The answer in a sentence or two."""
    moments, limit = laying.wanted.moments, laying.wanted.limit
    worst = moments.worst_of(moments.losses)
    largest = int(worst[np.argmax(moments.losses[worst])])
    name = moments.paths[moments.storm[largest]].name
    told = f"{money(limit)} ({share(limit / moments.start)} of {money(moments.start)})"
    if not laying.chosen:
        return f"The book keeps the limit of {told}: its worst storm, {name}, takes {money(moments.losses[largest])}."
    best = laying.chosen[0]
    begin = f"The worst storm, {name}, takes {money(moments.losses[largest])}; the limit is {told}."
    if best.short_by > 0.0:
        return (
            f"{begin} NO OVERLAY KEEPS IT: the least bad one, {best.structure}, misses it by {money(best.short_by)} in "
            f"{binding_words(laying, best)}."
        )
    return f"{begin} The cheapest that keeps it: {best.structure}, {money(best.outlay)} of premium and fees."


def binding_words(laying: Laying, chosen: Chosen) -> str:
    """Storms and hours at which the limit binds."""
    moments = laying.wanted.moments
    named = [f"{moments.paths[moments.storm[at]].name} (hour {moments.hours[at]:g})" for at in chosen.binding]
    if not named:
        return "no close of a storm, as whole lots bring more than the limit asks for"
    return ", ".join(named[:4]) + (" and others" if len(named) > 4 else "")


def tell_overlay(console: Console, laying: Laying) -> None:
    """Verdict, costs side by side, legs, what it is worth when, who dies all the same, and what to doubt."""
    console.print(verdict_of(laying))
    if laying.chosen:
        console.print(_side_by_side(laying))
        for one in laying.chosen[:1]:
            console.print(_legs(one, laying))
            console.print(f"Binds: {binding_words(laying, one)}.")
            _tell_worth(console, laying, one)
            if many := many_words(laying, one):
                console.print(many)
        for told in futures_words(laying):
            console.print(told)
        deaths = deaths_words(laying)
        console.print(f"{NO_RESCUE}." + (f" Liquidated all the same: {deaths}." if deaths else ""))
    for note in laying.notes:
        console.print(f"Note: {note}.")
    for why in laying.unfaced:
        console.print(f"Not faced: {why}.")
    console.print("Not modelled: " + "; ".join(NOT_MODELLED) + ".")


def many_words(laying: Laying, chosen: Chosen) -> str:
    """That an overlay counts on many more coins than the book holds; nothing where it does not."""
    many = {base: times for base, times in times_held(laying, chosen).items() if times > MANY}
    if not many:
        return ""
    told = ", ".join(f"{times:.1f} times the book's {base}" for base, times in many.items())
    return (
        f"It buys options on {told}: it counts on storms as deep as these, and a shallower one that kills an account leaves it "
        "short. --cover bounds it."
    )


def _side_by_side(laying: Laying) -> object:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    days = laying.wanted.hold_days
    for title in (
        "way",
        "premium and fees",
        f"lost in {days:g} still days",
        "worst loss",
        "a dollar saved costs",
        "all +15 %",
        "keeps",
    ):
        table.add_column(title, justify="left" if title == "way" else "right", no_wrap=title == "way")
    for row in ways_of(laying):
        cents = row["cost_per_dollar"]
        table.add_row(
            str(row["way"]), _dollars(row["outlay"]), _dollars(row["cost"]), _dollars(row["worst"]),
            f"{cents * 100:.2f} cents" if isinstance(cents, float) else "–",
            change(row["rise"]) if isinstance(row["rise"], float) else "–", "yes" if row["keeps"] else "NO",
        )  # fmt: skip
    return table


def _dollars(value: object) -> str:
    return money(value) if isinstance(value, float) else "–"


def _legs(chosen: Chosen, laying: Laying) -> object:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in (chosen.structure, "coins", "dollars a coin", "dollars"):
        table.add_column(title, justify="left" if title == chosen.structure else "right", no_wrap=True)
    for leg in legs_of(laying, chosen):
        table.add_row(str(leg["option"]), f"{leg['coins']:+,.6g}", f"{leg['price']:,.2f}", f"{leg['dollars']:+,.2f}")
    return table


def _tell_worth(console: Console, laying: Laying, chosen: Chosen) -> None:
    overlay = overlay_of(laying.wanted, chosen)
    waited = overlay.waiting(DAYS)
    console.print(
        "Given up again in a still market: "
        + ", ".join(f"{change(float(lost))} after {days:g} days" for days, lost in zip(DAYS, waited, strict=True))
        + "."
    )
    at_once = overlay.gains_if_all_move(1.0 + np.array(MOVES), 0.0)
    console.print(
        "If every price moves at once: "
        + ", ".join(f"{change(float(won))} at {move(by)}" for by, won in zip(MOVES, at_once, strict=True))
        + "."
    )
    for base, each in overlay.greeks().items():
        console.print(
            f"{base}: delta {each['delta']:+.4g} coins ({each['premium_adjusted_delta']:+.4g} counted in coins), theta "
            f"{change(each['theta_day'])} a day, vega {change(each['vega_point'])} a point; volatility sticky by "
            f"{overlay.rule.sticky}, rising {overlay.rule.with_spot:g} times a fall."
        )


def futures_words(laying: Laying) -> list[str]:
    """What the best overlay does in the futures of a drill."""
    found, limit = laying.futures, laying.wanted.limit
    if found is None:
        return []
    begin = ["SIMULATED history: no market ever made it."] if found.simulated else []
    without, with_it = (with_interval(Chance(count=one, paths=found.paths)) for one in found.beyond(limit))
    worst, mean = found.worst_mean(), found.mean()
    return [
        *begin,
        f"In {found.paths:,} futures ({found.kind}, {found.horizon_hours:g} hours) the loss passes {money(limit)} in {without} "
        f"without the overlay and in {with_it} with it. The worst twentieth ends {money(worst[0])} down on average, and "
        f"{money(worst[1])} with it; all of them {money(mean[0])} and {money(mean[1])}. An account is liquidated in {found.died} "
        "of them, overlay or not.",
        *_ruled_words(found, limit),
    ]


def _ruled_words(found: FuturesWith, limit: float) -> list[str]:
    """The same futures under the playbook, where rules see the overlay."""
    if found.ruled is None:
        return []
    ruled = found.ruled
    without, with_it = (with_interval(Chance(count=one, paths=found.paths)) for one in ruled.losses.beyond(limit))
    worst, mean = ruled.losses.worst_mean(), ruled.losses.mean()
    return [
        f"Under the playbook {ruled.playbook}, whose rules see it: past {money(limit)} in {without} without the overlay and in "
        f"{with_it} with it; the worst twentieth {money(worst[0])} down and {money(worst[1])}, all of them {money(mean[0])} and "
        f"{money(mean[1])}. A rule acts in {ruled.acted[0]} without and in {ruled.acted[1]} with it, an account is liquidated in "
        f"{ruled.died[0]} and in {ruled.died[1]}. The premium is gone from the margin of whoever has most stablecoin."
    ]


def deaths_words(laying: Laying) -> str:
    """Accounts that are liquidated in some storm, and in how many."""
    every = len(laying.wanted.moments.paths)
    return ", ".join(f"{account} in {count} of {every} storms" for account, count in laying.deaths().items())


def _futures(laying: Laying) -> Mapping[str, object] | None:
    found = laying.futures
    if found is None:
        return None
    ruled = found.ruled
    under = None
    if ruled is not None:
        sides = _sides(ruled.losses, laying.wanted.limit, {"acted": ruled.acted, "died": ruled.died})
        under = {"playbook": ruled.playbook, **sides}
    facts = {"paths": found.paths, "kind": found.kind, "horizon_hours": found.horizon_hours, "died": found.died}
    return {**facts, "simulated": found.simulated, **_sides(found, laying.wanted.limit), "ruled": under}


def _sides(
    found: FuturesWith, limit: float, more: Mapping[str, tuple[int, int]] | None = None
) -> dict[str, dict[str, float]]:
    """What futures come to without the overlay and with it."""
    pairs = {
        "beyond_limit": found.beyond(limit),
        "worst_twentieth": found.worst_mean(),
        "mean": found.mean(),
        **(more or {}),
    }
    return {name: dict(zip(("without", "with"), pair, strict=True)) for name, pair in pairs.items()}


def overlay_document(laying: Laying) -> Mapping[str, object]:
    """The answer for machines."""
    moments = laying.wanted.moments
    worst = moments.worst_of(moments.losses)
    overlays = []
    for one in laying.chosen:
        overlay = overlay_of(laying.wanted, one)
        after = moments.worst_of(one.losses)
        overlays.append(
            {
                "structure": one.structure, "legs": legs_of(laying, one), "outlay": one.outlay, "cost": one.cost,
                "short_by": one.short_by, "proven": one.proven, "binds": binding_words(laying, one),
                "waiting": dict(zip(map(str, DAYS), overlay.waiting(DAYS).tolist(), strict=True)),
                "moves": dict(zip(map(str, MOVES), overlay.gains_if_all_move(1.0 + np.array(MOVES), 0.0).tolist(), strict=True)),
                "greeks": overlay.greeks(), "times_held": times_held(laying, one),
                "storms": {path.name: float(one.losses[at]) for path, at in zip(moments.paths, after, strict=True)},
            }
        )  # fmt: skip
    return {
        "verdict": verdict_of(laying), "start": moments.start, "limit": laying.wanted.limit, "hold_days": laying.wanted.hold_days,
        "volatility": laying.wanted.rule, "ways": ways_of(laying), "overlays": overlays,
        "less": laying.less, "futures": _futures(laying),
        "storms": [
            {"storm": path.name, "kind": path.kind, "loss": float(moments.losses[at]), "hour": float(moments.hours[at]),
             "deaths": path.deaths}
            for path, at in zip(moments.paths, worst, strict=True)
        ],
        "notes": laying.notes, "unfaced": laying.unfaced, "not_modelled": (NO_RESCUE, *NOT_MODELLED),
    }  # fmt: skip
