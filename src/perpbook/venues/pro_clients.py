"""Clients of ccxt.pro for venues that have no stream of ours: public, without keys, at one connection's life each.

ccxt compares the numbers of OKX's book changes and not those of Bybit's, so that is done here.
"""

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
    kind = gapless(kind) if venue == "bybit" else kind
    return lambda: hardened(venue, kind, settings("apiKey", "", "secret", None), at)


def gapless(kind: Any) -> Any:
    """A Bybit client's class that tells no book after a change that is missing: `u` goes up by one with each message of a topic,
    and begins anew with what is whole."""

    class Gapless(kind):  # type: ignore[misc]
        """See `gapless`."""

        def handle_order_book(self, client: Any, message: Any) -> None:
            numbers = self.__dict__.setdefault("numbers", {})
            topic, number = message.get("topic"), (message.get("data") or {}).get("u")
            if not isinstance(number, int) or (message.get("type") != "snapshot" and numbers.get(topic) != number - 1):
                from ccxt.base.errors import InvalidNonce

                client.reset(InvalidNonce("messages of a book are missing"))
            else:
                numbers[topic] = number
                super().handle_order_book(client, message)

    return Gapless
