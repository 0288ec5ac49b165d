"""The files of facts that come with Perpbook, read strictly: every key known, every name resolved, every fault told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from perpbook.errors import InputError, Problem
from perpbook.files.read import read_text
from perpbook.scenario.table_reader import Table, in_place, nearest, top_of
from perpbook.treasury.facts import RISKS, Door, Facts, Layer, Route, Venue
from perpbook.treasury.facts_read import (
    amount,
    end,
    read_cap,
    read_day,
    read_fee,
    read_gas,
    read_health,
    read_pair,
    read_points,
    read_witness,
    times_of,
)

PACKAGE = Path(__file__).parent / "data"
FILES = ("layers", "routes", "venues")
LAYER_KINDS = ("base", "rollup", "appchain")
ROUTE_KINDS = ("canonical", "cctp", "validators", "internal", "liquidity", "aggregator")
ACCESS = ("evm", "starknet", "solana", "cosmos", "api")

Thing = TypeVar("Thing", Layer, Route, Venue)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One file being read."""

    file: str
    text: str
    root: Table
    sources: Mapping[str, object]


@lru_cache(maxsize=1)
def packaged_facts() -> Facts:
    """The facts of the package."""
    return load_facts(PACKAGE)


def load_facts(folder: Path) -> Facts:
    """The facts of a folder with `layers.toml`, `routes.toml` and `venues.toml`.

    Raises
    ------
    InputError : with every problem of the three files.
    """
    pages = {name: _open(folder / f"{name}.toml", name) for name in FILES}
    layers = _by_id(pages["layers"], "layers", _layer)
    routes = _by_id(pages["routes"], "routes", _route)
    venues = _by_id(pages["venues"], "venues", _venue)
    doors = [_door(pages["venues"], name) for name in ("withdrawal", "deposit")]
    issuers = _issuers(pages["layers"])
    _check_names(pages, layers, routes, venues)
    problems = []
    for page in pages.values():
        end(page.root)
        problems += in_place(page.root.faults, page.text, page.file)
    if problems:
        raise InputError("facts of layers, routes and venues cannot be used", problems)
    withdrawal, deposit = doors
    assert withdrawal is not None and deposit is not None
    return Facts(
        layers=layers,
        routes=routes,
        venues=venues,
        withdrawal=withdrawal,
        deposit=deposit,
        as_of={name: str(page.root.found["as_of"]) for name, page in pages.items()},
        issuers=issuers,
    )


def _open(path: Path, name: str) -> Page:
    text = read_text(path, "facts")
    if isinstance(text, Problem):
        raise InputError("facts cannot be read", [text])
    root = top_of(text, f"{name}/1", str(path))
    if not root.has("as_of"):
        root.fault("as_of", "is missing", "write the date on which the figures were read")
    sources = root.table("sources")
    for one in sources.found if sources else ():
        entry = sources.table(one) if sources else None
        if entry is not None:
            entry.text("where")
            entry.known.append("read")
            end(entry)
    return Page(file=str(path), text=text, root=root, sources=sources.found if sources else {})


def _by_id(page: Page, name: str, read: Callable[[Table, Page], Thing | None]) -> dict[str, Thing]:
    out: dict[str, Thing] = {}
    for table in page.root.tables(name):
        before = len(table.faults)
        found = read(table, page)
        end(table)
        if found is not None and found.id in out:
            table.fault("id", "is used twice", "give each an id of its own", show=True)
        if found is not None and len(table.faults) == before:
            out[found.id] = found
    return out


def _layer(table: Table, page: Page) -> Layer:
    return Layer(
        id=table.text("id"),
        name=table.text("name"),
        kind=table.choice("kind", LAYER_KINDS),
        domains=table.names("domains"),
        aliases=table.names("aliases"),
        settles_to=table.text("settles_to", ""),
        block_seconds=amount(table, "block_seconds"),
        finality_seconds=read_pair(table, "finality"),
        exit_seconds=read_pair(table, "exit"),
        single_operator=table.flag("single_operator"),
        forced_inclusion_seconds=amount(table, "forced_inclusion_seconds"),
        chain_id=int(table.number("chain_id", least=1.0)) if table.has("chain_id") else None,
        network=table.text("network", ""),
        access=table.choice("access", ACCESS),
        operator=table.text("operator", ""),
        clouds=table.names("clouds"),
        since=read_day(table, "since"),
        gas=read_gas(table),
        health=read_health(table),
        witness=read_witness(table, page.sources),
    )


def _route(table: Table, page: Page) -> Route | None:
    points = read_points(table)
    out = Route(
        id=table.text("id"),
        family=table.text("family"),
        kind=table.choice("kind", ROUTE_KINDS),
        starts=table.names("from"),
        ends=table.names("to"),
        assets=table.names("assets"),
        seconds=times_of(points or {}),
        points=points or {},
        fee=read_fee(table),
        cap=read_cap(table),
        domains=table.names("domains"),
        risk=table.choice("risk", RISKS),
        failures=table.names("failures"),
        leaving=table.names("leaving"),
        arriving=table.names("arriving"),
        since=read_day(table, "since"),
        witness=read_witness(table, page.sources),
    )
    for name, found in (("from", out.starts), ("to", out.ends), ("assets", out.assets)):
        if not found:
            table.fault(name, "is missing", "add it")
    return out if points is not None else None


def _venue(table: Table, page: Page) -> Venue:
    out = Venue(
        id=table.text("id"),
        name=table.text("name"),
        layer=table.text("layer", ""),
        networks=table.names("networks"),
        assets=table.names("assets"),
        wallet=table.text("wallet", ""),
        credit_seconds=amount(table, "credit_seconds") or 0.0,
        witness=read_witness(table, page.sources),
    )
    if sum(map(bool, (out.layer, out.networks, out.wallet))) != 1:
        table.fault(None, "has not one door", "write one of layer, networks and wallet")
    return out


def _door(page: Page, name: str) -> Door | None:
    table = page.root.table(name)
    if table is None:
        page.root.fault(name, "is missing", f"write [{name}] with its seconds")
        return None
    points, fee, witness = read_points(table), read_fee(table), read_witness(table, page.sources)
    seconds = times_of(points or {})
    if points is not None and seconds is None:
        table.fault("seconds", "needs least, typical and worst", "every exchange is taken to be like this one")
    end(table)
    return Door(seconds=seconds, fee=fee, witness=witness) if seconds is not None else None


def _issuers(page: Page) -> dict[str, str]:
    """Who makes a coin, by coin."""
    table = page.root.table("issuers")
    return {coin: table.text(coin) for coin in table.found} if table else {}


def _check_names(
    pages: Mapping[str, Page], layers: Mapping[str, Layer], routes: Mapping[str, Route], venues: Mapping[str, Venue]
) -> None:
    """Every layer and wallet that is named is there."""

    def need(page: str, who: str, names: Iterable[str], known: Mapping[str, object]) -> None:
        for name in names:
            if name and name not in known:
                pages[page].root.fault(page, f'{who} names "{name}", which is not there', nearest(name, tuple(known)))

    for layer in layers.values():
        need("layers", layer.id, [layer.settles_to], layers)
    for route in routes.values():
        need("routes", route.id, (*route.starts, *route.ends), layers)
    for venue in venues.values():
        need("venues", venue.id, (venue.layer, *venue.networks), layers)
        need("venues", venue.id, [venue.wallet], venues)
