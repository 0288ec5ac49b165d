"""A venue's own JSON answer, read leniently where venues are lenient: numbers may be text, and "" is no number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from perpbook.files.places import Key
from perpbook.snapshot.issues import Report

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
BLANK = (None, "", "--")


@dataclass(frozen=True, slots=True)
class Answer:
    """One value of an answer, at its path, with the report its issues go to."""

    found: Any
    at: Key
    report: Report

    def issue(self, key: str, message: str, hint: str | None = None) -> None:
        """Note an issue at one of this object's keys, showing its value."""
        value = {"value": self.found[key]} if key in self else {}
        self.report.add((*self.at, key) if key else self.at, message, hint=hint, **value)

    def __contains__(self, key: str) -> bool:
        return isinstance(self.found, dict) and key in self.found

    def inner(self, *keys: str) -> Answer:
        """The value under nested keys; its `found` is None where there is none."""
        found, at = self.found, self.at
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
            at = (*at, key)
        return Answer(found, at, self.report)

    def each(self) -> list[Answer]:
        """The objects of a list, or of a table of objects; anything else in it is an issue."""
        if isinstance(self.found, dict):
            members: list[tuple[str | int, Any]] = list(self.found.items())
        elif isinstance(self.found, list):
            members = list(enumerate(self.found))
        else:
            self.report.add(self.at, "must be a list", value=self.found, hint="save the venue's answer again, whole")
            return []
        objects = [Answer(value, (*self.at, key), self.report) for key, value in members]
        for one in objects:
            if not isinstance(one.found, dict):
                one.report.add(
                    one.at, "must be an object", value=one.found, hint="save the venue's answer again, whole"
                )
        return [one for one in objects if isinstance(one.found, dict)]

    def number(self, key: str) -> float | None:
        """A number, or text that is one; None when it is absent, blank, or (an issue) no finite number."""
        value = self.found.get(key) if isinstance(self.found, dict) else None
        if value in BLANK:
            return None
        try:
            if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e18:
                return float(value)
            if isinstance(value, str) and NUMBER.fullmatch(value) and abs(float(value)) <= 1e18:
                return float(value)
        except OverflowError:
            pass
        self.issue(key, "must be a finite number of a size that can be true", "save the venue's answer again, whole")
        return None

    def needed(self, key: str, hint: str = "save the venue's answer again, whole") -> float:
        """A number that must be there; 1 after an issue, so that reading can go on."""
        found = self.number(key)
        if found is not None:
            return found
        if not self.report.issues or self.report.issues[-1].key != (*self.at, key):
            self.issue(key, "has no value" if key in self else "is missing", hint)
        return 1.0

    def text(self, key: str) -> str | None:
        """A text that is not empty, else None."""
        value = self.found.get(key) if isinstance(self.found, dict) else None
        return value if isinstance(value, str) and value else None

    def needed_text(self, key: str) -> str:
        """A text that must be there; "?" after an issue."""
        found = self.text(key)
        if found is None:
            self.issue(key, "must be text", "save the venue's answer again, whole")
        return found or "?"

    def flag(self, key: str) -> bool:
        """Whether a key says true, in JSON or in text."""
        value = self.found.get(key) if isinstance(self.found, dict) else None
        return value is True or (isinstance(value, str) and value.lower() == "true")


def liquidation_price(position: Answer, key: str) -> dict[str, Any]:
    """What the venue says of the liquidation price of an open position.

    A blank or 0 says that there is none; an absent key says nothing.
    """
    if key not in position:
        return {}
    price = position.number(key)
    return {"liquidation_price": price} if price is not None and price > 0 else {"no_liquidation_price": True}
