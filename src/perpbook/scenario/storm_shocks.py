"""The tables of a storm's file, each as the shock it writes down."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from perpbook.scenario.knots import Knots, complaint, gap, shifted, stairs, straight, there_and_back
from perpbook.scenario.storm import (
    DIRECTIONS,
    OUTAGES,
    CollateralShock,
    CorrelationShock,
    FundingShock,
    LiquidityShock,
    MarkShock,
    Outage,
    PriceShock,
    Reach,
    Span,
    Taken,
)
from perpbook.scenario.table_reader import FRACTION, Table

EVERY = ("all", "market", "rest")
"""Words for assets that are not named: every one; every one by its beta; every one that no other [[price]] names."""


def prices(root: Table) -> Iterator[PriceShock]:
    """[[price]]"""
    tables = list(root.tables("price"))
    named = tuple(dict.fromkeys(name for one in tables for name in one.names("of") if name not in EVERY))
    for table in tables:
        reach = _reach(table, named)
        word = table.found.get("of")
        by_beta = table.flag("by_beta") or word == "market"
        wicks = table.number("wick_down", 0.0, least=0, most=0.99), table.number("wick_up", 0.0, least=0, most=10)
        knots = _knots(table, "move", math.inf if by_beta else 1.0)
        table.end()
        if knots:
            yield PriceShock(reach=reach, knots=knots, by_beta=by_beta, wick_down=wicks[0], wick_up=wicks[1])


def funding(root: Table, horizon_ns: int) -> Iterator[FundingShock]:
    """[[funding]]"""
    for table in root.tables("funding"):
        reach, span = _reach(table), _span(table, horizon_ns)
        ways = [name for name in ("level_8h", "add_8h", "flip") if table.has(name)]
        half = table.duration("half_life", 0, positive=True) or None
        if len(ways) != 1:
            table.fault(None, "says " + ("nothing of funding" if not ways else " and ".join(ways)), _ONE_WAY)
        elif ways[0] == "flip":
            if not table.flag("flip"):
                table.fault("flip", "should be true", "take the table away to leave funding as it is", show=True)
            yield FundingShock(reach=reach, span=span, how="flip", half_life_ns=half)
        else:
            rate = table.number(ways[0], least=-1, most=1) / 8.0
            yield FundingShock(reach=reach, span=span, how=_HOW[ways[0]], per_hour=rate, half_life_ns=half)
        table.end()


_ONE_WAY = "write one of level_8h (put in place), add_8h (on top) and flip = true (turned round)"
_HOW = {"level_8h": "set", "add_8h": "add"}


def liquidity(root: Table, horizon_ns: int) -> Iterator[LiquidityShock]:
    """[[liquidity]]"""
    for table in root.tables("liquidity"):
        reach, span = _reach(table), _span(table, horizon_ns)
        spread, depth = table.number("spread", 1.0, least=1), table.number("depth", 1.0, least=1e-6, most=1)
        if spread == depth == 1.0:
            table.fault(None, "changes nothing", "write spread (times as wide) or depth (share of the book left)")
        table.end()
        yield LiquidityShock(reach=reach, span=span, spread=spread, depth=depth)


def marks(root: Table, horizon_ns: int) -> Iterator[MarkShock]:
    """[[mark]]"""
    for table in root.tables("mark"):
        reach, span = _reach(table), _span(table, horizon_ns)
        deviation = table.number("deviation", least=-0.999999, most=1e7)
        table.end()
        yield MarkShock(reach=reach, span=span, deviation=deviation)


def collateral(root: Table) -> Iterator[CollateralShock]:
    """[[collateral]]"""
    for table in root.tables("collateral"):
        asset = table.text("asset")
        if table.has("to") and table.has("move"):
            table.fault("move", "says again what `to` says", "write to = 0.88 or move = -0.12")
        knots = _knots(table, "to" if table.has("to") else "move", 1.0)
        table.end()
        if asset and knots:
            yield CollateralShock(asset=asset, knots=knots)


def correlation(root: Table) -> CorrelationShock | None:
    """[correlation]"""
    table = root.table("correlation")
    if table is None:
        return None
    how = table.choice("towards", DIRECTIONS)
    given = how == "given"
    blend = table.number("blend", 1.0, least=0, most=1)
    kappa = table.number("kappa", None if how == "dislocated" else 0.0, least=0, most=20)
    assets = table.names("assets")
    rows = table.found.get("matrix", []) if table.has("matrix") else []
    matrix: tuple[tuple[float, ...], ...] = ()
    if given != bool(assets) or given != bool(rows):
        table.fault(None, "needs assets and matrix with `given`, and has no use for them otherwise", _MATRIX)
    elif given:
        matrix = _matrix(table, rows, assets)
    if given and table.has("blend"):
        table.fault("blend", "has no use with `given`", "take it away")
    if how != "dislocated" and table.has("kappa"):
        table.fault("kappa", "has no use without `dislocated`", "take it away")
    table.end()
    return CorrelationShock(how=how, blend=blend, kappa=kappa, assets=assets, matrix=matrix)


_MATRIX = 'write assets = ["BTC", "ETH"] and matrix = [[1, 0.9], [0.9, 1]], one row for each asset'


def outages(root: Table, horizon_ns: int) -> Iterator[Outage]:
    """[[outage]]"""
    for table in root.tables("outage"):
        where = [one for one in OUTAGES if table.has(one)]
        span = _span(table, horizon_ns)
        if len(where) != 1:
            table.fault(None, "is of nothing" if not where else f"is of {' and '.join(where)} at once", _OF_ONE)
            table.known += ["kind", "factor"]
        else:
            name, kinds = table.text(where[0]), OUTAGES[where[0]]
            kind = table.choice("kind", tuple(kinds))
            law = kinds[kind]
            if law.factor:
                factor = table.number("factor", None, least=law.least, most=law.most)
            else:
                factor = 1.0
                if table.has("factor"):
                    table.fault("factor", f"has no use with {kind}", "take it away")
            yield Outage(where=where[0], name=name, kind=kind, span=span, factor=factor)
        table.end()


_OF_ONE = 'write one of layer = "...", route = "..." and venue = "..." ("*" is every one); two outages are two tables'


def adl(root: Table) -> Iterator[Taken]:
    """[[adl]]"""
    for table in root.tables("adl"):
        venue, at, share = table.text("venue"), table.duration("at", 0), table.number("share", least=0, most=1)
        table.end()
        yield Taken(venue=venue, at_ns=at, share=share)


def _reach(table: Table, named: Sequence[str] = ()) -> Reach:
    """Which contracts a table is about."""
    of, venues = table.names("of") or ("all",), tuple(one for one in table.names("venues") if one != "*")
    words = [name for name in of if name in EVERY]
    if words and len(of) > 1:
        table.fault("of", f"names assets beside {words[0]}", "give each a table of its own", show=True)
    if table.key[-2] != "price" and words and words[0] != "all":
        table.fault("of", f"has no use for {words[0]}", 'write "all", or assets', show=True)
    if not words:
        return Reach(of=of, venues=venues)
    but = table.names("but")
    return Reach(but=tuple(dict.fromkeys((*but, *(named if words[0] == "rest" else ())))), venues=venues)


def _span(table: Table, horizon_ns: int) -> Span:
    """From `at` for so long as it `lasts`, to the storm's end when that is not said."""
    at = table.duration("at", 0)
    lasts = table.duration("lasts", max(horizon_ns - at, 1), positive=True)
    if at >= horizon_ns:
        table.fault("at", "is not within the storm", "make the storm's horizon longer", show=True)
    return Span(at_ns=at, until_ns=at + lasts)


def _knots(table: Table, size: str, steepest: float) -> Knots:
    """The points of a move in any of the ways to write one. `size` : the key of a plain move; no fall is `steepest`."""
    at, over, back = table.duration("at", 0), table.duration("over", 0), table.duration("back", 0)
    regained = table.number("regained", 1.0, least=0, most=1)
    ways = [name for name in (size, "path", "steps") if table.has(name)]
    if len(ways) != 1:
        table.fault(
            None, "has no move" if not ways else f"has {' and '.join(ways)}", f"write one of {size}, path and steps"
        )
        return ()
    if ways[0] in ("path", "steps"):
        points = table.points(ways[0])
        if any(table.has(name) for name in ("over", "back", "regained")):
            table.fault(None, f"has no use for over, back and regained beside {ways[0]}", "take them away")
        knots = shifted(points, at) if ways[0] == "path" else stairs(at, points)
    else:
        move = table.number(size, least=-math.inf) - (1.0 if size == "to" else 0.0)
        if table.has("regained") and not table.has("back"):
            table.fault("regained", "needs back, how long the way back takes", 'write back = "4h"')
        knots = there_and_back(at, move, over, (back, regained)) if back else straight(at, move, over)
        knots = gap(at, move) if not back and not over else knots
    wrong = complaint(knots, -steepest) if knots else None
    if wrong:
        table.fault(ways[0], wrong, FRACTION)
    return () if wrong else knots


def _matrix(table: Table, rows: object, assets: Sequence[str]) -> tuple[tuple[float, ...], ...]:
    """A symmetric matrix of a correlation's size and bounds, whether or not it is a valid one."""
    twice = sorted({one for one in assets if assets.count(one) > 1})
    if twice:
        table.fault("assets", f"names {', '.join(twice)} twice", "name each asset once, in the order of the rows")
        return ()
    good = isinstance(rows, list) and len(rows) == len(assets)
    good = good and all(isinstance(row, list) and len(row) == len(assets) for row in rows)  # type: ignore[attr-defined]
    numbers = good and all(type(one) in (int, float) and abs(one) <= 1 for row in rows for one in row)  # type: ignore[attr-defined]
    if not numbers:
        table.fault("matrix", "should have one row and column of numbers from -1 to 1 for each asset", _MATRIX)
        return ()
    out = tuple(tuple(float(one) for one in row) for row in rows)  # type: ignore[attr-defined]
    for a, one in enumerate(assets):
        if out[a][a] != 1.0:
            table.fault("matrix", f"has {out[a][a]:g} for {one} with itself, which is 1", _MATRIX)
        for b in range(a):
            if out[a][b] != out[b][a]:
                pair = f"{out[a][b]:g} and {out[b][a]:g}"
                table.fault("matrix", f"is not symmetric: {one} with {assets[b]} is {pair}", "make them one")
    return out
