"""What a run would know of positions' funding, had it held them as they are: the run's own settlements, on its own tape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perpbook.engine.arrange import Arrangement, arrange
from perpbook.engine.reel import reel
from perpbook.kernels.in_force import count_payments, look_at_funding
from perpbook.kernels.settle import price_settlements, settle
from perpbook.kernels.state import empty_state
from perpbook.kernels.tape import DAY_NS, Tape
from perpbook.model.account import Account, MarginMode, Position
from perpbook.model.bars import Bars
from perpbook.model.book import Book
from perpbook.playbook.past import PastFunding
from perpbook.terms.terms import VenueTerms


def past_funding(
    held: Sequence[tuple[str, Position]], terms: Mapping[str, VenueTerms], bars: Bars, now_ns: int
) -> tuple[PastFunding, ...]:
    """What `bars`, the last of which ends at `now_ns` or holds it, say of every (venue, position).

    Each stands in an account of its own, without money: what is paid is counted, and goes to no wallet.
    """
    accounts = tuple(
        Account(
            id=str(number), venue=venue, layer=None, mode=MarginMode.CROSS, collateral=(), positions=(one,), orders=()
        )
        for number, (venue, one) in enumerate(held)
    )
    arrangement = arrange(Book(as_of_ns=now_ns, source="", accounts=accounts), terms, bars)
    slots, rows = arrangement.slots, arrangement.holding.rows
    slots.rows["pays"] = -1
    tape = reel(bars, arrangement).tape
    _pay(tape, arrangement, now_ns)
    state = empty_state(slots.positions.size, len(accounts), 0, (len(arrangement.assets), 0, 0, 0))
    state.positions["value"] = 1.0
    look_at_funding(tape, slots, arrangement.holding, tape.funding_bar.size, now_ns, state)
    return tuple(
        PastFunding(
            paid=-float(rows[i].day_funding),
            yearly=float(seen.yearly),
            expected=float(seen.expected),
            due=float(seen.ahead),
            paid_in_row=float(seen.paid_in_row),
            received=bool(rows[i].received),
        )
        for i, seen in zip(slots.positions.tolist(), state.positions, strict=True)
    )


def _pay(tape: Tape, arrangement: Arrangement, now_ns: int) -> None:
    """Count who paid how often in a row, and pay the settlements of the UTC day of `now_ns`."""
    every = tape.funding_bar.size
    unit = np.zeros((tape.open.shape[0], every))
    price_settlements(tape, 0, tape.open_ns.size, unit)
    count_payments(arrangement.slots, arrangement.holding, unit, every)
    today = np.searchsorted(tape.open_ns[tape.funding_bar], now_ns // DAY_NS * DAY_NS)
    for cursor in range(int(today), every):
        settle(tape, arrangement.slots, arrangement.holding, cursor, False)
