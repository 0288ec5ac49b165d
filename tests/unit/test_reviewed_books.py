"""Books that once gave a wrong answer; each test is the smallest of its kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from perpbook.errors import MissingData, StaleData
from perpbook.model.units import from_iso
from perpbook.model.verdict import Status
from perpbook.runs.check import CheckResult, run_check
from perpbook.runs.whatif import run_whatif

HEAD = 'schema = "book/1"\nas_of = "2026-11-20T12:00:00Z"\n'


def market(venue: str, symbol: str, mark: float, more: str = "") -> str:
    return f'[[markets]]\nvenue = "{venue}"\nsymbol = "{symbol}"\nmark_price = {mark}\n{more}\n'


def account(name: str, coins: str, *positions: tuple[str, float, float], venue: str = "hyperliquid") -> str:
    text = f'[[accounts]]\nid = "{name}"\nvenue = "{venue}"\ncollateral = {{ {coins} }}\n'
    for symbol, quantity, entry in positions:
        text += f'[[accounts.positions]]\nsymbol = "{symbol}"\nquantity = {quantity}\nentry_price = {entry}\n'
    return text


BTC = market("hyperliquid", "BTC", 100_000.0)


def checked(folder: Path, book: str, rules: str = "", **more: object) -> CheckResult:
    write(folder, book, rules)
    return run_check(folder / "book.toml", folder / "playbook.toml", **more)  # type: ignore[arg-type]


def write(folder: Path, book: str, rules: str) -> None:
    (folder / "book.toml").write_text(HEAD + book, encoding="utf-8")
    (folder / "playbook.toml").write_text("schema_version = 1\n" + rules, encoding="utf-8")


def test_a_speck_of_a_wild_coin_does_not_hide_where_an_account_dies(tmp_path: Path) -> None:
    plain = account("x", "USDC = 42000.0", ("BTC", 1.0, 100_000.0))
    speck = account("x", "USDC = 42000.0", ("BTC", 1.0, 100_000.0), ("DOGE", 10.0, 0.2))
    betas = "[betas]\nDOGE = 2.5\n"
    without = checked(tmp_path, betas + plain + BTC).assessment.book
    with_it = checked(tmp_path, betas + speck + BTC + market("hyperliquid", "DOGE", 0.2)).assessment.book
    assert without.liquidation_move == pytest.approx(-0.4127, abs=1e-4)
    assert with_it.liquidation_move == pytest.approx(without.liquidation_move, abs=1e-4)
    assert with_it.effective_leverage == pytest.approx(without.effective_leverage, rel=1e-3)


def test_a_dead_account_is_a_breach_under_any_playbook(tmp_path: Path) -> None:
    result = checked(tmp_path, account("x", "USDC = 1000.0", ("BTC", 1.0, 100_000.0)) + BTC)
    assert result.verdict.status is Status.BREACH
    assert result.verdict.findings[0].rule == "account.margin"


def test_an_empty_account_in_debt_does_not_hide_the_books_leverage(tmp_path: Path) -> None:
    debts = '[[accounts]]\nid = "z"\nvenue = "hyperliquid"\ncollateral = { USDT = 0.0 }\ndebts = { USDC = 10.0 }\n'
    book = account("w", "USDC = 10000.0", ("BTC", 1.0, 100_000.0)) + debts + BTC
    assert checked(tmp_path, book).assessment.book.effective_leverage == pytest.approx(10.0)


def test_only_what_lacks_margin_must_close(tmp_path: Path) -> None:
    book = account("x", "USDC = 1000.0", ("BTC", 1.0, 100_000.0)) + account(
        "y", "USDC = 20000.0", ("BTC", -1.0, 100_000.0)
    )
    shares = [one.share_to_close for one in checked(tmp_path, book + BTC).assessment.positions]
    assert shares == pytest.approx([0.2, 0.0])


def test_gmx_takes_its_fee_before_its_least_collateral_and_margin_on_the_size_at_entry(tmp_path: Path) -> None:
    isolated = account("g", "USDC = 200.0", ("ETH/USD", 1.0, 2_000.0), venue="gmx").replace(
        'venue = "gmx"\n', 'venue = "gmx"\nmode = "isolated"\n'
    )
    found = checked(tmp_path, isolated + market("gmx", "ETH/USD", 2_400.0)).assessment.positions[0]
    assert found.maintenance_margin == pytest.approx(11.2)
    assert found.liquidation_price == pytest.approx(1_811.2)


def test_a_markets_own_time_counts_for_its_age(tmp_path: Path) -> None:
    old = market("hyperliquid", "BTC", 100_000.0, 'as_of = "2026-01-01T00:00:00Z"')
    with pytest.raises(StaleData):
        checked(
            tmp_path, account("x", "USDC = 90000.0", ("BTC", 1.0, 100_000.0)) + old,
            "[data]\nprices_max_age_minutes = 10\n", now_ns=from_iso("2026-11-20T12:01:00Z"),
        )  # fmt: skip


def test_a_coin_is_never_priced_by_another_contracts_index(tmp_path: Path) -> None:
    book = account("b", "USDT = 50000.0", ("BTCUSDT", 1.0, 100_000.0), venue="binance").replace(
        "[[accounts.positions]]", "debts = { ETH = 1.0 }\n[[accounts.positions]]"
    )
    markets = market("binance", "ETHUSDT", 3_000.0, "index_price = 2999.0") + market("binance", "BTCUSDT", 100_000.0)
    with pytest.raises(MissingData, match="no dollar price for ETH"):
        checked(tmp_path, book + markets)


def test_slippage_is_counted_from_the_margin_price(tmp_path: Path) -> None:
    thin = market("hyperliquid", "BTC", 100_000.0, "bids = [[97000.0, 10.0]]\nasks = [[103000.0, 10.0]]")
    book = account("x", "USDC = 20000.0", ("BTC", 2.0, 100_000.0)) + thin
    trim = checked(tmp_path, book, "[leverage.book]\ngross = 5\n").verdict.plans[0].trims[0]
    assert trim.slippage == pytest.approx(0.03 * trim.notional_closed)


def test_a_coin_on_a_layer_hedges_a_short_in_stress(tmp_path: Path) -> None:
    layer = "[prices]\nETH = 3000.0\n" + account("x", "USDC = 100000.0", ("ETH", -10.0, 3_000.0))
    held = (
        layer + '[[layers]]\nlayer = "ethereum"\nasset = "ETH"\namount = 10.0\n' + market("hyperliquid", "ETH", 3_000.0)
    )
    losses = [one.loss for one in checked(tmp_path, held, "[survival]\n").assessment.stress]
    assert losses == pytest.approx([0.0] * len(losses), abs=1e-6)


def test_a_dead_accounts_debt_is_not_forgiven_by_a_crash(tmp_path: Path) -> None:
    book = account("x", "USDC = 1000.0", ("BTC", 1.0, 110_000.0)) + account("y", "USDC = 50000.0") + BTC
    losses = [one.loss for one in checked(tmp_path, book, "[survival]\nkinds = ['joint']\n").assessment.stress]
    assert min(losses) >= 0.0


def trade(folder: Path, words: str, book: str, rules: str, *, largest: bool = False) -> object:
    write(folder, book, rules)
    return run_whatif(
        words, folder / "book.toml", folder / "playbook.toml", market=None,
        now_ns=from_iso("2026-11-20T12:00:00Z"), terms_folders=(), largest=largest,
    ).comparison  # fmt: skip


def test_an_old_breach_does_not_excuse_a_new_one(tmp_path: Path) -> None:
    book = account("x", "USDC = 100000.0", ("BTC", 3.0, 100_000.0)) + BTC + market("hyperliquid", "SOL", 200.0)
    found = trade(tmp_path, "long 600 SOL @ x", book, "[leverage.asset]\nBTC = 1\ndefault = 0.5\n")
    assert [one.subject for one in found.worse] == ["SOL"]  # type: ignore[attr-defined]


def test_a_dying_account_does_not_excuse_a_trade_in_another(tmp_path: Path) -> None:
    accounts = account("b", "USDC = 100000.0", ("BTC", 1.0, 100_000.0))
    sick = account("a", "USDC = 5000.0", ("BTC", 1.0, 100_000.0)) + accounts + BTC
    well = account("a", "USDC = 50000.0", ("BTC", 1.0, 100_000.0)) + accounts + BTC
    sizes = [
        trade(tmp_path, "long 1 BTC @ b", book, "[survival]\n", largest=True).largest  # type: ignore[attr-defined]
        for book in (sick, well)
    ]
    assert sizes[0] == pytest.approx(sizes[1])


def test_a_settlement_coin_off_par_does_not_move_a_liquidation_price(tmp_path: Path) -> None:
    book = account("b", "USDT = 10000.0", ("BTCUSDT", 1.0, 100_000.0), venue="binance") + market(
        "binance", "BTCUSDT", 100_000.0
    )
    par = checked(tmp_path, book).assessment.positions[0].liquidation_price
    off = checked(tmp_path, "[prices]\nUSDT = 0.9\n" + book).assessment
    assert off.positions[0].liquidation_price == par
    assert any("counts at 1 dollar" in one.message for one in off.cautions)
