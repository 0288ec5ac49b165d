"""The page on funding rules: every row of its tables, run again on recorded prices and rates.

Needs the folder of real history (PERPBOOK_DATA); skipped, with the reason printed, where it is not.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perpbook.engine.backtest import Journey, backtest
from perpbook.engine.outcome import Outcome
from perpbook.kernels.holding import FEES, FUNDING, PRICE, SLIPPAGE
from perpbook.model.units import from_iso
from perpbook.playbook.load import parse_playbook
from perpbook.report.run_measures import measures_of
from perpbook.runs.backtest import Backtest, Source, Span, plan_journey
from perpbook.runs.backtest_turns import Idea, targets_of
from perpbook.runs.data import Which, run_import
from tests.reference.recorded_history import data_file

PAGE = (Path(__file__).parents[2] / "docs" / "funding-rules.md").read_text(encoding="utf-8")
PARTS = PAGE.split("\n## ")[1:]
FILES = ("candles/binance_perp_1h.parquet", "funding/funding.parquet")
PARTED = ("2021-01-01", "2022-01-01"), ("2024-01-01", "2024-07-01"), ("2024-01-01", "2024-07-01")
LEGS = ("perps:BTCUSDT", "perps:ETHUSDT"), ("hl:BTC", "hl:ETH", "bn:BTCUSDT", "bn:ETHUSDT"), ("hl:BTC", "bn:BTCUSDT")
WEIGHTS = (1.0, 0.5), (0.6, 0.4, 0.0, 0.0), (1.0, -1.0)
WEEK = 7 * 24


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("year") / "lake"
    files = [data_file(name) for name in FILES]
    run_import(files, folder, Which(), simulated=False, now_ns=0, tell=lambda step, number, total: None)
    return folder


def rows_of(part: int) -> list[tuple[str, list[str]]]:
    """(rules as TOML, the other cells) of every row of a part's table."""
    rows = [line.strip("| \n").split(" | ") for line in PARTS[part].splitlines() if line.startswith("| ")]
    return [("\n".join(re.findall(r"`([^`]+)`", first)), rest) for first, *rest in rows[1:]]


def planned(part: int, lake: Path, folder: Path) -> Journey:
    """The journey of a part, its book as the page writes it, without a playbook."""
    path = folder / "book.toml"
    book = re.search(r"```toml\n(schema = .*?)```", PARTS[min(part, 1)], re.DOTALL)
    assert book
    path.write_text(book[1], encoding="utf-8")
    start, end = (from_iso(f"{day}T00:00:00Z") for day in PARTED[part])
    weights = {"weights": ",".join(str(one) for one in WEIGHTS[part])}
    asked = Backtest(
        book=path, playbook=None, span=Span(start_ns=start, end_ns=end),
        source=Source(lake=lake, proxies={"hyperliquid": "binance"} if part else {}, funding={}),
        idea=Idea(legs=LEGS[part], name="hold", options=weights),
    )  # fmt: skip
    journey = plan_journey(asked)[0]
    targets = targets_of(asked.idea, journey)
    assert targets is not None
    if part == 0:
        bars = np.arange(0, journey.bars.count, WEEK, dtype=np.int64)
        targets = replace(targets, bar=bars, exposure=np.tile(np.array(WEIGHTS[0]), (bars.size, 1)))
    return replace(journey, targets=targets)


def run_under(journey: Journey, rules: str) -> Outcome:
    if not rules:
        return backtest(journey)
    return backtest(replace(journey, playbook=parse_playbook(f"schema_version = 1\n[funding]\n{rules}\n", "page")))


def cells(outcome: Outcome) -> list[str]:
    """A run as the page writes its rows."""
    totals, measures = outcome.totals.sum(axis=0), measures_of(outcome)
    costs = -(totals[FEES] + totals[SLIPPAGE])
    money = [f"{totals[PRICE] + 0.0:+,.0f}", f"{totals[FUNDING]:+,.0f}", f"{costs:,.0f}", f"{measures.end:,.0f}"]
    return [*money, f"{100 * measures.drawdown:.0f} %", ", ".join(measures.dead) or "-"]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(3))
def test_the_page_says_what_the_years_say(part: int, lake: Path, tmp_path: Path) -> None:
    journey = planned(part, lake, tmp_path)
    for rules, told in rows_of(part):
        assert cells(run_under(journey, rules))[: len(told)] == told, rules


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "rules"), [(0, "projected_cap = 0.002"), (1, 'expected_max = 0.1\nresponse = "move"')]
)
def test_a_year_that_charges_longs_charges_less_under_the_rules(
    part: int, rules: str, lake: Path, tmp_path: Path
) -> None:
    """The direction of the result: what is avoided is several times what avoiding it costs."""
    journey = planned(part, lake, tmp_path)
    alone, guarded = (run_under(journey, text).totals.sum(axis=0) for text in ("", rules))
    saved = guarded[FUNDING] - alone[FUNDING]
    spent = (alone[FEES] + alone[SLIPPAGE]) - (guarded[FEES] + guarded[SLIPPAGE])
    assert alone[FUNDING] < 0.0 and saved > 0.3 * -alone[FUNDING] and saved > 5.0 * spent > 0.0
