"""Reading tables of a storm's file: every value by its key and kind, every fault with its place and the next step."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from perpbook.errors import InputError, Problem
from perpbook.files.places import Key, nearest_place, places_of
from perpbook.scenario.durations import read_duration

HOW_LONG = 'write a length of time such as "20m", "8h" or "1h30m", or a number of minutes'
FRACTION = "fractions are written 0.15, not 15 or 15%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something wrong at a key of the file."""

    key: Key
    message: str
    value: str | None = None
    hint: str | None = None


@dataclass(slots=True, kw_only=True)
class Table:
    """One table of a file, at `key`. Every key that is read is known; `end` complains of the others.

    What cannot be read is a fault in `faults`, and its default comes back, so that all faults are found in one go.
    """

    found: Mapping[str, Any]
    key: Key
    faults: list[Fault]
    known: list[str] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """True when the key is written."""
        self.known.append(name)
        return name in self.found

    def fault(self, name: str | None, message: str, hint: str | None = None, *, show: bool = False) -> None:
        """Complain of a key, or of the table."""
        value = shown(self.found.get(name)) if show and name else None
        key = (*self.key, name) if name else self.key
        self.faults.append(Fault(key=key, message=message, value=value, hint=hint))

    def text(self, name: str, default: str | None = None) -> str:
        """Text that is not empty."""
        if not self._given(name, default is None):
            return default or ""
        value = self.found[name]
        if isinstance(value, str) and value.strip():
            return value
        self.fault(name, "should be text", 'write it in "quotes"', show=True)
        return default or ""

    def choice(self, name: str, known: Sequence[str], default: str | None = None) -> str:
        """One of a few words."""
        value = self.text(name, default)
        if value and value not in known:
            self.fault(name, "is not known", nearest(value, known), show=True)
        return value if value in known else (default or known[0])

    def number(
        self, name: str, default: float | None = None, *, least: float = -math.inf, most: float = math.inf
    ) -> float:
        """A finite number from `least` to `most`."""
        if not self._given(name, default is None):
            return default if default is not None else 1.0
        value = self.found[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.fault(name, "should be a number", FRACTION, show=True)
        elif not least <= value <= most:
            bounds = f"from {least:g} to {most:g}" if most < math.inf else f"{least:g} or more"
            hint = FRACTION if most <= 1.0 else "write a number in that range, or take the key away"
            self.fault(name, f"should be {bounds}", hint, show=True)
        else:
            return float(value)
        return default if default is not None else 1.0

    def flag(self, name: str) -> bool:
        """True or false; false when it is not written."""
        if not self._given(name, False):
            return False
        value = self.found[name]
        if isinstance(value, bool):
            return value
        self.fault(name, "should be true or false", "write it without quotes", show=True)
        return False

    def duration(self, name: str, default: int | None = None, *, positive: bool = False) -> int:
        """A length of time in ns."""
        if not self._given(name, default is None):
            return default if default is not None else 1
        length = read_duration(self.found[name])
        if length is None or (positive and length == 0):
            self.fault(name, "should be a length of time" + (" above 0" if positive else ""), HOW_LONG, show=True)
            return default if default is not None else 1
        return length

    def names(self, name: str) -> tuple[str, ...]:
        """A text, or a list of texts; none when it is not written."""
        if not self._given(name, False):
            return ()
        value = self.found[name]
        many = value if isinstance(value, list) else [value]
        if many and all(isinstance(one, str) and one.strip() for one in many):
            return tuple(many)
        self.fault(name, "should be a list of texts", 'write it like ["BTC", "ETH"]', show=True)
        return ()

    def points(self, name: str) -> tuple[tuple[int, float], ...]:
        """Pairs of a length of time and a fraction."""
        value = self.found.get(name) if self.has(name) else None
        out = []
        for number, pair in enumerate(value if isinstance(value, list) else [None]):
            when = read_duration(pair[0]) if isinstance(pair, list) and len(pair) == 2 else None
            move = pair[1] if when is not None else None
            if when is None or isinstance(move, bool) or not isinstance(move, int | float):
                key = (*self.key, name, number) if isinstance(value, list) else (*self.key, name)
                message = "should be a pair of a time and a fraction"
                hint = 'write points like [[0, 0.0], [20, -0.15], ["4h", -0.05]]; a bare time is in minutes'
                self.faults.append(Fault(key=key, message=message, value=shown(pair or value), hint=hint))
                return ()
            out.append((when, float(move)))
        return tuple(out)

    def tables(self, name: str) -> Iterator[Table]:
        """Each of [[name]]."""
        value = self.found.get(name, []) if self.has(name) else []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.fault(name, "should be tables", f"write [[{name}]] above each of them", show=True)
            return
        for number, one in enumerate(value):
            yield Table(found=one, key=(*self.key, name, number), faults=self.faults)

    def table(self, name: str) -> Table | None:
        """[name], None when it is not written."""
        if not self.has(name):
            return None
        value = self.found[name]
        if isinstance(value, dict):
            return Table(found=value, key=(*self.key, name), faults=self.faults)
        self.fault(name, "should be a table", f"write [{name}] above its keys", show=True)
        return None

    def end(self, of: str = "a storm") -> None:
        """Complain of every key that nothing reads; `of` names what the file is of."""
        for name in self.found:
            if name not in self.known:
                self.fault(name, f"is not a key of {of} here", nearest(name, tuple(dict.fromkeys(self.known))))

    def _given(self, name: str, needed: bool) -> bool:
        if self.has(name):
            return True
        if needed:
            self.fault(name, "is missing", "add it")
        return False


def nearest(name: str, known: Sequence[str]) -> str:
    """The hint for a name that is not known."""
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known) or 'nothing'}"


def shown(value: Any) -> str:
    """A value roughly as TOML has it, cut short."""
    text = str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def dotted(key: Key) -> str:
    """A path the way its writer would say it: outage[0].lasts."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{_written(part)}" for part in key).removeprefix(".")


def _written(part: str) -> str:
    return part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"'


def in_place(faults: Sequence[Fault], text: str, file: str) -> list[Problem]:
    """The faults with file, line and column, in the order of the file."""
    places = places_of(text) if faults else {}
    out = []
    for one in dict.fromkeys(faults):
        line, column = nearest_place(places, one.key) or (None, None)
        out.append(
            Problem(
                file=file, line=line, column=column, key=dotted(one.key) or None,
                message=one.message, value=one.value, hint=one.hint,
            )
        )  # fmt: skip
    return sorted(out, key=lambda problem: (problem.line or 0, problem.column or 0))


def top_of(text: str, schema: str, file: str) -> Table:
    """The top of a TOML file of a schema, with a fault where it says another.

    Raises
    ------
    InputError : it is not TOML.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file} is not valid TOML: {error}") from None
    top = Table(found=found, key=(), faults=[])
    if top.text("schema") != schema:
        top.fault("schema", f'is not "{schema}", which this version reads', f'write schema = "{schema}" at the top')
    return top
