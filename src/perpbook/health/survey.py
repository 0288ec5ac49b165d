"""Asking: all providers of a layer at once, question by question; what more than half of them say goes into a `Reading`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from perpbook.errors import ProviderError
from perpbook.health.accounts import balances_of
from perpbook.health.cosmos import CosmosNode
from perpbook.health.evm import EvmNode, evm_node
from perpbook.health.hyperliquid import HyperliquidNode
from perpbook.health.node import Node, Tip
from perpbook.health.quorum import Seen, group_of, needed_of, settled, vote_on, without
from perpbook.health.reading import Anchor, Lag, Reading
from perpbook.health.solana import solana_node
from perpbook.health.starknet import StarknetNode, starknet_node
from perpbook.health.status_pages import StatusPage, read_status
from perpbook.health.watched import LONGEST_LOOK, Posting, Watch
from perpbook.health.wire import Address, Limits, Wire
from perpbook.model.health import Agreement, Balance, Fees

Kind = TypeVar("Kind", bound=Node)
Said = TypeVar("Said")
GONE = "gone"
MOST_AT_ONCE = 32


@dataclass(slots=True, kw_only=True)
class Surveyor:
    """Holds the connections. `nodes` by layer and provider; `watches` by layer."""

    watches: Mapping[str, Watch]
    limits: Limits = field(default_factory=Limits)
    nodes: dict[str, dict[str, Node]] = field(default_factory=dict)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=MOST_AT_ONCE))

    def __post_init__(self) -> None:
        for layer, watch in self.watches.items():
            self.nodes[layer] = {one.name: _node(watch, one, self.limits) for one in watch.providers}

    def close(self) -> None:
        """Let all connections go."""
        self.pool.shutdown(wait=True)
        for nodes in self.nodes.values():
            for node in nodes.values():
                node.close()

    def agree(self, layer: str) -> Agreement:
        """What a layer's providers agree on."""
        watch, nodes = self.watches[layer], self.nodes[layer]
        first = self.ask(nodes, lambda node: (node.chain(), node.tip()))
        seen = [
            Seen(provider=name, fault=one) if isinstance(one, str) else Seen(provider=name, chain=one[0], tip=one[1])
            for name, one in first.items()
        ]
        group = group_of(seen, watch.clocks.chain, watch.within, watch.unit)
        height = max(0, group.lowest - watch.depth)
        members = {name: nodes[name] for name in group.tips}
        return settled(group, self.ask(members, lambda node: _there(node, height)))

    def still(self, layer: str, agreement: Agreement, anchor: Anchor) -> tuple[Agreement, str]:
        """The agreement after a look at a block that was agreed on before, and what became of that one ("" where it stands)."""
        nodes, place = self.believed(layer, agreement), f"{self.watches[layer].unit} {anchor.height:,}"
        known = Tip(height=anchor.height, hash=anchor.hash, time_s=0)
        said: dict[str, Tip | str] = {
            name: one if isinstance(one, str) else replace(one, time_s=0) if one is not None else replace(known, hash=GONE)
            for name, one in self.ask(nodes, lambda node: node.at(anchor.height)).items()
        }  # fmt: skip
        needed = needed_of(len(self.nodes[layer]))
        vote = vote_on(said, needed, place)
        if not vote.won:
            return Agreement(left_out=agreement.left_out, why=f"providers tell different pasts of {place}"), ""
        kept = without(agreement, vote, needed)
        if vote.value == known or not kept.agreed:
            return kept, ""
        if vote.value is not None and vote.value.hash == GONE:
            # Where the chain is longer than that, the providers keep no block so old: nothing is known of it.
            reached = kept.tip is None or kept.tip >= anchor.height
            return kept, "" if reached else f"{place} is gone: the chain is shorter than it was"
        return kept, f"{place} is another one than before"

    def read(
        self, layer: str, grounds: Mapping[str, Agreement], agreement: Agreement, rolled_back: str = ""
    ) -> Reading:
        """Everything else of a layer. grounds : agreements of the layers it posts to."""
        watch = self.watches[layer]
        out = Reading(agreement=agreement, rolled_back=rolled_back, page=self._page(watch))
        out = replace(
            out,
            batches=self._posted(watch.batches, grounds) if watch.batches else None,
            exits=self._posted(watch.exits, grounds) if watch.exits else None,
            paused=self._paused(watch, grounds) if watch.pause else None,
        )
        if not agreement.agreed:
            return out
        out = replace(out, balances=self._balances(layer, agreement))
        nodes, feed, height = self._evm(layer, agreement), watch.clocks.feed, agreement.height or 0
        said = self.ask(nodes, lambda node: node.feed(feed, height)) if feed and nodes else {}
        return replace(
            out,
            **self._posting_chain(layer, agreement),
            special=self._special(layer, agreement),
            feed=self._one(layer, said, "the uptime feed") if said else None,
        )

    def _posting_chain(self, layer: str, agreement: Agreement) -> dict[str, Any]:
        """Fees and what is final, of chains whose nodes tell them."""
        nodes: dict[str, EvmNode | StarknetNode] = {
            name: node
            for name, node in self.believed(layer, agreement).items()
            if isinstance(node, EvmNode | StarknetNode)
        }
        if not nodes:
            return {}
        return {"fees": self._fees(self.watches[layer], nodes), "final": self._final(layer, agreement, nodes)}

    def _special(self, layer: str, agreement: Agreement) -> str:
        """Who says that an exchange's state is special: one is enough, for it is a warning."""
        nodes = {
            name: node for name, node in self.believed(layer, agreement).items() if isinstance(node, HyperliquidNode)
        }
        said = self.ask(nodes, lambda node: node.special())
        faults = [f"{name} {one}" for name, one in said.items() if isinstance(one, str)]
        loud = [name for name, one in said.items() if one is True]
        return f"its exchange says that its state is special ({', '.join(loud)})" if loud else next(iter(faults), "")

    def _fees(self, watch: Watch, nodes: Mapping[str, EvmNode | StarknetNode]) -> Fees | None:
        """The dearest that is told: a fee is a bill to be paid, and the lower one may be a lie."""
        told = [one for one in self.ask(nodes, lambda node: node.fees()).values() if not isinstance(one, str)]
        if not told:
            return None
        dear = max(told, key=lambda one: one.base_gwei)
        return replace(dear, usual_gwei=watch.clocks.usual_gwei, high_gwei=watch.clocks.high_gwei)

    def _final(self, layer: str, agreement: Agreement, nodes: Mapping[str, EvmNode | StarknetNode]) -> Lag | str:
        """How far behind the newest block the finalized one is, as the slowest of those believed has it."""
        said = self.ask(nodes, lambda node: node.tagged("finalized"))
        lags = [(agreement.time_s or 0) - one.time_s for one in said.values() if isinstance(one, Tip)]
        if len(lags) < needed_of(len(self.nodes[layer])):
            return next(
                (one for one in said.values() if isinstance(one, str)), "too few providers know a finalized block"
            )
        return Lag(seconds=float(max(lags)), of="finalized blocks")

    def _posted(self, posting: Posting, grounds: Mapping[str, Agreement]) -> Lag | str:
        """How long ago something was posted, by the clock of the layer it is posted to."""
        ground = grounds.get(posting.on)
        nodes = self._evm(posting.on, ground) if ground is not None else {}
        if ground is None or not ground.agreed or ground.height is None or not nodes:
            return f"{posting.on} cannot be asked ({ground.why if ground is not None else 'no providers'})"
        height, block_s = ground.height, self.watches[posting.on].block_s or 1.0
        back = min(LONGEST_LOOK, round(1.1 * posting.bounds.crit / block_s) + 2)

        def last(node: EvmNode) -> int:
            found = (
                node.last_log(posting.address, posting.topic, height, back)
                if posting.by == "contract"
                else node.last_sent(posting.address, height, back)
            )
            return -1 if found is None else found

        found = self._one(posting.on, self.ask(nodes, last), "the last posting")
        if isinstance(found, str):
            return found
        when = self._one(
            posting.on,
            self.ask(nodes, lambda node: _there(node, found if found >= 0 else max(0, height - back))),
            "its block",
        )
        if isinstance(when, str):
            return when
        return Lag(seconds=float((ground.time_s or 0) - when.time_s), of="what is posted", at_least=found < 0)

    def _paused(self, watch: Watch, grounds: Mapping[str, Agreement]) -> bool | str:
        assert watch.pause is not None
        pause, ground = watch.pause, grounds.get(watch.pause.on)
        nodes = self._evm(pause.on, ground) if ground is not None else {}
        if ground is None or not ground.agreed or not nodes:
            return f"{pause.on} cannot be asked ({ground.why if ground is not None else 'no providers'})"
        height = ground.height or 0
        return self._one(
            pause.on, self.ask(nodes, lambda node: node.paused(pause.address, height)), "whether it is paused"
        )

    def _page(self, watch: Watch) -> StatusPage | str | None:
        if watch.page is None:
            return None
        wire = Wire(watch.page, self.limits)
        try:
            return read_status(wire)
        except ProviderError as error:
            return str(error)
        finally:
            wire.close()

    def _balances(self, layer: str, agreement: Agreement) -> tuple[Balance, ...]:
        watch = self.watches[layer]
        return balances_of(
            watch, self.believed(layer, agreement), agreement.height or 0, self.ask, needed_of(len(self.nodes[layer]))
        )

    def believed(self, layer: str, agreement: Agreement) -> dict[str, Node]:
        """The nodes that an agreement rests on."""
        return {name: self.nodes[layer][name] for name in agreement.providers}

    def _evm(self, layer: str, agreement: Agreement) -> dict[str, EvmNode]:
        return {name: node for name, node in self.believed(layer, agreement).items() if isinstance(node, EvmNode)}

    def _one(self, layer: str, said: Mapping[str, Said | str], what: str) -> Said | str:
        """What enough of them say, else why there is no such thing."""
        vote = vote_on(said, needed_of(len(self.nodes[layer])), what)
        if vote.won and vote.value is not None:
            return vote.value
        faults = [f"{name} {one}" for name, one in said.items() if isinstance(one, str)]
        return faults[0] if faults else f"providers disagree on {what}"

    def ask(self, nodes: Mapping[str, Kind], question: Callable[[Kind], Said]) -> dict[str, Said | str]:
        """By provider what it says to a question, or what went wrong, all of them at once."""

        def one(name: str) -> Said | str:
            try:
                return question(nodes[name])
            except ProviderError as error:
                return str(error).removeprefix(f"{name} ")

        return dict(zip(nodes, self.pool.map(one, nodes), strict=True))


def _there(node: Node, height: int) -> Tip:
    found = node.at(height)
    if found is None:
        raise ProviderError(f"{node.name} has no block at {height:,}")
    return found


def _node(watch: Watch, address: Address, limits: Limits) -> Node:
    wire = Wire(address, limits)
    match watch.clocks.reader:
        case "cosmos":
            return CosmosNode(wire=wire)
        case "solana":
            return solana_node(wire)
        case "starknet":
            return starknet_node(wire)
        case "hyperliquid":
            return HyperliquidNode(wire=wire)
    return evm_node(wire)


def layers_in_order(watches: Mapping[str, Watch], asked: Sequence[str]) -> list[str]:
    """The layers that are asked for, after those they need."""
    out: list[str] = []
    for layer in asked:
        out += [one for one in watches[layer].needs if one in watches]
    return list(dict.fromkeys([*out, *asked]))
