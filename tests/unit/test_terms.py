"""Venue terms: dated, sourced, found by name, overridden by newer files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from perpbook.errors import TermsError
from perpbook.terms.find import find_contract
from perpbook.terms.load import PACKAGE, age_days, load_terms, venues
from perpbook.terms.terms import Tier, TierMode, TierTable, TierUnit

FAR = date(2030, 1, 1)


def newer(folder: Path, venue: str, day: str, table: str) -> Path:
    """A copy of a venue's terms with another date and another table."""
    source = next(PACKAGE.glob(f"{venue}-2*.toml"))
    text = source.read_text(encoding="utf-8").replace(source.stem[-10:], day)
    (folder / f"{venue}-{day}.csv").write_text(table, encoding="utf-8")
    path = folder / f"{venue}-{day}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_venue_of_the_step_has_terms() -> None:
    asked = {"dydx", "hyperliquid", "binance", "binance-coinm", "bybit", "okx", "deribit", "drift", "gmx", "bitmex"}
    assert asked == set(venues())


@pytest.mark.parametrize("venue", venues())
def test_every_contract_builds_and_every_figure_has_a_dated_source(venue: str) -> None:
    terms = load_terms(venue)
    assert terms.contracts and terms.sources and terms.fees
    assert all(source.what and source.where and source.retrieved for source in terms.sources)
    for symbol in terms.contracts:
        found = terms.contracts[symbol]
        assert found.contract.symbol == symbol and found.contract.base and found.contract.settle
        for tier in found.tiers.tiers:
            assert 0 < tier.maintenance_margin_fraction <= tier.initial_margin_fraction <= 1


def test_a_newer_file_takes_the_place_of_an_older_one_from_its_date_on(tmp_path: Path) -> None:
    newer(tmp_path, "hyperliquid", "2027-01-01", "symbol,base,lower,mmf,imf\nBTC,BTC,0,0.02,0.04\n")
    before = load_terms("hyperliquid", at=date(2026, 12, 31), folders=(tmp_path,))
    after = load_terms("hyperliquid", at=date(2027, 1, 1), folders=(tmp_path,))
    assert before.contracts["BTC"].tiers.tiers[0].maintenance_margin_fraction == 0.0125
    assert after.contracts["BTC"].tiers.tiers[0].maintenance_margin_fraction == 0.02
    assert load_terms("hyperliquid", folders=(tmp_path,)).as_of == date(2027, 1, 1)


def test_prices_older_than_any_terms_get_the_oldest() -> None:
    assert load_terms("binance", at=date(2020, 1, 1)).as_of == load_terms("binance").as_of


def test_overlapping_tiers_are_refused(tmp_path: Path) -> None:
    table = "symbol,base,lower,mmf,imf\nBTC,BTC,0,0.01,0.02\n,,5000,0.02,0.04\n,,5000,0.03,0.06\n"
    newer(tmp_path, "hyperliquid", "2027-01-01", table)
    with pytest.raises(TermsError, match="tiers overlap"):
        find_contract(load_terms("hyperliquid", at=FAR, folders=(tmp_path,)), "BTC")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema = 'terms/2'", "this version reads"),
        ("schema = ", "cannot be read as a terms file"),
        ("schema = 'terms/1'", "is missing"),
    ],
)
def test_a_broken_terms_file_gets_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "hyperliquid-2027-01-01.toml").write_text(text, encoding="utf-8")
    with pytest.raises(TermsError, match=message):
        load_terms("hyperliquid", at=FAR, folders=(tmp_path,))


def test_a_terms_file_with_another_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "my-terms.toml").write_text("", encoding="utf-8")
    with pytest.raises(TermsError, match="VENUE-YYYY-MM-DD"):
        load_terms("hyperliquid", folders=(tmp_path,))


def test_a_misspelt_venue_or_contract_is_answered_with_the_nearest() -> None:
    with pytest.raises(TermsError, match='did you mean "hyperliquid"'):
        load_terms("hyperliqiud")
    with pytest.raises(TermsError, match='"BTCUSDT"'):
        find_contract(load_terms("binance"), "BTCUSTD")


def test_the_unified_name_of_a_contract_finds_it() -> None:
    assert find_contract(load_terms("binance"), "ETH/USDT:USDT").contract.symbol == "ETHUSDT"
    assert find_contract(load_terms("okx"), "BTC/USDT:USDT").contract.symbol == "BTC-USDT-SWAP"


def test_age_counts_days_from_the_date_of_the_terms() -> None:
    from perpbook.model.units import from_iso

    terms = load_terms("hyperliquid")
    assert age_days(terms, from_iso("2026-07-29T12:00:00Z")) == 10.5


def test_whole_position_tiers_by_notional_are_refused() -> None:
    tiers = (Tier(lower=0, maintenance_margin_fraction=0.01, initial_margin_fraction=0.02),)
    with pytest.raises(TermsError, match="not modelled"):
        TierTable(tiers=tiers, unit=TierUnit.NOTIONAL, mode=TierMode.WHOLE_POSITION)


def test_an_upper_inclusive_bound_belongs_to_the_lower_tier() -> None:
    low = Tier(lower=0, maintenance_margin_fraction=0.01, initial_margin_fraction=0.02)
    high = Tier(lower=2000, maintenance_margin_fraction=0.015, initial_margin_fraction=0.03)
    inclusive = TierTable(
        tiers=(low, high), unit=TierUnit.CONTRACTS, mode=TierMode.WHOLE_POSITION, upper_inclusive=True
    )
    assert inclusive.tier_of(2000) is low
    assert inclusive.tier_of(2001) is high
    assert TierTable(tiers=(low, high)).tier_of(2000) is high
