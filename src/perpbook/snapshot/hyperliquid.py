"""Hyperliquid: `clearinghouseState`, optionally with `spotClearinghouseState`.

Entry prices in the answer are rounded for display. So collateral is not taken from margin fields that were computed
with exact ones: an isolated bucket's is `rawUsd + quantity x entry`, the cross pool's is its account value less
`quantity x (mark - entry)`; equity then is the venue's own, whatever the rounding. The mark is `positionValue /
|szi|`. Coins of the spot account back no position (unified accounts are not modelled): they are money on a layer of
their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from perpbook.snapshot.answer import Answer, liquidation_price
from perpbook.snapshot.draft import Draft, balances, reported

VENUE = "hyperliquid"
SPOT_LAYER = "hyperliquid-spot"
SPOT_WORDS = frozenset({"coin", "total", "hold"})
LISTED_TOLERANCE = 1e-3
"""Notional listed and notional summed by the venue may differ by this fraction: prices move between its two sums."""


def recognises(found: Any) -> bool:
    """Whether a document is such an answer."""
    if not isinstance(found, dict):
        return False
    return "clearinghouseState" in found or _is_perp(found) or _is_spot(found)


def _is_perp(found: Any) -> bool:
    return isinstance(found, dict) and "assetPositions" in found and isinstance(found["assetPositions"], list)


def _is_spot(found: Any) -> bool:
    rows = found.get("balances") if isinstance(found, dict) else None
    return isinstance(rows, list) and all(isinstance(row, dict) and row.keys() >= SPOT_WORDS for row in rows)


def read(answers: Sequence[Answer], draft: Draft, name: str) -> None:
    """Fill a draft from the answers."""
    perps, spots = [], []
    for answer in answers:
        if "clearinghouseState" in answer:
            perps.append(answer.inner("clearinghouseState"))
            spots += [answer.inner("spotClearinghouseState")] if "spotClearinghouseState" in answer else []
        else:
            (perps if _is_perp(answer.found) else spots).append(answer)
    if len(perps) != 1:
        message = f"one clearinghouseState is needed, {len(perps)} are here"
        answers[0].report.add((), message, hint="import one account at a time, its spot balances as a second file")
    for perp in perps[:1]:
        _perp(perp, draft, name)
    for spot in spots:
        for row in spot.inner("balances").each():
            amount = row.needed("total")
            if amount != 0:
                draft.layer(row, SPOT_LAYER, row.needed_text("coin"), amount)


def _perp(answer: Answer, draft: Draft, name: str) -> None:
    summary = answer.inner("crossMarginSummary" if "crossMarginSummary" in answer else "marginSummary")
    if not isinstance(summary.found, dict):
        hint = "an empty answer is not a flat book: save the venue's answer again, whole"
        answer.issue("marginSummary", "is missing: nothing shows that the account exists", hint)
        return
    draft.date(answer, "time", 1_000_000)
    positions = [row.inner("position") for row in answer.inner("assetPositions").each()]
    opened = [one for one in positions if one.needed("szi") != 0]
    crossed = [one for one in opened if not _isolated(one)]
    _check_listed(summary, crossed)
    value = summary.needed("accountValue")
    pool = draft.account(
        summary,
        name,
        VENUE,
        **balances({"USDC": value - math.fsum(_profit(one) for one in crossed)}),
        reported=reported(
            equity=value,
            initial_margin=summary.number("totalMarginUsed"),
            maintenance_margin=answer.number("crossMaintenanceMarginUsed"),
            free_collateral=answer.number("withdrawable"),
        ),
    )
    for one in crossed:
        _position(draft, pool, one)
    for one in opened:
        if _isolated(one):
            _isolated_account(draft, one, name)


def _isolated(position: Answer) -> bool:
    return position.inner("leverage").text("type") == "isolated"


def _check_listed(summary: Answer, crossed: Sequence[Answer]) -> None:
    """Refuse an answer whose sums speak of positions that it does not list."""
    total = summary.number("totalNtlPos")
    listed = math.fsum(abs(one.needed("positionValue")) for one in crossed)
    if total is not None and abs(total - listed) > LISTED_TOLERANCE * max(total, listed) + 1.0:
        message = f"speaks of {total:,.2f} in open cross positions, but those listed make {listed:,.2f}"
        summary.issue("totalNtlPos", message, "positions are missing from the answer: save it again, whole")


def _mark(position: Answer) -> float:
    return abs(position.needed("positionValue") / (position.needed("szi") or 1.0))


def _profit(position: Answer) -> float:
    return position.needed("szi") * (_mark(position) - position.needed("entryPx"))


def _isolated_account(draft: Draft, position: Answer, parent: str) -> None:
    coin = position.needed_text("coin")
    raw = position.inner("leverage").needed(
        "rawUsd", "an isolated position's own dollars: save the answer again, whole"
    )
    margin = raw + position.needed("szi") * position.needed("entryPx")
    account = draft.account(
        position,
        f"{parent}-{coin}",
        VENUE,
        mode="isolated",
        parent=parent,
        **balances({"USDC": margin}),
        reported=reported(equity=position.number("marginUsed")),
    )
    _position(draft, account, position)


def _position(draft: Draft, account: dict[str, Any], position: Answer) -> None:
    coin = position.needed_text("coin")
    draft.market(position, VENUE, coin, mark_price=_mark(position))
    draft.position(
        account,
        position,
        symbol=coin,
        quantity=position.needed("szi"),
        entry_price=position.needed("entryPx"),
        leverage=position.inner("leverage").number("value"),
        reported=reported(
            **liquidation_price(position, "liquidationPx"),
            initial_margin=position.number("marginUsed"),
            unrealized_pnl=position.number("unrealizedPnl"),
        ),
    )
