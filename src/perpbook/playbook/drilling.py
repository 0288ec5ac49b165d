"""How often a book is drilled, and what drills may find, in plain English; and what changed of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from perpbook.playbook.figures import listing, percent, plain
from perpbook.playbook.schema import Drills
from perpbook.playbook.tell_time import CADENCE_WORDS

EVERY_STORM = "every crash and synthetic storm of the catalogue"
SIDES = {"playbook": "under these rules", "alone": "left alone, without these rules"}


def drill_sentences(drill: Drills) -> Iterator[str]:
    """When, through what, and what may come of it."""
    when = CADENCE_WORDS.get(drill.cadence, f'Whenever "{drill.cadence}" comes round')
    yield (
        f"{when} ({drill.timezone}), the book is to be put through {storms_in_words(drill)} and {drill.paths:,} futures "
        f"of {drill.horizon} ({drill.kind} paths); a drill older than that is a breach."
    )
    limits = [
        f"at most {percent(drill.max_chance)} of futures may liquidate an account"
        if drill.max_chance is not None
        else "",
        f"the worst 2.5 % of them may lose at most {percent(drill.max_shortfall)} of book equity on average"
        if drill.max_shortfall is not None
        else "",
        f"at most {drill.max_storms} of the storms may liquidate an account" if drill.max_storms is not None else "",
    ]
    told = [one for one in limits if one]
    if told:
        yield f"With the book {SIDES[drill.judged]}, {listing(told)}."


def storms_in_words(drill: Drills) -> str:
    """The storms by their expressions."""
    return listing(f'"{one}"' for one in drill.storms) if drill.storms else EVERY_STORM


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One value of [drill] in words, and as a number where less is stricter (None for no limit)."""

    key: str
    words: str
    number: float | None = None
    is_limit: bool = False


def drill_values(drill: Drills) -> tuple[Told, ...]:
    """Every value in force, in the order of the schema."""

    def limit(key: str, value: float | None, words: str) -> Told:
        return Told(key=key, words="no limit" if value is None else words, number=value, is_limit=True)

    return (
        Told(key="drill.cadence", words=f'"{drill.cadence}"'),
        Told(key="drill.timezone", words=drill.timezone),
        Told(key="drill.storms", words=storms_in_words(drill)),
        Told(key="drill.paths", words=f"{drill.paths:,} futures"),
        Told(key="drill.horizon", words=drill.horizon),
        Told(key="drill.kind", words=f"{drill.kind} paths"),
        Told(key="drill.judged", words=f"the book {SIDES[drill.judged]}"),
        limit("drill.max_chance", drill.max_chance, percent(drill.max_chance or 0.0)),
        limit("drill.max_shortfall", drill.max_shortfall, percent(drill.max_shortfall or 0.0)),
        limit("drill.max_storms", drill.max_storms, f"{plain(drill.max_storms or 0)} storms"),
    )
