"""Alerts for people: what stands and what was sent, what would go where, what was told before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perpbook.model.units import to_iso

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.model.alert import Alert
    from perpbook.model.told import Past, Routed, Went


def tell_look(console: Console, standing: Sequence[Alert], went: Sequence[Went], unjudged: str) -> None:
    """What stands, and what was sent."""
    if unjudged:
        console.print(f"The book cannot be judged: {unjudged}", soft_wrap=True)
    console.print(f"{len(standing)} alerts stand." if standing else "No alert stands.")
    for one in standing:
        where = " ".join(part for part in (one.account, one.symbol) if part)
        console.print(f"  {one.severity.value.upper():<5} {one.kind} {where}: {one.sentence}", soft_wrap=True)
    console.print(f"{len(went)} messages." if went else "Nothing is due.")
    tell_sent(console, went)


def tell_sent(console: Console, went: Sequence[Went]) -> None:
    """What came of each message."""
    for one in went:
        told = "sent" if one.ok else "FAILED"
        console.print(f"  {told:<6} {one.channel}: {one.title or one.what} ({one.why})", soft_wrap=True)


def tell_routes(console: Console, routes: Sequence[Routed]) -> None:
    """What would go where."""
    wide = max(len(one.kind) for one in routes)
    for one in routes:
        way = ", then ".join(" + ".join(step) for step in one.steps) if one.mode != "off" else "nobody"
        mode = "" if one.mode in ("on", "off") else f" ({one.mode})"
        console.print(f"{one.kind:<{wide}}  {one.severity:<4}  {way}{mode}", soft_wrap=True)


def tell_history(console: Console, past: Sequence[Past]) -> None:
    """What was heard, told and seen, oldest first."""
    for one in past:
        console.print(f"{one.number:>6}  {to_iso(one.at_ns)}  {one.event:<6} {one.key}: {one.words}", soft_wrap=True)
    if not past:
        console.print("No alert was heard.")
