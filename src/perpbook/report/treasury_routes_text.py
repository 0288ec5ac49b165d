"""Ways for money in a terminal and as a document: the soonest first, then gas, then what is not known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from perpbook.report.text import table
from perpbook.report.words import NONE, lasting, money, share

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from perpbook.treasury.exit_gas import ExitGas
    from perpbook.treasury.route_table import Routes, Row

POINTS = ("typical", "p95", "p99")
BASE_FEES = {"p50": "usual", "p99": "dear (p99)", "p999": "p99.9"}


def tell_routes(console: Console, found: Routes) -> None:
    """Print it all."""
    if found.rows:
        console.print(_ways(found))
    if found.more:
        console.print(f"{found.more} more ways take longer: --most shows them.")
    tell_gas(console, found)
    tell_unknown(console, found.rows)
    for note in found.notes:
        console.print(f"* {note}")
    own = f", your own of {found.as_of['own']}" if "own" in found.as_of else ""
    told = "docs/treasury-facts.md says how times and chances are reckoned"
    console.print(f"Figures as of {found.as_of['routes']}{own}; {told}.")


def _ways(found: Routes) -> Table:
    """A row for each way; its ends in the title where all have the same."""
    title = f"From {found.ends[0]} to {found.ends[1]}" if found.ends else ""
    made = table(title, "By", "Usual", "95 %", "99 %", "Fee", "Limit", "Risk", "Stuck")
    named = found.between and found.ends is None
    words = [f"{row.start} to {row.end}:\n  {row.words}" if named else row.words for row in found.rows]
    made.columns[4].max_width = 11
    made.columns[0].min_width = min(25, max(len(line) for one in words for line in one.split("\n")))
    for row, said in zip(found.rows, words, strict=True):
        stuck = share(row.stuck, 2) if row.stuck is not None else "?"
        made.add_row(said, *_times(row), fee_words(row), _limit(row.most), row.risk, stuck)
    return made


def tell_gas(console: Console, found: Routes) -> None:
    """The gas of a full exit, of the layers of which it is known."""
    rows = [one for one in found.gas if one.coins]
    if found.between:
        rows = [one for one in rows if any(one.layer in (row.start, row.end) for row in found.rows)]
    if not rows:
        return
    made = table("Gas of a full exit", "Layer", "Actions", *BASE_FEES.values(), left=2)
    for one in rows:
        made.add_row(one.layer, ", ".join(one.actions), *(_gas(one, percent) for percent in BASE_FEES))
    console.print(made)
    console.print(f"Base fees of {'; '.join(dict.fromkeys(one.window for one in rows if one.window))}.")
    for one in rows:
        if found.between and one.plus:
            console.print(f"* gas on {one.layer}: {one.plus}")
    if any(one.above for one in rows):
        console.print("≤: that point is not known; the highest of the window stands for it.")


def tell_unknown(console: Console, rows: Sequence[Row]) -> None:
    """Figures that nobody knows, those without a source, and the trader's own."""
    lacking = _by_route((row, row.unknown) for row in rows)
    if lacking:
        console.print(f"Nobody knows, give it with --facts: {lacking}.")
    bare = _by_route((row, tuple(one for one in row.unverified if one not in row.unknown)) for row in rows)
    if bare:
        console.print(f"Without a source: {bare}.")
    mine = _by_route((row, row.own) for row in rows)
    if mine:
        console.print(f"Your own: {mine}.")


def _by_route(figures: Iterable[tuple[Row, tuple[str, ...]]]) -> str:
    """Names of figures, put together by route."""
    found: dict[str, list[str]] = {}
    for row, names in figures:
        for name in names:
            route, colon, figure = name.rpartition(": ")
            found.setdefault(route if colon else row.by[0], []).append(figure)
    return "; ".join(f"{route} ({', '.join(dict.fromkeys(names))})" for route, names in found.items())


def fee_words(row: Row) -> str:
    """$1.00 + 1 bps; a question mark for what nobody knows."""
    parts = [money(row.dollars)] if row.dollars else []
    parts += [f"{row.rate * 1e4:g} bps"] if row.rate else []
    parts += ["?"] if any("fee" in name or "price" in name for name in row.unknown) else []
    parts += [] if row.gas == 0.0 else [f"gas {_small(row.gas)}" if row.gas is not None else "gas"]
    return " + ".join(parts) or "none"


def _limit(dollars: float | None) -> str:
    if dollars is None:
        return NONE
    return f"${dollars / 1e6:.3g}M" if dollars >= 1e6 else money(dollars)


def _times(row: Row) -> tuple[str, ...]:
    return tuple(_time(one) for one in row.seconds) or ("?", "?", "?")


def _time(seconds: float) -> str:
    return lasting(seconds).replace(" days", " d") if math.isfinite(seconds) else "not in it"


def _gas(one: ExitGas, percent: str) -> str:
    sign = "≤ " if percent in one.above else ""
    if percent in one.dollars:
        return f"{sign}{_small(one.dollars[percent])}"
    return f"{sign}{one.coins[percent]:.2g} {one.token}" if percent in one.coins else "?"


def _small(dollars: float) -> str:
    return money(dollars) if dollars >= 0.01 or dollars == 0.0 else "< 1¢"


def routes_document(found: Routes) -> dict[str, Any]:
    """All of it for --json; null: not known, or not while the storm lasts (`arrives` says which)."""
    return {
        "as_of": dict(found.as_of),
        "storm": found.storm,
        "ways": [_row(one) for one in found.rows],
        "more": found.more,
        "exit_gas": [_exit(one) for one in found.gas],
        "notes": list(found.notes),
    }


def _row(row: Row) -> dict[str, Any]:
    seconds = {name: _finite(one) for name, one in zip(POINTS, row.seconds, strict=False)}
    return {
        "by": list(row.by),
        "from": row.start,
        "to": row.end,
        "seconds": seconds or None,
        "arrives": None if not row.seconds else math.isfinite(row.seconds[0]),
        "fee": {"dollars": row.dollars, "rate": row.rate, "gas_dollars": row.gas},
        "least": row.least,
        "most": row.most,
        "risk": row.risk,
        "families": list(row.families),
        "stuck": {"chance": row.stuck, "incidents": row.incidents},
        "confidence": row.confidence,
        "unknown": list(row.unknown),
        "own": list(row.own),
        "unverified": list(row.unverified),
        "notes": list(row.notes),
        "failures": list(row.failures),
    }


def _exit(one: ExitGas) -> dict[str, Any]:
    return {
        "layer": one.layer,
        "token": one.token or None,
        "free": one.free,
        "actions": list(one.actions),
        "coins": dict(one.coins),
        "dollars": dict(one.dollars),
        "highest_stands_for": list(one.above),
        "window": one.window or None,
        "plus": one.plus or None,
        "unknown": list(one.unknown),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
