"""The trader's own figures: a file that fills in what the facts do not know, or takes the place of what they do.

Read as strictly as the facts: every key known, every name resolved. What is not written stays as the facts have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from perpbook.errors import InputError, Problem
from perpbook.files.read import read_text
from perpbook.scenario.table_reader import Table, in_place, nearest, top_of
from perpbook.treasury.facts import Cap, Door, Facts, Fee, Gas, Layer, Route, Witness
from perpbook.treasury.facts_load import packaged_facts
from perpbook.treasury.facts_read import POINTS, amount, end, fraction, read_gwei, read_points, read_units, times_of
from perpbook.treasury.own_transfers import Transfer, read_log, transfer_of, updated
from perpbook.treasury.stuck_kept import reckoned_facts

SCHEMA = "own-facts/1"
DOORS = ("withdrawal", "deposit")
ACTIONS = ("transfer", "token", "approve", "burn", "mint", "bridge", "deposit", "withdraw", "prove", "claim")
"""Actions that are paid in gas."""


def treasury_facts(own: Path | None = None) -> Facts:
    """The facts of the package with the chances of being stuck, and with the trader's own figures where there is a file.

    Raises
    ------
    InputError : with every problem of the file.
    """
    return reckoned_facts() if own is None else with_own(packaged_facts(), own)


def with_own(facts: Facts, path: Path) -> Facts:
    """Facts under the trader's own file, with the chances of being stuck; errors as `treasury_facts`."""
    text = read_text(path, "own facts")
    if isinstance(text, Problem):
        raise InputError("own facts cannot be read", [text])
    root = top_of(text, SCHEMA, str(path))
    as_of = root.found.get("as_of") if root.has("as_of") else None
    if not isinstance(as_of, date):
        root.fault("as_of", "is not a day", "write the day of your figures: as_of = 2026-11-20")
    out = _changed(facts, root)
    transfers = _transfers(root, tuple(facts.routes))
    logged, problems = _log(root, path, tuple(facts.routes))
    root.end("own facts")
    problems = in_place(root.faults, text, str(path)) + problems
    if problems:
        raise InputError("own facts cannot be used", problems)
    out = _reckoned(out)
    routes = {one.id: updated(one, (*transfers, *logged)) for one in out.routes.values()}
    return replace(out, routes=routes, as_of={**facts.as_of, "own": str(as_of)})


def _reckoned(facts: Facts) -> Facts:
    """Facts with the chances of being stuck, from the outages of all storms."""
    from perpbook.scenario.catalogue import packaged
    from perpbook.treasury.stuck import with_stuck

    return with_stuck(facts, packaged().values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What the trader says of a limit that everybody shares."""

    ours: float | None
    deposits: float | None


def _changed(facts: Facts, root: Table) -> Facts:
    pools = _pools(facts, root)
    routes = dict(facts.routes)
    for name, table in _named(root, "routes", facts.routes):
        routes[name] = _route(facts.routes[name], table)
        end(table)
    routes = {name: _pooled(one, pools) for name, one in routes.items()}
    layers = dict(facts.layers)
    for name, table in _named(root, "layers", facts.layers):
        layers[name] = _layer(facts.layers[name], table)
        end(table)
    doors = {name: _door(getattr(facts, name), root, name) for name in DOORS}
    return replace(facts, routes=routes, layers=layers, withdrawal=doors["withdrawal"], deposit=doors["deposit"])


def _named(root: Table, kind: str, known: Mapping[str, object]) -> list[tuple[str, Table]]:
    """The tables of [kind.NAME] whose names are known."""
    of = root.table(kind)
    out = []
    for name in of.found if of else ():
        table = of.table(name) if of else None
        if of and name not in known:
            of.fault(name, f"is not one of the {kind} that are known", nearest(name, tuple(known)))
        elif table is not None:
            out.append((name, table))
    return out


def _route(route: Route, table: Table) -> Route:
    own = list(route.witness.own)
    points = route.points
    if "seconds" in table.found:
        told = {**points, **(read_points(table) or {})}
        points = {name: told[name] for name in POINTS if name in told}
        if list(points.values()) != sorted(points.values()):
            table.fault("seconds", "do not rise together with those of the facts", "give least, typical and worst")
            points = route.points
        own.append("seconds")
    fee, cap = _fee(route.fee, table, own), _cap(route.cap, table, own)
    return replace(
        route, points=points, seconds=times_of(points), fee=fee, cap=cap, witness=_witness(route.witness, own)
    )  # fmt: skip


def _fee(fee: Fee, table: Table, own: list[str]) -> Fee:
    found = table.table("fee")
    if found is None:
        return fee
    told = {name: value for name in ("dollars", "bps") if (value := amount(found, name)) is not None}
    own += [f"fee.{name}" for name in told]
    end(found)
    # A fee in dollars that the trader tells is the whole of it.
    native = {} if "dollars" in told else fee.native
    return replace(fee, dollars=told.get("dollars", fee.dollars), bps=told.get("bps", fee.bps), native=native)


def _cap(cap: Cap, table: Table, own: list[str]) -> Cap:
    found = table.table("amount")
    if found is None:
        return cap
    least, most = amount(found, "least"), amount(found, "most")
    own += [f"amount.{name}" for name, value in (("least", least), ("most", most)) if value is not None]
    end(found)
    out = replace(cap, least=cap.least if least is None else least, most=cap.most if most is None else most)
    if out.most is not None and out.most < out.least:
        table.fault("amount", "most is below least", "write the larger one as most", show=True)
    return out


def _layer(layer: Layer, table: Table) -> Layer:
    found = table.table("gas")
    if found is None:
        return layer
    gas, own = layer.gas or Gas(token=found.text("token")), list(layer.witness.own)
    token = found.text("token", gas.token)
    gwei, units, out = read_gwei(found), read_units(found), found.names("exit")
    # Percentiles of one window do not go with those of another.
    window = found.text("window", "your own" if gwei else gas.window)
    for name in (*units, *out):
        if name not in ACTIONS:
            found.fault("units" if name in units else "exit", f'"{name}" is not an action', nearest(name, ACTIONS))
    own += [f"gas.gwei.{name}" for name in gwei] + [f"gas.units.{name}" for name in units] + ["gas.exit"] * bool(out)
    end(found)
    told = replace(
        gas, token=token, gwei=gwei or gas.gwei, units={**gas.units, **units}, window=window, exit=out or gas.exit
    )
    return replace(layer, gas=replace(told, free=not token), witness=_witness(layer.witness, own))


def _door(door: Door, root: Table, name: str) -> Door:
    table = root.table(name)
    if table is None:
        return door
    own = list(door.witness.own)
    seconds = door.seconds
    if "seconds" in table.found:
        points = read_points(table) or {}
        seconds = times_of(points) or seconds
        if times_of(points) is None:
            table.fault("seconds", "needs least, typical and worst", "write all three", show=True)
        own.append("seconds")
    fee = _fee(door.fee, table, own)
    end(table)
    return replace(door, seconds=seconds, fee=fee, witness=_witness(door.witness, own))


def _pools(facts: Facts, root: Table) -> dict[str, Pool]:
    known = {one.pool: one for route in facts.routes.values() for one in route.cap.shared}
    out = {}
    for name, table in _named(root, "pools", known):
        out[name] = Pool(ours=fraction(table, "ours"), deposits=amount(table, "deposits"))
        end(table)
    return out


def _pooled(route: Route, pools: Mapping[str, Pool]) -> Route:
    """The route with what is told of the limits it shares."""
    told = [one.pool for one in route.cap.shared if one.pool in pools]
    if not told:
        return route
    shared = tuple(
        replace(one, ours=pools[one.pool].ours, deposits=pools[one.pool].deposits) if one.pool in pools else one
        for one in route.cap.shared
    )
    # The part that is told takes the place of the least that the limit can be, not of a limit of the trader's own.
    own = [*route.witness.own, "amount.shared"]
    parts = [one.own for one in shared if one.ours is not None and one.own is not None]
    parts += [route.cap.most] if route.cap.most is not None and (not parts or "amount.most" in own) else []
    cap = replace(route.cap, shared=shared, most=min(parts, default=None))
    return replace(route, cap=cap, witness=_witness(route.witness, own))


def _transfers(root: Table, routes: Sequence[str]) -> list[Transfer]:
    """[[transfers]] of the file itself."""
    out = []
    for table in root.tables("transfers"):
        route, sent, arrived = table.text("route"), _when(table, "sent"), _when(table, "arrived")
        one = transfer_of(route, sent, arrived, routes) if sent and arrived else None
        if isinstance(one, tuple):
            table.fault(None, one[0], one[1])
        elif one is not None:
            out.append(one)
        end(table)
    return out


def _when(table: Table, name: str) -> str:
    """A time, or a word, as text."""
    value = table.found.get(name)
    if isinstance(value, datetime):
        table.known.append(name)
        return value.isoformat()
    return table.text(name)


def _log(root: Table, path: Path, routes: Sequence[str]) -> tuple[list[Transfer], list[Problem]]:
    """Transfers of the log that the file names, beside it."""
    name = root.text("log", "")
    if not name:
        return [], []
    text = read_text(path.parent / name, "log of transfers")
    if isinstance(text, Problem):
        return [], [text]
    return read_log(text, str(path.parent / name), routes)


def _witness(witness: Witness, own: Sequence[str]) -> Witness:
    return replace(witness, own=tuple(dict.fromkeys(own)))
