"""A book at another size: every position so many times as large from the start, from the same equity, at no cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from perpbook.errors import InputError

if TYPE_CHECKING:
    from perpbook.model.market import Snapshot
    from perpbook.terms.terms import VenueTerms

MOST = 64.0


def check_scale(scale: float) -> None:
    """Refuse a scale that is no size of this book."""
    if not 0.0 < scale <= MOST:
        raise InputError(
            f"a scale of {scale:g} does not do: choose from above 0 to {MOST:g} times the positions held now"
        )


def scaled(snapshot: Snapshot, terms: Mapping[str, VenueTerms], scale: float) -> Snapshot:
    """The book with all its positions scaled; profit made so far stays what it is."""
    if scale == 1.0:
        return snapshot
    from perpbook.margin.arrays import book_arrays
    from perpbook.sizing.apply import with_quantities

    arrays = book_arrays(snapshot.book, snapshot.market, terms)
    changes = {}
    for row in arrays.positions():
        position = arrays.items[row].position
        assert position is not None
        changes[row] = (position.quantity * scale, 0.0)
    return replace(snapshot, book=with_quantities(snapshot.book, arrays, changes))
