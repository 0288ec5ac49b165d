"""Binance's listen key: the name of an account's stream, asked for with the API key, good for an hour and kept good.

Source: developers.binance.com, "USDⓈ-M Futures / User Data Streams". Asked for again while one is good, the venue gives the same
one and another hour. Who has it may read the account, so it is in no log and no error.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from perpbook.errors import VenueUnavailable
from perpbook.venues.rest import LiveVenue

LOG = logging.getLogger(__name__)
KEEP_S = 1_800.0
AGAIN_S = 60.0
"""Seconds between two renewals, and until one that failed is tried again."""
CLOSE_S = 2.0


class ListenKey:
    """One account's. base : where the venue's websockets are."""

    def __init__(
        self, venue: LiveVenue, account: str, base: str, *, keep_s: float = KEEP_S, again_s: float = AGAIN_S
    ) -> None:
        self._venue, self._account, self._base = venue, account, base
        self._keep_s, self._again_s = keep_s, again_s
        self._key = ""

    def __repr__(self) -> str:
        return f"ListenKey({self._account})"

    async def address(self) -> str:
        """Where the account's stream is now; a key that is good is given again by the venue.

        Raises
        ------
        VenueUnavailable : there is none.
        """
        self._key = await self._asked()
        return f"{self._base}/ws/{self._key}"

    async def keep(self, renew: Callable[[], object]) -> None:
        """Keep it good, for ever; `renew` is called when the stream must begin anew, under another."""
        pause = self._keep_s
        while True:
            await asyncio.sleep(pause)
            pause = self._keep_s if await self._is_kept(renew) else self._again_s

    async def close(self) -> None:
        """Give it back, if the venue is there to hear it; its answer is empty."""
        if self._key:
            self._key = ""
            with suppress(VenueUnavailable, TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self._venue.ask(
                        self._account, lambda client: client.fapiPrivateDeleteListenKey(), "a listen key"
                    )

    async def _is_kept(self, renew: Callable[[], object]) -> bool:
        """Prolong it; where that is refused, ask for one: another one means another stream."""
        if not self._key:
            return True
        try:
            await self._venue.ask(self._account, lambda client: client.fapiPrivatePutListenKey(), "a listen key")
        except VenueUnavailable:
            try:
                found = await self._asked()
            except VenueUnavailable as error:
                LOG.warning("binance %s: its listen key could not be kept good (%s)", self._account, error)
                return False
            if found != self._key:
                renew()
        return True

    async def _asked(self) -> str:
        what = "a listen key"
        found = await self._venue.ask(self._account, lambda client: client.fapiPrivatePostListenKey(), what)
        key = found.get("listenKey")
        if not isinstance(key, str) or not key.isalnum():
            raise VenueUnavailable(f"{self._venue.name} tells no listen key")
        return key
