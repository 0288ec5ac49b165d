"""Typed reading of one table of a book: a value of the right kind, or an issue and None. Nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from perpbook.files.places import Key
from perpbook.snapshot.issues import Report, nearest
from perpbook.snapshot.moments import FUTURE_ALLOWANCE_NS, parse_moment

LARGEST, SMALLEST = 1e18, 1e-18
"""No amount or price of a real book lies outside these; beyond them arithmetic would overflow."""


class Sign(Enum):
    """What a number may be."""

    ANY = "a number"
    NOT_ZERO = "a number other than 0"
    NOT_NEGATIVE = "a number not below 0"
    POSITIVE = "a number above 0"

    def allows(self, number: float) -> bool:
        """Whether a finite number has this sign."""
        if self is Sign.NOT_ZERO:
            return number != 0
        if self is Sign.NOT_NEGATIVE:
            return number >= 0
        return number > 0 or self is Sign.ANY


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the document, at its key, with the report its issues go to."""

    found: Mapping[str, Any]
    at: Key
    report: Report

    def issue(self, key: str, message: str, hint: str | None = None) -> None:
        """Note an issue at one of this table's keys, showing its value."""
        value = {"value": self.found[key]} if key in self.found else {}
        self.report.add((*self.at, key), message, hint=hint, **value)

    def only(self, known: frozenset[str]) -> None:
        """Refuse keys that are not known here."""
        for key in self.found.keys() - known:
            self.report.add((*self.at, key), "is not a key of a book here", hint=nearest(str(key), known))

    def require(self, key: str, hint: str) -> bool:
        """Whether a key is there; an issue when it is not."""
        if key in self.found:
            return True
        self.report.add((*self.at, key), "is missing", hint=hint)
        return False

    def number(self, key: str, sign: Sign = Sign.ANY, hint: str | None = None) -> float | None:
        """A finite number, None when the key is absent or wrong."""
        if key not in self.found:
            return None
        number = self._finite(self.found[key], (*self.at, key))
        if number is None or sign.allows(number):
            return number
        self.report.add((*self.at, key), f"must be {sign.value}", value=self.found[key], hint=hint)
        return None

    def needed(self, key: str, sign: Sign, hint: str) -> float:
        """A finite number that must be there; 1 after an issue, so that reading can go on."""
        found = self.number(key, sign, hint) if self.require(key, hint) else None
        return 1.0 if found is None else found

    def numbers(self, key: str, sign: Sign, hint: str | None = None) -> dict[str, float]:
        """A table of numbers by asset."""
        inner = self.table(key)
        if inner is None:
            return {}
        out = {}
        for asset in inner.found:
            inner.check_text(asset, (*inner.at, asset))
            number = inner.number(asset, sign, hint)
            if number is not None:
                out[asset] = number
        return out

    def text(self, key: str) -> str | None:
        """A text that can be printed in one line, None when the key is absent or wrong."""
        if key not in self.found:
            return None
        return self.check_text(self.found[key], (*self.at, key))

    def needed_text(self, key: str, hint: str) -> str | None:
        """A text that must be there."""
        return self.text(key) if self.require(key, hint) else None

    def check_text(self, value: Any, at: Key) -> str | None:
        """The value if it is a text that can be printed in one line."""
        if not isinstance(value, str):
            self.report.add(at, "must be text", value=value, hint='write it in "quotes"')
        elif not value or value != value.strip() or not value.isprintable():
            hint = "write one or more visible characters, with no blank at either end"
            self.report.add(at, "must be a printable text", value=value, hint=hint)
        else:
            return value
        return None

    def flag(self, key: str) -> bool:
        """True or false; false when the key is absent or wrong."""
        value = self.found.get(key, False)
        if not isinstance(value, bool):
            self.report.add((*self.at, key), "must be true or false", value=value, hint="write it without quotes")
            return False
        return value

    def moment(self, key: str, now_ns: int | None = None) -> int | None:
        """Nanoseconds UTC; an issue when it lies more than five minutes after `now_ns`."""
        if key not in self.found:
            return None
        moment = parse_moment(self.found[key])
        if moment is None:
            self.issue(key, "is not a time", 'write it as "2026-11-20T12:00:00Z"')
        elif now_ns is not None and moment > now_ns + FUTURE_ALLOWANCE_NS:
            self.issue(
                key, "is in the future", "write when the book was read, in UTC; or put this machine's clock right"
            )
        else:
            return moment
        return None

    def table(self, key: str) -> Table | None:
        """An inner table, None when the key is absent or wrong."""
        if key not in self.found:
            return None
        value = self.found[key]
        if isinstance(value, dict):
            return Table(value, (*self.at, key), self.report)
        self.issue(key, "must be a table", f"write [{key}], or {key} = {{ … }}")
        return None

    def tables(self, key: str) -> list[Table]:
        """An array of tables; empty when the key is absent or wrong."""
        out = []
        for number, value in enumerate(self.list(key)):
            if isinstance(value, dict):
                out.append(Table(value, (*self.at, key, number), self.report))
            else:
                hint = f"write each one under its own [[{key}]]"
                self.report.add((*self.at, key, number), "must be a table", value=value, hint=hint)
        return out

    def list(self, key: str) -> list[Any]:
        """An array; empty when the key is absent or wrong."""
        value = self.found.get(key, [])
        if isinstance(value, list):
            return value
        self.issue(key, "must be a list", f"write [[{key}]] above it" if isinstance(value, dict) else "use [brackets]")
        return []

    def pair(self, value: Any, at: Key) -> tuple[float, float] | None:
        """A (price, quantity) level, both above 0."""
        if not isinstance(value, list) or len(value) != 2:
            self.report.add(at, "must be a [price, quantity] pair", value=value, hint="write [62000.0, 1.5]")
            return None
        found = [self._finite(one, (*at, number)) for number, one in enumerate(value)]
        if None in found:
            return None
        if min(value) <= 0:
            self.report.add(at, "price and quantity must be above 0", value=value, hint="leave empty levels out")
            return None
        return float(value[0]), float(value[1])

    def _finite(self, value: Any, at: Key) -> float | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            hint = "write it without quotes" if isinstance(value, str) else "write a number such as 0.5"
            self.report.add(at, "must be a number", value=value, hint=hint)
            return None
        if value != 0 and not SMALLEST <= abs(value) <= LARGEST:
            self.report.add(
                at, "must be a finite number of a size that can be true", value=value, hint="check its digits"
            )
            return None
        return float(value)
