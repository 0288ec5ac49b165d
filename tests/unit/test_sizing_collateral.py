"""The money that keeps every position: enough of it mends, a dollar less does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perpbook.model.account import Balance
from perpbook.model.market import Snapshot
from perpbook.model.verdict import Status
from perpbook.runs.check import CheckResult
from perpbook.sizing.collateral import collateral_needed, equity_needed
from tests.unit.sizing_books import SURVIVE_ONLY, account, all_terms, checked, seeded_book, snapshot

TERMS = all_terms()


def judged(book: Snapshot, text: str) -> CheckResult:
    return checked(book, text, TERMS, with_plans=False)


def needed(result: CheckResult) -> dict[str, float]:
    return collateral_needed(result.assessed, result.decision.state, result.decision.policy)


def richer(book: Snapshot, dollars: dict[str, float]) -> Snapshot:
    """Every account with so many dollars more."""
    accounts = tuple(
        replace(
            one,
            collateral=(*one.collateral, Balance(asset="USDC" if one.venue == "hyperliquid" else "USDT", amount=more)),
        )
        if (more := dollars.get(one.id, 0.0))
        else one
        for one in book.book.accounts
    )
    return replace(book, book=replace(book.book, accounts=accounts))


def broken(book: Snapshot, text: str) -> set[str]:
    return {one.subject for one in judged(book, text).verdict.findings if one.status is Status.BREACH}


ACCOUNT_RULES = {
    "survival": SURVIVE_ONLY,
    "survival with a buffer": SURVIVE_ONLY.replace("buffer = 0.0", "buffer = 0.25"),
    "gross": "schema_version = 1\n[leverage.account]\ngross = 4\n",
    "net": "schema_version = 1\n[leverage.account]\nnet = 1.5\n",
    "effective": "schema_version = 1\n[leverage.account]\neffective = 5\n",
}


@pytest.mark.parametrize("rule", ACCOUNT_RULES)
def test_the_money_named_is_enough_and_a_dollar_less_is_not(rule: str) -> None:
    book = snapshot(
        account("hl", "hyperliquid", 30_000, ("BTC", 3.0), ("ETH", -20.0)), account("ok", "okx", 60_000, ("BTC-USDT-SWAP", -7.0))
    )  # fmt: skip
    text = ACCOUNT_RULES[rule]
    wanted = needed(judged(book, text))
    assert set(wanted) == {"hl", "ok"}
    assert not broken(richer(book, wanted), text)
    for name in wanted:
        short = wanted | {name: wanted[name] - 1.0}
        assert broken(richer(book, short), text)


def test_the_book_dies_late_enough_with_the_money_named() -> None:
    text = "schema_version = 1\n[leverage.book]\neffective = 5\n"
    book = snapshot(
        account("hl", "hyperliquid", 30_000, ("BTC", 3.0)), account("ok", "okx", 60_000, ("BTC-USDT-SWAP", 7.0))
    )
    wanted = needed(judged(book, text))
    assert broken(book, text) and not broken(richer(book, wanted), text)
    assert all(broken(richer(book, wanted | {name: 0.5 * wanted[name]}), text) for name in wanted)


def test_an_account_that_lives_needs_nothing() -> None:
    book = snapshot(account("hl", "hyperliquid", 1e6, ("BTC", 3.0)), account("bn", "binance", 1e4, ("BTCUSDT", 1.0)))
    assert set(needed(judged(book, SURVIVE_ONLY))) == {"bn"}


@pytest.mark.parametrize("seed", range(5))
def test_every_account_survives_with_what_it_is_told_to_add(seed: int) -> None:
    book = seeded_book(seed)
    wanted = needed(judged(book, SURVIVE_ONLY))
    assert bool(wanted) == bool(broken(book, SURVIVE_ONLY))
    settled = {name: dollars for name, dollars in wanted.items() if name != "coin"}
    assert not {one for one in broken(richer(book, settled), SURVIVE_ONLY) if "coin" not in one}


def test_book_wide_caps_say_what_equity_they_want() -> None:
    text = "schema_version = 1\n[leverage.asset]\nBTC = 2.0\n[leverage.book]\ngross = 2.5\n"
    book = snapshot(account("hl", "hyperliquid", 40_000, ("BTC", 3.0), ("ETH", -20.0)))
    result = judged(book, text)
    wanted = equity_needed(result.decision.state, result.decision.policy)
    assert wanted == pytest.approx(max(270_000 / 2, 332_000 / 2.5) - 40_000)
    assert not broken(richer(book, {"hl": wanted}), text)
    assert broken(richer(book, {"hl": wanted - 1.0}), text)
