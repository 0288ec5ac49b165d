"""`perpbook tails`: from a lake to words and to JSON, and what it refuses."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from perpbook.cli.tails import tails
from perpbook.errors import InputError
from perpbook.history.lake import Lake
from perpbook.model.units import HOUR_NS, from_iso
from perpbook.report.tails import tell_tails
from perpbook.runs.data import Recipe, run_generate
from perpbook.runs.tails import Asked, run_tails, wanted_of, window_of
from perpbook.tails.found import TailReport
from tests.unit.tails_moves import bars, moves

APP = typer.Typer()
APP.command()(tails)
START = from_iso("2024-01-01")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    recipe = Recipe(assets=2, venues=("binance",), start_ns=START, days=60.0, bar_ns=HOUR_NS, seed=3)
    run_generate(folder, recipe, now_ns=START)
    return folder


@pytest.fixture(scope="module")
def found(lake: Path) -> TailReport:
    return run_tails(lake, Asked(symbols=("BTC", "ETH")))


def test_a_made_up_market_is_told_in_words_and_as_json(lake: Path, found: TailReport) -> None:
    run = CliRunner().invoke(
        APP, ["BTC", "ETH", "--lake", str(lake), "--window", "early=2024-01-05/2024-01-08", "--market", "BTC", "--json"]
    )
    assert run.exit_code == 0, run.stderr
    document = json.loads(run.stdout)
    data = document["data"]
    assert document["schema"] == "tails/1" and data["simulated"] and data["names"] == ["BTC", "ETH"]
    assert data["stressed"]["market"] == "BTC" and data["stressed"]["windows"][0]["correlation"]["points"] == 72
    falls = data["raw"][0]["dependence"][0]
    assert falls["estimate"]["why"].startswith("insufficient") and falls["estimate"]["points"] == 14
    assert {one["estimate"]["confidence"] for one in data["raw"][0]["dependence"]} == {0.95}
    again = json.loads(json.dumps([asdict(one) for one in found.raw]))
    assert data["raw"] == again, "the same seed gives the same numbers"


def test_the_report_says_what_it_stands_on(found: TailReport) -> None:
    out = StringIO()
    tell_tails(Console(file=out, width=100), found)
    said = out.getvalue()
    assert "SIMULATED prices" in said
    assert "when one has its worst 5 % of bars, so does the other" in said
    assert "1,000 resamples of joint rows in blocks of 24 bars" in said
    assert "peaks over threshold" in said and "unhedged" in said
    assert max(len(line) for line in said.splitlines()) <= 100


def test_a_tail_of_too_few_bars_is_said_to_be_insufficient(lake: Path) -> None:
    out, asked = StringIO(), Asked(symbols=("BTC", "ETH"), since_ns=from_iso("2024-02-09"), level=0.01)
    tell_tails(Console(file=out, width=100), run_tails(lake, asked))
    assert "insufficient: 5 points, 20 needed" in out.getvalue()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["BTC"], 3, "two coins at least"),
        (["BTC", "BTC"], 3, "named twice"),
        (["BTC", "DOGE"], 20, "no DOGE prices of binance"),
        (["BTC", "ETH", "--level", "0.9"], 3, "0.05 is the worst twentieth"),
        (["BTC", "ETH", "--draws", "10"], 3, "1,000 at least"),
        (["BTC", "ETH", "--market", "SOL"], 3, "not among BTC, ETH"),
        (["BTC", "ETH", "--window", "x"], 3, "write it like ftx="),
        (["BTC", "ETH", "--until", "2024-01-04"], 3, "BTC is left out: it has 71 bars of its own"),
        (["BTC", "ETH", "--since", "yesterday"], 3, "no ISO time"),
    ],
)
def test_nonsense_is_one_clear_error(lake: Path, words: list[str], code: int, said: str) -> None:
    run = CliRunner().invoke(APP, [*words, "--lake", str(lake)])
    assert run.exit_code == code and said in run.stderr and "Traceback" not in run.stderr


def test_options_are_read_as_written() -> None:
    assert wanted_of("ETH-USDC", "okx").quote == "USDC" and wanted_of("ETH", "okx").base == "ETH"
    assert (
        window_of("ftx=2022-11-06/2022-11-12").end_ns - window_of("ftx=2022-11-06/2022-11-12").start_ns == 144 * HOUR_NS
    )
    with pytest.raises(InputError, match="is no coin"):
        wanted_of("-USDC", "okx")


def test_bitcoin_and_ether_fall_together_more_than_gaussians_do() -> None:
    folder = Path(os.environ.get("PERPBOOK_DATA_LAKE", "lake"))
    if len(Lake(folder).held("candles", "binance", "ETH-*")) == 0:
        pytest.skip(reason=f"no real history at {folder} (PERPBOOK_DATA_LAKE)")
    asked = Asked(
        symbols=("BTC", "ETH"),
        since_ns=from_iso("2021-01-02"),
        until_ns=from_iso("2024-01-01"),
        windows=("ftx=2022-11-06/2022-11-12",),
    )
    found = run_tails(folder, asked)
    fall = next(one for one in found.filtered[0].dependence if one.side == "lower" and one.estimate.level == 0.05)
    assert fall.estimate.value is not None and 0.55 < fall.estimate.value < 0.80
    assert fall.excess.low is not None and fall.excess.low > 0.03
    rise = next(one for one in found.filtered[0].dependence if one.side == "upper" and one.estimate.level == 0.05)
    assert rise.estimate.value is not None and rise.estimate.value < fall.estimate.value
    nu = found.filtered[0].student.nu
    assert nu.low is not None and nu.high is not None and 2.5 < nu.low < nu.high < 6.5
    assert found.stressed.stressed is not None
    assert np.linalg.eigvalsh(np.array(found.stressed.stressed))[0] > 0.0


def test_the_pages_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "tails.md").read_text(encoding="utf-8")
    block = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert block
    exec(block[1], {"bars": bars(moves(900, 0.7, nu=4.0))})
    assert capsys.readouterr().out.startswith("BTCUSDT ETHUSDT Estimate(value=")
