"""A chain that is only written down: what a node of it would answer, for tests of faces where no node is needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from perpbook.engine.clock import now_ns
from tests.anvil.relay import Answer


@dataclass(slots=True, kw_only=True)
class Written:
    """One chain with a block a second, the newest `behind` seconds old; its uptime feed says since when it is up, or down."""

    chain: int = 42161
    behind: float = 1.0
    down: int = 0
    since_s: int = 1
    gwei: float = 0.01
    fork: str = ""
    now: Callable[[], float] = lambda: now_ns() / 1e9

    def __call__(self, question: Answer, _: Answer) -> Answer:
        """Its answer to a question."""
        method, words = question["method"], question["params"]
        feed = (1, self.down, self.since_s, self.since_s, 1)
        answers: dict[str, Callable[[], object]] = {
            "eth_chainId": lambda: hex(self.chain),
            "eth_getBlockByNumber": lambda: self._block(words[0]),
            "eth_feeHistory": lambda: {"baseFeePerGas": [hex(round(self.gwei * 1e9))] * 3},
            "eth_call": lambda: "0x" + "".join(f"{one:064x}" for one in feed),
        }
        result = answers[method]()
        return {"jsonrpc": "2.0", "id": question["id"], "result": result}

    def _block(self, which: str) -> Answer | None:
        last = int(self.now() - self.behind)
        height = last if which in ("latest", "finalized") else int(which, 16)
        if height > last:
            return None
        name = hashlib.sha256(f"{self.fork}{height}".encode()).hexdigest()
        return {"number": hex(height), "hash": f"0x{name}", "timestamp": hex(height)}
