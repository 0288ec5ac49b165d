"""Overlays: the limit is kept, nothing cheaper keeps it, what is sold is covered, and holding less beside it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.optimize import milp

from perpbook.errors import InputError
from perpbook.hedging.candidates import Candidates, Trading, candidates_of, fee
from perpbook.hedging.futures import FuturesWith
from perpbook.hedging.less import hold_less
from perpbook.hedging.moments import Moments, StormPath, moments_of
from perpbook.hedging.overlay import Chosen, Wanted, choose
from perpbook.hedging.structures import STRUCTURES
from perpbook.hedging.table import PRICES, tabled
from perpbook.hedging.worth import Overlay
from perpbook.options.revalue import VolatilityRule
from perpbook.options.smile import fit_surface
from tests.unit.option_rows import SPOT, chain

START = 100_000.0
CANDIDATES = candidates_of(chain(wide=0.06, depth=25.0), fit_surface(chain()), Trading())


def storm(name: str, factors: Sequence[float], coins: float = 2.0) -> StormPath:
    """A book of `coins` bitcoin and cash, hour by hour."""
    moved = np.array(factors)
    equity = START + coins * SPOT * (moved - 1.0)
    return StormPath(
        name=name, kind="grid", hours=np.arange(1.0, moved.size + 1.0), equity=equity, factors={"BTC": moved}
    )


STORMS = (storm("crash", [0.9, 0.7, 0.8]), storm("slide", [0.95, 0.9, 0.85, 0.8]), storm("rally", [1.1, 1.25]))
MOMENTS: Moments = moments_of(STORMS, ["BTC"], START)


def wanted(
    limit: float, *, board: Candidates = CANDIDATES, least: str = "outlay", cover: float | None = None
) -> Wanted:
    return Wanted(
        moments=MOMENTS, board={"BTC": board}, exposure={"BTC": 2.0}, limit=limit, hold_days=30.0, rule=VolatilityRule(),
        least=least, cover=cover,
    )  # fmt: skip


def held(chosen: Chosen, board: Candidates = CANDIDATES) -> Overlay:
    return Overlay(board={"BTC": board}, columns=chosen.columns, coins=chosen.coins, rule=VolatilityRule())


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_limit_is_kept_at_every_close_when_reckoned_again(structure: str) -> None:
    found = choose(wanted(15_000.0), structure)
    overlay = held(found)
    for one in STORMS:
        gained = overlay.gains({"BTC": one.factors["BTC"]}, one.hours / 8_760.0)
        assert (START - one.equity - gained <= 15_000.0 + 1.0).all()
    assert found.short_by == 0.0 and (found.binding.size or not found.proven)


def test_more_freedom_never_costs_more() -> None:
    outlays = {one: choose(wanted(15_000.0), one).outlay for one in STRUCTURES}
    assert outlays["spreads"] <= outlays["puts"] * 1.002 and 0.0 <= outlays["collars"] + 1e-6 <= outlays["puts"] * 1.002
    strict = [choose(wanted(limit), "puts").outlay for limit in (8_000.0, 15_000.0, 30_000.0)]
    assert strict == sorted(strict, reverse=True)


def test_no_lots_of_a_few_options_are_cheaper() -> None:
    names = ("BTC-25SEP26-51000-P", "BTC-25SEP26-57000-P", "BTC-25DEC26-54000-P")
    few = CANDIDATES.only([one.name in names for one in CANDIDATES.contracts])
    coarse = replace(few, contracts=tuple(replace(one, lot_size=0.5) for one in few.contracts))
    found = choose(wanted(22_000.0, board=coarse), "puts")
    best = np.inf
    for lots in product(range(9), repeat=3):
        overlay = replace(held(found, coarse), coins=0.5 * np.array(lots, dtype=np.float64))
        after = MOMENTS.losses - overlay.gains(MOMENTS.factors, MOMENTS.hours / 8_760.0)
        if after.max() <= 22_000.0:
            best = min(best, float((overlay.coins * found.columns.price).sum()))
    assert best * 0.999 <= found.outlay <= best * 1.002


def test_what_is_sold_is_covered() -> None:
    mild = moments_of((storm("slide", [0.95, 0.9, 0.85]),), ["BTC"], START)
    spread = choose(replace(wanted(10_000.0, cover=1.0), moments=mild), "spreads")
    collar = choose(wanted(15_000.0), "collars")
    at_end = spread.coins @ np.maximum(spread.columns.strike[:, None] - np.linspace(0.0, 120_000.0, 61), 0.0)
    assert (spread.coins < 0.0).any() and (at_end >= -1e-6).all()
    calls = -collar.coins[(collar.coins < 0.0) & (collar.columns.call == 1.0)].sum()
    assert 0.0 < calls <= 2.0 + 1e-9 and collar.outlay >= -1e-6
    for expiry in np.unique(collar.columns.expiry):
        assert collar.coins[collar.columns.expiry == expiry].sum() >= -1e-9


def test_a_limit_that_cannot_be_kept_gives_the_least_bad_and_says_by_how_much() -> None:
    shallow = replace(CANDIDATES, most_bought=np.full(len(CANDIDATES.contracts), 0.1))
    found = choose(wanted(1_000.0, board=shallow), "puts")
    assert found.short_by > 0.0
    assert float(found.losses.max()) == pytest.approx(1_000.0 + found.short_by, abs=1.0)
    assert found.losses.max() < MOMENTS.losses.max()
    assert MOMENTS.paths[MOMENTS.storm[found.binding[0]]].name == "crash"


def test_a_book_that_is_short_is_protected_by_calls() -> None:
    squeezed = (storm("rally", [1.1, 1.3], coins=-2.0),)
    short = replace(wanted(15_000.0), moments=moments_of(squeezed, ["BTC"], START), exposure={"BTC": -2.0})
    found = choose(short, "puts")
    assert found.short_by == 0.0 and (found.columns.call[found.coins > 0.0] == 1.0).all()


def test_cover_and_what_is_least_are_kept() -> None:
    covered = choose(wanted(15_000.0, cover=1.0), "puts")
    assert covered.coins.sum() <= 2.0 + 1e-9
    outlay, hold = choose(wanted(20_000.0), "puts"), choose(wanted(20_000.0, least="hold"), "puts")
    assert hold.cost <= outlay.cost * 1.002 and outlay.outlay <= hold.outlay * 1.002
    assert -held(hold).waiting([30.0])[0] == pytest.approx(hold.cost)


def test_what_the_solver_prints_is_not_in_the_answer(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def loud(*given: Any, **named: Any) -> Any:
        os.write(1, b"from the solver")
        ctypes.CDLL(None).puts(b"from the solver's buffer")
        return milp(*given, **named)

    monkeypatch.setattr("scipy.optimize.milp", loud)
    print("before")
    assert choose(wanted(15_000.0), "puts").short_by == 0.0
    print("after")
    ctypes.CDLL(None).fflush(None)
    assert capfd.readouterr().out == "before\nafter\n"


def test_prices_are_never_guessed() -> None:
    surface = fit_surface(chain())
    with pytest.raises(InputError, match="--spread"):
        candidates_of(chain(), surface, Trading(share=0.05))
    with pytest.raises(InputError, match="--depth-share"):
        candidates_of(chain(wide=0.1), surface, Trading(spread=0.08))
    with pytest.raises(InputError, match="ends in 1 to 2 days"):
        candidates_of(chain(), surface, Trading(spread=0.08, share=0.05, min_days=1.0, max_days=2.0))
    assumed = candidates_of(chain(), surface, Trading(spread=0.08, share=0.05))
    assert (assumed.pay > assumed.value).all() and (assumed.most_bought == 25.0).all()
    assert (assumed.pay - fee(60_000.0, SPOT) >= 0.0001 * SPOT - 18.0).all() and fee(10.0, SPOT) == 1.25


@pytest.mark.parametrize(
    "bad", [{"spread": -0.1}, {"share": 0.0}, {"share": 1.5}, {"min_days": 50.0, "max_days": 40.0}]
)
def test_trading_that_is_none_is_refused(bad: Mapping[str, float]) -> None:
    with pytest.raises(InputError):
        Trading(**bad)


def test_holding_less_keeps_the_limit_at_the_largest_scale() -> None:
    def losses(scale: float, names: Sequence[str]) -> dict[str, float]:
        return {one.name: float((START - storm(one.name, one.factors["BTC"].tolist(), 2.0 * scale).equity).max())
                for one in STORMS if one.name in names}  # fmt: skip

    found = hold_less(MOMENTS, 15_000.0, losses, lambda scale: 100.0 * (1.0 - scale))
    assert found.reached and found.binding == "crash"
    assert found.scale == pytest.approx((15_000.0 - 100.0) / (36_000.0 - 100.0), abs=3e-3)
    assert found.worst <= 15_000.0
    hopeless = hold_less(MOMENTS, 15_000.0, lambda scale, names: dict.fromkeys(names, 20_000.0), lambda scale: 0.0)
    assert not hopeless.reached


def test_moments_keep_what_moved_and_each_storms_lowest() -> None:
    still = StormPath(
        name="still",
        kind="grid",
        hours=np.arange(1.0, 501.0),
        equity=np.full(500, START),
        factors={"BTC": np.ones(500)},
    )
    found = moments_of((*STORMS, still), ["BTC"], START)
    assert (found.storm == 3).sum() <= 3 and (found.storm == 0).sum() == 3
    assert found.losses[found.worst_of(found.losses)].tolist() == pytest.approx([36_000.0, 24_000.0, -12_000.0, 0.0])


def test_a_table_says_along_a_path_what_reckoning_it_does() -> None:
    overlay = held(choose(wanted(15_000.0), "puts"))
    table = tabled(overlay, 30.0 / 365.0)
    chance = np.random.default_rng(2)
    factors = {"BTC": np.exp(np.cumsum(chance.normal(0.0, 0.01, 200)))}
    years = np.linspace(0.0, 30.0 / 365.0, 200)
    direct = overlay.gains(factors, years)
    assert np.abs(table.along(factors, years) - direct).max() < 0.003 * np.ptp(direct)
    corners = table.along({"BTC": np.exp(PRICES[[0, 20, -1]])}, np.array([0.0, table.years[3], table.years[-1]]))
    assert np.allclose(corners, [table.dollars["BTC"][0, 0], table.dollars["BTC"][20, 3], table.dollars["BTC"][-1, -1]])


def test_futures_tell_the_loss_without_and_with_an_overlay() -> None:
    ended = np.column_stack([np.arange(40.0), np.arange(40.0) / 2.0])
    found = FuturesWith(deepest=ended + 1.0, ended=ended, died=3, kind="student", horizon_hours=24.0, simulated=False)
    assert found.paths == 40 and found.beyond(20.0) == (20, 1)
    assert found.worst_mean() == (38.5, 19.25) and found.mean() == (19.5, 9.75)
