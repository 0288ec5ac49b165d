"""The strategies that come with Perpbook, by name, with options as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from perpbook.errors import InputError
from perpbook.model.bars import Bars
from perpbook.strategies.basis import BasisOptions, basis
from perpbook.strategies.carry import CarryOptions, carry
from perpbook.strategies.equal_risk import EqualRiskOptions, equal_risk
from perpbook.strategies.hold import HoldOptions, hold
from perpbook.strategies.table import Leg, TargetTable
from perpbook.strategies.trend import BreakoutOptions, TrendOptions, breakout, trend

WHOLE = re.compile(r"[+-]?\d+")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
YES, NO = ("yes", "true"), ("no", "false")


@dataclass(frozen=True, slots=True, kw_only=True)
class Builtin:
    """A strategy's builder and the dataclass of its options."""

    build: Callable[[Bars, Sequence[Leg], Any], TargetTable]
    options: type[Any]


BUILTINS: dict[str, Builtin] = {
    "hold": Builtin(build=hold, options=HoldOptions),
    "trend": Builtin(build=trend, options=TrendOptions),
    "breakout": Builtin(build=breakout, options=BreakoutOptions),
    "carry": Builtin(build=carry, options=CarryOptions),
    "basis": Builtin(build=basis, options=BasisOptions),
    "equal_risk": Builtin(build=equal_risk, options=EqualRiskOptions),
}


def names() -> tuple[str, ...]:
    """The strategies there are."""
    return tuple(BUILTINS)


def options_of(name: str) -> dict[str, Any]:
    """A strategy's options with their defaults.

    Raises
    ------
    InputError : there is no such strategy.
    """
    default = _builtin(name).options()
    return {field.name: getattr(default, field.name) for field in fields(default)}


def build(name: str, options: Mapping[str, str], bars: Bars, legs: Sequence[Leg]) -> TargetTable:
    """The targets of a strategy, its options given as text (`fast=20` is {"fast": "20"}).

    Raises
    ------
    InputError : no such strategy, no legs, or an option that is unknown, unreadable or out of range.
    """
    builtin = _builtin(name)
    given = parse_options(name, options)
    if not legs:
        raise InputError(f"strategy {name} has no legs: name at least one account and symbol")
    try:
        chosen = builtin.options(**given)
        return builtin.build(bars, legs, chosen)
    except InputError as error:
        raise type(error)(f"strategy {name}: {error.message}", error.problems) from None


def parse_options(name: str, options: Mapping[str, str]) -> dict[str, Any]:
    """Text to the types of a strategy's options.

    Raises
    ------
    InputError : an option is unknown (with the nearest name), or its text is not of its type.
    """
    kinds = {field.name: str(field.type) for field in fields(_builtin(name).options)}
    out = {}
    for option, text in options.items():
        if option not in kinds:
            raise InputError(f'strategy {name} has no option "{option}": {_nearest(option, list(kinds))}')
        kind = kinds[option].removesuffix(" | None")
        value = READERS[kind](text.strip())
        if value is None:
            raise InputError(f'strategy {name}: {option} is "{text}": {WANTED[kind]}')
        out[option] = value
    return out


def _builtin(name: str) -> Builtin:
    if name not in BUILTINS:
        raise InputError(f'there is no strategy "{name}": {_nearest(name, list(BUILTINS))}')
    return BUILTINS[name]


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    return f'did you mean "{near[0]}"?' if near else f"there are {', '.join(known)}"


def _whole(text: str) -> int | None:
    return int(text) if WHOLE.fullmatch(text) and len(text) < 19 else None


def _number(text: str) -> float | None:
    return float(text) if NUMBER.fullmatch(text) else None


def _flag(text: str) -> bool | None:
    return text.lower() in YES if text.lower() in YES + NO else None


def _numbers(text: str) -> tuple[float, ...] | None:
    found = [_number(part.strip()) for part in text.split(",")]
    known = tuple(value for value in found if value is not None)
    return known if len(known) == len(found) else None


READERS: dict[str, Callable[[str], Any]] = {
    "int": _whole,
    "float": _number,
    "bool": _flag,
    "tuple[float, ...]": _numbers,
}
WANTED = {
    "int": "write a whole number, as in 20",
    "float": "write a number, as in 0.05 (5 % is 0.05)",
    "bool": "write yes or no",
    "tuple[float, ...]": "write numbers with commas between, as in 0.5,-0.5",
}
