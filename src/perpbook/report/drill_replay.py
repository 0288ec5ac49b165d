"""The worst futures of a drill, gone through tick by tick and told: what was liquidated, and what the rules did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perpbook.engine.drilled import Drilled
from perpbook.engine.outcome import Outcome
from perpbook.kernels import journal as codes
from perpbook.kernels.drill import END

WORST = 3
MOST_STEPS = 24
"""Steps of a replay that are told."""

WORDS = {
    codes.LIQUIDATION: "liquidated", codes.BACKSTOP: "taken over by the venue", codes.SEIZED_REST: "what was left is seized",
    codes.INSURED_LOSS: "its debt is the venue's", codes.RULE: "rule", codes.REFUSED: "refused", codes.HALT: "new risk halted",
    codes.WANTED: "money is wanted",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One of the worst paths: where it ends with the playbook and without (dollars), equity at every step by account, of the
    whole book, and of the book without the playbook (None where there is none); and what happened, by hour."""

    path: int
    end: float
    end_without: float
    accounts: tuple[tuple[str, tuple[float, ...]], ...]
    book: tuple[float, ...]
    without: tuple[float, ...] | None
    told: tuple[tuple[float, str], ...]
    more: int


def replays_of(drilled: Drilled, count: int = WORST) -> tuple[Replay, ...]:
    """The worst futures, run again; a drill read back from a folder brings its own."""
    if drilled.replays is not None:
        return tuple(replay_from(one) for one in drilled.replays[:count])
    return tuple(_replayed(drilled, path) for path in drilled.worst(count))


def _replayed(drilled: Drilled, path: int) -> Replay:
    outcome = drilled.replay(path)
    alone = drilled.replay(path, alone=True) if drilled.under is not None else None
    told = told_of(outcome, drilled.facts["step_hours"])
    return Replay(
        path=path,
        end=float(drilled.main.figures[path, END]),
        end_without=float(drilled.without.figures[path, END]),
        accounts=tuple(
            (account.id, _rounded(outcome.curve[number, : outcome.ended]))
            for number, account in enumerate(outcome.arrangement.accounts)
        ),
        book=_rounded(outcome.equity),
        without=_rounded(alone.equity) if alone else None,
        told=tuple(told[:MOST_STEPS]),
        more=max(0, len(told) - MOST_STEPS),
    )


def _rounded(values: Any) -> tuple[float, ...]:
    """Dollars to the cent: a figure shows no more."""
    return tuple(np.round(values, 2).tolist())


def told_of(outcome: Outcome, hours: float) -> list[tuple[float, str]]:
    """What happened on one path, by hour; fills are told by their rule."""
    told = []
    for (tick, kind, account, row, reason), figures in zip(
        outcome.what.tolist(), outcome.figures.tolist(), strict=True
    ):
        if kind not in WORDS and not (kind == codes.FILL and reason == codes.BY_VENUE):
            continue
        name = outcome.place(kind, account) or "the book"
        symbol = outcome.arrangement.rows[row].symbol if row >= 0 else ""
        told.append(((tick + 1) * hours, event_in_words(kind, name, symbol, outcome.reasons.get(reason, ""), figures)))
    return told


def event_in_words(kind: int, account: str, symbol: str, rule: str, figures: Sequence[float]) -> str:
    """One event as a trader would tell it. `figures` are a row of the journal: quantity traded (signed) and price come first."""
    quantity, price = figures[0], figures[1]
    trade = f"{'buys' if quantity > 0 else 'sells'} {abs(quantity):,.6g} {symbol} at {price:,.6g}" if quantity else ""
    match kind:
        case codes.RULE:
            return f"{account}: {rule} {trade or 'acts'}"
        case codes.LIQUIDATION | codes.BACKSTOP:
            return f"{account}: {WORDS[kind]}, the venue {trade}" if trade else f"{account} {symbol}: {WORDS[kind]}"
        case codes.WANTED:
            return f"{account}: {rule} wants {figures[5]:,.6g} and has {figures[4]:,.6g}"
        case codes.REFUSED:
            return f"{account}: an order of {symbol} is refused" + (f" ({rule})" if rule else "")
        case _:
            return f"{account}: {WORDS[kind]}"


def replay_from(kept: Mapping[str, Any]) -> Replay:
    """A replay as JSON has it."""
    without = kept["without"]
    return Replay(
        path=kept["path"],
        end=kept["end"],
        end_without=kept["end_without"],
        accounts=tuple((name, tuple(curve)) for name, curve in kept["accounts"]),
        book=tuple(kept["book"]),
        without=tuple(without) if without is not None else None,
        told=tuple((hour, said) for hour, said in kept["told"]),
        more=kept["more"],
    )
