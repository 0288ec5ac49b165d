"""ccxt: what `fetch_positions` and `fetch_balance` return, saved as JSON.

One file each, or `{exchange, positions, balance}`. ccxt keeps the venue's own answer in `info`: where every part has
it, that is what is read, by the venue's own importer, since unified fields mean different things on different
exchanges. Without it the unified fields are read by what ccxt 4.5.90 puts into them: a balance's `total` is equity,
unrealised profit and isolated margin in it, on every exchange here but Bybit, where it is the wallet; `collateral`
of an isolated position holds its unrealised profit, `positionMargin` does not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from perpbook.snapshot.answer import Answer, liquidation_price
from perpbook.snapshot.draft import Draft, balances, reported

POSITION_WORDS = frozenset({"symbol", "side", "contracts"})
BALANCE_WORDS = frozenset({"free", "used", "total"})
VENUES = {
    "binance": "binance", "binanceusdm": "binance", "binancecoinm": "binance-coinm", "bybit": "bybit", "okx": "okx",
    "myokx": "okx", "okxus": "okx", "hyperliquid": "hyperliquid", "deribit": "deribit", "dydx": "dydx",
}  # fmt: skip
WALLET_TOTAL = ("bybit",)
READERS = ("hyperliquid", "dydx", "binance", "bybit", "okx", "deribit")
NAME_IT = 'name the exchange: format "ccxt:binance", or {"exchange": "binance", "positions": [...], "balance": {...}}'


def recognises(found: Any) -> bool:
    """Whether a document is such an answer."""
    return _is_positions(found) or _is_balance(found) or _is_both(found)


def _is_positions(found: Any) -> bool:
    if not (isinstance(found, list) and found):
        return False
    return all(isinstance(row, dict) and row.keys() >= POSITION_WORDS and "entryPrice" in row for row in found)


def _is_balance(found: Any) -> bool:
    return isinstance(found, dict) and all(isinstance(found.get(word), dict) for word in BALANCE_WORDS)


def _is_both(found: Any) -> bool:
    return isinstance(found, dict) and isinstance(found.get("positions"), list) and _is_balance(found.get("balance"))


def read(answers: Sequence[Answer], draft: Draft, name: str) -> None:
    """Fill a draft from the answers; an account named "ccxt" takes its venue's name."""
    positions, wallets, exchange = [], [], draft.exchange
    for answer in answers:
        if _is_both(answer.found):
            positions.append(answer.inner("positions"))
            wallets.append(answer.inner("balance"))
            exchange = exchange or answer.text("exchange")
        else:
            (wallets if _is_balance(answer.found) else positions).append(answer)
    first = answers[0]
    if not positions or len(wallets) != 1:
        hint = "give what fetch_positions and fetch_balance returned, one of each"
        first.report.add((), f"{len(positions)} lists of positions and {len(wallets)} balances are here", hint=hint)
        return
    rows = [row for answer in positions for row in answer.each() if row.number("contracts") != 0]
    reader = _venue_reader(rows, wallets[0])
    if reader is not None and _fits(reader, exchange):
        raw = _raw(reader, rows, wallets[0])
        import_module(f"perpbook.snapshot.{reader}").read(raw, draft, reader if name == "ccxt" else name)
        return
    if exchange is None:
        first.report.add((), "does not say which exchange it is from", hint=NAME_IT)
    elif exchange not in VENUES or exchange == "dydx":
        hint = "keep the info fields in the saved answer, or import the venue's own answer"
        first.report.add((), f"the unified fields of {exchange} do not hold all that is needed", hint=hint)
    else:
        _unified(rows, wallets[0], draft, "" if name == "ccxt" else name, exchange)


def _fits(reader: str, exchange: str | None) -> bool:
    return exchange is None or VENUES.get(exchange, exchange).partition("-")[0] == reader


def _venue_reader(rows: Sequence[Answer], wallet: Answer) -> str | None:
    """The venue whose own answers stand in `info`, None where any part lacks it."""
    info = wallet.inner("info").found
    if not info or not all(row.inner("info").found for row in rows):
        return None
    return next((name for name in READERS if import_module(f"perpbook.snapshot.{name}").recognises(info)), None)


def _raw(reader: str, rows: Sequence[Answer], wallet: Answer) -> list[Answer]:
    """The venue's own answers, put together again."""
    whole = wallet.inner("info")
    infos = [row.inner("info").found for row in rows]
    if reader in ("hyperliquid", "dydx"):
        return [whole]
    listed: Any = infos
    if reader == "bybit":
        listed = {"retCode": 0, "result": {"list": infos}}
    elif reader == "okx":
        listed = {"code": "0", "data": infos}
    elif reader == "deribit":
        listed = {"jsonrpc": "2.0", "result": infos}
    return [whole, Answer(listed, ("positions",), wallet.report)]


def _unified(rows: Sequence[Answer], wallet: Answer, draft: Draft, name: str, exchange: str) -> None:
    """Read the unified fields alone."""
    venue = VENUES[exchange]
    crossed = [row for row in rows if row.text("marginMode") != "isolated"]
    isolated = [row for row in rows if row.text("marginMode") == "isolated"]
    totals = {asset: wallet.inner("total").number(asset) or 0.0 for asset in wallet.inner("total").found}
    for row in isolated:
        held = _margin(row) + (0.0 if exchange in WALLET_TOTAL else _profit(row))
        totals[_settle(row)] = totals.get(_settle(row), 0.0) - held
    for row in crossed:
        totals.setdefault(_settle(row), 0.0)
        if exchange not in WALLET_TOTAL:
            totals[_settle(row)] -= _profit(row)
    draft.date(wallet, "timestamp", 1_000_000)
    needed = {_settle(row) for row in crossed}
    coins = {asset: amount for asset, amount in totals.items() if amount or asset in needed} or {"USDC": 0.0}
    pool = draft.account(wallet, name or venue, venue, **balances(coins))
    for row in crossed:
        _position(draft, pool, row, venue)
    for row in isolated:
        own = f"{pool['id']}-{row.needed_text('symbol')}-{row.needed_text('side')}"
        margin = balances({_settle(row): _margin(row)})
        _position(draft, draft.account(row, own, venue, mode="isolated", parent=pool["id"], **margin), row, venue)


def _settle(row: Answer) -> str:
    symbol = row.needed_text("symbol")
    if ":" not in symbol:
        row.issue("symbol", "is not a perpetual: those are written BASE/QUOTE:SETTLE", "leave spot positions out")
    return symbol.rpartition(":")[2]


def _inverse(row: Answer) -> bool:
    """A contract that settles in its own base coin."""
    return row.needed_text("symbol").partition("/")[0] == _settle(row)


def _size(row: Answer) -> float:
    side = row.text("side")
    if side not in ("long", "short"):
        row.issue("side", "must be long or short", "save what fetch_positions returned again, whole")
    size = abs(row.needed("contracts")) * (row.number("contractSize") or 1.0)
    return -size if side == "short" else size


def _profit(row: Answer) -> float:
    """Unrealised profit in the settlement coin: from entry to mark where both are known, else as given."""
    entry, mark, said = row.number("entryPrice"), row.number("markPrice"), row.number("unrealizedPnl")
    if not entry or not mark:
        return row.needed("unrealizedPnl") if said is None else said
    if _inverse(row):
        return math.fsum((_size(row) / entry, -_size(row) / mark)) if said is None else said
    return _size(row) * (mark - entry)


def _margin(row: Answer) -> float:
    """Coins of an isolated position, before unrealised profit."""
    margin = row.number("positionMargin")
    return margin if margin is not None else row.needed("collateral") - _profit(row)


def _symbol(row: Answer, venue: str) -> str:
    """The unified symbol; Hyperliquid's own where ccxt writes its dollars as USDC."""
    symbol = row.needed_text("symbol")
    return symbol.partition("/")[0] if venue == "hyperliquid" else symbol


def _position(draft: Draft, account: dict[str, Any], row: Answer, venue: str) -> None:
    symbol = _symbol(row, venue)
    draft.market(row, venue, symbol, mark_price=row.number("markPrice") or None)
    draft.position(
        account,
        row,
        symbol=symbol,
        side=row.text("side"),
        contracts=abs(row.needed("contracts")),
        contract_size=None if venue == "deribit" else row.number("contractSize"),
        entry_price=row.needed("entryPrice"),
        leverage=row.number("leverage") or None,
        reported=reported(**_reported(row)),
    )


def _reported(row: Answer) -> Mapping[str, Any]:
    """What ccxt hands on; its null says only that ccxt has no liquidation price, not that the venue has none."""
    price = liquidation_price(row, "liquidationPrice")
    return {
        "liquidation_price": price.get("liquidation_price"),
        "initial_margin": row.number("initialMargin"),
        "maintenance_margin": row.number("maintenanceMargin"),
        "unrealized_pnl": row.number("unrealizedPnl"),
    }
