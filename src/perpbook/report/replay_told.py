"""A replay in plain figures, and in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.guard.replay import Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTold:
    """One record of either side."""

    kind: str
    at: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedTold:
    """An action wanted under a rule for some positions: when first and last, at how many looks, its legs at the first."""

    kind: str
    rule: str
    first: str
    last: str
    looks: int
    legs: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookTold:
    """The look that a proposal came of. look, again : its digest in the journal and of the replay.  same : the replay proposes
    the same."""

    number: int
    at: str
    look: str
    again: str
    equity: float | None
    unknown: tuple[str, ...]
    alerts: tuple[str, ...]
    wanted: tuple[str, ...]
    proposal: object
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayTold:
    """What a replay came to. same : records made again as they are.  unkept : made again of inputs that came just before the
    guard died, and in no journal.  gaps : records whose inputs are not there.  number : of the first record that differs, None
    where none does; kept, made : both sides of it."""

    journal: str
    inputs: str
    pages: int
    runs: int
    messages: int
    looks: int
    same: int
    unkept: int
    gaps: tuple[Gap, ...]
    is_same: bool
    number: int | None
    message: str
    at: str
    kept: RecordTold | None
    made: RecordTold | None
    look: LookTold | None
    playbook: str
    as_run: tuple[WantedTold, ...]
    instead: tuple[WantedTold, ...]


def tell_replay(console: Console, found: ReplayTold) -> None:
    """What was replayed, what could not be, and the first difference."""
    _say(
        console,
        f"{found.messages:,} messages and {found.looks:,} looks of {found.runs} run{'s' if found.runs != 1 else ''} replayed; "
        f"{found.same:,} records were made again as they are in {found.journal}.",
    )
    for gap in found.gaps:
        _say(console, f"Not replayed: records {gap.first} to {gap.last}: {gap.why}.")
    if found.unkept:
        _say(console, f"{found.unkept} more were made that the guard had not written when it ended.")
    if found.number is not None:
        _say(console, f"DIFFERENT at record {found.number}, when the guard was told {found.message} at {found.at}:")
        _side(console, "journal", found.kept)
        _side(console, "replay ", found.made)
    elif found.look is None:
        _say(console, "The same decisions.")
    if found.look is not None:
        _look(console, found.look)
    if found.playbook:
        _instead(console, found)


def _side(console: Console, name: str, one: RecordTold | None) -> None:
    told = f"{one.kind} at {one.at} {json.dumps(one.body, ensure_ascii=False)}" if one is not None else "nothing"
    _say(console, f"  {name}  {told}")


def _look(console: Console, one: LookTold) -> None:
    _say(console, f"Record {one.number} came of the look at {one.at}, {one.look[:12]}.")
    if one.again != one.look:
        _say(console, f"  The replay's look is another: {one.again[:12]}.")
    if one.equity is not None:
        _say(console, f"  Equity ${one.equity:,.2f}.")
    if one.unknown:
        _say(console, f"  Not known: {', '.join(one.unknown)}.")
    for line in one.alerts:
        _say(console, f"  Found: {line}")
    for line in one.wanted:
        _say(console, f"  Wanted: {line}")
    _say(
        console,
        "The same proposal." if one.same else f"The replay proposes: {json.dumps(one.proposal, ensure_ascii=False)}",
    )


def _instead(console: Console, found: ReplayTold) -> None:
    """Both playbooks' wishes. The market that the other is shown is the one that was traded in."""
    for name, wanted in (
        ("The playbook that ran wanted", found.as_run),
        (f"{found.playbook} would have wanted", found.instead),
    ):
        _say(console, f"{name} {'' if wanted else 'nothing'}".rstrip() + (":" if wanted else "."))
        for one in wanted:
            _say(
                console,
                f"  {one.first} to {one.last}, {one.looks} looks, {one.kind} by {one.rule}: {'; '.join(one.legs)}",
            )
            _say(console, f"      {one.reason}")
    _say(
        console,
        "Decisions only, at the looks that were made: prices and positions are those that were, as if the other had not traded.",
    )


def _say(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True)
