"""Dataclasses come back from what JSON keeps of them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.engine.standard import Standard
from perpbook.files.plain import plain
from perpbook.files.rebuild import rebuild
from perpbook.kernels.types import Floats
from perpbook.runs.drill import DrillAsked, History, run_asked_drill
from perpbook.treasury.gaps import RescueGaps

DESK = Path(__file__).parents[2] / "src/perpbook/examples/desk"


class Colour(Enum):
    """An enum."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """One inside another."""

    number: float
    count: int
    colour: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    """Every kind of field."""

    name: str
    inner: Inner | None
    many: tuple[Inner, ...]
    pair: tuple[str, float]
    array: Floats
    perhaps: Floats | None


def there_and_back(value: Outer) -> Outer:
    return rebuild(Outer, json.loads(json.dumps(plain(value), allow_nan=False)))


numbers = st.floats(allow_nan=False)
inners = st.builds(Inner, number=numbers, count=st.integers(), colour=st.sampled_from(Colour))
arrays = st.lists(numbers, max_size=4).map(lambda row: np.array(row, dtype=np.float64))
outers = st.builds(
    Outer, name=st.text(), inner=st.none() | inners, many=st.lists(inners, max_size=3).map(tuple),
    pair=st.tuples(st.text(), numbers), array=arrays, perhaps=st.none() | arrays,
)  # fmt: skip


@given(outers)
def test_what_was_kept_comes_back(value: Outer) -> None:
    found = there_and_back(value)
    assert (found.name, found.inner, found.many, found.pair) == (value.name, value.inner, value.many, value.pair)
    assert found.array.dtype == np.float64 and np.array_equal(found.array, value.array)
    if value.perhaps is None or found.perhaps is None:
        assert value.perhaps is found.perhaps
    else:
        assert np.array_equal(found.perhaps, value.perhaps)


def test_infinities_come_back_and_what_is_no_number_is_one_that_is_none() -> None:
    inner = Inner(number=-math.inf, count=1, colour=Colour.RED)
    array = np.array([math.inf, 1.0, math.nan])
    found = there_and_back(Outer(name="", inner=inner, many=(), pair=("", math.nan), array=array, perhaps=None))
    assert found.inner == inner and math.isnan(found.pair[1])
    assert found.array[0] == math.inf and found.array[1] == 1.0 and math.isnan(found.array[2])


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"colour": "green"}, ValueError),
        ({"number": "much"}, ValueError),
        ({"number": [1.0]}, TypeError),
        ({"count": None}, TypeError),
    ],
)
def test_what_a_field_does_not_take_is_refused(changed: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        rebuild(Inner, {"number": 1.0, "count": 1, "colour": "red", **changed})


def test_a_field_that_is_missing_is_named() -> None:
    with pytest.raises(KeyError, match="count"):
        rebuild(Inner, {"number": 1.0, "colour": "red"})
    with pytest.raises(TypeError):
        rebuild(Inner, None)


def test_a_drills_rescue_gap_and_standard_metrics_come_back_whole() -> None:
    history = History(lake=Path("none"), proxies={}, funding={}, made_up=True)
    rules, hours = DESK / "conservative.toml", 6 * 3600 * 10**9
    asked = DrillAsked(book=DESK / "book.toml", playbook=rules, history=history, paths=4, horizon_ns=hours, shock=3.0)
    found = run_asked_drill(asked, threads=1)
    for kind, value in ((RescueGaps, found.rescue), (Standard, found.standard)):
        kept = json.dumps(plain(value), allow_nan=False)
        assert json.dumps(plain(rebuild(kind, json.loads(kept)))) == kept
    assert found.rescue.accounts[0].rescue.best is not None
