"""Deribit: `get_positions` and `get_account_summary` (or `get_account_summaries`).

`size` is dollars for an inverse contract and coins for a linear one. Deribit pays profit out every day, so its
balance already holds part of what an entry price of long ago would call unrealised: collateral is the account's
equity without options, less the profit from average price to mark, so that equity is the venue's own. A coin is a
pool of its own unless the margin model is a cross one. Options, dated futures and portfolio margin are not modelled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from perpbook.snapshot.answer import Answer, liquidation_price
from perpbook.snapshot.draft import Draft, balances, reported

VENUE = "deribit"
POSITION_WORDS = frozenset({"instrument_name", "size", "direction"})
SUMMARY_WORDS = frozenset({"currency", "equity", "balance"})


def recognises(found: Any) -> bool:
    """Whether a document is such an answer."""
    return _is_positions(found) or bool(_summaries(found))


def _result(found: Any) -> Any:
    return found["result"] if isinstance(found, dict) and "result" in found else found


def _is_positions(found: Any) -> bool:
    """Positions; an empty list only in the envelope of an answer, since any venue's empty list looks the same."""
    rows = _result(found)
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.keys() >= POSITION_WORDS for row in rows):
        return False
    return bool(rows) or (isinstance(found, dict) and "jsonrpc" in found)


def _summaries(found: Any) -> list[tuple[str | int, ...]]:
    """Paths of the summaries of a document."""
    start: tuple[str | int, ...] = ("result",) if isinstance(found, dict) and "result" in found else ()
    result = _result(found)
    if isinstance(result, dict) and isinstance(result.get("summaries"), list):
        rows = enumerate(result["summaries"])
        return [(*start, "summaries", k) for k, row in rows if isinstance(row, dict) and row.keys() >= SUMMARY_WORDS]
    return [start] if isinstance(result, dict) and result.keys() >= SUMMARY_WORDS else []


def read(answers: Sequence[Answer], draft: Draft, name: str) -> None:
    """Fill a draft from the answers."""
    listed = [answer for answer in answers if _is_positions(answer.found)]
    summaries = [_at(answer, path) for answer in answers for path in _summaries(answer.found)]
    rows = [row for answer in listed for row in _at(answer, _start(answer)).each() if row.needed("size") != 0]
    first = answers[0]
    if not listed:
        hint = "give get_positions as well (currency=any): a summary alone does not show what is held"
        first.report.add((), "shows no positions, not even that there are none", hint=hint)
    if not summaries:
        hint = "give get_account_summary of every currency held, or get_account_summaries, beside the positions"
        first.report.add((), "shows no account summary", hint=hint)
        return
    for answer in answers:
        draft.date(answer, "usOut", 1_000)
    _check_models(summaries)
    pools = _pools(summaries, rows, draft, name)
    for row in rows:
        pool = pools.get("*") or pools.get(_coin(row))
        if pool is None:
            hint = f"give get_account_summary of {_coin(row)} as well"
            row.issue("instrument_name", f"its margin is in {_coin(row)}, of which there is no summary", hint)
        else:
            _position(draft, pool, row)


def _start(answer: Answer) -> tuple[str | int, ...]:
    return ("result",) if isinstance(answer.found, dict) and "result" in answer.found else ()


def _at(answer: Answer, path: tuple[str | int, ...]) -> Answer:
    found = answer.found
    for key in path:
        found = found[key]
    return Answer(found, path, answer.report)


def _check_models(summaries: Sequence[Answer]) -> None:
    for one in summaries:
        model = one.text("margin_model") or ""
        if one.flag("portfolio_margining_enabled") or model.endswith("_pm"):
            key = "margin_model" if "margin_model" in one else "portfolio_margining_enabled"
            one.issue(key, "portfolio margin is not modelled", "only standard margin accounts can be imported")


def _inverse(row: Answer) -> bool:
    return "_" not in row.needed_text("instrument_name").partition("-")[0]


def _coin(row: Answer) -> str:
    """BTC-PERPETUAL settles in BTC, BTC_USDC-PERPETUAL in USDC."""
    return row.needed_text("instrument_name").partition("-")[0].rpartition("_")[2]


def _profit(row: Answer) -> float:
    """Unrealised profit from average price to mark, in the settlement coin."""
    size, entry, mark = _size(row), row.needed("average_price") or 1.0, row.needed("mark_price") or 1.0
    return size * (1.0 / entry - 1.0 / mark) if _inverse(row) else size * (mark - entry)


def _size(row: Answer) -> float:
    size, side = row.needed("size"), row.text("direction")
    if side not in ("buy", "sell"):
        row.issue("direction", "must be buy or sell for an open position", "save the venue's answer again, whole")
    return -abs(size) if side == "sell" else abs(size)


def _pools(summaries: Sequence[Answer], rows: Sequence[Answer], draft: Draft, name: str) -> dict[str, dict[str, Any]]:
    """The accounts by coin; one named "*" when all coins are pooled."""
    coins: dict[str, float] = {}
    for one in summaries:
        coin = one.needed_text("currency")
        if coin in coins:
            one.issue("currency", f"{coin} has two summaries", "give one of them")
        paid = math.fsum(_profit(row) for row in rows if _coin(row) == coin)
        coins[coin] = one.needed("equity") - (one.number("options_value") or 0.0) - paid
    held = [coin for coin, amount in coins.items() if amount or any(_coin(row) == coin for row in rows)] or list(coins)[
        :1
    ]
    crossed = any(one.flag("cross_collateral_enabled") or (one.text("margin_model") or "").startswith("cross")
                  for one in summaries)  # fmt: skip
    if crossed:
        amounts = {coin: coins[coin] for coin in held}
        return {
            "*": draft.account(summaries[0], name, VENUE, **balances(amounts), reported=_reported_total(summaries[0]))
        }
    by_coin = {one.needed_text("currency"): one for one in summaries}
    return {
        coin: draft.account(
            by_coin[coin],
            name if len(held) < 2 else f"{name}-{coin}",
            VENUE,
            **balances({coin: coins[coin]}),
            reported=_reported(by_coin[coin]),
        )
        for coin in held
    }


def _reported(summary: Answer) -> dict[str, Any] | None:
    return reported(
        equity=summary.number("equity"),
        initial_margin=summary.number("initial_margin"),
        maintenance_margin=summary.number("maintenance_margin"),
        free_collateral=summary.number("available_funds"),
    )


def _reported_total(summary: Answer) -> dict[str, Any] | None:
    return reported(
        equity=summary.number("total_equity_usd"),
        initial_margin=summary.number("total_initial_margin_usd"),
        maintenance_margin=summary.number("total_maintenance_margin_usd"),
    )


def _position(draft: Draft, account: dict[str, Any], row: Answer) -> None:
    symbol = row.needed_text("instrument_name")
    if row.text("kind") not in (None, "future"):
        hint = "only perpetual futures are modelled: close options, or import an account that has none"
        row.issue("kind", f"{symbol} is no perpetual", hint)
        return
    draft.market(
        row,
        VENUE,
        symbol,
        mark_price=row.number("mark_price") or None,
        index_price=row.number("index_price") or None,
    )
    draft.position(
        account,
        row,
        symbol=symbol,
        quantity=_size(row),
        entry_price=row.needed("average_price"),
        leverage=row.number("leverage") or None,
        reported=reported(
            **liquidation_price(row, "estimated_liquidation_price"),
            initial_margin=row.number("initial_margin"),
            maintenance_margin=row.number("maintenance_margin"),
            unrealized_pnl=row.number("floating_profit_loss"),
        ),
    )
