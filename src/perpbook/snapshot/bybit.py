"""Bybit v5: `position/list` and `wallet-balance` of a unified account, optionally with `account/info`.

Numbers are text, a closed side is "" with size "0", and a `liqPrice` of "" is the venue's word for none. Coins are
`walletBalance` less what is borrowed (`spotBorrow`), before unrealised profit; the margin of isolated positions
(`positionBalance`) lies in the wallet and is taken out of the cross pool. A coin that is not switched on as
collateral backs nothing: it is money on a layer of its own. Portfolio margin is not modelled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from perpbook.snapshot.answer import Answer, liquidation_price
from perpbook.snapshot.draft import Draft, balances, reported

VENUE = "bybit"
WALLET_LAYER = "bybit-wallet"
POSITION_WORDS = frozenset({"symbol", "side", "size"})
SETTLED = ("USDT", "USDC")
PAGES = (20, 50, 100, 200)
"""Lengths of a full page: a cursor is given even after the last one, so it alone says nothing."""


def recognises(found: Any) -> bool:
    """Whether a document is such an answer."""
    return _is_wallet(found) or _is_positions(found) or _is_info(found)


def _rows(found: Any) -> Any:
    result = found.get("result") if isinstance(found, dict) and "retCode" in found else None
    return result.get("list") if isinstance(result, dict) else None


def _is_wallet(found: Any) -> bool:
    rows = _rows(found)
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) and "coin" in row for row in rows)


def _is_positions(found: Any) -> bool:
    """Positions, or the empty list of them, which has the same shape as no wallets at all."""
    rows = _rows(found)
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.keys() >= POSITION_WORDS for row in rows):
        return False
    return all("positionValue" in row or "positionIdx" in row for row in rows)


def _is_info(found: Any) -> bool:
    result = found.get("result") if isinstance(found, dict) else None
    return isinstance(result, dict) and "marginMode" in result and "unifiedMarginStatus" in result


def read(answers: Sequence[Answer], draft: Draft, name: str) -> None:
    """Fill a draft from the answers."""
    wallets = [one for answer in answers if _is_wallet(answer.found) for one in answer.inner("result", "list").each()]
    listed = [answer for answer in answers if _is_positions(answer.found)]
    first = answers[0]
    mode = next((one.inner("result").text("marginMode") for one in answers if _is_info(one.found)), None)
    if mode == "PORTFOLIO_MARGIN":
        first.report.add(
            (), "the account is on portfolio margin, which is not modelled", hint="use cross or isolated margin"
        )
    if len(wallets) != 1:
        hint = (
            "give the wallet-balance answer of this account beside its positions" if not wallets else "give one of them"
        )
        first.report.add((), f"one wallet is needed, {len(wallets)} are here", hint=hint)
    if not listed:
        hint = "give position/list as well: a wallet alone does not show what is held"
        first.report.add((), "shows no positions, not even that there are none", hint=hint)
    for answer in answers:
        draft.date(answer, "time", 1_000_000)
    pages = Counter(answer.inner("result").text("category") for answer in listed)
    rows = [row for one in listed for row in _listed(one, pages[one.inner("result").text("category")])]
    if len(wallets) == 1:
        _accounts(wallets[0], rows, draft, name, mode == "ISOLATED_MARGIN")


def _listed(answer: Answer, pages: int) -> list[Answer]:
    """Open positions of an answer, refused when it is a full page and no other one is given."""
    rows = answer.inner("result", "list").each()
    if pages == 1 and len(rows) in PAGES and answer.inner("result").text("nextPageCursor"):
        hint = "ask for the next page too (cursor), and give it as well"
        answer.inner("result").issue("nextPageCursor", "says that there may be more pages of positions", hint)
    return [row for row in rows if row.needed("size") != 0]


def _accounts(wallet: Answer, rows: Sequence[Answer], draft: Draft, name: str, all_isolated: bool) -> None:
    isolated = [row for row in rows if all_isolated or row.number("tradeMode") == 1]
    crossed = [row for row in rows if not (all_isolated or row.number("tradeMode") == 1)]
    margins: dict[str, float] = {}
    for row in isolated:
        margins[_settle(row)] = margins.get(_settle(row), 0.0) + row.needed("positionBalance")
    coins = _coins(wallet, draft, margins)
    said = reported(
        equity=wallet.number("totalMarginBalance"),
        initial_margin=wallet.number("totalInitialMargin"),
        maintenance_margin=wallet.number("totalMaintenanceMargin"),
        unrealized_pnl=wallet.number("totalPerpUPL"),
        free_collateral=wallet.number("totalAvailableBalance"),
    )
    pool = draft.account(wallet, name, VENUE, **balances(coins), reported=None if isolated else said)
    for row in crossed:
        _position(draft, pool, row)
    for row in isolated:
        account = draft.account(
            row,
            f"{name}-{row.needed_text('symbol')}" + _hedged(row),
            VENUE,
            mode="isolated",
            parent=name,
            **balances({_settle(row): row.needed("positionBalance")}),
        )
        _position(draft, account, row)


def _coins(wallet: Answer, draft: Draft, margins: Mapping[str, float]) -> dict[str, float]:
    """Coins of the cross pool; what backs nothing goes to a layer."""
    coins: dict[str, float] = {}
    for coin in wallet.inner("coin").each():
        asset = coin.needed_text("coin")
        amount = coin.needed("walletBalance") - (coin.number("spotBorrow") or 0.0) - margins.get(asset, 0.0)
        switched = all(coin.found.get(key, True) is not False for key in ("collateralSwitch", "marginCollateral"))
        if amount > 0 and not switched and asset not in SETTLED:
            draft.layer(coin, WALLET_LAYER, asset, amount)
        elif amount != 0:
            coins[asset] = amount
    return coins or {"USDT": 0.0}


def _settle(row: Answer) -> str:
    """What a contract settles in, by the way Bybit writes symbols."""
    symbol = row.needed_text("symbol")
    if symbol.endswith("USDT"):
        return "USDT"
    if symbol.endswith("PERP"):
        return "USDC"
    return symbol.partition("USD")[0] or "?"


def _hedged(row: Answer) -> str:
    return {1.0: "-long", 2.0: "-short"}.get(row.number("positionIdx") or 0.0, "")


def _position(draft: Draft, account: dict[str, Any], row: Answer) -> None:
    symbol, size, side = row.needed_text("symbol"), row.needed("size"), row.text("side")
    if side not in ("Buy", "Sell"):
        row.issue("side", "must be Buy or Sell for an open position", "save the venue's answer again, whole")
    draft.market(row, VENUE, symbol, mark_price=row.number("markPrice") or None)
    draft.position(
        account,
        row,
        symbol=symbol,
        quantity=-size if side == "Sell" else size,
        entry_price=row.needed("avgPrice"),
        leverage=row.number("leverage") or None,
        reported=reported(
            **liquidation_price(row, "liqPrice"),
            initial_margin=row.number("positionIM"),
            maintenance_margin=row.number("positionMM"),
            unrealized_pnl=row.number("unrealisedPnl"),
        ),
    )
