"""Formats are told by shape, and where that is unsure the reader is asked rather than guessed for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perpbook.errors import BookError
from perpbook.model.units import SECOND_NS
from perpbook.snapshot import FORMATS, dump_snapshot, import_snapshot, load_snapshot
from perpbook.snapshot.recognise import candidates
from tests.unit import test_snapshot_binance as binance
from tests.unit import test_snapshot_bybit as bybit
from tests.unit import test_snapshot_ccxt as ccxt
from tests.unit import test_snapshot_deribit as deribit
from tests.unit import test_snapshot_dydx as dydx
from tests.unit import test_snapshot_hyperliquid as hyperliquid
from tests.unit import test_snapshot_okx as okx
from tests.unit.saved_answers import imported

ANSWERS: dict[str, list[Any]] = {
    "hyperliquid": [hyperliquid.STATE, hyperliquid.SPOT],
    "dydx": [{"subaccount": dydx.MAIN}, dydx.MARKETS],
    "binance": [binance.ACCOUNT, binance.RISK],
    "bybit": [bybit.positions(bybit.BTC), bybit.WALLET],
    "okx": [okx.answer(okx.BTC), okx.CASH],
    "deribit": [deribit.positions(deribit.SHORT), deribit.summary("BTC", 1.0)],
    "ccxt": [[ccxt.BTC], ccxt.balance(USDT=1.0)],
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_has_the_shape_of_one_format_only(name: str) -> None:
    assert [candidates(found) for found in ANSWERS[name]] == [[name]] * len(ANSWERS[name])


def test_every_format_is_named(tmp_path: Path) -> None:
    assert set(FORMATS) == {*ANSWERS, "csv"}
    with pytest.raises(BookError, match='did you mean "binance"') as caught:
        imported(tmp_path, binance.ACCOUNT, format="binnance")
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("found", [{"hello": 1}, [1, 2], 7, "text", None, True, [[]], [{}]])
def test_what_is_like_nothing_known_is_refused_with_the_list(tmp_path: Path, found: Any) -> None:
    with pytest.raises(BookError) as caught:
        imported(tmp_path, found)
    assert "hyperliquid, dydx, binance" in str(caught.value) or "not a flat book" in str(caught.value)


@pytest.mark.parametrize("found", [[], {}])
@pytest.mark.parametrize("format", [None, "hyperliquid", "dydx", "binance", "bybit", "okx", "deribit", "ccxt:okx"])
def test_an_empty_answer_is_not_a_flat_book(tmp_path: Path, found: Any, format: str | None) -> None:
    with pytest.raises(BookError, match="not a flat book"):
        imported(tmp_path, found, format=format)


def test_answers_of_two_venues_do_not_mix(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="cannot be told apart"):
        imported(tmp_path, bybit.WALLET, okx.answer(okx.BTC))


def test_a_format_that_the_answer_has_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="it looks like okx"):
        imported(tmp_path, okx.CASH, format="bybit")


def test_an_answer_without_a_time_is_as_old_as_its_file(tmp_path: Path) -> None:
    written = tmp_path / "0.json"
    assert imported(tmp_path, binance.ACCOUNT).book.as_of_ns == written.stat().st_mtime_ns
    assert imported(tmp_path, binance.ACCOUNT, now_ns=9 * SECOND_NS).book.as_of_ns == 9 * SECOND_NS


def test_an_answer_from_the_future_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="in the future"):
        imported(tmp_path, hyperliquid.STATE, now_ns=1795176000 * SECOND_NS - 400 * SECOND_NS)


def test_what_was_imported_can_be_saved_and_read_again(tmp_path: Path) -> None:
    for name, found in ANSWERS.items():
        snapshot = imported(tmp_path, *found, format="ccxt:binance" if name == "ccxt" else None)
        (tmp_path / "again.toml").write_text(dump_snapshot(snapshot))
        assert load_snapshot(tmp_path / "again.toml") == snapshot, name


def test_a_native_book_imports_as_itself(tmp_path: Path) -> None:
    snapshot = imported(tmp_path, *ANSWERS["okx"])
    path = tmp_path / "book.toml"
    path.write_text(dump_snapshot(snapshot))
    assert import_snapshot(path) == load_snapshot(path)
    with pytest.raises(BookError, match="not a venue's answer"):
        import_snapshot(path, format="okx")


def test_a_book_is_not_merged_with_venues_answers(tmp_path: Path) -> None:
    path = tmp_path / "book.toml"
    path.write_text(dump_snapshot(imported(tmp_path, *ANSWERS["okx"])))
    with pytest.raises(BookError, match="is a book; the files beside it"):
        import_snapshot(path, extra=[tmp_path / "0.json"])


def test_problems_name_the_file_and_the_path_in_the_venues_own_answer(tmp_path: Path) -> None:
    odd = {**okx.BTC, "instId": "BTC-USDT-SWOP", "avgPx": "0"}
    with pytest.raises(BookError) as caught:
        imported(tmp_path, okx.CASH, okx.answer(okx.ETH, odd))
    problems = {problem.key: Path(problem.file).name for problem in caught.value.problems}
    assert problems == {"data[1].symbol": "1.json", "data[1].entry_price": "1.json"}


def test_missing_folders_and_broken_files_are_one_problem_each(tmp_path: Path) -> None:
    (tmp_path / "half.json").write_text('{"retCode": 0, ')
    for path, words in ((tmp_path, "folder"), (tmp_path / "no.json", "no such file"), (tmp_path / "half.json", "JSON")):
        with pytest.raises(BookError, match=words) as caught:
            import_snapshot(path)
        assert len(caught.value.problems) == 1


def test_a_sheet_and_a_book_name_their_accounts_themselves(tmp_path: Path) -> None:
    sheet = tmp_path / "book.csv"
    sheet.write_text("account,venue,collateral_asset,amount\nmain,okx,USDT,5\n")
    assert import_snapshot(sheet).book.accounts[0].id == "main"
    with pytest.raises(BookError, match="names its accounts itself"):
        import_snapshot(sheet, account="desk")
