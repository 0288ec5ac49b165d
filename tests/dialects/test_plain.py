"""Numbers as venues write them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as some

from perpbook.dialects.keys import bech32
from perpbook.dialects.plain import decimal, decimals_of, text

numbers = some.floats(-1e15, 1e15, allow_nan=False)


@given(numbers)
def test_a_number_is_written_plainly_and_read_back_to_twelve_places(value: float) -> None:
    assert re.fullmatch(r"-?\d+(\.\d*[1-9])?", text(value))
    assert abs(float(text(value)) - value) <= 1e-12 + 1e-15 * abs(value)


@given(numbers)
def test_a_decimal_is_the_same_number_with_a_point(value: float) -> None:
    assert "." in decimal(value) and float(decimal(value)) == float(text(value))


@given(some.integers(0, 12))
def test_a_step_has_as_many_decimals_as_it_is_divided_by_ten(count: int) -> None:
    assert decimals_of(float(f"1e-{count}")) == count


def test_an_address_is_that_of_bip_173() -> None:
    """Its example of a witness program without the version word: checksum and letters."""
    assert bech32("abcdef", bytes.fromhex("00443214c74254b635cf84653a56d7c675be77df")) == (
        "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"
    )
