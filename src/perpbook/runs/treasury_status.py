"""`treasury status`: where everything is, what is under way, what cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.runs.treasury_state import State, StateAsked, state_of

if TYPE_CHECKING:
    from perpbook.treasury.told import Status


def run_status(asked: StateAsked, *, now_ns: int | None, terms_folders: Sequence[Path]) -> Status:
    """The status of a book; errors as `state_of`."""
    return status_of(state_of(asked, now_ns=now_ns, terms_folders=terms_folders))


def status_of(state: State) -> Status:
    """The status of a book that is read."""
    from perpbook.treasury.standing_money import total_virtual
    from perpbook.treasury.told import Status

    held = state.holdings
    return Status(
        as_of_ns=state.snapshot.book.as_of_ns,
        simulated=state.snapshot.market.simulated,
        may_start=held.may_start,
        total=total_virtual(held),
        locked=sum(one.locked for one in held.holdings.values()),
        holdings=tuple(held.holdings.values()),
        flights=state.forecasts,
        unread=held.unread,
        notes=state.notes,
    )
