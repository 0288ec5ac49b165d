"""Where there is no Node: eth-tester's EVM behind the same JSON-RPC, as a program of its own: so much of anvil as the tests
use.

Install it with `make evm`. It mines when told to, at times it is told, and knows neither interval mining nor a base fee to be
set.
"""

from __future__ import annotations

import argparse
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

Words = list[Any]


class Tester:
    """One chain."""

    def __init__(self, chain: int, timestamp: int) -> None:
        from eth_tester import EthereumTester, PyEVMBackend

        genesis = PyEVMBackend.generate_genesis_params() | {"timestamp": timestamp}
        state = PyEVMBackend.generate_genesis_state(overrides={"balance": 10_000 * 10**18}, num_accounts=1)
        self.backend = PyEVMBackend(genesis_parameters=genesis, genesis_state=state)
        self.node = EthereumTester(self.backend, auto_mine_transactions=False)
        self.chain, self.interval, self.next_s = chain, 1, 0

    def answer(self, method: str, words: Words) -> Any:
        """The result of a method; KeyError for one that is not known."""
        return METHODS[method](self, words)

    def block(self, which: str) -> Any:
        """A block as nodes write it, None where there is none."""
        last = self.node.get_block_by_number("latest")["number"]
        number = {"latest": last, "safe": max(0, last - 1), "finalized": max(0, last - 2)}.get(which)
        number = int(which, 16) if number is None else number
        if number > last:
            return None
        found = self.node.get_block_by_number(number)
        return {"number": hex(number), "hash": found["hash"], "timestamp": hex(found["timestamp"])}

    def mine(self, blocks: int) -> None:
        """Blocks, the first at the time that was set."""
        for _ in range(blocks):
            newest = self.node.get_block_by_number("latest")["timestamp"]
            self.node.time_travel(self.next_s or newest + self.interval)
            self.node.mine_block()
            self.next_s = 0

    def write(self, address: str, change: Any) -> None:
        """Change an account's code or storage from the next block on."""
        chain = self.backend.chain
        state = chain.get_vm().state
        change(state, bytes.fromhex(address[2:]))
        chain.header = chain.header.copy(state_root=state.make_state_root())
        state.persist()

    def roll_back(self, blocks: int) -> None:
        """Take the newest blocks away."""
        last = self.node.get_block_by_number("latest")["number"]
        self.backend.revert_to_snapshot(bytes.fromhex(self.node.get_block_by_number(last - blocks)["hash"][2:]))

    def set(self, **values: int) -> None:
        """Remember how to mine."""
        for name, value in values.items():
            setattr(self, name, value)


def _code(words: Words) -> Any:
    return lambda state, address: state.set_code(address, bytes.fromhex(words[1][2:]))


def _slot(words: Words) -> Any:
    return lambda state, address: state.set_storage(address, int(words[1], 16), int(words[2], 16))


METHODS: dict[str, Any] = {
    "eth_chainId": lambda one, words: hex(one.chain),
    "eth_accounts": lambda one, words: list(one.node.get_accounts()),
    "eth_getBlockByNumber": lambda one, words: one.block(words[0]),
    "eth_getBalance": lambda one, words: hex(one.node.get_balance(words[0], int(words[1], 16))),
    "eth_call": lambda one, words: one.node.call(
        {"from": one.node.get_accounts()[0], "gas": 200_000, **words[0]}, int(words[1], 16)
    ),
    "eth_feeHistory": lambda one, words: {
        "baseFeePerGas": [hex(one.node.get_block_by_number("latest")["base_fee_per_gas"])]
    },
    "anvil_setCode": lambda one, words: one.write(words[0], _code(words)),
    "anvil_setStorageAt": lambda one, words: one.write(words[0], _slot(words)),
    "anvil_setBlockTimestampInterval": lambda one, words: one.set(interval=words[0]),
    "anvil_removeBlockTimestampInterval": lambda one, words: one.set(interval=1),
    "evm_setNextBlockTimestamp": lambda one, words: one.set(next_s=words[0]),
    "anvil_mine": lambda one, words: one.mine(int(words[0], 16)),
    "anvil_rollback": lambda one, words: one.roll_back(words[0]),
}


def main() -> None:
    """Serve one chain until it is ended."""
    asked = argparse.ArgumentParser()
    for name in ("--port", "--chain-id", "--timestamp"):
        asked.add_argument(name, type=int, required=True)
    given = asked.parse_args()
    tester = Tester(given.chain_id, given.timestamp)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            out = {"jsonrpc": "2.0", "id": question["id"]}
            try:
                out["result"] = tester.answer(question["method"], question["params"])
            except Exception as error:
                out["error"] = {"code": -32000, "message": f"{type(error).__name__}: {error}"}
            body = json.dumps(out).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    HTTPServer(("127.0.0.1", given.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
