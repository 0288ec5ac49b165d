"""Where paths come from: fitted filters, vines with fitted margins, a copula's nu, jumps; and what each refuses."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau
from scipy.stats import t as student

from perpbook.engine.drill import run_drill
from perpbook.errors import InputError
from perpbook.kernels.paths import CLOSE, HIGH, LOW, Source, empty_steps, fill_path, new_brush
from perpbook.kernels.types import Floats
from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.units import DAY_NS, HOUR_NS
from perpbook.runs import drill_source
from perpbook.runs.drill import History, plan_drill
from perpbook.runs.drill_asked import drill_from
from perpbook.runs.drill_source import distinct, fitted_laws, refuse_unfit, source_of
from perpbook.scenario import filtered, garch, vine
from perpbook.scenario.jump_diffusion import JumpMarket, european
from perpbook.scenario.jumps import parse_jumps
from perpbook.scenario.overlay import Ground
from perpbook.scenario.sources import bootstrap_source, with_jumps
from perpbook.tails.copula import student_log_density
from perpbook.tails.joint import fit_joint_nu, joint_log_density
from perpbook.tails.margins import OUTER, fit_margin

EXTRA = pytest.mark.skipif(
    not (importlib.util.find_spec("arch") and importlib.util.find_spec("pyvinecopulib")),
    reason="the extra perpbook[tails] is not installed",
)
DESK = Path(__file__).parents[2] / "src/perpbook/examples/desk"
GROUND = Ground(
    series=(SeriesKey(venue="binance", symbol="BTCUSDT"), SeriesKey(venue="binance", symbol="SOLUSDT")),
    assets=("BTC", "SOL"),
    betas={"BTC": 1.0, "SOL": 1.5},
)


@dataclass(frozen=True)
class Asked:
    kind: str = "bootstrap"
    step_ns: int = HOUR_NS
    seed: int = 1
    nu: float | None = None
    block: float | None = None
    shock: float = 1.0
    blend: float = 0.0
    filter: str | None = None
    trees: int = 2
    jumps: str | None = None
    history: History = field(default_factory=lambda: History(lake=Path("none"), proxies={}, funding={}))


def joint_moves(rows: int, nu: float, rho: float, columns: int = 2, seed: int = 3) -> Floats:
    """(C, n) Student's moves with one common correlation, a hundredth in size."""
    draw = np.random.default_rng(seed)
    root = np.linalg.cholesky(rho * np.ones((columns, columns)) + (1 - rho) * np.eye(columns))
    normal = root @ draw.standard_normal((columns, rows))
    out: Floats = 0.01 * normal * np.sqrt(nu / draw.chisquare(nu, rows))
    return out


def bars_from(moves: Floats) -> Bars:
    close = np.ascontiguousarray(np.exp(np.cumsum(moves, axis=1)))
    opened = np.ascontiguousarray(np.concatenate([np.ones((len(moves), 1)), close[:, :-1]], axis=1))
    nothing = Settlements(times_ns=np.zeros(0, np.int64), rates=np.zeros(0), interval_ns=np.zeros(0, np.int64))
    return Bars(
        bar_ns=HOUR_NS, open_ns=np.arange(moves.shape[1]) * HOUR_NS, series=GROUND.series[: len(moves)], open=opened,
        high=np.maximum(opened, close) * 1.001, low=np.minimum(opened, close) / 1.001, close=close,
        stale=np.zeros(close.shape, np.uint8), settlements=(nothing,) * len(moves),
    )  # fmt: skip


def garch_moves(rows: int, seed: int = 5) -> Floats:
    """(n,) of GJR-GARCH with omega 2e-6, alpha 0.05, leverage 0.1, beta 0.85 and t(5) innovations."""
    draw = np.random.default_rng(seed)
    shocks = draw.standard_t(5, rows) * np.sqrt(3 / 5)
    out, variance = np.empty(rows), 4e-5
    for t in range(rows):
        out[t] = np.sqrt(variance) * shocks[t]
        variance = 2e-6 + (0.05 + 0.1 * (out[t] < 0)) * out[t] ** 2 + 0.85 * variance
    return out


def ends(source: Source, paths: int, steps: int, seed: int = 11) -> Floats:
    """(P, C) last prices."""
    columns = source.bridge.size
    brush, room = new_brush(columns, steps), empty_steps(columns, steps)
    out = np.empty((paths, columns))
    for path in range(paths):
        fill_path(source, seed, path, brush, room)
        out[path] = room.close[:, -1]
    return out


@EXTRA
def test_a_fitted_garch_finds_the_law_that_made_the_moves() -> None:
    law = garch.fit_gjr(garch_moves(8_000), "BTC")
    assert law.settled and law.stationary and law.beta == pytest.approx(0.85, abs=0.05)
    assert law.alpha + 0.5 * law.leverage == pytest.approx(0.10, abs=0.02)
    assert law.nu == pytest.approx(5.0, abs=0.7) and law.omega == pytest.approx(2e-6, rel=0.4)


@EXTRA
def test_a_fit_does_not_depend_on_the_unit_of_moves() -> None:
    moves = garch_moves(2_000)
    small, large = garch.fit_gjr(moves, "BTC"), garch.fit_gjr(100 * moves, "BTC")
    assert large.omega == pytest.approx(1e4 * small.omega, rel=1e-6) and large.beta == pytest.approx(small.beta)
    assert large.log_likelihood == pytest.approx(small.log_likelihood - 2_000 * np.log(100), abs=1e-6)


@EXTRA
def test_too_little_history_for_a_garch_is_refused_with_what_it_needs() -> None:
    with pytest.raises(InputError, match="GJR-GARCH of BTC has 499 moves and needs 500"):
        garch.fit_gjr(garch_moves(499), "BTC")
    with pytest.raises(InputError, match="does not move"):
        garch.fit_gjr(np.zeros(600), "BTC")


def test_a_fit_that_is_not_stationary_is_drawn_back_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    moves = garch_moves(600)[None]
    law = garch.Gjr(mean=0, omega=1e-6, alpha=0.1, leverage=0.2, beta=0.8, nu=5, log_likelihood=0, variance_now=1e-5)
    monkeypatch.setattr(garch, "fit_gjr", lambda moves, what: law)
    ((omega, alpha, leverage, beta),), fitted, notes = fitted_laws(moves, ["BTC"])
    assert not law.stationary and notes[0].startswith("GJR-GARCH of BTC is not stationary")
    assert alpha + 0.5 * leverage + beta == pytest.approx(1 - filtered.BACK) and leverage == pytest.approx(2 * alpha)
    assert omega / filtered.BACK == pytest.approx(moves.var()) and fitted["BTC"]["alpha"] == alpha


def test_a_fit_that_did_not_settle_gives_way_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    moves = np.stack([garch_moves(600), garch_moves(600, seed=6)])
    law = garch.Gjr(
        mean=0, omega=1e-6, alpha=0.1, leverage=0, beta=0.8, nu=5, log_likelihood=0, variance_now=1e-5, settled=False
    )  # fmt: skip
    monkeypatch.setattr(garch, "fit_gjr", lambda moves, what: law)
    laws, fitted, notes = fitted_laws(moves, ["BTC", "SOL"])
    assert laws == [filtered.weighted_law(row) for row in moves] and fitted == {}
    assert len(notes) == 2 and "did not settle: exponential weighting stands in" in notes[0]


def test_without_arch_the_fallback_is_told_and_an_explicit_wish_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garch, "has_arch", lambda: False)
    past = bars_from(joint_moves(600, 4, 0.7))
    found = source_of(Asked(kind="filtered"), past, None, GROUND)
    assert found.facts["filter"] == "ewma" and "arch is not installed (pip install 'perpbook[tails]')" in found.notes[0]
    with pytest.raises(InputError, match=r"pip install 'perpbook\[tails\]'"):
        source_of(Asked(kind="filtered", filter="gjr"), past, None, GROUND)


def test_without_vines_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vine, "has_vines", lambda: False)
    with pytest.raises(InputError, match=r"pip install 'perpbook\[tails\]'"):
        source_of(Asked(kind="vine"), bars_from(joint_moves(600, 4, 0.7)), None, GROUND)


def test_filtered_paths_put_residuals_at_todays_volatility_and_let_it_follow() -> None:
    past = bars_from(garch_moves(600)[None])
    law = (2e-6, 0.05, 0.1, 0.85)
    source = filtered.filtered_source(past, laws=[law])
    brush, room = new_brush(1, 40), empty_steps(1, 40)
    fill_path(source, 7, 0, brush, room)
    moves, variance = np.diff(np.log(room.close[0]), prepend=0.0), source.recursion[0, 4]
    for t, move in enumerate(moves):
        assert move == pytest.approx(np.sqrt(variance) * source.pool[brush.rows[t], 0, CLOSE], rel=1e-9)
        variance = min(law[0] + (law[1] + law[2] * (move < 0)) * move**2 + law[3] * variance, source.recursion[0, 5])
    assert source.pool[:, 0, CLOSE].std() == pytest.approx(1.0)
    assert source.pool[:, 0, CLOSE].mean() == pytest.approx(0.0, abs=1e-12)


def test_volatility_of_filtered_paths_stays_under_its_cap() -> None:
    source = filtered.filtered_source(bars_from(garch_moves(300)[None]), laws=[(2e-6, 0.9, 0.9, 0.9)])
    brush, room = new_brush(1, 200), empty_steps(1, 200)
    fill_path(source, 7, 0, brush, room)
    assert 0.0 < brush.variance[0] <= source.recursion[0, 5]


def test_the_bridge_inside_a_step_is_as_wide_as_volatility_is_then() -> None:
    source = filtered.filtered_source(bars_from(garch_moves(300)[None]), laws=[(1e-8, 0.0, 0.0, 0.5)])
    recursion = source.recursion.copy()
    recursion[0, 4:] = 1e-4, 1e-2
    source = source._replace(recursion=recursion, pool=source.pool * 1e-9, bridge=np.array([0.01]))
    brush, room, wide = new_brush(1, 12), empty_steps(1, 12), np.zeros(12)
    for path in range(200):
        fill_path(source, 7, path, brush, room)
        wide += np.log(room.high[0] / room.low[0])
    assert wide[0] / wide[4] == pytest.approx(4.0, rel=0.2)  # variance halves with every step


def test_the_same_prices_in_two_places_are_fitted_once() -> None:
    moves = joint_moves(300, 4, 0.7)
    assert distinct(np.stack([moves[0], moves[1], moves[0]])) == ([0, 1], [0, 1, 0])


def test_a_margin_is_the_past_inside_and_a_fitted_tail_outside() -> None:
    moves = joint_moves(20_000, 4, 0.5)[0]
    margin = fit_margin(moves, "BTC")
    u = np.linspace(1e-6, 1 - 1e-6, 20_001)
    found = margin.quantile(u)
    assert (np.diff(found) >= 0).all() and margin.notes == ()
    inside = (u > 0.05) & (u < 0.95)
    np.testing.assert_allclose(found[inside], np.quantile(moves, u[inside]), atol=5e-5)
    assert (moves < -margin.lower.edge).mean() == pytest.approx(OUTER, abs=1e-4)  # type: ignore[union-attr]
    for share in (1e-3, 1e-4):
        assert margin.quantile(np.array([share]))[0] == pytest.approx(0.01 * student.ppf(share, 4), rel=0.2)


def test_a_margin_with_too_few_beyond_its_edge_ends_where_the_past_ended_and_says_so() -> None:
    moves = joint_moves(400, 4, 0.5)[0]
    margin = fit_margin(moves, "BTC")
    assert margin.lower is None and margin.quantile(np.array([1e-9]))[0] == moves.min()
    assert "10 moves beyond the outer 2.5% are too few to fit (25 needed)" in margin.notes[0]


def test_the_density_of_many_is_that_of_two_when_there_are_two() -> None:
    shares = np.random.default_rng(1).random((2, 50))
    joint = joint_log_density(shares, np.array([[1.0, 0.6], [0.6, 1.0]]), 3.7)
    np.testing.assert_allclose(joint, student_log_density(shares[0], shares[1], 0.6, 3.7), rtol=1e-10)


def test_the_nu_of_a_copula_is_found_again_and_told() -> None:
    moves = joint_moves(5_000, 4.0, 0.6, columns=3)
    assert fit_joint_nu(moves, 0.6 * np.ones((3, 3)) + 0.4 * np.eye(3)).nu == pytest.approx(4.0, abs=0.4)
    found = source_of(Asked(kind="copula"), bars_from(joint_moves(2_000, 4.0, 0.6)), None, GROUND)
    assert found.facts["nu"] == found.source.nu == pytest.approx(4.0, abs=1.0)
    assert "the t-copula's nu is" in found.notes[0] and "2 assets" in found.notes[0]
    assert source_of(Asked(kind="copula", nu=9.0), bars_from(joint_moves(300, 4.0, 0.6)), None, GROUND).source.nu == 9.0


def test_normal_dependence_runs_into_the_end_of_the_range() -> None:
    moves = np.linalg.cholesky([[1, 0.5], [0.5, 1]]) @ np.random.default_rng(4).standard_normal((2, 4_000))
    assert fit_joint_nu(moves, np.array([[1, 0.5], [0.5, 1]])).nu > 40.0


@pytest.mark.parametrize(
    ("moves", "said"),
    [
        (joint_moves(99, 4, 0.5), "the t-copula's nu has 99 joint moves and needs 100"),
        (joint_moves(200, 4, 0.5)[:1], "two series at least"),
    ],
)
def test_a_nu_is_not_fitted_to_what_cannot_tell_it(moves: Floats, said: str) -> None:
    with pytest.raises(InputError, match=said):
        fit_joint_nu(moves, np.eye(len(moves)))
    with pytest.raises(InputError, match="one and the same"):
        fit_joint_nu(joint_moves(200, 4, 0.5), np.ones((2, 2)))


@EXTRA
def test_a_vines_table_has_the_pasts_dependence_and_margins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill_source, "TABLE_ROWS", 20_000)
    moves = joint_moves(2_000, 4, 0.7)
    found = source_of(Asked(kind="vine"), bars_from(moves), None, GROUND)
    table = np.log(found.source.pool[:, :, CLOSE]).T
    assert found.source.restart == 1.0 and table.shape == (2, 20_000)
    tau = kendalltau(table[0, :4_000], table[1, :4_000]).statistic
    assert tau == pytest.approx(kendalltau(*moves).statistic, abs=0.03)
    for level in (0.01, 0.25, 0.75, 0.99):
        np.testing.assert_allclose(
            np.quantile(table, level, axis=1), np.quantile(moves, level, axis=1), rtol=0.1, atol=5e-4
        )
    np.testing.assert_allclose(table.mean(axis=1), 0.0, atol=1e-12)
    assert (found.source.pool[:, :, LOW] <= np.minimum(1.0, found.source.pool[:, :, CLOSE]) + 1e-12).all()
    assert (found.source.pool[:, :, HIGH] >= np.maximum(1.0, found.source.pool[:, :, CLOSE]) - 1e-12).all()
    assert "20,000 joint moves of a regular vine" in found.notes[0] and len(found.facts["vine"]) == 1


@EXTRA
def test_a_vines_table_is_the_same_for_the_same_seed_and_for_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill_source, "TABLE_ROWS", 500)
    past = bars_from(np.repeat(joint_moves(400, 4, 0.7)[:1], 2, axis=0))
    first, again, other = (source_of(Asked(kind="vine", seed=seed), past, None, GROUND) for seed in (1, 1, 2))
    assert np.array_equal(first.source.pool, again.source.pool)
    assert not np.array_equal(first.source.pool, other.source.pool)
    assert np.array_equal(first.source.pool[:, 0, CLOSE], first.source.pool[:, 1, CLOSE])


@EXTRA
def test_too_little_history_for_a_vine_is_refused_with_what_it_needs() -> None:
    with pytest.raises(InputError, match="the vine has 249 joint moves and needs 250"):
        vine.fit_vine(joint_moves(249, 4, 0.7), ("BTC", "SOL"))


def test_too_little_history_to_draw_from_is_refused_with_what_it_needs() -> None:
    with pytest.raises(InputError, match="paths have 99 joint bars of history to draw from and need 100"):
        bootstrap_source(bars_from(joint_moves(100, 4, 0.7)))


def test_jumps_are_read_as_written() -> None:
    year = 365 * DAY_NS
    asked = parse_jumps("2/y, -8%, 0.05, own=1/w, excite=0.5, half=12h, beta")
    assert asked.rate * year == pytest.approx(2.0) and (asked.move, asked.spread) == (-0.08, 0.05)
    laid = asked.laid(HOUR_NS, [1.0, 1.5])
    np.testing.assert_allclose(laid.mean, np.log(0.92) * np.array([1.0, 1.5]))
    np.testing.assert_allclose(laid.spread, [0.05, 0.075])
    assert laid.rate == pytest.approx(2 / 8760) and laid.own_rate == pytest.approx([1 / 168] * 2)
    assert laid.fade**12 == pytest.approx(0.5) and laid.excite / (1 - laid.fade) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2/y", "write them like"),
        ("2,-8%,5%", '"2" says not how often'),
        ("2/y,much,5%", '"much" is no size'),
        ("2/y,-100%,5%", "leaves no price"),
        ("2/y,-8,5%", "leaves no price"),
        ("2/y,900%,5%", "more than \\+500 %"),
        ("2/y,-8%,-5%", "spread of sizes"),
        ("2/y,-8%,5%,excite=1", "never end"),
        ("0/y,-8%,5%", "there is no jump"),
        ("0/y,-8%,5%,own=1/d,excite=0.5", "of common jumps"),
        ("2/y,-8%,5%,half=soon", "half=soon is no length of time"),
        ("2/y,-8%,5%,tail=4", '"tail=4" is nothing it knows'),
        ("2/y,-8%,5%,own=1/d,own=2/d", "says a thing twice"),
    ],
)
def test_jumps_that_make_no_sense_are_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_jumps(text)


def test_jumps_in_every_step_are_refused() -> None:
    with pytest.raises(InputError, match=r"1\.25 jumps are expected in each step of 1h"):
        parse_jumps("30/d,-1%,1%").laid(HOUR_NS, [1.0])


def test_blocks_of_the_past_with_jumps_are_worth_what_merton_says() -> None:
    """A flat past leaves jumps alone; one that wanders adds its own variance."""
    moves = np.random.default_rng(8).standard_normal((1, 3_000)) * 0.02
    source = bootstrap_source(bars_from(moves - 0.5 * moves.var()), mean_block=1.0, keep_drift=True)
    jumps = parse_jumps("40/y,-0.498752%,10%").laid(DAY_NS, [1.0])
    last = ends(with_jumps(source, jumps), 1_000, 30)[:, 0]
    market = JumpMarket(
        spot=1.0, rate=0.0, dividend=0.0, volatility=0.02 * 365**0.5, intensity=40.0, spread=0.1
    )  # fmt: skip
    for strike, call in ((0.9, False), (1.0, True)):
        paid = np.maximum((last - strike) * (1 if call else -1), 0.0)
        error = paid.std() / len(paid) ** 0.5
        assert paid.mean() == pytest.approx(european(market, strike, 30 / 365, call=call), abs=4 * error)
    assert last.mean() == pytest.approx(1.0, abs=4 * last.std() / len(last) ** 0.5)


def test_a_bootstrap_with_jumps_draws_extremes_from_a_bridge() -> None:
    source = bootstrap_source(bars_from(joint_moves(500, 4, 0.7)))
    laid = with_jumps(source, parse_jumps("1/y,-8%,5%").laid(HOUR_NS, [1.0, 1.0]))
    np.testing.assert_allclose(laid.bridge, np.log(source.pool[:, :, CLOSE]).std(axis=0))
    brush, room = new_brush(2, 60), empty_steps(2, 60)
    fill_path(laid, 3, 0, brush, room)
    assert (room.low < np.minimum(room.open, room.close)).mean() > 0.9


def test_falls_bring_more_jumps_where_they_excite() -> None:
    def count(excite: str) -> float:
        laid = parse_jumps(f"0.05/h,-5%,0.1%,excite={excite},half=2h").laid(HOUR_NS, [1.0])
        source = with_jumps(bootstrap_source(bars_from(np.zeros((1, 120)))), laid)
        brush, room, found = new_brush(1, 300), empty_steps(1, 300), 0
        for path in range(60):
            fill_path(source, 2, path, brush, room)
            found += int(brush.jumped.sum())
        return found / 60

    assert count("0") == pytest.approx(15.0, rel=0.1)
    assert count("0.5") == pytest.approx(30.0, rel=0.2)


def test_jumps_and_their_limits_are_told() -> None:
    asked = Asked(jumps="2/y,-8%,5%,excite=0.3,beta")
    past = bars_from(joint_moves(300, 4, 0.7))
    told = source_of(asked, past, None, replace(GROUND, betas={"BTC": 1.0})).notes
    assert any("paths fall on average" in one for one in told)
    assert "no beta is known of SOL: jumps take 1" in told


@EXTRA
@pytest.mark.parametrize("kind", ["filtered", "vine"])
def test_threads_and_chunks_change_no_fitted_path(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill_source, "TABLE_ROWS", 1_000)
    asked = drill_from({"book": DESK / "book.toml", "made_up": True, "kind": kind, "horizon": "6h", "paths": 6})
    drill = plan_drill(replace(asked, jumps="1/d,-3%,2%,own=1/d,excite=0.5")).drill
    one, other = run_drill(drill, threads=1), run_drill(drill, threads=2, chunk=2)
    assert np.array_equal(one.figures, other.figures) and np.array_equal(one.fan, other.fan)


@pytest.mark.parametrize(
    ("option", "value", "kinds"),
    [
        ("filter", "ewma", ("filtered",)),
        ("block", 30.0, ("bootstrap", "filtered")),
        ("nu", 5.0, ("copula", "student")),
        ("trees", 3, ("vine",)),
    ],
)
def test_an_option_that_a_kind_of_path_has_no_use_for_is_refused(
    option: str, value: Any, kinds: tuple[str, ...]
) -> None:
    for kind in ("bootstrap", "filtered", "vine", "copula", "student", "normal"):
        asked = replace(Asked(kind=kind), **{option: value})
        if kind in kinds:
            refuse_unfit(asked)
        else:
            with pytest.raises(InputError, match=f"no use for --{option}: it needs --kind {kinds[0]}"):
                refuse_unfit(asked)
