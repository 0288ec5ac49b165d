"""A check, against numbers worked out by hand. Tests write books and playbooks as a trader would."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from perpbook.errors import MissingData, StaleData
from perpbook.model.units import from_iso
from perpbook.model.verdict import Status
from perpbook.runs.check import CheckResult, run_check

HEAD = 'schema = "book/1"\nas_of = "2026-11-20T12:00:00Z"\n'
LONG = """
[[accounts]]
id = "a"
venue = "hyperliquid"
collateral = { USDC = 10000.0 }
[[accounts.positions]]
symbol = "BTC"
quantity = 1.0
entry_price = 50000.0
[[markets]]
venue = "hyperliquid"
symbol = "BTC"
mark_price = 50000.0
"""


def checked(folder: Path, book: str, playbook: str = "", **options: object) -> CheckResult:
    (folder / "book.toml").write_text(HEAD + dedent(book), encoding="utf-8")
    (folder / "playbook.toml").write_text("schema_version = 1\n" + dedent(playbook), encoding="utf-8")
    return run_check(folder / "book.toml", folder / "playbook.toml", **options)  # type: ignore[arg-type]


def broken(result: CheckResult) -> list[str]:
    return [finding.rule for finding in result.verdict.findings if finding.status is Status.BREACH]


def test_one_long_of_leverage_five_dies_where_its_venue_says(tmp_path: Path) -> None:
    """Equity 10,000 on 50,000 of notional at 1.25 %: 50000 - 40000/(1 - 0.0125) away, effective leverage 5."""
    found = checked(tmp_path, LONG).assessment
    position, account = found.positions[0], found.accounts[0]
    assert position.liquidation_price == pytest.approx(40_000 / (1 - 0.0125), rel=1e-12)
    assert position.bankruptcy_price == pytest.approx(40_000, rel=1e-12)
    assert account.effective_leverage == pytest.approx(5.0, rel=1e-12)
    assert account.liquidation_move == pytest.approx(40_000 / 0.9875 / 50_000 - 1, rel=1e-12)
    assert account.summary.margin_ratio == pytest.approx(625 / 10_000)


def test_user_leverage_moves_initial_margin_and_nothing_else(tmp_path: Path) -> None:
    plain = checked(tmp_path, LONG).assessment
    levered = checked(tmp_path, LONG.replace("entry_price", "leverage = 10\nentry_price")).assessment
    assert plain.positions[0].initial_margin == pytest.approx(50_000 / 40)
    assert levered.positions[0].initial_margin == pytest.approx(5_000)
    assert levered.positions[0].liquidation_price == plain.positions[0].liquidation_price


def test_a_hedge_on_another_venue_does_not_protect_this_account(tmp_path: Path) -> None:
    other = """
    [[accounts]]
    id = "b"
    venue = "binance"
    collateral = { USDT = 10000.0 }
    [[accounts.positions]]
    symbol = "BTCUSDT"
    quantity = -1.0
    entry_price = 50000.0
    [[markets]]
    venue = "binance"
    symbol = "BTCUSDT"
    mark_price = 50000.0
    """
    found = checked(tmp_path, LONG + dedent(other)).assessment
    assert found.book.net_leverage == pytest.approx(0.0)
    assert found.accounts[0].effective_leverage == pytest.approx(5.0)
    assert found.accounts[0].orphans[0].exposure_after == pytest.approx(-50_000)
    assert {outcome.deaths[0].account for outcome in found.stress if outcome.deaths} == set()
    assert found.book.effective_leverage == pytest.approx(5.0, rel=1e-3)


def test_the_same_pair_in_one_account_hardly_dies(tmp_path: Path) -> None:
    pair = LONG.replace("quantity = 1.0", "quantity = 1.0").replace(
        "[[markets]]", '[[accounts.positions]]\nsymbol = "BTC"\nquantity = -1.0\nentry_price = 50000.0\n[[markets]]'
    )
    found = checked(tmp_path, pair).assessment
    assert found.accounts[0].net_leverage == pytest.approx(0.0)
    assert found.accounts[0].effective_leverage < 0.5
    assert found.accounts[0].summary.maintenance_margin == pytest.approx(1_250), "requirements do not net"


def test_survival_breaks_where_the_account_dies_and_the_cheapest_trim_mends_it(tmp_path: Path) -> None:
    result = checked(tmp_path, LONG, "[survival]\nmoves = [0.2]\nkinds = ['joint']\n[leverage.book]\ngross = 6\n")
    assert broken(result) == ["survival.joint"]
    plan = result.verdict.plans[0]
    assert plan.restores and plan.method == "cheapest"
    size = plan.trims[0].quantity_after
    cost = (1 - size) * 50_000 * 0.00045
    assert 10_000 - cost - 10_000 * size >= 40_000 * size * 0.0125 - 1e-6
    larger = size + 2e-5
    assert 10_000 - (1 - larger) * 22.5 - 10_000 * larger < 40_000 * larger * 0.0125, "no lot more would survive"


def test_a_loss_beyond_its_share_closes_the_position(tmp_path: Path) -> None:
    losing = LONG.replace("mark_price = 50000.0", "mark_price = 48000.0")
    result = checked(tmp_path, losing, "[guardrails]\nposition_loss = 0.2\n")
    assert broken(result) == ["guardrails.position_loss"]
    assert result.verdict.plans[0].trims[0].quantity_after == 0


def test_what_no_trade_mends_says_what_does(tmp_path: Path) -> None:
    result = checked(tmp_path, LONG, "[venues]\nmax_share = 0.5\n")
    assert broken(result) == ["venues.max_share"]
    assert result.verdict.plans == ()
    assert "Move money off hyperliquid" in str(result.verdict.findings[0].hint)


def test_depth_limits_a_position_and_prices_its_trim(tmp_path: Path) -> None:
    deep = LONG + "bids = [[49990.0, 0.5], [49900.0, 1.0]]\n"
    result = checked(tmp_path, deep, "[liquidity]\nmax_depth_share = 0.5\n")
    trim = result.verdict.plans[0].trims[0]
    assert trim.slippage_known
    assert trim.quantity_after * 50_000 <= 0.5 * (49_990 * 0.5 + 49_900) + 1e-6


def test_sleeves_share_what_there_is(tmp_path: Path) -> None:
    money = LONG + '[[layers]]\nlayer = "arbitrum"\nasset = "USDC"\namount = 30000.0\n'
    book = money.replace("entry_price", 'tags = ["core"]\nentry_price')
    rules = '[[capital.sleeves]]\nname = "core"\ntags = ["core"]\nmax = 0.2\n[[capital.sleeves]]\nname = "reserve"\n'
    result = checked(tmp_path, book, rules)
    assert [one.share for one in result.verdict.sleeves] == pytest.approx([0.25, 0.75])
    assert broken(result) == ["capital.sleeves.max"]


def test_an_experimental_position_in_a_cross_pool_is_the_wrong_mode(tmp_path: Path) -> None:
    book = LONG.replace("entry_price", 'tags = ["new"]\nentry_price')
    rules = '[[capital.sleeves]]\nname = "new"\ntags = ["new"]\n[margin]\nisolated = ["new"]\n'
    assert broken(checked(tmp_path, book, rules)) == ["margin.mode"]
    isolated = book.replace('venue = "hyperliquid"\ncollateral', 'venue = "hyperliquid"\nmode = "isolated"\ncollateral')
    assert broken(checked(tmp_path, isolated, rules)) == []


def test_a_missing_price_is_an_error_and_not_a_zero(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="no mark price for BTC on hyperliquid"):
        checked(tmp_path, LONG.split("[[markets]]")[0])


def test_prices_older_than_the_playbook_allows_are_refused(tmp_path: Path) -> None:
    rules = "[data]\nprices_max_age_minutes = 5\n"
    checked(tmp_path, LONG, rules, now_ns=from_iso("2026-11-20T12:04:00Z"))
    with pytest.raises(StaleData, match="minutes old"):
        checked(tmp_path, LONG, rules, now_ns=from_iso("2026-11-20T12:06:00Z"))


def test_stale_terms_are_a_caution_in_every_assessment(tmp_path: Path) -> None:
    result = checked(tmp_path, LONG, "[data]\nterms_max_age_days = 30\n")
    assert any(one.code == "stale-terms" and "Hyperliquid" in one.message for one in result.assessment.cautions)


def test_the_venues_own_liquidation_price_stands_beside_ours(tmp_path: Path) -> None:
    reported = LONG.replace("[[markets]]", "[accounts.positions.reported]\nliquidation_price = 41000.0\n[[markets]]")
    found = checked(tmp_path, reported).assessment
    assert [(one.quantity, one.theirs) for one in found.differences] == [("liquidation_price", 41_000.0)]
    agreed = reported.replace("41000.0", "40506.4")
    assert checked(tmp_path, agreed).assessment.differences == ()


def test_without_a_playbook_only_the_survival_moves_are_judged(tmp_path: Path) -> None:
    (tmp_path / "book.toml").write_text(HEAD + LONG, encoding="utf-8")
    result = run_check(tmp_path / "book.toml")
    assert {finding.rule.split(".")[0] for finding in result.verdict.findings} == {"survival"}
    assert replace(result.verdict, plans=()).status is result.decision.status
