"""A real EVM node on loopback, driven over plain JSON-RPC, one process for each, ended by its own handle: anvil, or eth-
tester's EVM where Node is missing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
SOURCE = HERE / "Mocks.sol"
BEGUN_S = 1_800_000_000
"""The time of every chain's first block: two nodes that are told the same things have the same blocks."""

INSTALL = "`make node` installs anvil (it needs npm), `make evm` eth-tester instead"


def binary() -> Path | None:
    """Anvil's program, None where it is not installed."""
    found = sorted(HERE.glob("node_modules/@foundry-rs/anvil-*/bin/anvil*"))
    return found[0] if found else None


def kind() -> str:
    """Which node there is: "anvil", "eth-tester", or "" for none."""
    if binary() is not None:
        return "anvil"
    return "eth-tester" if find_spec("eth_tester") is not None else ""


def program() -> list[str]:
    """The words that start a node."""
    found = binary()
    if found is None:
        return [sys.executable, str(HERE / "tester.py")]
    return [str(found), "--host", "127.0.0.1", "--no-mining", "--silent", "--slots-in-an-epoch", "1"]


class Chain:
    """One node of a chain, which mines when it is told to."""

    def __init__(self, chain: int = 42161) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        words = ["--port", str(port), "--chain-id", str(chain), "--timestamp", str(BEGUN_S)]
        self.process = subprocess.Popen([*program(), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._client = httpx.Client(base_url=self.url, trust_env=False, timeout=20.0)

    def wait(self) -> None:
        """Until it answers."""
        for _ in range(2_000):
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


def nodes(*chains: int) -> list[Chain]:
    """Nodes of some chains, started together, with a few blocks each."""
    out = [Chain(chain) for chain in chains]
    for one in out:
        one.wait()
        one.mine(64)
    return out


def compiled() -> dict[str, str]:
    """The contracts of `Mocks.sol`, as the compiler made them; a test holds them to it."""
    found: dict[str, str] = json.loads((HERE / "mocks.json").read_text(encoding="utf-8"))
    return found


def compiled_anew() -> dict[str, str]:
    """The contracts as the compiler makes them now."""
    settings = {"evmVersion": "paris", "outputSelection": {"*": {"*": ["evm.deployedBytecode.object"]}}}
    text = SOURCE.read_text(encoding="utf-8")
    asked = {"language": "Solidity", "sources": {SOURCE.name: {"content": text}}, "settings": settings}
    words = [str(HERE / "node_modules/.bin/solcjs"), "--standard-json"]
    run = subprocess.run(words, input=json.dumps(asked), capture_output=True, text=True, check=True)
    contracts = json.loads(run.stdout[run.stdout.index("{") :])["contracts"][SOURCE.name]
    return {name: "0x" + one["evm"]["deployedBytecode"]["object"] for name, one in contracts.items()}
