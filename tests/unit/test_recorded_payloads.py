"""Recorded answers of venues import, or are refused in words. They lie outside the repository; without them: skipped."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from perpbook.errors import BookError
from perpbook.snapshot import import_snapshot
from perpbook.terms import load
from tests.unit.saved_answers import equity

ROOT = Path(__file__).parents[2]
RECORDINGS = Path(os.environ.get("PERPBOOK_RECORDINGS", ROOT.parent / "shared" / "recordings"))
PAYLOADS = RECORDINGS / "venue_payloads"
ABSENT = f"no recordings at {RECORDINGS}: set PERPBOOK_RECORDINGS to the folder that holds venue_payloads"

pytestmark = pytest.mark.skipif(not PAYLOADS.is_dir(), reason=ABSENT)


def recorded(*names: str) -> list[Path]:
    paths = [PAYLOADS / name for name in names]
    for path in paths:
        if not path.is_file():
            pytest.skip(f"not among the recordings: {path}")
    return paths


def cassette(name: str) -> str:
    """The answer inside a recorded call."""
    found = sorted(RECORDINGS.glob(f"hyperliquid_sdk_cassettes/**/{name}.yaml"))
    body = re.search(r"string: '(.*)'", found[0].read_text()) if found else None
    if body is None:
        pytest.skip(f"not among the recordings: {name}.yaml")
    return body[1]


def with_contracts(folder: Path, venue: str, *symbols: str) -> Path:
    """A folder of a user's own terms: the newest of a venue, with some contracts more."""
    _, day, path = [one for one in load.terms_files() if one[0] == venue][-1]
    table = path.with_suffix(".csv").read_text()
    first = next(line for line in table.splitlines()[1:] if line[0] != ",")
    more = [first.replace(first.split(",")[0], symbol) for symbol in symbols]
    (folder / path.name).write_text(path.read_text())
    (folder / f"{venue}-{day}.csv").write_text(table.rstrip("\n") + "\n" + "\n".join(more) + "\n")
    return folder


def test_every_recorded_answer_is_a_book_or_refused_in_words() -> None:
    seen, books = 0, []
    for path in sorted(PAYLOADS.rglob("*.json")):
        seen += 1
        try:
            snapshot = import_snapshot(path)
        except BookError as error:
            assert error.problems and all(problem.hint or '"' in problem.message for problem in error.problems)
        else:
            books.append(path.name)
            assert snapshot.book.accounts
    print(f"{seen} recorded answers, of which books of their own: {', '.join(books)}")
    assert seen > 0 and books


def test_a_recorded_hyperliquid_account_has_the_equity_it_said(tmp_path: Path) -> None:
    text = cassette("test_get_user_state")
    (tmp_path / "state.json").write_text(text)
    said = json.loads(text)
    folder = tmp_path / "terms"
    folder.mkdir()
    unknown = {"MATIC", "APE", "OP"}
    snapshot = import_snapshot(
        tmp_path / "state.json", terms_folders=[with_contracts(folder, "hyperliquid", *sorted(unknown))]
    )
    (account,) = snapshot.book.accounts
    assert len(account.positions) == len(said["assetPositions"]) == 12
    assert equity(snapshot, account) == pytest.approx(float(said["crossMarginSummary"]["accountValue"]), abs=1e-9)
    none = [one["position"]["liquidationPx"] is None for one in said["assetPositions"]]
    assert [one.reported.no_liquidation_price for one in account.positions] == none
    with pytest.raises(BookError) as caught:
        import_snapshot(tmp_path / "state.json")
    assert {str(problem.value).strip("'") for problem in caught.value.problems} == unknown


def test_a_recorded_answer_that_left_its_positions_out_is_refused() -> None:
    (path,) = recorded("hyperliquid/http_clearinghouse_state_negative_total_raw_usd.json")
    with pytest.raises(BookError, match="positions are missing"):
        import_snapshot(path)


def test_recorded_bybit_positions_and_wallet_make_one_book() -> None:
    positions, wallet = recorded("bybit/http_get_positions.json", "bybit/http_get_wallet_balance.json")
    (account,) = import_snapshot(positions, extra=[wallet]).book.accounts
    assert [one.quantity for one in account.positions] == [0.5, -5.0]
    assert {one.asset: one.amount for one in account.collateral} == {"USDT": 1000.5, "ETH": -0.06142}


def test_a_recorded_dydx_subaccount_is_flat_and_dated() -> None:
    subaccount, markets = recorded("dydx/http_get_subaccount.json", "dydx/http_get_perpetual_markets.json")
    snapshot = import_snapshot(subaccount, extra=[markets])
    (account,) = snapshot.book.accounts
    assert account.positions == () and account.collateral[0].amount == account.reported.equity
    assert snapshot.book.as_of_ns == 1765210320 * 10**9


def test_a_recorded_dydx_position_takes_its_price_from_the_markets_beside_it() -> None:
    subaccount, markets = recorded("dydx/ws_subaccounts_subscribed.json", "dydx/http_get_perpetual_markets.json")
    assert not import_snapshot(subaccount).market.quotes, "its made-up equity does not confirm a derived price"
    assert import_snapshot(subaccount, extra=[markets]).market.quotes["dydx", "BTC-USD"].oracle_price


def test_a_recorded_binance_account_is_its_wallet() -> None:
    account, risk = recorded(
        "binance/futures/http_json/account_info_v2.json", "binance/futures/http_json/position_risk.json"
    )
    assert import_snapshot(account).book.accounts[0].collateral[0].amount == 23.72469206
    with pytest.raises(BookError, match="between the two answers"):
        import_snapshot(account, extra=[risk])


def test_a_recorded_okx_example_that_contradicts_itself_is_refused() -> None:
    positions, balance = recorded("okx/http_get_positions.json", "okx/http_get_account_balance.json")
    with pytest.raises(BookError, match="is USDT"):
        import_snapshot(positions, extra=[balance])


def test_a_recorded_deribit_portfolio_margin_account_is_refused(tmp_path: Path) -> None:
    (summaries,) = recorded("deribit/http_get_account_summaries_cross_margin.json")
    positions = tmp_path / "positions.json"
    positions.write_text('{"jsonrpc": "2.0", "result": []}')
    with pytest.raises(BookError, match="portfolio margin is not modelled"):
        import_snapshot(positions, extra=[summaries])


def test_a_recorded_deribit_account_without_positions_holds_its_equity(tmp_path: Path) -> None:
    (summaries,) = recorded("deribit/http_get_account_summaries.json")
    positions = tmp_path / "positions.json"
    positions.write_text('{"jsonrpc": "2.0", "result": []}')
    accounts = import_snapshot(positions, extra=[summaries]).book.accounts
    said = {one["currency"]: one for one in json.loads(summaries.read_text())["result"]["summaries"]}
    for account in accounts:
        (coins,) = account.collateral
        expected = said[coins.asset]["equity"] - said[coins.asset]["options_value"]
        assert coins.amount == pytest.approx(expected)
