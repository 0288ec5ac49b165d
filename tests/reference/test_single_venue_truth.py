"""The engine and the slow reckoning agree, on real history, about every close, every settlement and every death."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from perpbook.engine.outcome import Outcome
from perpbook.history.lake import Lake
from perpbook.kernels.journal import BACKSTOP, LIQUIDATION
from tests.reference.cases import BINANCE_1H, BINANCE_4H, BYBIT_5M, CASES, HYPERLIQUID_1H, OKX_5M, SLICED, Case
from tests.reference.engine_side import bars_of, lake_of, run
from tests.reference.slow_account import Story

CLOSE = 1e-9
"""Relative: as near as the two have to be."""

FILES = (BINANCE_1H, BINANCE_4H, HYPERLIQUID_1H, BYBIT_5M, OKX_5M, "funding/funding.parquet")


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lake_of(tmp_path_factory.mktemp("history"), FILES)


def near(found: float, said: Decimal) -> bool:
    return abs(found - float(said)) <= CLOSE * abs(float(said))


def days(story: Story, case: Case) -> tuple[str, ...]:
    """The days on which the venue closed something."""
    return tuple(dict.fromkeys(case.span.day_of(one.bar) for one in story.closed))


def funding_by_close(outcome: Outcome) -> np.ndarray:
    """Dollars of funding received up to and with each bar."""
    paid = np.zeros(outcome.bars.count)
    for event in outcome.funding_events():
        paid[event.tick] += event.cash
    return np.cumsum(paid)


def check_deaths(outcome: Outcome, story: Story) -> None:
    """The same positions closed in the same bars, by the same amounts, at the same prices, on the same equity and need."""
    closed = np.isin(outcome.what[:, 1], (LIQUIDATION, BACKSTOP))
    symbols = [row.symbol for row in outcome.arrangement.rows]
    found = [(bar, symbols[row], kind == BACKSTOP) for bar, kind, _, row, _ in outcome.what[closed].tolist()]
    assert found == [(one.bar, one.symbol, one.backstop) for one in story.closed]
    for (change, price, _, _, equity, need), one in zip(outcome.figures[closed].tolist(), story.closed, strict=True):
        pairs = ((change, one.change), (price, one.price), (equity, one.equity), (need, one.need))
        assert [pair for pair in pairs if not near(*pair)] == [], one


def check(outcome: Outcome, story: Story, case: Case) -> None:
    """Equity and funding at every close, every death, and where the money went."""
    check_deaths(outcome, story)
    said = np.array([float(worth) for worth in story.equity])
    assert outcome.equity.size == case.span.bars == said.size
    np.testing.assert_allclose(outcome.equity, said, rtol=CLOSE, atol=0.0)
    received = np.array([float(dollars) for dollars in story.funding])
    np.testing.assert_allclose(funding_by_close(outcome), received, rtol=CLOSE, atol=1e-9 * CLOSE * case.cash)
    found = outcome.attribution()
    told = {"funding": story.funding[-1], "penalties": -story.penalties, "fees": -story.fees}
    told |= {"seized": -story.seized, "insured": story.insured}
    assert {name: (found[name], dollars) for name, dollars in told.items() if not near(found[name], dollars)} == {}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_engine_agrees_with_the_slow_reckoning(case: Case, lake: Lake) -> None:
    history = case.history()
    story = case.story(history)
    check(run(bars_of(lake, case), case, case.holdings(history)), story, case)
    assert days(story, case) == case.dies


def test_what_a_fifth_did_not_save_is_closed_in_full(lake: Lake) -> None:
    history = SLICED.history()
    story = SLICED.story(history)
    first, second = (abs(one.change) for one in story.closed[:2])
    assert story.closed[0].bar == story.closed[1].bar and near(float(second), 4 * first)
    check(run(bars_of(lake, SLICED), SLICED, SLICED.holdings(history)), story, SLICED)
    assert days(story, SLICED) == SLICED.dies
