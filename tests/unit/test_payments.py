"""Payments as venues tell them, page by page."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from perpbook.errors import VenueUnavailable
from perpbook.venues.payments import DAY_MS, PAGES, PAYMENTS, Asked, Row, all_rows, pages_of, payments_of

ASKED = Asked(of="0x1", since_ms=1_000, now_ms=2_000)


def told(asked: Asked, times: list[int], size: int = 2) -> list[int]:
    """Times of rows that are kept, of a venue that tells so many a page."""

    async def page(after: Any) -> tuple[list[Row], Any]:
        first = after or 0
        more = first + size if first + size < len(times) else None
        return [Row("BTC", one) for one in times[first : first + size]], more

    return [one.at_ms for one in asyncio.run(all_rows(page, asked))]


def test_what_settled_after_it_was_asked_for_is_left_for_the_next_time() -> None:
    assert told(ASKED, [999, 1_000, 1_500, 2_000, 2_001, 2_500]) == [1_000, 1_500, 2_000]


def test_who_asks_for_more_days_is_told_more_pages() -> None:
    far = replace(ASKED, since_ms=ASKED.now_ms - 60 * DAY_MS)
    assert (pages_of(ASKED), pages_of(far)) == (PAGES, 400)
    times = [far.now_ms - 1_000 * k for k in range(400)][::-1]
    assert told(far, times, size=1) == times
    with pytest.raises(VenueUnavailable, match="within 400 answers"):
        told(far, [times[0] - 1, *times], size=1)


def test_sums_of_old_settlements_are_told_as_sums() -> None:
    class Client:
        async def publicPostInfo(self, given: Any) -> list[dict[str, Any]]:
            delta = {"coin": "BTC", "usdc": "-1.0", "szi": "2.0", "fundingRate": "1e-5"}
            rows = [{**delta, "nSamples": 24}, {**delta, "nSamples": None}, delta]
            return [{"time": 1_000 + k, "delta": one} for k, one in enumerate(rows)]

    rows = asyncio.run(all_rows(lambda after: PAYMENTS["hyperliquid"](Client(), ASKED, after), ASKED))
    assert [one.settlements for one in payments_of(rows)] == [24, 1, 1]
