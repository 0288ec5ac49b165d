"""Clients of ccxt.pro for venues that have no stream of ours: public, without keys, at one connection's life each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from perpbook.errors import InputError
from perpbook.venues.clients import PINNED, settings, strict
from perpbook.venues.clients_named import VENUES, hardened
from perpbook.venues.pro import Ways

WAYS: Mapping[str, Ways] = {
    "bybit": Ways(marks="watch_ticker", funding="fundingRate", book_s=3.0, mark_s=3.0),
    "okx": Ways(book_s=3.0, mark_s=10.0),
}
"""Books change several times a second and are told again within three; a ticker is pushed ten times a second. OKX tells a mark
that stands every ten seconds."""


def pro_maker(venue: str, endpoint: str | None = None) -> Callable[[], Any]:
    """What makes clients of a venue.

    Raises
    ------
    InputError : ccxt is missing or of another version, or the venue has no such client here.
    """
    if venue not in VENUES:
        raise InputError(f"{venue} is not listened to through ccxt.pro: {', '.join(VENUES)} are")
    try:
        import ccxt.pro
    except ImportError:
        raise InputError("live venues need ccxt\n    install it with: pip install 'perpbook[live]'") from None
    if ccxt.pro.__version__ != PINNED:
        raise InputError(f"ccxt {ccxt.pro.__version__} is here and {PINNED} was tried on the wire")
    kind, at = strict(getattr(ccxt.pro, venue)), endpoint.rstrip("/") if endpoint else None
    return lambda: hardened(venue, kind, settings("apiKey", "", "secret", None), at)
