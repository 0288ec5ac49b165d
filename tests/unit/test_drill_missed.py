"""What the standard metrics said beside what the drill found, and the order of death: worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
import pytest
from scipy import stats

from perpbook.engine.drill import Futures
from perpbook.engine.drilled import Drilled
from perpbook.engine.standard import LOSS_95, TAIL_MEAN_975, NormalLaw, Standard, normal_law
from perpbook.kernels.drill import END, FIRST, MEASURES, WHO
from perpbook.report.drill_missed import losses_of, missed_of, missed_sentence
from perpbook.report.drill_orders import death_orders, order_figure, places_of
from perpbook.report.spoken import clock, length
from perpbook.treasury.gaps import RescueGaps

STEPS = 4


def futures_of(died: Sequence[Sequence[float]], ends: Sequence[float]) -> Futures:
    steps = np.array(died)
    figures = np.zeros((len(ends), MEASURES))
    figures[:, END], figures[:, FIRST] = ends, steps.min(axis=1)
    figures[:, WHO] = np.where(steps.min(axis=1) < STEPS, steps.argmin(axis=1), -1)
    return Futures(
        figures=figures, died=steps, ends=np.zeros(steps.shape), tolls=np.zeros((*steps.shape, 4)),
        fan=np.ones((STEPS, 600), dtype=np.int64),
        rules=np.zeros((24, 2), dtype=np.int64), scale=2.0, start=100.0, steps=STEPS,
    )  # fmt: skip


def drilled_of(futures: Futures, law: NormalLaw | None) -> Drilled:
    standard = Standard(
        equity=100.0, gross_leverage=3.0, net_leverage=0.1, tightest="a", margin_ratio=0.41, nearest="BTC in a",
        distance=-0.1, joint_move=-0.08, first_to_die="a", law=law, holds=(("a", "BTC long"), ("b", "")),
    )  # fmt: skip
    facts = MappingProxyType({"step_hours": 1.0, "arrives_hours": {}, "simulated": False, "horizon_hours": 4.0})
    return Drilled(
        drill=None, accounts=("a", "b", "c"), under=None, without=futures, scales=np.ones((len(futures.figures), 3)),
        facts=facts, notes=(), not_modelled=(), result_hash="x", standard=standard,
        rescue=RescueGaps(accounts=(), notes=()),
    )  # fmt: skip


LAW = NormalLaw(correlation=0.5, volatility=0.02, value_at_risk=0.03, shortfall=0.04)


def test_the_normal_law_is_the_textbooks() -> None:
    assert pytest.approx(stats.norm.ppf(0.95)) == LOSS_95
    assert pytest.approx(stats.norm.pdf(stats.norm.ppf(0.975)) / 0.025) == TAIL_MEAN_975
    moves = np.array([[0.01, -0.01, 0.01, -0.01], [0.02, 0.02, -0.02, -0.02]])
    spread = moves.std(axis=1, ddof=1) * math.sqrt(9.0)
    law = normal_law({"A": 300.0, "B": -100.0}, moves, ["A", "B"], steps=9.0, equity=1_000.0)
    assert law.correlation == pytest.approx(0.0, abs=1e-12)
    assert law.volatility == pytest.approx(math.hypot(300.0 * spread[0], 100.0 * spread[1]) / 1_000.0)


def test_one_correlation_for_every_pair_is_exact_where_all_pairs_have_it() -> None:
    chance = np.random.default_rng(3)
    moves = chance.standard_normal((2, 400)) * 0.01
    moves[1] += 0.5 * moves[0]
    exposures = np.array([500.0, -200.0])
    law = normal_law({"A": 500.0, "B": -200.0}, moves, ["A", "B"], steps=1.0, equity=100.0)
    exact = math.sqrt(exposures @ np.cov(moves) @ exposures) / 100.0
    assert law.volatility == pytest.approx(exact) and law.value_at_risk == pytest.approx(LOSS_95 * exact)


def test_accounts_of_one_step_share_a_place() -> None:
    places = places_of(futures_of([[1, 1, 4], [2, 4, 0], [4, 4, 4], [0, 2, 1]], [1.0] * 4))
    assert places.tolist() == [[0, 0, -1], [1, -1, 0], [-1, -1, -1], [0, 2, 1]]


def test_the_orders_of_death_are_counted() -> None:
    futures = futures_of([[1, 4, 4]] * 3 + [[1, 2, 4]] * 2 + [[3, 3, 4]] + [[4, 4, 4]] * 4, [90.0] * 10)
    told = death_orders(drilled_of(futures, LAW), futures)
    assert [(one.told, one.count) for one in told] == [("a alone", 3), ("a, then b", 2), ("a and b", 1)]
    assert told[0].share == pytest.approx(0.3)
    figure = order_figure(drilled_of(futures, LAW), futures)
    assert figure is not None and figure["data"][0]["x"] == pytest.approx([0.6, 0.1, 0.0])
    assert order_figure(drilled_of(futures_of([[4, 4, 4]], [1.0]), LAW), futures_of([[4, 4, 4]], [1.0])) is None


def test_deaths_inside_value_at_risk_are_said() -> None:
    ends = [99.0] * 30 + [60.0] * 10 + [101.0] * 960
    drilled = drilled_of(futures_of([[1, 4, 4]] * 40 + [[4, 4, 4]] * 960, ends), LAW)
    loss = losses_of(drilled, drilled.standard)  # type: ignore[arg-type]
    assert loss.quiet == pytest.approx(0.75) and loss.shortfall == pytest.approx((10 * 0.4 + 15 * 0.01) / 25)
    told = missed_sentence(drilled)
    assert told is not None and "4.0% of futures" in told and "75.0% of those" in told and "3.0%" in told
    rows = {one.metric.split(",")[0]: one for one in missed_of(drilled)}
    assert "your BTC long in a dies in 40 of 1,000 futures" in rows["Gross leverage"].found
    assert "as the distance says" in rows["Distance to liquidation"].found


def test_where_nobody_dies_nothing_was_missed() -> None:
    drilled = drilled_of(futures_of([[4, 4, 4]] * 40, [100.0] * 40), LAW)
    told = missed_sentence(drilled)
    assert told is not None and told.endswith("no account dies in any future.")
    assert all("dies in" not in one.found.replace("no account dies in any future", "") for one in missed_of(drilled))


@pytest.mark.parametrize(
    ("hours", "told", "shown"),
    [(1 / 12, "5 minutes", "0:05"), (1.0, "1 hour", "1:00"), (24.0, "1 day", "24:00"), (168.0, "7 days", "168:00")],
)
def test_lengths_are_said_in_the_unit_that_suits_them(hours: float, told: str, shown: str) -> None:
    assert (length(hours), clock(hours)) == (told, shown)
