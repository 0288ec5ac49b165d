"""The files of facts that come with Perpbook, read strictly: every key known, every name resolved, every fault told."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from perpbook.errors import InputError, Problem
from perpbook.files.read import read_text
from perpbook.scenario.table_reader import Table, in_place, nearest
from perpbook.treasury.facts import Cap, Door, Facts, Fee, Layer, Route, Times, Venue, Witness

PACKAGE = Path(__file__).parent / "data"
FILES = ("layers", "routes", "venues")
CONFIDENCE = ("low", "medium", "high")
LAYER_KINDS = ("base", "rollup", "appchain")
ROUTE_KINDS = ("canonical", "cctp", "validators", "internal", "liquidity")


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
    _check_names(pages, layers, routes, venues)
    problems = []
    for page in pages.values():
        _end(page.root)
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
    )


def _open(path: Path, name: str) -> Page:
    text = read_text(path, "facts")
    if isinstance(text, Problem):
        raise InputError("facts cannot be read", [text])
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}") from None
    root = Table(found=found, key=(), faults=[])
    if root.text("schema") != f"{name}/1":
        root.fault("schema", f'is not "{name}/1", which this version reads', f'write schema = "{name}/1" at the top')
    if not root.has("as_of"):
        root.fault("as_of", "is missing", "write the date on which the figures were read")
    sources = root.table("sources")
    for one in sources.found if sources else ():
        entry = sources.table(one) if sources else None
        if entry is not None:
            entry.text("where")
            entry.known.append("read")
            _end(entry)
    return Page(file=str(path), text=text, root=root, sources=sources.found if sources else {})


def _by_id(page: Page, name: str, read: Callable[[Table, Page], Thing | None]) -> dict[str, Thing]:
    out: dict[str, Thing] = {}
    for table in page.root.tables(name):
        before = len(table.faults)
        found = read(table, page)
        _end(table)
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
        block_seconds=_seconds(table, "block_seconds"),
        finality_seconds=_pair(table, "finality"),
        exit_seconds=_pair(table, "exit"),
        single_operator=table.flag("single_operator"),
        forced_inclusion_seconds=_seconds(table, "forced_inclusion_seconds"),
        witness=_witness(table, page),
    )


def _route(table: Table, page: Page) -> Route | None:
    seconds = _times(table)
    out = Route(
        id=table.text("id"),
        family=table.text("family"),
        kind=table.choice("kind", ROUTE_KINDS),
        starts=table.names("from"),
        ends=table.names("to"),
        assets=table.names("assets"),
        seconds=seconds or Times(least=0.0, typical=0.0, worst=0.0),
        fee=_fee(table),
        cap=_cap(table),
        domains=table.names("domains"),
        witness=_witness(table, page),
    )
    for name, found in (("from", out.starts), ("to", out.ends), ("assets", out.assets)):
        if not found:
            table.fault(name, "is missing", "add it")
    return out if seconds is not None else None


def _venue(table: Table, page: Page) -> Venue:
    out = Venue(
        id=table.text("id"),
        name=table.text("name"),
        layer=table.text("layer", ""),
        networks=table.names("networks"),
        assets=table.names("assets"),
        wallet=table.text("wallet", ""),
        credit_seconds=_seconds(table, "credit_seconds") or 0.0,
        witness=_witness(table, page),
    )
    if sum(map(bool, (out.layer, out.networks, out.wallet))) != 1:
        table.fault(None, "has not one door", "write one of layer, networks and wallet")
    return out


def _door(page: Page, name: str) -> Door | None:
    table = page.root.table(name)
    if table is None:
        page.root.fault(name, "is missing", f"write [{name}] with its seconds")
        return None
    seconds, fee, witness = _times(table), _fee(table), _witness(table, page)
    _end(table)
    return Door(seconds=seconds, fee=fee, witness=witness) if seconds is not None else None


def _times(table: Table) -> Times | None:
    found = table.table("seconds")
    if found is None:
        if "seconds" not in table.found:
            table.fault("seconds", "is missing", "write seconds = { least = …, typical = …, worst = … }")
        return None
    before = len(found.faults)
    least, typical, worst = (found.number(name, least=0.0) for name in ("least", "typical", "worst"))
    p90 = _seconds(found, "p90")
    _end(found)
    points = [least, typical, *([p90] if p90 is not None else []), worst]
    if points != sorted(points):
        table.fault("seconds", "should rise: least, typical, p90, worst", "put them in order", show=True)
    if len(found.faults) > before:
        return None
    return Times(least=least, typical=typical, worst=worst, p90=p90)


def _pair(table: Table, name: str) -> tuple[float, float] | None:
    """(typical, worst), the second the first where it is not known."""
    found = table.table(name)
    if found is None:
        return None
    typical = found.number("typical", least=0.0)
    worst = found.number("worst", typical, least=0.0)
    _end(found)
    return typical, worst


def _fee(table: Table) -> Fee:
    found = table.table("fee")
    if found is None:
        return Fee()
    out = Fee(dollars=_seconds(found, "dollars"), bps=_seconds(found, "bps"), plus=found.text("plus", ""))
    _end(found)
    return out


def _cap(table: Table) -> Cap:
    found = table.table("amount")
    if found is None:
        return Cap()
    out = Cap(least=found.number("least", 0.0, least=0.0), most=_seconds(found, "most"), note=found.text("note", ""))
    _end(found)
    return out


def _witness(table: Table, page: Page) -> Witness:
    sources = table.names("sources")
    for one in sources:
        if one not in page.sources:
            table.fault("sources", f'"{one}" is not among [sources]', nearest(one, tuple(page.sources)))
    return Witness(
        confidence=table.choice("confidence", CONFIDENCE),
        sources=sources,
        unverified=table.names("unverified"),
        note=table.text("note", ""),
    )


def _seconds(table: Table, name: str) -> float | None:
    """A number of 0 or more, None where it is not written."""
    return table.number(name, least=0.0) if table.has(name) else None


def _end(table: Table) -> None:
    for name in table.found:
        if name not in table.known:
            table.fault(name, "is not a key of facts here", nearest(name, tuple(dict.fromkeys(table.known))))


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
