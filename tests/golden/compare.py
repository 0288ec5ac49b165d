"""Comparing our value with an expected one, key by key."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

NEAR_ZERO = 1e-12
"""An expected 0 has no relative error: ours may be this far from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """Relative and absolute error allowed; `exact` asks integers, texts and flags for equality.

    `printed` says that expected numbers were rounded to the decimals they are printed with (a documentation's worked
    example): ours may differ by half of the last one.
    """

    relative: float = 1e-9
    absolute: float = 0.0
    exact: bool = False
    printed: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One expected key we do not meet."""

    key: str
    ours: Any
    expected: Any


def differences(ours: Mapping[str, Any], expected: Mapping[str, Any], tolerance: Tolerance) -> list[Difference]:
    """Every expected key whose value differs from ours or that we do not give."""
    found: list[Difference] = []
    for key, value in expected.items():
        if key not in ours:
            found.append(Difference(key, "not given", value))
        elif not agree(ours[key], value, tolerance):
            found.append(Difference(key, ours[key], value))
    return found


def agree(ours: Any, expected: Any, tolerance: Tolerance) -> bool:
    """Whether a value meets an expected one, walking into lists and objects."""
    if hasattr(ours, "tolist"):
        ours = ours.tolist()
    if isinstance(expected, Mapping):
        return isinstance(ours, Mapping) and not differences(ours, expected, tolerance)
    if isinstance(expected, list):
        return (
            isinstance(ours, Sequence)
            and not isinstance(ours, str)
            and len(ours) == len(expected)
            and all(agree(one, other, tolerance) for one, other in zip(ours, expected, strict=True))
        )
    if isinstance(expected, str) and isinstance(ours, int | float | Decimal | Fraction) and not isinstance(ours, bool):
        return _decimals_agree(ours, expected, tolerance)
    if expected is None or isinstance(expected, bool | str):
        return type(ours) is type(expected) and bool(ours == expected)
    return _numbers_agree(ours, expected, tolerance)


def _decimals_agree(ours: Any, expected: str, tolerance: Tolerance) -> bool:
    """An expected number written as text, so that no digit of it is lost."""
    try:
        number = Fraction(expected)
    except ValueError:
        return False
    if tolerance.exact:
        return Fraction(ours) == number
    return abs(Fraction(ours) - number) <= max(
        Fraction(_room(float(number), tolerance)), Fraction(NEAR_ZERO) if not number else 0
    )


def _numbers_agree(ours: Any, expected: float, tolerance: Tolerance) -> bool:
    if isinstance(ours, bool) or not isinstance(ours, int | float | Decimal | Fraction):
        return False
    if tolerance.exact and isinstance(expected, int):
        return bool(ours == expected)
    if expected == 0:
        return abs(float(ours)) <= max(tolerance.absolute, NEAR_ZERO)
    return math.isclose(float(ours), expected, rel_tol=0.0, abs_tol=_room(expected, tolerance))


def _room(expected: float, tolerance: Tolerance) -> float:
    room = max(tolerance.absolute, tolerance.relative * abs(expected))
    return max(room, _half_of_the_last_decimal(expected)) if tolerance.printed else room


def _half_of_the_last_decimal(number: float) -> float:
    exponent = Decimal(repr(number)).as_tuple().exponent
    return 0.5 * 10.0**exponent if isinstance(exponent, int) and exponent <= -2 else 0.0
