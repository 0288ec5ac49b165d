"""6 to 11 September 2021 from recorded prices and base fees: a treasurer who pays what gas cost then.

Needs the folder of real history (PERPBOOK_DATA); skipped, with the reason printed, where it is not.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from perpbook.engine.result import BacktestResult
from perpbook.engine.treasured import Treasured, deaths_by_account
from perpbook.history.importing import import_file
from perpbook.history.lake import Lake
from perpbook.history.recognise import Naming
from perpbook.model.units import from_iso
from perpbook.runs.asked import asked_from
from perpbook.runs.backtest import run_backtest
from tests.unit.history_lakes import put, real_data

PAGE = Path(__file__).parents[2] / "docs/treasury-time.md"
HOURLY = "eth_basefee_hourly_2021H2.csv"
START, END = "2021-09-06", "2021-09-11"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book of the document, and Binance's ether by the hour with its funding, in a lake with gas and in one without."""
    data, folder = real_data(), tmp_path_factory.mktemp("gas")
    books = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "long.toml").write_text(next(one for one in books if 'id = "eth-long"' in one))
    days = pl.col("ts").is_between(from_iso(START) // 10**6, from_iso(END) // 10**6, closed="left")
    mine = days & (pl.col("venue") == "binance") & (pl.col("symbol") == "ETH-USDT")
    bars = pl.scan_parquet(data / "candles/binance_perp_1h.parquet").filter(mine).sort("ts").collect()
    paid = pl.scan_parquet(data / "funding/funding.parquet").filter(mine).sort("ts").collect()
    for name in ("with", "without"):
        lake = Lake(folder / name)
        put(
            lake,
            bars.select("ts", "open", "high", "low", "close", "volume"),
            name="binance ETH-USDT",
        )
        put(lake, paid.select("ts", "rate", "interval_hours"), kind="funding", name="binance ETH-USDT")
    for file in ("eth_daily.csv", HOURLY):
        import_file(data / "gas" / file, Lake(folder / "with"), Naming(), 0)
    return folder


def run(place: Path, lake: str = "with", *storms: str, **more: Any) -> tuple[BacktestResult, Treasured]:
    asked = {
        "book": place / "long.toml", "no_playbook": True, "lake": place / lake, "start": START, "end": END, "treasury": True,
        "alarm": 0.02, "calm": 0.01, "storms": storms,
    }  # fmt: skip
    found = run_backtest(asked_from({**asked, **more}))
    assert found.treasured is not None
    return found, found.treasured


@pytest.mark.slow
def test_every_transfer_from_ethereum_pays_the_fee_of_its_hour(place: Path) -> None:
    with open(real_data() / "gas" / HOURLY, encoding="utf-8") as file:
        fees = {int(row["unix"]): float(row["basefee_gwei_median"]) for row in csv.DictReader(file)}
    result, told = run(place)
    start, close = from_iso(START) // 10**9, result.main.bars.close[0]
    sent = [one.sent for one in told.moves if one.sent.source == "ethereum" and one.sent.destination == "eth-long"]
    assert sent and "ethereum" in told.gas
    for one in sent:
        # A deposit is one ERC-20 transfer: 65,000 units, as the facts have it.
        assert one.gas == pytest.approx(65_000.0 * fees[start + int(one.left) // 3_600 * 3_600] * 1e-9 * close[one.bar])


@pytest.mark.slow
def test_dear_gas_brings_the_reserve_another_way(place: Path) -> None:
    kept: dict[str, Any] = {"reserves": {"arbitrum": 20_000}, "alarm": 0.06, "calm": 0.03}
    then, today = run(place, **kept)[1].moves[0].sent, run(place, "without", **kept)[1].moves[0].sent
    assert (today.source, then.source) == ("ethereum", "eth-long") and (today.why, then.why) == ("reserve", "reserve")
    assert today.fee == then.gas == 0.0 and 0.0 < today.gas < then.fee < 10.0


@pytest.mark.slow
def test_a_storm_of_gas_laid_over_other_days_makes_their_fees_dearer(place: Path) -> None:
    found, told = run(place, "with", "gas-ethereum-2022-05-01@2021-09-06T00:00")
    usual = run(place)[1]
    assert told.moves[0].sent.gas > 2.0 * usual.moves[0].sent.gas and not any(
        "not made dearer" in one for one in found.notes
    )


@pytest.mark.slow
def test_the_figures_of_gas_in_the_document_are_what_the_run_gives(place: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for lake in ("with", "without"):
        found, told = run(place, lake)
        assert f"${told.dollars:,.0f} in {len(told.moves)}" in page and f"${told.cost:.2f}" in page
        assert not deaths_by_account(found.main) and set(deaths_by_account(told.without)) == {"eth-long"}
        assert f"${found.main.equity[-1]:,.0f}" in page
