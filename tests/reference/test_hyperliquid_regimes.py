"""Funding follows the table of regimes: in the record, and in what the engine pays out of it."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from perpbook.history.lake import Lake
from tests.reference.cases import BINANCE_1H, EARLY, HYPERLIQUID, Case
from tests.reference.engine_side import bars_of, lake_of, run
from tests.reference.hyperliquid_regimes import HOLES, REGIMES, FundingRegime, regime_at
from tests.reference.recorded_history import data_file

FUNDING = "funding/funding.parquet"
CARRY = next(case for case in HYPERLIQUID if case.name == "summer 2023, carry")
SPAN = tuple(datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (EARLY.first, EARLY.end))


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def spacings(times: list[datetime], *regimes: FundingRegime) -> list[float]:
    """Hours between each settlement of some regimes and the one before it."""
    pairs = itertools.pairwise(times)
    return [(at - before).total_seconds() / 3600 for before, at in pairs if any(one.holds(at) for one in regimes)]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lake_of(tmp_path_factory.mktemp("history"), (BINANCE_1H, FUNDING))


@pytest.fixture(scope="module")
def record() -> list[tuple[str, datetime, Decimal, float]]:
    """Every settlement of Hyperliquid in the span: coin, time, rate, hours."""
    first, end = (int(at.timestamp()) * 1000 for at in SPAN)
    mine = (pl.col("venue") == "hyperliquid") & pl.col("ts").is_between(first, end, closed="left")
    rows = pl.scan_parquet(data_file(FUNDING)).filter(mine).sort("symbol", "ts").collect()
    columns = rows.select("symbol", "ts", "rate", "interval_hours").iter_rows()
    return [(coin, moment(at), Decimal(str(rate)), hours) for coin, at, rate, hours in columns]


def test_the_table_has_no_gaps() -> None:
    assert all(before.end == after.first for before, after in itertools.pairwise(REGIMES))
    assert [regime.formula for regime in REGIMES] == [
        "(P + clamp(0.0001 - P, +-0.0003))",
        "(P + clamp(0.0001 - P, +-0.0003)) x 1/8",
        "P x 1/8",
        "(P + clamp(0.0001 - P, +-0.0005)) x 1/8",
    ]
    with pytest.raises(LookupError):
        regime_at(SPAN[0] - timedelta(seconds=1))


def test_recorded_settlements_are_as_far_apart_as_their_regime_says(
    record: list[tuple[str, datetime, Decimal, float]],
) -> None:
    wrong = [(coin, at) for coin, at, _, hours in record if hours != regime_at(at).hours]
    assert wrong == []
    for (coin, at, _, _), (other, then, _, _) in itertools.pairwise(record):
        due = at + timedelta(hours=regime_at(at + timedelta(hours=1)).hours)
        assert other != coin or then == due or due in HOLES, (coin, at, then)


@pytest.mark.parametrize("regime", REGIMES, ids=lambda regime: regime.formula)
def test_quiet_markets_pay_the_interest_exactly_where_there_is_a_clamp(
    regime: FundingRegime, record: list[tuple[str, datetime, Decimal, float]]
) -> None:
    mine = [rate for _, at, rate, _ in record if regime.holds(at)]
    quiet = sum(rate == regime.quiet_rate for rate in mine)
    assert len(mine) > 1_000
    assert quiet == 0 if regime.clamp is None else quiet > 0.1 * len(mine), (quiet, len(mine))


@pytest.mark.parametrize("case", [CARRY], ids=str)
def test_the_engine_pays_every_settlement_of_the_table(case: Case, lake: Lake) -> None:
    history = case.history()
    story = case.story(history)
    events = run(bars_of(lake, case), case, case.holdings(history)).funding_events()
    for leg in case.legs:
        paid = [event for event in events if event.symbol == leg.symbol]
        times = [moment(event.time_ns // 1_000_000) for event in paid]
        assert times == [moment(at) for at, _ in history[leg.symbol].times]
        for regime in REGIMES:
            assert sum(regime.holds(at) for at in times) == regime.grid(*SPAN), regime.formula
        assert set(spacings(times, REGIMES[0])) == {8.0}
        assert [hours for hours in spacings(times, *REGIMES[1:]) if hours != 1.0] == [2.0] * len(HOLES)
        said = [float(dollars) for _, symbol, dollars in story.settlements if symbol == leg.symbol]
        np.testing.assert_allclose([event.cash for event in paid], said, rtol=1e-9)
    total = sum(event.cash for event in events)
    assert total == pytest.approx(float(story.funding[-1]), rel=1e-9)
