"""The algebra of storms: together in any grouping, nothing as its unit, and an overlay that multiplies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from perpbook.errors import InputError
from perpbook.model.units import HOUR_NS
from perpbook.scenario.compose import later, parse_storm, plus, then
from perpbook.scenario.contradict import contradictions
from perpbook.scenario.draw import draw
from perpbook.scenario.durations import read_duration, write_duration
from perpbook.scenario.matrix import nearest_correlation, shocked_correlation
from perpbook.scenario.overlay import Overlay
from perpbook.scenario.storm import CALM, CorrelationShock, Storm
from perpbook.scenario.storm_load import parse_storms
from perpbook.scenario.storm_write import write_storm
from tests.laws.storms import ASSETS, GROUND, HORIZON, lengths, minutes, storms

BAR = HOUR_NS // 4
STEPS = HORIZON // BAR


def overlay(storm: Storm) -> Overlay:
    return draw(storm, GROUND, bar_ns=BAR, steps=STEPS)


def unnamed(storm: Storm) -> Storm:
    return replace(storm, name="", title="")


@given(storms(), storms(), storms())
def test_storms_come_together_in_any_grouping(a: Storm, b: Storm, c: Storm) -> None:
    assert plus(plus(a, b), c) == plus(a, plus(b, c))


@given(storms(more=True))
def test_calm_adds_nothing(storm: Storm) -> None:
    assert plus(storm, CALM) == storm == plus(CALM, storm)


@given(storms(), storms(), storms(), minutes, minutes)
def test_one_after_the_other_in_any_grouping(a: Storm, b: Storm, c: Storm, x: int, y: int) -> None:
    assert unnamed(then(then(a, b, x), c, x + y)) == unnamed(then(a, then(b, c, y), x))


@given(storms(), minutes, minutes)
def test_later_and_later_is_later_by_both(storm: Storm, x: int, y: int) -> None:
    assert later(later(storm, x), y) == later(storm, x + y)


@given(storms(), storms())
def test_overlays_multiply(a: Storm, b: Storm) -> None:
    one, other, both = overlay(a), overlay(b), overlay(plus(a, b))
    np.testing.assert_allclose(both.price, one.price * other.price, rtol=1e-12)
    np.testing.assert_allclose(both.spread, one.spread * other.spread, rtol=1e-12)
    np.testing.assert_allclose(both.depth, np.maximum(one.depth * other.depth, 1e-6), rtol=1e-12)
    np.testing.assert_allclose(both.funding_add, one.funding_add + other.funding_add, atol=1e-15)
    assert (both.no_orders == one.no_orders | other.no_orders).all()
    assert (both.halted == one.halted | other.halted).all()
    assert set(both.adl) == set(one.adl) | set(other.adl)


@given(storms(more=True))
def test_no_price_falls_to_nothing_and_extremes_hold_the_path(storm: Storm) -> None:
    sky = overlay(storm)
    assert (sky.price > 0.0).all() and (sky.low > 0.0).all()
    assert (sky.low <= 1.0 + 1e-15).all() and (sky.high >= 1.0 - 1e-15).all()
    assert ((sky.depth > 0.0) & (sky.depth <= 1.0)).all() and (sky.spread >= 1.0).all()


@given(storms())
def test_finer_steps_see_the_same_closes_and_the_same_lows(storm: Storm) -> None:
    plain = replace(storm, prices=tuple(replace(one, wick_down=0.0, wick_up=0.0) for one in storm.prices[:1]))
    coarse, fine = overlay(plain), draw(plain, GROUND, bar_ns=BAR // 5, steps=STEPS * 5)
    np.testing.assert_allclose(coarse.price, fine.price[:, 4::5], rtol=1e-12)

    def lows(sky: Overlay) -> NDArray[np.float64]:
        opened = np.concatenate([np.ones((sky.price.shape[0], 1)), sky.price[:, :-1]], axis=1)
        out: NDArray[np.float64] = np.minimum(opened, sky.price) * sky.low
        return out

    inner = lows(fine).reshape(len(GROUND.series), STEPS, 5).min(axis=2)
    np.testing.assert_allclose(lows(coarse), inner, rtol=1e-9)


@given(storms(more=True))
def test_a_storm_that_is_written_loads_as_itself(storm: Storm) -> None:
    if not list(contradictions(storm)):
        assert parse_storms(write_storm(storm), "storm.toml") == (storm,)


@given(storms(), storms(), lengths)
def test_storms_put_together_load_as_they_were_but_for_their_name(a: Storm, b: Storm, x: int) -> None:
    both = then(a, b, x)
    (found,) = parse_storms(write_storm(both), "storm.toml")
    assert replace(found, name="") == replace(both, name="")


@given(storms(), storms(), storms(), lengths)
def test_an_expression_is_what_it_says(a: Storm, b: Storm, c: Storm, x: int) -> None:
    known = {"a": a, "b": b, "my c": c}
    said = parse_storm(f'a + b then "my c" after {write_duration(x)}', known.__getitem__)
    assert said == then(plus(a, b), c, x)
    assert parse_storm('a + (b then "my c")', known.__getitem__) == plus(a, then(b, c))


@given(storms(more=True), st.data())
def test_a_damaged_file_is_a_storm_or_one_clear_error(storm: Storm, data: st.DataObject) -> None:
    lines = write_storm(storm).splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        number = data.draw(st.integers(0, len(lines) - 1))
        key, _, value = lines[number].partition(" = ")
        other = data.draw(
            st.sampled_from(["-3", '"x"', "[]", "[[1]]", "nan", "true", "{}", "1e300", '""', "[[0, inf]]"])
        )
        lines[number] = data.draw(st.sampled_from(["", f"{key}x = {value}", f"{key} = {other}", lines[number] * 2]))
    try:
        parse_storms("\n".join(lines), "storm.toml")
    except InputError as error:
        assert error.problems and all(problem.hint for problem in error.problems)


@given(st.integers(0, 400 * 24 * 60 * 60 * 1000))
def test_a_length_of_time_reads_back(milliseconds: int) -> None:
    assert read_duration(write_duration(milliseconds * 1_000_000)) == milliseconds * 1_000_000


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=6))
def test_the_nearest_correlation_is_one_and_no_blend_is_nearer(entries: list[float]) -> None:
    given_matrix = np.eye(4)
    given_matrix[np.triu_indices(4, 1)] = entries
    given_matrix = given_matrix + given_matrix.T - np.eye(4)
    found, distance = nearest_correlation(given_matrix)
    assert np.linalg.eigvalsh(found).min() >= -1e-9 and (np.diag(found) == 1.0).all()
    assert distance <= np.linalg.norm(given_matrix - np.eye(4)) + 1e-9
    least = float(np.linalg.eigvalsh(given_matrix).min())
    if least >= 0.0:
        assert distance <= 1e-8
    else:  # the blend with the identity that is just valid
        blend = -least / (1.0 - least)
        assert distance <= np.linalg.norm(blend * (given_matrix - np.eye(4))) + 1e-7


@given(st.sampled_from(("one", "break", "apart")), st.floats(0, 1), st.lists(st.floats(-1, 1), min_size=9, max_size=9))
def test_shocks_to_correlation_keep_it_valid(how: str, blend: float, roots: list[float]) -> None:
    root = np.array(roots).reshape(3, 3) + 2.0 * np.eye(3) + 1e-3
    covariance = root @ root.T
    scale = np.sqrt(np.diag(covariance))
    start = np.clip(covariance / np.outer(scale, scale), -1, 1)
    np.fill_diagonal(start, 1.0)
    shock = CorrelationShock(how=how, blend=blend)
    found = shocked_correlation(start, ASSETS, shock, GROUND.exposures)
    assert np.linalg.eigvalsh(found.matrix).min() >= -1e-9 and found.distance == 0.0
    held = np.array([GROUND.exposures[asset] for asset in ASSETS])
    if how == "break":  # in dollars of equal moves, a book never gets calmer on the way to its worst direction
        assert held @ found.matrix @ held >= held @ start @ held - 1e-3
