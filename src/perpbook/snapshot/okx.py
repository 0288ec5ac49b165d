"""OKX v5: `account/positions` and `account/balance`.

Numbers are text, sizes are contracts (their size comes from the terms), and in long/short mode `posSide` tells the
way. `cashBal` is coins before unrealised profit and without the margin of isolated positions, which is `margin`. A
`liqPx` of "" is the venue's word for none. An account whose `adjEq` is blank is in single-currency mode: each coin
is a pool of its own. Only swaps are modelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perpbook.snapshot.answer import Answer, liquidation_price
from perpbook.snapshot.draft import Draft, balances, reported

VENUE = "okx"
POSITION_WORDS = frozenset({"instId", "pos", "mgnMode"})


def recognises(found: Any) -> bool:
    """Whether a document is such an answer."""
    return _is_balance(found) or _is_positions(found)


def _rows(found: Any) -> Any:
    return found.get("data") if isinstance(found, dict) and "code" in found else None


def _is_balance(found: Any) -> bool:
    rows = _rows(found)
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) and "details" in row for row in rows)


def _is_positions(found: Any) -> bool:
    rows = _rows(found)
    return isinstance(rows, list) and all(isinstance(row, dict) and row.keys() >= POSITION_WORDS for row in rows)


def read(answers: Sequence[Answer], draft: Draft, name: str) -> None:
    """Fill a draft from the answers."""
    wallets = [one for answer in answers if _is_balance(answer.found) for one in answer.inner("data").each()]
    listed = [answer for answer in answers if _is_positions(answer.found)]
    rows = [row for answer in listed for row in answer.inner("data").each() if row.needed("pos") != 0]
    crossed = [row for row in rows if row.text("mgnMode") != "isolated"]
    first = answers[0]
    if not listed:
        hint = "give account/positions as well: a balance alone does not show what is held"
        first.report.add((), "shows no positions, not even that there are none", hint=hint)
    if len(wallets) > 1 or (not wallets and (crossed or not rows)):
        hint = "give the account/balance answer of this account beside its positions"
        first.report.add((), f"one balance is needed, {len(wallets)} are here", hint=hint)
        return
    pools = _pools(wallets[0], crossed, draft, name) if wallets else {}
    for row in crossed:
        _position(draft, pools.get("*") or pools[_coin(row)], row)
    for row in rows:
        if row.text("mgnMode") == "isolated":
            _isolated(draft, row, name, pools)


def _coin(row: Answer) -> str:
    """The coin a position's margin is in."""
    return row.needed_text("ccy")


def _pools(wallet: Answer, crossed: Sequence[Answer], draft: Draft, name: str) -> dict[str, dict[str, Any]]:
    """The cross accounts by coin; one named "*" when all coins are pooled."""
    details = {one.needed_text("ccy"): one for one in wallet.inner("details").each()}
    cash = {coin: _cash(one) for coin, one in details.items()}
    coins = list(dict.fromkeys([*(_coin(row) for row in crossed), *(coin for coin, amount in cash.items() if amount)]))
    if wallet.number("adjEq") is not None:
        said = reported(
            equity=wallet.number("adjEq"),
            initial_margin=wallet.number("imr"),
            maintenance_margin=wallet.number("mmr"),
            unrealized_pnl=wallet.number("upl"),
        )
        amounts = {coin: cash.get(coin, 0.0) for coin in coins} or {"USDT": 0.0}
        return {"*": draft.account(wallet, name, VENUE, **balances(amounts), reported=said)}
    return {
        coin: draft.account(
            details.get(coin, wallet),
            name if len(coins) < 2 else f"{name}-{coin}",
            VENUE,
            **balances({coin: cash.get(coin, 0.0)}),
            reported=_reported(details[coin]) if coin in details else None,
        )
        for coin in coins or list(details)[:1] or ["USDT"]
    }


def _cash(detail: Answer) -> float:
    """Coins before unrealised profit, isolated margin left out."""
    cash = detail.number("cashBal")
    if cash is not None:
        return cash
    return detail.needed("eq") - (detail.number("isoEq") or 0.0) - (detail.number("upl") or 0.0)


def _reported(detail: Answer) -> dict[str, Any] | None:
    """What the venue says of one coin's pool: its equity less what isolated positions hold of it."""
    equity = detail.number("eq")
    return reported(
        equity=None if equity is None else equity - (detail.number("isoEq") or 0.0),
        initial_margin=detail.number("imr"),
        maintenance_margin=detail.number("mmr"),
        free_collateral=detail.number("availEq"),
    )


def _isolated(draft: Draft, row: Answer, name: str, pools: dict[str, dict[str, Any]]) -> None:
    parent = pools.get("*") or pools.get(_coin(row))
    side = row.text("posSide")
    account = draft.account(
        row,
        f"{name}-{row.needed_text('instId')}" + (f"-{side}" if side in ("long", "short") else ""),
        VENUE,
        mode="isolated",
        parent=parent["id"] if parent else None,
        **balances({_coin(row): row.needed("margin")}),
    )
    _position(draft, account, row)


def _position(draft: Draft, account: dict[str, Any], row: Answer) -> None:
    symbol, size, side = row.needed_text("instId"), row.needed("pos"), row.text("posSide") or "net"
    if (row.text("instType") or "SWAP") != "SWAP":
        hint = "only perpetual swaps are modelled: save the answer with instType=SWAP, and mind what is left out"
        row.issue("instType", f"{symbol} is no perpetual swap", hint)
        return
    if side not in ("net", "long", "short"):
        row.issue("posSide", "must be net, long or short", "save the venue's answer again, whole")
    short = side == "short" or (side == "net" and size < 0)
    draft.market(row, VENUE, symbol, mark_price=row.number("markPx") or None, index_price=row.number("idxPx") or None)
    draft.position(
        account,
        row,
        symbol=symbol,
        side="short" if short else "long",
        contracts=abs(size),
        settle=row.text("ccy") if account.get("mode") == "isolated" else None,
        entry_price=row.needed("avgPx"),
        leverage=row.number("lever") or None,
        reported=reported(
            **liquidation_price(row, "liqPx"),
            initial_margin=row.number("imr"),
            maintenance_margin=row.number("mmr"),
            unrealized_pnl=row.number("upl"),
        ),
    )
