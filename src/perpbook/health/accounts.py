"""What accounts hold, as more than half of the providers say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from perpbook.health.cosmos import CosmosNode
from perpbook.health.evm import EvmNode
from perpbook.health.node import Node
from perpbook.health.quorum import vote_on
from perpbook.health.solana import SolanaNode
from perpbook.health.watched import Watch
from perpbook.model.health import Balance

NATIVE = {"evm": ("gas coin", 18), "solana": ("SOL", 9)}
"""What a chain's own coin is called where the facts give no name, and its decimals."""

Amount = tuple[int, int | None]
Ask = Callable[[Mapping[str, Any], Callable[[Any], Any]], dict[str, Any]]


def balances_of(watch: Watch, nodes: Mapping[str, Node], height: int, ask: Ask, needed: int) -> tuple[Balance, ...]:
    """The balances of a watch's accounts. ask : puts a question to every node at once; needed : how many must say the same."""
    out = []
    for account in watch.accounts:
        for asset, question in _questions(watch, account, height).items():
            vote = vote_on(ask(nodes, question), needed, f"balance of {asset}")
            why = "" if vote.won else next(iter(vote.left_out.values()), "providers disagree on it")
            units, decimals = vote.value if vote.won and vote.value is not None else (None, None)
            out.append(Balance(account=account, asset=asset, units=units, decimals=decimals, why=why))
    return tuple(out)


def _questions(watch: Watch, account: str, height: int) -> dict[str, Callable[[Any], Amount]]:
    """By asset, what to ask a node for (units, decimals)."""
    tokens = watch.tokens or {}
    if watch.clocks.reader == "cosmos":
        return {name: _cosmos(account, coin) for name, coin in tokens.items()}
    native, decimals = NATIVE[watch.clocks.reader]
    if watch.clocks.reader == "solana":
        own: dict[str, Callable[[Any], Amount]] = {native: _solana(account, decimals)}
        return own | {name: _solana_token(account, mint) for name, mint in tokens.items()}
    own = {native: _evm(account, height, decimals)}
    return own | {name: _evm_token(account, token, height) for name, token in tokens.items()}


def _evm(account: str, height: int, decimals: int) -> Callable[[EvmNode], Amount]:
    return lambda node: (node.native(account, height), decimals)


def _evm_token(account: str, token: str, height: int) -> Callable[[EvmNode], Amount]:
    return lambda node: (node.token(token, account, height), node.decimals(token, height))


def _solana(account: str, decimals: int) -> Callable[[SolanaNode], Amount]:
    return lambda node: (node.native(account), decimals)


def _solana_token(account: str, mint: str) -> Callable[[SolanaNode], Amount]:
    return lambda node: node.token(mint, account)


def _cosmos(account: str, coin: str) -> Callable[[CosmosNode], Amount]:
    # The bank knows no decimals: they stand in the coin's own metadata, which chains need not have.
    return lambda node: (node.balances(account).get(coin, 0), None)
