"""`treasury health`: providers wired to clocks, look by look, and what is remembered from one look to the next."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perpbook.errors import InputError
from perpbook.model.health import LayerHealth
from perpbook.runs.places import home

if TYPE_CHECKING:
    from perpbook.health.judge import LayerMemory
    from perpbook.health.survey import Surveyor
    from perpbook.health.watched import Watch
    from perpbook.health.wire import Limits

SCHEMA = "health-memory/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to look at. layers : none for every one that has providers. rpc : "layer=address" texts. file : a `health.toml`.
    pages : read the status pages that the facts know. memory : where to remember, None for nowhere."""

    layers: tuple[str, ...] = ()
    rpc: tuple[str, ...] = ()
    file: Path | None = None
    pages: bool = False
    memory: Path | None = None
    timeout_s: float = 5.0


def memory_file() -> Path:
    """Where looks are remembered unless another place is given."""
    return home() / "health.json"


@dataclass(slots=True, kw_only=True)
class Monitor:
    """Looks at layers. `asked` in the order in which they are told."""

    surveyor: Surveyor
    asked: tuple[str, ...]
    memory: dict[str, LayerMemory] = field(default_factory=dict)
    file: Path | None = None

    def look(self, now: Callable[[], int]) -> tuple[LayerHealth, ...]:
        """Every layer's health now. now : nanoseconds UTC."""
        from perpbook.health.judge import LayerMemory, judged
        from perpbook.health.survey import layers_in_order

        found, grounds = {}, {}
        for layer in layers_in_order(self.surveyor.watches, self.asked):
            moment = now()
            before = self.memory.get(layer, LayerMemory())
            agreement, rolled = self.surveyor.agree(layer), ""
            if agreement.agreed and before.anchor is not None:
                agreement, rolled = self.surveyor.still(layer, agreement, before.anchor)
            grounds[layer] = agreement
            reading = self.surveyor.read(layer, grounds, agreement, rolled)
            found[layer], self.memory[layer] = judged(self.surveyor.watches[layer], reading, before, moment)
        if self.file is not None:
            _remember(self.file, self.memory)
        return tuple(found[layer] for layer in self.asked)

    def close(self) -> None:
        """Let all connections go."""
        self.surveyor.close()


def monitor_of(asked: Asked) -> Monitor:
    """A monitor for what is asked.

    Raises
    ------
    InputError : a layer is unknown or has nobody to ask, an address is none, or a file is wrong.
    """
    from perpbook.health.survey import Surveyor
    from perpbook.health.wire import Limits

    if not 0.0 < asked.timeout_s <= 60.0:
        raise InputError(f"a timeout of {asked.timeout_s:g} s does not do: give seconds up to 60")
    watches = watches_of(asked)
    names = tuple(_layer(one, watches) for one in asked.layers) or tuple(
        layer for layer, watch in watches.items() if watch.providers
    )
    if not names:
        raise InputError(
            "there is nobody to ask: name providers by --rpc arbitrum=https://host/path (two or more for each layer), "
            "or write them into health.toml and give it by --providers"
        )
    memory = _remembered(asked.memory) if asked.memory is not None else {}
    limits: Limits = Limits(seconds=asked.timeout_s)
    return Monitor(
        surveyor=Surveyor(watches=watches, limits=limits), asked=tuple(dict.fromkeys(names)), memory=memory, file=asked.memory
    )  # fmt: skip


def last_look(asked: Asked, now_ns: int, stale_s: float) -> tuple[LayerHealth, ...]:
    """Layers' health as it was last seen, asking nobody: what is older than `stale_s` is not known.

    Raises
    ------
    InputError : nothing was ever remembered, or not of a layer that is asked for.
    """
    from perpbook.health.judge import recalled
    from perpbook.health.watched_load import packaged_clocks, watch_of
    from perpbook.treasury.facts_load import packaged_facts

    facts, clocks = packaged_facts(), packaged_clocks()
    watches = {layer: watch_of(layer, facts, clocks) for layer in clocks}
    memory = _remembered(asked.memory) if asked.memory is not None else {}
    names = tuple(_layer(one, watches) for one in asked.layers) or tuple(layer for layer in memory if layer in watches)
    missing = [one for one in names if one not in memory]
    if not names or missing:
        raise InputError(
            f"nothing is remembered of {', '.join(missing) or 'any layer'}: look first, by naming providers"
        )
    return tuple(recalled(watches[layer], memory[layer], now_ns, stale_s) for layer in names)


def watches_of(asked: Asked) -> dict[str, Watch]:
    """Every layer that could be watched, with the providers that are given for it."""
    from perpbook.health.watched_load import load_watches, packaged_clocks, watch_of
    from perpbook.health.wire import address_of
    from perpbook.treasury.facts_load import packaged_facts

    facts, clocks = packaged_facts(), packaged_clocks()
    out = {layer: watch_of(layer, facts, clocks) for layer in clocks}
    if asked.file is not None:
        out |= load_watches(asked.file, facts, clocks)
    for layer, addresses in _given(asked.rpc).items():
        watch = out[_layer(layer, out)]
        more = (*watch.providers, *addresses)
        if len({one.name for one in more}) < len(more):
            raise InputError(f"{watch.layer} has one host twice: a second witness must be somebody else")
        out[watch.layer] = replace(watch, providers=more)
    for layer, watch in out.items():
        if asked.pages and watch.clocks.status_page and watch.page is None:
            watch = replace(watch, page=address_of(watch.clocks.status_page, f"{layer}'s status page"))
        # Batches are looked for below only where somebody can be asked there; else finality stands for them.
        packaged = watch.batches is not None and watch.batches is watch.clocks.batches
        if packaged and watch.batches is not None and not out[watch.batches.on].providers:
            watch = replace(watch, batches=None)
        out[layer] = watch
    return out


def _given(rpc: tuple[str, ...]) -> dict[str, list[Any]]:
    """Addresses by layer as written; messages never repeat what may be a key."""
    from perpbook.health.watched_load import filled
    from perpbook.health.wire import address_of

    out: dict[str, list[Any]] = {}
    for one in rpc:
        layer, sign, url = one.partition("=")
        if not sign or "/" in layer or ":" in layer:
            raise InputError("--rpc is written layer=address, as in --rpc arbitrum=https://host/path")
        out.setdefault(layer, []).append(address_of(filled(url, os.environ.get), f"--rpc {layer}"))
    return out


def _layer(name: str, watches: Mapping[str, Watch]) -> str:
    from perpbook.scenario.table_reader import nearest
    from perpbook.treasury.facts_load import packaged_facts

    if "/" in name:
        raise InputError("an address stands where a layer's name should: put --rpc before it")
    found = packaged_facts().layer_id(name)
    if found is None:
        raise InputError(f'"{name}" is no layer that is known: {nearest(name, tuple(watches))}')
    if found not in watches:
        raise InputError(f"the health of {found} cannot be read: {', '.join(watches)} can")
    return found


def _remembered(path: Path) -> dict[str, LayerMemory]:
    """What was remembered of earlier looks, nothing where there were none.

    Raises
    ------
    InputError : the file cannot be read.
    """
    from perpbook.files.rebuild import rebuild
    from perpbook.health.clocks import Memory
    from perpbook.health.judge import LayerMemory
    from perpbook.health.reading import Anchor

    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] != SCHEMA:
            raise ValueError("another schema")
        return {
            layer: LayerMemory(
                clocks={clock: rebuild(Memory, kept) for clock, kept in one["clocks"].items()},
                anchor=rebuild(Anchor, one["anchor"]) if one["anchor"] is not None else None,
            )
            for layer, one in found["layers"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"{path} is no memory of earlier looks\n    take it away, or name another by --memory: recoveries and rollbacks that "
            "it knew of are then forgotten"
        ) from None


def _remember(path: Path, memory: Mapping[str, LayerMemory]) -> None:
    from perpbook.files.plain import plain

    text = json.dumps({"schema": SCHEMA, "layers": plain(memory)})
    writing = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writing.write_text(text + "\n", encoding="utf-8")
        writing.replace(path)
    except OSError as error:
        raise InputError(f"{path}: what was seen cannot be remembered there: {error.strerror}") from None
