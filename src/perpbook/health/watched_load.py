"""Reading what is to be watched: the package's table of clocks, and a trader's `health.toml`, strictly and all faults at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from perpbook.errors import InputError, Problem
from perpbook.files.read import read_text
from perpbook.health.clocks import Bounds
from perpbook.health.cosmos import ACCOUNT
from perpbook.health.evm import is_topic
from perpbook.health.rpc import ADDRESS
from perpbook.health.solana import KEY
from perpbook.health.watched import READERS, LayerClocks, Pause, Posting, Watch
from perpbook.health.wire import Address, address_of
from perpbook.scenario.table_reader import Table, in_place, nearest, top_of
from perpbook.treasury.facts import Facts

PACKAGE = Path(__file__).parent / "data" / "clocks.toml"
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
ACCOUNTS = {"evm": ADDRESS, "cosmos": ACCOUNT, "solana": KEY}
COIN = re.compile(r"[A-Za-z][A-Za-z0-9/:._-]{1,127}")
TOKENS = {"evm": ADDRESS, "cosmos": COIN, "solana": KEY}
CRIT_TIMES = 3.0
"""Batches and finality are halted at so many times what they take at worst: our judgement; `health.toml` sets others."""


@lru_cache(maxsize=1)
def packaged_clocks() -> Mapping[str, LayerClocks]:
    """The package's table, by layer."""
    return load_clocks(PACKAGE)


def load_clocks(path: Path) -> Mapping[str, LayerClocks]:
    """A table of clocks.

    Raises
    ------
    InputError : with every problem of the file.
    """
    text, root = _opened(path, "clocks/1", "the table of clocks")
    if not root.has("as_of"):
        root.fault("as_of", "is missing", "write the date on which the figures were read")
    sources = root.table("sources")
    known = tuple(sources.found) if sources else ()
    out = {}
    for table in root.tables("layers"):
        found = _clocks(table)
        for one in table.names("sources"):
            if one not in known:
                table.fault("sources", f'"{one}" is not among [sources]', nearest(one, known))
        table.choice("confidence", ("low", "medium", "high"))
        table.text("note", "-")
        table.end("a layer's clocks")
        out[found.id] = found
    root.end("a table of clocks")
    _refuse(root, text, path, "the table of clocks cannot be used")
    return out


def load_watches(path: Path, facts: Facts, clocks: Mapping[str, LayerClocks]) -> dict[str, Watch]:
    """A trader's `health.toml`, by layer: each with its providers. `${NAME}` in an address is taken from the environment.

    Raises
    ------
    InputError : with every problem of the file.
    """
    text, root = _opened(path, "health/1", "providers")
    out: dict[str, Watch] = {}
    for name, table in _layers(root):
        layer = facts.layer_id(name)
        if layer is None or layer not in clocks:
            root.fault("layers", f'has "{name}", whose health cannot be read', nearest(name, tuple(clocks)))
            continue
        out[layer] = _watch(table, watch_of(layer, facts, clocks), facts)
        table.end("a layer that is watched")
    root.end("health")
    _refuse(root, text, path, f"{path} cannot be used")
    return out


def _layers(root: Table) -> Iterator[tuple[str, Table]]:
    """Each [layers.NAME]; what stands in its place is not repeated, for it may be an address with a key."""
    found = root.found.get("layers") if root.has("layers") else None
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        root.fault("layers", "should be tables", "write [layers.arbitrum] above each layer's keys")
        return
    for name, one in found.items():
        yield name, Table(found=one, key=("layers", name), faults=root.faults)


def watch_of(layer: str, facts: Facts, clocks: Mapping[str, LayerClocks], providers: tuple[Address, ...] = ()) -> Watch:
    """A layer watched as the facts have it."""
    of = facts.layers[layer]
    return Watch(
        clocks=clocks[layer],
        name=of.name,
        providers=providers,
        block_s=of.block_seconds,
        final_s=of.finality_seconds[1] if of.finality_seconds else None,
        base=not of.settles_to,
        batches=clocks[layer].batches,
    )


def _watch(table: Table, watch: Watch, facts: Facts) -> Watch:
    reader = watch.clocks.reader
    providers = _addresses(table, "providers", f"{watch.layer}'s providers")
    names = [one.name for one in providers]
    if len(set(names)) < len(names):
        table.fault("providers", "names one host twice", "a second witness must be somebody else")
    page = _addresses(table, "status_page", f"{watch.layer}'s status page")
    tokens = table.table("tokens")
    chosen = {name: tokens.text(name) for name in tokens.found} if tokens else {}
    out = replace(
        watch,
        providers=providers,
        page=page[0] if page else None,
        accounts=_shaped(table, "accounts", table.names("accounts"), ACCOUNTS.get(reader)),
        tokens={name: one for name, one in chosen.items() if _shaped(table, "tokens", (one,), TOKENS.get(reader))},
        batches=_posting(table, "batches", facts) or watch.batches,
        exits=_posting(table, "exits", facts),
        pause=_pause(table, facts),
    )
    if table.has("head"):
        bounds = _bounds(table.table("head"), watch.clocks.head)
        out = replace(out, clocks=replace(out.clocks, head=bounds))
    return out


def _clocks(table: Table) -> LayerClocks:
    gas = table.table("gas")
    usual, high = (gas.number("usual", least=0.0), gas.number("high", least=0.0)) if gas else (None, None)
    if gas:
        gas.end("gas")
    feed = table.text("feed") if table.has("feed") else ""
    if feed:
        _shaped(table, "feed", (feed,), ADDRESS)
    page = table.text("status_page") if table.has("status_page") else ""
    warn, crit = table.number("warn", least=0.001), table.number("crit", least=0.001)
    if crit < warn:
        table.fault("crit", "should not be below warn", "swap them", show=True)
    return LayerClocks(
        id=table.text("id"), reader=table.choice("reader", READERS), chain=table.text("chain"),
        head=Bounds(warn=warn, crit=max(warn, crit)), feed=feed, status_page=page, usual_gwei=usual, high_gwei=high,
        batches=_posting(table, "batches", None),
    )  # fmt: skip


def _posting(table: Table, name: str, facts: Facts | None) -> Posting | None:
    found = table.table(name)
    if found is None:
        return None
    by = next((one for one in ("contract", "sender") if one in found.found), "")
    if not by:
        found.fault(
            None, "says not what to look at", "write contract or sender, an address on the layer that `on` names"
        )
    address = found.text(by) if by else ""
    topic = found.text("topic") if found.has("topic") else ""
    if topic and not is_topic(topic):
        found.fault("topic", "should be the hash of an event", "0x and 64 hexadecimal digits", show=True)
    shaped = _shaped(found, by, (address,), ADDRESS) if by else ()
    warn, crit = found.number("warn", least=1.0), found.number("crit", least=1.0)
    if crit < warn:
        found.fault("crit", "should not be below warn", "swap them", show=True)
    out = Posting(
        on=_layer(found, facts), address=address, by=by, topic=topic,
        bounds=Bounds(warn=warn, crit=max(warn, crit), grace=0.0, wary=0.0),
    )  # fmt: skip
    found.end("what is posted")
    return out if shaped else None


def _pause(table: Table, facts: Facts) -> Pause | None:
    found = table.table("pause")
    if found is None:
        return None
    address = found.text("contract")
    out = Pause(on=_layer(found, facts), address=address)
    shaped = _shaped(found, "contract", (address,), ADDRESS)
    found.end("a pause")
    return out if shaped else None


def _layer(table: Table, facts: Facts | None) -> str:
    name = table.text("on")
    if facts is None or not name:
        return name
    found = facts.layer_id(name)
    if found is None:
        table.fault("on", "is no layer", nearest(name, tuple(facts.layers)), show=True)
    return found or name


def _bounds(table: Table | None, usual: Bounds) -> Bounds:
    if table is None:
        return usual
    warn, crit = table.number("warn", usual.warn, least=0.001), table.number("crit", usual.crit, least=0.001)
    if crit < warn:
        table.fault("crit", "should not be below warn", "swap them")
    grace, wary = table.number("grace", usual.grace, least=0.0), table.number("wary", usual.wary, least=0.0)
    table.end("a clock's bounds")
    return Bounds(warn=warn, crit=max(warn, crit), grace=grace, wary=wary)


def _shaped(table: Table, name: str, values: tuple[str, ...], shape: re.Pattern[str] | None) -> tuple[str, ...]:
    """The values, when each has the shape that the layer's addresses have; None for a layer whose balances are not read."""
    if shape is None:
        if values:
            table.fault(name, "cannot be read on this layer", f"leave {name} out: of it only health is read")
        return ()
    if all(shape.fullmatch(one) for one in values):
        return values
    if any(values):
        table.fault(name, "is no address on this layer", "copy it whole from an explorer")
    return ()


def _addresses(table: Table, name: str, whose: str) -> tuple[Address, ...]:
    """Addresses of providers; what is wrong with them is told without them."""
    value = table.found.get(name, []) if table.has(name) else []
    many = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in many):
        table.fault(name, "should be a list of addresses", 'write it like ["https://host/path"]')
        return ()
    try:
        return tuple(address_of(filled(one, os.environ.get), whose) for one in many)
    except InputError as error:
        message, _, hint = error.message.partition("\n    ")
        table.fault(name, message, hint or None)
        return ()


def filled(text: str, known: Callable[[str], str | None]) -> str:
    """Text with `${NAME}` put in.

    Raises
    ------
    InputError : a name is not known.
    """
    for name in VARIABLE.findall(text):
        value = known(name)
        if not value:
            raise InputError(f"the environment has no {name}\n    export {name} before running this")
        text = text.replace(f"${{{name}}}", value)
    return text


def _opened(path: Path, schema: str, what: str) -> tuple[str, Table]:
    text = read_text(path, what)
    if isinstance(text, Problem):
        raise InputError(f"{what} cannot be read", [text])
    return text, top_of(text, schema, str(path))


def _refuse(root: Table, text: str, path: Path, message: str) -> None:
    if root.faults:
        raise InputError(message, in_place(root.faults, text, str(path)))
