"""The tests' own way to fields of records is NumPy's, only faster."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests import records

KIND = np.dtype([("size", "i8"), ("value", "f8"), ("rests", "?"), ("row", "f8", (3,)), ("inner", [("at", "i8")])])
NAMES = ("size", "value", "rests", "row", "inner", "shape", "dtype", "nothing")


def some() -> Any:
    raw = np.zeros(3, KIND)
    raw["value"], raw["size"], raw["row"], raw["inner"]["at"] = (1.5, np.nan, -0.0), (1, 2, 3), np.eye(3), (7, 8, 9)
    return raw.view(np.recarray)


def told(act: Any, one: Any, *given: Any) -> tuple[str, str]:
    """What came of it, or the kind of error."""
    try:
        found = act(one, *given)
    except (AttributeError, ValueError, TypeError, LookupError) as error:
        return type(error).__name__, ""
    return type(found).__name__, repr(found)


@pytest.mark.parametrize("name", NAMES)
def test_a_field_is_read_the_same(name: str) -> None:
    assert told(records.fields, some(), name) == told(records.slow_fields, some(), name)
    assert told(records.field, some()[1], name) == told(records.slow_field, some()[1], name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [2, 0.5, "text", (1.0, 2.0, 3.0)], ids=str)
def test_a_field_is_written_the_same(name: str, value: Any) -> None:
    left, right = some(), some()
    assert told(records.put_fields, left, name, value) == told(records.slow_put_all, right, name, value)
    assert told(records.put_field, left[1], name, value) == told(records.slow_put, right[1], name, value)
    assert repr(left) == repr(right)


@pytest.mark.parametrize(
    "index", [0, -1, 7, "value", "row", "inner", "nothing", slice(1), [0, 2], ["size", "value"]], ids=str
)
def test_a_row_or_a_part_is_read_the_same(index: Any) -> None:
    assert told(records.at, some(), index) == told(records.slow_at, some(), index)


def test_a_field_of_an_array_is_a_view_of_it() -> None:
    seen = some()
    records.fields(seen, "value")[1] = 9.0
    records.at(seen, "size")[1] = records.at(seen, 1).size = 5
    assert seen.tolist()[1][:2] == (5, 9.0)


def test_they_are_in_use() -> None:
    assert np.record.__getattribute__ is records.field and np.recarray.__getattribute__ is records.fields
    assert np.recarray.__getitem__ is records.at
