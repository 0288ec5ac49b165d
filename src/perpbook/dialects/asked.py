"""Requests that a venue cannot read, or will not: what a dialect says of them is its own affair."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


class Unreadable(Exception):
    """A request that is not what it must be; says what, without what was sent."""


class Unsigned(Exception):
    """A request that is not signed by the account it is for."""


def number(given: Any, name: str) -> float:
    """A finite number out of a string or a number."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise Unreadable(f"{name} is not a number")
    try:
        value = float(given)
    except ValueError:
        raise Unreadable(f"{name} is not a number") from None
    if not math.isfinite(value):
        raise Unreadable(f"{name} is not a finite number")
    return value


def whole(given: Any, name: str) -> int:
    """A whole number out of a string or a number."""
    value = number(given, name)
    if value != int(value):
        raise Unreadable(f"{name} is not a whole number")
    return int(given) if isinstance(given, str | int) and str(given).lstrip("-").isdigit() else int(value)


def mapping(given: Any, name: str) -> Mapping[str, Any]:
    """An object of a JSON document."""
    if not isinstance(given, dict):
        raise Unreadable(f"{name} is not an object")
    return given


def listed(given: Any, name: str) -> list[Any]:
    """A list of a JSON document."""
    if not isinstance(given, list):
        raise Unreadable(f"{name} is not a list")
    return given


def flag(given: Any, name: str) -> bool:
    """True or false, of a JSON document or of a query."""
    if given in (True, "true", "TRUE", "True"):
        return True
    if given in (False, "false", "FALSE", "False", None):
        return False
    raise Unreadable(f"{name} is neither true nor false")
