"""Storms that only one book has: the worst of its own history, and its playbook's grid; and drills that would not fit."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.errors import InputError
from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.units import HOUR_NS
from perpbook.runs.drill_memory import Extent, check_size
from perpbook.runs.own_storms import names_worst, worst_of
from perpbook.scenario.overlay import Ground
from perpbook.scenario.worst import OWN, own_worst_storms, worst_windows

DESK = Path(__file__).parents[2] / "src/perpbook/examples/desk"
BOOK, RULES = str(DESK / "book.toml"), str(DESK / "conservative.toml")


def said(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["drill", *words], catch_exceptions=False)
    return done.exit_code, " ".join(done.output.split())


def prices(columns: int, bars: int) -> np.ndarray:
    return np.exp(np.cumsum(0.01 * np.random.default_rng(2).standard_normal((columns, bars)), axis=1))


def bars_of(closes: np.ndarray) -> Bars:
    nothing = Settlements(times_ns=np.zeros(0, np.int64), rates=np.zeros(0), interval_ns=np.zeros(0, np.int64))
    opened = np.ascontiguousarray(np.concatenate([closes[:, :1], closes[:, :-1]], axis=1))
    return Bars(
        bar_ns=HOUR_NS, open_ns=np.arange(closes.shape[1]) * HOUR_NS, open=opened, high=np.maximum(opened, closes),
        low=np.minimum(opened, closes), close=closes, stale=np.zeros(closes.shape, np.uint8),
        series=tuple(SeriesKey(venue="binance", symbol=f"{n}") for n in range(len(closes))),
        settlements=(nothing,) * len(closes),
    )  # fmt: skip


def test_no_window_is_worse_than_the_worst_and_none_lies_over_another() -> None:
    closes, dollars, length = prices(3, 400), np.array([100.0, -60.0, 20.0]), 24
    found = worst_windows(closes, dollars, length)
    held = dollars[:, None] / closes
    every = [
        min(held[:, s] @ closes[:, s + lag] - dollars.sum() for lag in range(length + 1)) for s in range(400 - length)
    ]
    assert -found[0].loss == pytest.approx(min(every)) and len(found) == 5
    assert all(one.loss >= other.loss for one, other in itertools.pairwise(found))
    spans = sorted((one.first, one.last) for one in found)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))


def test_a_hedged_book_fears_the_gap_between_its_legs_and_not_the_fall() -> None:
    closes = np.array([[100.0, 50, 50, 50, 50, 50, 50], [100.0, 50, 50, 50, 50, 55, 50]])
    (worst,) = worst_windows(closes, np.array([1e4, -1e4]), 2, count=1)
    assert worst.loss == pytest.approx(1_000.0) and worst.bottom == 5
    assert worst_windows(closes[:1].repeat(2, axis=0), np.array([1e4, -1e4]), 2) == ()


@pytest.mark.parametrize(
    ("closes", "dollars", "length", "told"),
    [
        (np.ones((1, 5)), np.ones(1), 5, "5 bars hold no window of 5"),
        (np.zeros((1, 5)), np.ones(1), 2, "above 0 throughout"),
        (np.ones((1, 5)), np.zeros(1), 2, "holds nothing"),
    ],
)
def test_what_has_no_worst_says_so(closes: np.ndarray, dollars: np.ndarray, length: int, told: str) -> None:
    with pytest.raises(InputError, match=told):
        worst_windows(closes, dollars, length)


def test_a_worst_window_is_a_replay_that_ends_what_the_book_would_have_made() -> None:
    closes, dollars = prices(2, 300), np.array([100.0, -40.0])
    bars = bars_of(closes)
    (window,) = worst_windows(closes, dollars, 24, count=1)
    (storm,) = own_worst_storms(bars, ("BTC", "ETH"), [window])
    assert storm.replay is not None and storm.replay.source == OWN and storm.horizon_ns == 24 * HOUR_NS
    ends = np.array([move.end for move in storm.replay.moves])
    assert dollars @ ends == pytest.approx(window.change)
    ground = Ground(series=bars.series, assets=("BTC", "ETH"))
    assert [one.name for one in worst_of(bars, ground, dollars, 24 * HOUR_NS)][:2] == ["worst", "own-worst-1"]
    with pytest.raises(InputError, match="loses in no window"):
        worst_of(bars_of(np.ones((2, 300))), ground, dollars, 24 * HOUR_NS)


@pytest.mark.parametrize(
    ("text", "means"),
    [("worst", True), ("worst + usdc-088", True), ("own-worst-3 then gap-down", True), ("worst.toml", False), (None, False),
     ("my-worst", False), ("gap-down", False)],
)  # fmt: skip
def test_a_word_means_the_books_own_worst(text: str | None, means: bool) -> None:
    assert names_worst(text) == means


def test_the_worst_of_the_books_own_history_is_drilled_by_name() -> None:
    words = [BOOK, RULES, "--made-up", "--horizon", "12h"]
    code, listed = said("list", *words, "--json")
    own = [row for row in json.loads(listed)["data"] if row["name"].startswith("own-worst")]
    assert code == 0 and len(own) == 5 and "loses" in own[0]["title"]
    code, first = said("run", *words, "--storm", "worst", "--json")
    assert code == 0 and json.loads(first)["data"]["facts"]["kind"] == "replay"
    again = json.loads(said("run", *words, "--storm", "own-worst-1", "--json")[1])["data"]
    data = json.loads(first)["data"]
    assert data["without_playbook"] == again["without_playbook"] and data["facts"]["simulated"] is True
    ends = [json.loads(said("run", *words, "--storm", f"own-worst-{n}", "--no-playbook", "--json")[1]) for n in (2, 5)]
    assert all(one["data"]["without_playbook"]["paths"] == 1 for one in ends)


def test_a_playbooks_grid_is_listed_and_drilled_by_name() -> None:
    code, listed = said("list", BOOK, RULES, "--json")
    grid = [row["name"] for row in json.loads(listed)["data"] if row["kind"] == "grid"]
    assert code == 0 and {"all -15%", "BTC +5%", "market -10% by beta", "hedges break, market -15%"} <= set(grid)
    code, told = said("run", BOOK, RULES, "--storm", "all -15%")
    assert code == 0 and told.startswith("The storm liquidates hl-sol")
    assert said("run", BOOK, "--storm", "all -15%")[0] == 3  # no playbook, no grid


def test_a_list_without_history_says_what_it_lacks(tmp_path: Path) -> None:
    code, told = said("list", BOOK, "--lake", str(tmp_path / "none"))
    assert code == 0 and "No worst of the book's own history: hyperliquid BTC" in told


@pytest.mark.parametrize(
    ("extent", "minutes", "told"),
    [
        (Extent(steps=525_600, contracts=8, accounts=5, paths=10_000), 1.0, r"525,600 steps .* or a --step of 15m"),
        (
            Extent(steps=168, contracts=8, accounts=5, paths=2_000_000_000),
            60.0,
            r"4 GiB is the most: ask for [\d,]+ --paths at most",
        ),
        (Extent(steps=43_200_000, contracts=8, accounts=5, paths=1), 60.0, "take a shorter --horizon"),
    ],
)
def test_a_drill_that_does_not_fit_is_refused_with_what_does(extent: Extent, minutes: float, told: str) -> None:
    with pytest.raises(InputError, match=told):
        check_size(extent, minutes)
    check_size(Extent(steps=720, contracts=20, accounts=10, paths=100_000), 60.0)


def test_the_limit_of_memory_is_the_one_that_is_given() -> None:
    large = Extent(steps=168, contracts=8, accounts=5, paths=3_000_000)
    with pytest.raises(InputError, match=r"4 GiB is the most: ask for 1,[\d,]+ --paths at most") as told:
        check_size(large, 60.0)
    check_size(large, 60.0, 8 * 2**30)
    most = int(re.search(r"ask for ([\d,]+)", str(told.value))[1].replace(",", ""))  # type: ignore[index]
    check_size(replace(large, paths=most), 60.0)
    with pytest.raises(InputError, match="fewer --threads"):
        check_size(replace(large, paths=1), 60.0, 100 * 2**20)


def test_an_absurd_horizon_is_refused_before_anything_is_laid() -> None:
    code, told = said("run", BOOK, "--storm", "gap-down", "--horizon", "20000d", "--step", "1m")
    assert code == 3 and "GiB of memory" in told
