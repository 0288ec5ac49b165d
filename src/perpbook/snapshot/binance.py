"""Binance futures: the account (`/fapi/v2|v3/account`, `/dapi/v1/account`) and `positionRisk`, USD-M and COIN-M.

The two are merged position by position: the account knows wallets, `positionRisk` knows entry, mark and liquidation
prices. An isolated position's collateral is `isolatedWallet`; `isolatedMargin` holds unrealised profit too. Cross
wallets are one pool in multi-assets mode, and one pool per margin asset otherwise: there USDT does not back a USDC
contract. COIN-M amounts are contracts, USD-M amounts are coins. A `liquidationPrice` of 0 is the venue's word for
none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perpbook.snapshot.answer import Answer, liquidation_price
from perpbook.snapshot.draft import Draft, balances, reported

LINEAR, INVERSE = "binance", "binance-coinm"
POSITION_WORDS = frozenset({"symbol", "positionAmt"})
QUOTES = ("USDT", "USDC", "FDUSD", "BUSD")
SAVE_ACCOUNT = "positionRisk alone does not say what the cross wallet holds: give the account answer (v2 or v3) as well"


def recognises(found: Any) -> bool:
    """Whether a document is such an answer."""
    return _is_account(found) or _is_risk(found)


def _is_account(found: Any) -> bool:
    if not (
        isinstance(found, dict) and isinstance(found.get("assets"), list) and isinstance(found.get("positions"), list)
    ):
        return False
    return all(isinstance(asset, dict) and "walletBalance" in asset for asset in found["assets"])


def _is_risk(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(row, dict) and row.keys() >= POSITION_WORDS for row in found)


def read(answers: Sequence[Answer], draft: Draft, name: str) -> None:
    """Fill a draft from the answers."""
    accounts = [answer for answer in answers if _is_account(answer.found)]
    rows: dict[tuple[str, str], Answer] = {}
    for answer in [
        *(one.inner("positions") for one in accounts),
        *(one for one in answers if not _is_account(one.found)),
    ]:
        for row in answer.each():
            _merge(rows, row)
    opened = [row for row in rows.values() if row.needed("positionAmt") != 0]
    isolated = [row for row in opened if _isolated(row)]
    crossed = [row for row in opened if not _isolated(row)]
    _check_wallets(answers[0], len(accounts), opened, crossed)
    pools = _pools(accounts[0], draft, name, isolated, crossed) if accounts else {}
    for row in crossed if accounts else ():
        _position(draft, pools.get("*") or pools[_margin_asset(row)], row)
    for row in isolated:
        _isolated_account(draft, row, name, pools)


def _check_wallets(first: Answer, accounts: int, opened: Sequence[Answer], crossed: Sequence[Answer]) -> None:
    """One account must be there, unless every open position has a wallet of its own."""
    if accounts > 1:
        first.report.add((), "two accounts are here", hint="import one account at a time")
    elif not accounts and crossed:
        crossed[0].issue("symbol", "is held on cross margin, and no wallet is given", SAVE_ACCOUNT)
    elif not accounts and not opened:
        first.report.add((), "shows no open position and no wallet", hint=SAVE_ACCOUNT)


def _merge(rows: dict[tuple[str, str], Answer], row: Answer) -> None:
    """One answer of two about the same position; the later one stands where its own path is."""
    key = (row.needed_text("symbol"), row.text("positionSide") or "BOTH")
    known = rows.get(key)
    if known is not None and known.number("positionAmt") != row.number("positionAmt"):
        hint = "the position changed between the two answers: ask for both again, one right after the other"
        row.issue("positionAmt", f"differs from {known.found.get('positionAmt')} in the account", hint)
    said = {**(known.found if known else {}), **{word: value for word, value in row.found.items() if value != ""}}
    rows[key] = Answer(said, row.at, row.report)


def _isolated(row: Answer) -> bool:
    """Whether a position has margin of its own; newer answers say so only by its wallet."""
    kind = row.text("marginType")
    if kind is not None:
        return kind.lower() == "isolated"
    return row.flag("isolated") if "isolated" in row else bool(row.number("isolatedWallet"))


def _venue(symbol: str) -> str:
    return INVERSE if "USD_" in symbol else LINEAR


def _margin_asset(row: Answer) -> str:
    said, symbol = row.text("marginAsset"), row.needed_text("symbol")
    if said is not None:
        return said
    if _venue(symbol) == INVERSE:
        return symbol.partition("USD_")[0]
    return next((quote for quote in QUOTES if symbol.endswith(quote)), "USDT")


def _pools(
    account: Answer, draft: Draft, name: str, isolated: Sequence[Answer], crossed: Sequence[Answer]
) -> dict[str, dict[str, Any]]:
    """The cross accounts by margin asset; one named "*" when all assets are pooled."""
    own: dict[str, float] = {}
    for row in isolated:
        own[_margin_asset(row)] = own.get(_margin_asset(row), 0.0) + (row.number("isolatedWallet") or 0.0)
    assets = {asset.needed_text("asset"): asset for asset in account.inner("assets").each()}
    wallets = {symbol: _wallet(asset, own) for symbol, asset in assets.items()}
    needed = [_margin_asset(row) for row in [*crossed, *isolated]]
    separate = list(dict.fromkeys([*needed, *(symbol for symbol, wallet in wallets.items() if wallet != 0)]))
    venue = _venue_of(account)
    if account.flag("multiAssetsMargin"):
        amounts = {asset: wallets.get(asset, 0.0) for asset in separate} or {"USDT": 0.0}
        said = None if isolated else _reported_total(account)
        return {"*": draft.account(account, name, venue, **balances(amounts), reported=said)}
    return {
        symbol: draft.account(
            assets.get(symbol, account),
            name if len(separate) < 2 else f"{name}-{symbol}",
            venue,
            **balances({symbol: wallets.get(symbol, 0.0)}),
            reported=_reported_asset(assets[symbol]) if symbol in assets and symbol not in own else None,
        )
        for symbol in separate or list(assets)[:1]
    }


def _venue_of(account: Answer) -> str:
    """USD-M or COIN-M: by the contracts listed, else by the totals in dollars that only USD-M gives."""
    listed = [row.needed_text("symbol") for row in account.inner("positions").each()]
    if listed:
        return _venue(listed[0])
    return LINEAR if "totalWalletBalance" in account else INVERSE


def _wallet(asset: Answer, isolated: Mapping[str, float]) -> float:
    """Coins in the cross wallet, without unrealised profit."""
    crossed = asset.number("crossWalletBalance")
    if crossed is not None:
        return crossed
    return asset.needed("walletBalance") - isolated.get(asset.needed_text("asset"), 0.0)


def _reported_total(account: Answer) -> dict[str, Any] | None:
    """Totals in dollars; the venue counts isolated positions in, so they are taken only where there are none."""
    return reported(
        equity=account.number("totalMarginBalance"),
        initial_margin=account.number("totalInitialMargin"),
        maintenance_margin=account.number("totalMaintMargin"),
        unrealized_pnl=account.number("totalUnrealizedProfit"),
        free_collateral=account.number("availableBalance"),
    )


def _reported_asset(asset: Answer) -> dict[str, Any] | None:
    return reported(
        equity=asset.number("marginBalance"),
        initial_margin=asset.number("initialMargin"),
        maintenance_margin=asset.number("maintMargin"),
        unrealized_pnl=asset.number("unrealizedProfit"),
        free_collateral=asset.number("availableBalance"),
    )


def _isolated_account(draft: Draft, row: Answer, name: str, pools: Mapping[str, dict[str, Any]]) -> None:
    symbol, asset, side = row.needed_text("symbol"), _margin_asset(row), row.text("positionSide")
    hint = "isolatedMargin holds unrealised profit, so it will not do: give positionRisk or the v2/v3 account as well"
    wallet = row.needed("isolatedWallet", hint)
    parent = pools.get("*") or pools.get(asset)
    account = draft.account(
        row,
        f"{name}-{symbol}" + (f"-{side.lower()}" if side in ("LONG", "SHORT") else ""),
        _venue(symbol),
        mode="isolated",
        parent=parent["id"] if parent else None,
        **balances({asset: wallet}),
        reported=reported(equity=row.number("isolatedMargin") or None),
    )
    _position(draft, account, row)


def _position(draft: Draft, account: dict[str, Any], row: Answer) -> None:
    symbol, amount = row.needed_text("symbol"), row.needed("positionAmt")
    inverse = _venue(symbol) == INVERSE
    mark = row.number("markPrice")
    if not mark and not inverse and row.number("notional"):
        mark = abs((row.number("notional") or 0.0) / amount)
    profit = row.number("unRealizedProfit")
    profit = row.number("unrealizedProfit") if profit is None else profit
    draft.market(row, _venue(symbol), symbol, mark_price=mark or None)
    size: dict[str, Any] = {"quantity": amount}
    if inverse:
        size = {"side": "long" if amount > 0 else "short", "contracts": abs(amount)}
    draft.position(
        account,
        row,
        symbol=symbol,
        **size,
        entry_price=_entry(row, mark, profit, amount, inverse),
        leverage=row.number("leverage"),
        reported=reported(
            **liquidation_price(row, "liquidationPrice"),
            initial_margin=row.number("initialMargin"),
            maintenance_margin=row.number("maintMargin"),
            unrealized_pnl=profit,
        ),
    )


def _entry(row: Answer, mark: float | None, profit: float | None, amount: float, inverse: bool) -> float:
    """The entry price; the v3 account leaves it out, and there it follows from notional and profit."""
    if row.number("entryPrice") is None and mark and profit is not None and not inverse:
        return mark - profit / amount
    return row.needed("entryPrice", "give the positionRisk answer as well")
