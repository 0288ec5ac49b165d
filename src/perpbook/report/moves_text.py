"""Money that rules want and the ways it would come: sentences for a terminal and a page alike."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from perpbook.model.verdict import MoneyMove
from perpbook.report.words import lasting, money


def move_sentences(moves: Sequence[MoneyMove]) -> list[str]:
    """One sentence a move."""
    return [_sentence(one) for one in moves]


def _sentence(one: MoneyMove) -> str:
    coin = f" of {one.asset}" if one.asset else ""
    if not one.source:
        return f"{one.place} wants {money(one.dollars)}{coin} more ({one.rule}): {one.why}."
    assert one.typical_seconds is not None and one.slow_seconds is not None
    beside = f", beside what has no figure ({'; '.join(one.beside)})" if one.beside else ""
    when = f"in {lasting(one.typical_seconds)}, in one case of ten later than {lasting(one.slow_seconds)}"
    if one.slow_seconds < 1.0:
        when = "at once"
    return (
        f"Send {money(one.dollars)}{coin} from {one.source} to {one.place} ({one.rule}): {one.way}; costs {money(one.fee)}"
        f"{beside}; there {when}."
    )


def tell_moves(console: Console, moves: Sequence[MoneyMove]) -> None:
    """Proposed transfers; nothing is sent."""
    if moves:
        console.print("Money that rules want, each the cheapest way; nothing is sent:")
    for sentence in move_sentences(moves):
        console.print(f"  {sentence}")
