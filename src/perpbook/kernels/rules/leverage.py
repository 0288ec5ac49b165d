"""Leverage caps: by asset, by account, for the book; gross, net, effective."""

from __future__ import annotations

from perpbook.kernels.jit import part
from perpbook.kernels.memory import Memory
from perpbook.kernels.rules.record import record, room, share_of, trim
from perpbook.kernels.state import (
    ACCOUNT_EFFECTIVE,
    ACCOUNT_GROSS,
    ACCOUNT_NET,
    ASSET_LEVERAGE,
    BOOK_EFFECTIVE,
    BOOK_GROSS,
    BOOK_NET,
    Findings,
    Policy,
    Proposals,
    State,
)


@part
def asset_leverage(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """An asset's notional over the whole book, against its cap times book equity."""
    for asset in range(policy.asset_cap.size):
        cap = policy.asset_cap[asset]
        if cap == float("inf"):
            continue
        notional = state.asset_notional[asset]
        record(findings, ASSET_LEVERAGE, asset, -1, share_of(notional, state.book[0].equity), cap)
        keep = room(cap * max(state.book[0].equity, 0.0), 0.0, notional)
        for i in range(state.positions.size):
            if state.positions[i].asset == asset:
                trim(state, memory, proposals, i, keep, ASSET_LEVERAGE)


@part
def account_exposure(state: State, a: int) -> tuple[float, float]:
    """Gross notional and net beta-weighted exposure of an account's positions, dollars."""
    gross, net = 0.0, 0.0
    for i in range(state.positions.size):
        if state.positions[i].account == a:
            gross += state.positions[i].notional
            net += state.positions[i].exposure
    return gross, net


@part
def account_room(state: State, policy: Policy, findings: Findings, a: int) -> tuple[float, int]:
    """Measure one account's three leverages; how much of it may be kept, and the code of the rule that asks most."""
    infinity = float("inf")
    gross, net = account_exposure(state, a)
    equity, coins, keep, reason = state.accounts[a].equity, state.accounts[a].coins, 1.0, 0
    if gross == 0.0:
        return keep, reason
    if policy.account_gross < infinity:
        record(findings, ACCOUNT_GROSS, a, -1, share_of(gross, equity), policy.account_gross)
        keep, reason = room(policy.account_gross * max(equity, 0.0), 0.0, gross), ACCOUNT_GROSS
    if policy.account_net < infinity:
        record(findings, ACCOUNT_NET, a, -1, share_of(abs(net + coins), equity), policy.account_net)
        scale = room(policy.account_net * max(equity, 0.0), coins, net)
        if scale < keep:
            keep, reason = scale, ACCOUNT_NET
    if policy.account_effective < infinity:
        record(findings, ACCOUNT_EFFECTIVE, a, -1, state.accounts[a].effective, policy.account_effective)
        if state.accounts[a].effective > policy.account_effective and state.accounts[a].calm_scale < keep:
            keep, reason = state.accounts[a].calm_scale, ACCOUNT_EFFECTIVE
    return keep, reason


@part
def account_leverage(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """Each account's gross, net and effective leverage against the caps for accounts."""
    for a in range(state.accounts.size):
        keep, reason = account_room(state, policy, findings, a)
        for i in range(state.positions.size):
            if state.positions[i].account == a:
                trim(state, memory, proposals, i, keep, reason)


@part
def book_leverage(state: State, policy: Policy, memory: Memory, findings: Findings, proposals: Proposals) -> None:
    """The book's gross, net and effective leverage against its caps; cuts are uniform over the book."""
    infinity, equity, positions = float("inf"), state.book[0].equity, state.positions.size
    gross, net = 0.0, 0.0
    for i in range(positions):
        gross += state.positions[i].notional
        net += state.positions[i].exposure
    if policy.book_gross < infinity:
        record(findings, BOOK_GROSS, 0, -1, share_of(gross, equity), policy.book_gross)
        keep = room(policy.book_gross * max(equity, 0.0), 0.0, gross)
        for i in range(positions):
            trim(state, memory, proposals, i, keep, BOOK_GROSS)
    if policy.book_net < infinity:
        coins = state.book[0].coins
        record(findings, BOOK_NET, 0, -1, share_of(abs(net + coins), equity), policy.book_net)
        keep = room(policy.book_net * max(equity, 0.0), coins, net)
        for i in range(positions):
            trim(state, memory, proposals, i, keep, BOOK_NET)
    if policy.book_effective < infinity:
        record(findings, BOOK_EFFECTIVE, 0, -1, state.book[0].effective, policy.book_effective)
        if state.book[0].effective > policy.book_effective:
            for i in range(positions):
                trim(
                    state,
                    memory,
                    proposals,
                    i,
                    state.accounts[state.positions[i].account].book_calm_scale,
                    BOOK_EFFECTIVE,
                )
