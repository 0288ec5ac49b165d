"""A real EVM node on loopback: anvil, driven over plain JSON-RPC, one process for each, ended by its own handle."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import KEPT

HERE = Path(__file__).parent
SOURCE = HERE / "Mocks.sol"
BEGUN_S = 1_800_000_000
"""The time of every chain's first block: two nodes that are told the same things have the same blocks."""

INSTALL = "make node (npm ci --prefix tests/anvil) installs the test node"


def binary() -> Path | None:
    """The node's program, None where it is not installed."""
    found = sorted(HERE.glob("node_modules/@foundry-rs/anvil-*/bin/anvil*"))
    return found[0] if found else None


class Anvil:
    """One node of a chain, which mines when it is told to."""

    def __init__(self, chain: int = 42161) -> None:
        program = binary()
        assert program is not None, INSTALL
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        words = ["--host", "127.0.0.1", "--port", str(port), "--chain-id", str(chain), "--timestamp", str(BEGUN_S)]
        self.process = subprocess.Popen(
            [str(program), *words, "--no-mining", "--silent", "--slots-in-an-epoch", "1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._client = httpx.Client(base_url=self.url, trust_env=False, timeout=20.0)

    def wait(self) -> None:
        """Until it answers."""
        for _ in range(1_000):
            assert self.process.poll() is None, "the node has ended"
            try:
                self.ask("eth_chainId")
                return
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError("the node does not answer")

    def ask(self, method: str, *words: object) -> Any:
        """The result of a method."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(words)}
        found = self._client.post("/", json=body).json()
        assert "error" not in found, found
        return found["result"]

    def mine(self, blocks: int, seconds: int = 1, first_s: int | None = None) -> None:
        """Blocks, so many seconds apart; the first at a time, else as far from the newest. This machine's clock has no part in
        it."""
        self.ask("anvil_setBlockTimestampInterval", seconds)
        if first_s is not None:
            self.ask("evm_setNextBlockTimestamp", first_s)
        self.ask("anvil_mine", hex(blocks))
        self.ask("anvil_removeBlockTimestampInterval")

    def put(self, address: str, contract: str, *slots: int) -> None:
        """A contract of `Mocks.sol` at an address, with its first slots."""
        self.ask("anvil_setCode", address, compiled()[contract])
        for number, value in enumerate(slots):
            self.ask("anvil_setStorageAt", address, hex(number), "0x" + value.to_bytes(32, "big").hex())

    @property
    def time_s(self) -> int:
        """Of its newest block."""
        return int(self.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def hang(self) -> None:
        """Let it take questions and answer none."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def close(self) -> None:
        """End it."""
        self._client.close()
        self.process.kill()
        self.process.wait()


def nodes(*chains: int) -> list[Anvil]:
    """Nodes of some chains, started together, with a few blocks each."""
    out = [Anvil(chain) for chain in chains]
    for one in out:
        one.wait()
        one.mine(64)
    return out


def compiled() -> dict[str, str]:
    """The contracts of `Mocks.sol`, compiled once for every text and compiler."""
    text = SOURCE.read_text(encoding="utf-8")
    key = hashlib.sha256((text + (HERE / "package-lock.json").read_text(encoding="utf-8")).encode()).hexdigest()[:16]
    kept = KEPT / f"mocks-{key}.json"
    if not kept.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        writing = kept.with_suffix(f".{os.getpid()}")
        writing.write_text(json.dumps(_compile(text)), encoding="utf-8")
        writing.replace(kept)
    found: dict[str, str] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def _compile(text: str) -> dict[str, str]:
    settings = {"evmVersion": "paris", "outputSelection": {"*": {"*": ["evm.deployedBytecode.object"]}}}
    asked = {"language": "Solidity", "sources": {"Mocks.sol": {"content": text}}, "settings": settings}
    words = [HERE / "node_modules/.bin/solcjs", "--standard-json"]
    run = subprocess.run(words, input=json.dumps(asked), capture_output=True, text=True, check=True)
    found = json.loads(run.stdout[run.stdout.index("{") :])
    contracts = found["contracts"]["Mocks.sol"]
    return {name: "0x" + one["evm"]["deployedBytecode"]["object"] for name, one in contracts.items()}
